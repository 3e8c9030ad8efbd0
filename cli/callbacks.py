"""Callbacks: where the events of an account's messages go, and how."""

import asyncio
import math
from argparse import ArgumentTypeError, Namespace
from typing import Any
from urllib.parse import urlsplit

from cli.command import ACCOUNT, Parser, Verbs, duration_s
from cli.deployment import Deployment
from cli.files import json_file, read_secret
from cli.printing import Answer, Row
from cli.resources import add_part, named, parts_of, remove_part
from harkara.base.time import Deadline
from harkara.callbacks.formats import FORMATS
from harkara.callbacks.registration import DAY_S, OVERLAP_LIMIT_S
from harkara.manage.dead_letter_fields import PAGE_LIMIT
from harkara.manage.resources import fields_of
from harkara.model.callbacks import CONCURRENCY_LIMIT, CallbackEndpoint
from harkara.model.events import EventKind
from harkara.model.messages import State

NOUN = "callback"
_OR_NONE = "its id; - for the URLs of messages that are no callback's"
# The fields of a callback in a list for people.
_SHOWN = ("id", "name", "url", "format", "has_token", "signed")
_PLAIN = (
    *("name", "url", "format", "states", "events", "concurrency", "rate_per_s", "every_click"),
    *("as_array", "headers", "token"),
)


def add_verbs(verbs: Verbs) -> None:
    """Register add, list, remove, secret, test, parked and replay."""
    add = verbs.add("add", _add, "register a callback, or replace it", ACCOUNT)
    add.add_argument("callback", help="its id: letters, digits, - and _")
    add.add_argument("--url", required=True, help="https, on one of the account's callback hosts")
    add.add_argument("--name", help="a name for people to read")
    add.add_argument(
        "--format", choices=[*FORMATS], help="format of the posts (default: clevertap)"
    )
    add.add_argument("--states", nargs="+", choices=[*State], help="states to send (default: all)")
    add.add_argument(
        "--events", nargs="+", choices=[*EventKind], help="events to send (default: all)"
    )
    add.add_argument(
        "--concurrency",
        type=int,
        metavar="N",
        help=f"most posts at a time, up to {CONCURRENCY_LIMIT}",
    )
    add.add_argument(
        "--rate", dest="rate_per_s", type=float, metavar="N", help="most posts a second"
    )
    add.add_argument(
        "--every-click",
        action="store_true",
        help="send every click, not only the first on a link of a message",
    )
    add.add_argument(
        "--fields",
        nargs="+",
        type=_pair,
        default=(),
        metavar="OURS=THEIRS",
        help="generic format: the fields to send and their names (default: all)",
    )
    add.add_argument("--as-array", action="store_true", help="generic format: always send an array")
    add.add_argument(
        "--headers",
        type=json_file,
        metavar="FILE",
        help="JSON object of headers to send (default: leave them unchanged)",
    )
    token = add.add_mutually_exclusive_group()
    token.add_argument(
        "--token-file",
        metavar="FILE",
        help="file with the bearer token, - for stdin (default: leave it unchanged)",
    )
    token.add_argument("--no-token", dest="token", action="store_const", const="")
    listing = "list an account's callbacks, without the query of a URL; all fields with --json"
    verbs.add("list", _list, listing, ACCOUNT)
    verbs.add("remove", _remove, "remove a callback", ACCOUNT).add_argument("callback")
    secret = verbs.add(
        "secret", _secret, "make a new signing secret; it is shown only once", ACCOUNT
    )
    secret.add_argument("callback")
    secret.add_argument(
        "--overlap",
        type=duration_s,
        default=DAY_S,
        metavar="24h",
        help=f"how long the old one stays valid, up to {OVERLAP_LIMIT_S // DAY_S}d; 0s ends it",
    )
    test = verbs.add("test", _test, "post a sample from this machine and show the answer", ACCOUNT)
    test.add_argument("callback")
    parked = verbs.add("parked", _parked, "list the callbacks that could not be delivered", ACCOUNT)
    parked.add_argument("callback", help=_OR_NONE)
    _add_times(parked)
    parked.add_argument(
        "--limit", type=int, default=PAGE_LIMIT, metavar="N", help="how many to list"
    )
    replay = verbs.add("replay", _replay, "post undelivered callbacks again", ACCOUNT)
    replay.add_argument("callback", help=_OR_NONE)
    _add_times(replay)
    replay.add_argument("--ids", nargs="+", metavar="ID", help="ids that `parked` lists")
    replay.add_argument("--all", action="store_true", help="replay all of them")


