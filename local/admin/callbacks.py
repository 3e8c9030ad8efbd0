"""Callbacks: where the status of an account's messages goes."""

from argparse import Namespace
from typing import get_args
from urllib.parse import urlsplit

from harkara.callback_settings import CallbackEndpoint
from harkara.parts import fields_of
from local.admin.command import ACCOUNT, Verbs
from local.admin.desk import Desk
from local.admin.parts import add_part, parts_of, remove_part
from local.admin.printing import Answer

NOUN = "callback"
FORMATS = get_args(CallbackEndpoint.model_fields["format"].annotation)


def add_verbs(verbs: Verbs) -> None:
    """Add add, list and remove."""
    add = verbs.add("add", _add, "register a callback, or register it anew", ACCOUNT)
    add.add_argument("callback", help="its id: letters, digits, - and _")
    add.add_argument("--url", required=True, help="https, on one of the account's callback hosts")
    add.add_argument("--name", default="", help="for people")
    add.add_argument("--format", choices=FORMATS, default=FORMATS[0], help="of what is posted")
    verbs.add("list", _list, "list an account's callbacks, without the query of a URL", ACCOUNT)
    verbs.add("remove", _remove, "take a callback out", ACCOUNT).add_argument("callback")


def _add(desk: Desk, arguments: Namespace) -> Answer:
    fields = {
        "id": arguments.callback,
        "name": arguments.name,
        "url": arguments.url,
        "format": arguments.format,
    }
    return add_part(desk, arguments.account, CallbackEndpoint, fields)


def _list(desk: Desk, arguments: Namespace) -> Answer:
    callbacks = parts_of(desk, arguments.account, CallbackEndpoint)
    return [{**fields_of(each), "url": _without_key(each.url)} for each in callbacks]


def _remove(desk: Desk, arguments: Namespace) -> Answer:
    return remove_part(desk, arguments.account, CallbackEndpoint, arguments.callback)


def _without_key(url: str) -> str:
    """The query of a platform's URL often holds the key to post there."""
    parts = urlsplit(url)
    return parts._replace(query="...").geturl() if parts.query else url
