"""Callbacks: where the events of an account's messages go, and how."""

import asyncio
import math
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from cli.arguments import AccountId, CallbackId, JsonObject, Pair, duration_s, json_file, one_of
from cli.command import AsJson, UsageError, noun, verb
from cli.deployment import Deployment
from cli.files import read_secret
from cli.printing import Answer, Row, shown
from cli.resources import add_part, named, parts_of, remove_part, show_part
from harkara.base.time import Deadline
from harkara.callbacks.formats import FORMATS
from harkara.callbacks.registration import DAY_S, OVERLAP_LIMIT_S
from harkara.manage.dead_letter_fields import PAGE_LIMIT
from harkara.manage.resources import fields_of
from harkara.model.callback_settings import CONCURRENCY_LIMIT
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.events import EventKind
from harkara.model.messages import State

app = noun()
# The fields of a callback in a list for people.
_SHOWN = ("id", "name", "url", "format", "has_token", "signed")
CallbackOrNone = Annotated[
    str,
    typer.Argument(
        metavar="CALLBACK", help="Its id; - for the URLs of messages that are no callback's."
    ),
]


def _pair(text: str) -> Pair:
    ours, sign, name = text.partition("=")
    if not sign:
        raise typer.BadParameter("write it as smsgid=reference")
    return Pair(ours, name)


@dataclass(frozen=True)
class CallbackFields:
    """The options for the fields of a callback."""

    url: Annotated[
        str,
        typer.Option("--url", metavar="URL", help="https, on one of the account's callback hosts."),
    ]
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="A name for people to read.")
    ] = None
    format: Annotated[
        str | None,
        typer.Option(
            parser=one_of(FORMATS),
            metavar="|".join(FORMATS),
            help="Format of the posts (default: clevertap).",
        ),
    ] = None
    states: Annotated[list[State] | None, typer.Option(help="States to send (default: all).")] = (
        None
    )
    events: Annotated[
        list[EventKind] | None, typer.Option(help="Events to send (default: all).")
    ] = None
    concurrency: Annotated[
        int | None,
        typer.Option(metavar="N", help=f"Most posts at a time, up to {CONCURRENCY_LIMIT}."),
    ] = None
    rate_per_s: Annotated[
        float | None, typer.Option("--rate", metavar="N", help="Most posts a second.")
    ] = None
    retry_delays_s: Annotated[
        list[int] | None,
        typer.Option(
            "--retry-delays",
            metavar="S...",
            help="Seconds between attempts (default: the format's own); 0 alone: the gateway's.",
        ),
    ] = None
    every_click: Annotated[
        bool,
        typer.Option(
            "--every-click", help="Send every click, not only the first on a link of a message."
        ),
    ] = False
    fields: Annotated[
        list[Pair] | None,
        typer.Option(
            parser=_pair,
            metavar="OURS=THEIRS...",
            help="Generic format: the fields to send and their names (default: all).",
        ),
    ] = None
    as_array: Annotated[
        bool, typer.Option("--as-array", help="Generic format: always send an array.")
    ] = False
    headers: Annotated[
        JsonObject | None,
        typer.Option(
            parser=json_file,
            metavar="FILE",
            help="JSON object of headers to send (default: leave them unchanged).",
        ),
    ] = None
    token_file: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="File with the bearer token, - for stdin (default: leave it unchanged).",
        ),
    ] = None
    no_token: Annotated[bool, typer.Option("--no-token", help="Send no bearer token.")] = False


@dataclass(frozen=True)
class Times:
    """The time in which callbacks were parked; both ends as the API reads them."""

    from_: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Parked at this time or later.")
    ] = None
    to: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="Parked before this time.")
    ] = None

    def fields(self) -> dict[str, Any]:
        """Return them as the fields of a request."""
        return {"from": self.from_, "to": self.to}