def _add_times(verb: Parser) -> None:
    verb.add_argument("--from", metavar="TIME", help="parked at this time or later")
    verb.add_argument("--to", metavar="TIME", help="parked before this time")


def _add(deployment: Deployment, arguments: Namespace) -> Answer:
    fields: dict[str, Any] = {name: getattr(arguments, name) for name in _PLAIN}
    fields |= {"id": arguments.callback, "fields": dict(arguments.fields)}
    if arguments.token_file is not None:
        fields["token"] = read_secret(deployment, arguments.token_file, "Bearer token")
    return add_part(deployment, arguments.account, CallbackEndpoint, fields)


def _list(deployment: Deployment, arguments: Namespace) -> Answer:
    rows = [
        {**fields_of(each), "url": _without_key(each.url)}
        for each in parts_of(deployment, arguments.account, CallbackEndpoint)
    ]
    return rows if arguments.json else [{name: row[name] for name in _SHOWN} for row in rows]


def _remove(deployment: Deployment, arguments: Namespace) -> Answer:
    return remove_part(deployment, arguments.account, CallbackEndpoint, arguments.callback)


def _secret(deployment: Deployment, arguments: Namespace) -> Answer:
    account, callback = deployment.account(arguments.account), arguments.callback
    with named(account.id, callback):
        renewed = deployment.endpoints.renew_secret(
            account, callback, {"overlap_s": arguments.overlap}
        )
    return {**renewed, "note": "give it to the receiver now: it is shown only once"}


def _test(deployment: Deployment, arguments: Namespace) -> Answer:
    account, callback = deployment.account(arguments.account), arguments.callback
    with named(account.id, callback):
        return asyncio.run(deployment.endpoints.test(account, callback))


def _parked(deployment: Deployment, arguments: Namespace) -> Answer:
    account, callback = deployment.account(arguments.account), arguments.callback
    fields, rows = _fields_of(arguments, "from", "to"), list[Row]()
    with named(account.id, callback):
        while len(rows) < arguments.limit:
            most = min(arguments.limit - len(rows), PAGE_LIMIT)
            page = deployment.endpoints.dead_letter_page(account, callback, fields, most)
            rows += page["parked"]
            fields["after"] = page["next"]
            if page["next"] is None:
                break
    if arguments.json:
        return rows
    return [
        {"id": row["id"], "status": row["status"], "reason": row["reason"], "answer": row["answer"]}
        for row in rows
    ]


def _replay(deployment: Deployment, arguments: Namespace) -> Answer:
    account, callback = deployment.account(arguments.account), arguments.callback
    fields = _fields_of(arguments, "from", "to", "ids", "all")
    with named(account.id, callback):
        return deployment.endpoints.replay(account, callback, fields, Deadline(lambda: math.inf))


def _fields_of(arguments: Namespace, *names: str) -> dict[str, Any]:
    return {name: getattr(arguments, name) for name in names}


def _pair(text: str) -> tuple[str, str]:
    ours, sign, name = text.partition("=")
    if not sign:
        raise ArgumentTypeError("write it as smsgid=reference")
    return ours, name


def _without_key(url: str) -> str:
    """Return a URL without its query, which often holds the key to post at a platform."""
    parts = urlsplit(url)
    return parts._replace(query="...").geturl() if parts.query else url