@verb(app)
def add(
    deployment: Deployment, account: AccountId, callback: CallbackId, options: CallbackFields
) -> Answer:
    """Register a callback, or replace it."""
    if options.no_token and options.token_file is not None:
        raise UsageError("--no-token and --token-file contradict each other: give one of them")
    fields = {**vars(options), "id": callback, "fields": dict(options.fields or ())}
    del fields["token_file"], fields["no_token"]
    fields["token"] = "" if options.no_token else None
    if options.retry_delays_s == [0]:
        fields["retry_delays_s"] = []
    if options.token_file is not None:
        fields["token"] = read_secret(deployment, options.token_file, "Bearer token")
    return add_part(deployment, account, CallbackEndpoint, fields)


@verb(app)
def list_(deployment: Deployment, account: AccountId, as_json: AsJson = False) -> Answer:
    """List an account's callbacks, without the query of a URL; all fields with --json."""
    rows = [_row(each) for each in parts_of(deployment, account, CallbackEndpoint)]
    return shown(rows, _SHOWN, as_json=as_json)


@verb(app)
def show(deployment: Deployment, account: AccountId, callback: CallbackId) -> Answer:
    """Show a callback, without the query of its URL."""
    return _row(show_part(deployment, account, CallbackEndpoint, callback))


@verb(app, asks="Remove the callback {callback} of the account {account}?")
def remove(deployment: Deployment, account: AccountId, callback: CallbackId) -> Answer:
    """Remove a callback."""
    return remove_part(deployment, account, CallbackEndpoint, callback)


@verb(app)
def secret(
    deployment: Deployment,
    account: AccountId,
    callback: CallbackId,
    overlap_s: Annotated[
        int | None,
        typer.Option(
            "--overlap",
            parser=duration_s,
            metavar="24h",
            help=f"How long the old one stays valid, up to {OVERLAP_LIMIT_S // DAY_S}d"
            " (default: 24h); 0s ends it.",
        ),
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="End signing instead, at once.")] = False,
) -> Answer:
    """Make a new signing secret; it is shown only once."""
    with named(account, callback):
        if off:
            deployment.endpoints.stop_signing(deployment.account(account), callback)
            return {"id": callback, "signed": False}
        renewed = deployment.endpoints.renew_secret(
            deployment.account(account),
            callback,
            {"overlap_s": DAY_S if overlap_s is None else overlap_s},
        )
    return {**renewed, "note": "give it to the receiver now: it is shown only once"}


@verb(app)
def test(deployment: Deployment, account: AccountId, callback: CallbackId) -> Answer:
    """Post a sample from this machine and show the answer."""
    with named(account, callback):
        return asyncio.run(deployment.endpoints.test(deployment.account(account), callback))


@verb(app)
def parked(
    deployment: Deployment,
    account: AccountId,
    callback: CallbackOrNone,
    times: Times,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", help="How many to list.")
    ] = PAGE_LIMIT,
    as_json: AsJson = False,
) -> Answer:
    """List the callbacks that could not be delivered."""
    found, fields, rows = deployment.account(account), times.fields(), list[Row]()
    with named(account, callback):
        while len(rows) < limit:
            most = min(limit - len(rows), PAGE_LIMIT)
            page = deployment.endpoints.dead_letter_page(found, callback, fields, most)
            rows += page["parked"]
            fields["after"] = page["next"]
            if page["next"] is None:
                break
    return shown(rows, ("id", "status", "reason", "answer"), as_json=as_json)


@verb(app)
def replay(
    deployment: Deployment,
    account: AccountId,
    callback: CallbackOrNone,
    times: Times,
    ids: Annotated[
        list[str] | None, typer.Option(metavar="ID...", help="Ids that `parked` lists.")
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Replay all of them.")] = False,
) -> Answer:
    """Post undelivered callbacks again."""
    if not (ids or all_ or times.from_ or times.to):
        raise UsageError("say which: --ids, --from, --to, or --all")
    found = deployment.account(account)
    fields = {**times.fields(), "ids": ids, "all": all_}
    with named(account, callback):
        return deployment.endpoints.replay(found, callback, fields, Deadline(lambda: math.inf))


def _row(callback: CallbackEndpoint) -> dict[str, Any]:
    """Return a callback's fields; the query of a URL often holds the key to post at a platform."""
    parts = urlsplit(callback.url)
    url = parts._replace(query="...").geturl() if parts.query else callback.url
    return {**fields_of(callback), "url": url}
