"""The arguments and options that several verbs have, and the types of their values."""

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar

import typer

from harkara.base import time
from harkara.base.json import decode
from harkara.model.accounts import may_be_username
from harkara.model.routing import EVERYONE

JsonObject = dict[str, Any]
T = TypeVar("T")


class Pair(NamedTuple):
    """A value of the form NAME=VALUE."""

    name: str
    value: Any


def key_name(text: str) -> str:
    """Return a valid name for a part of a key: of an account, a carrier, a user."""
    if not may_be_username(text):
        raise typer.BadParameter("use 1 to 64 letters, digits, '-' and '_'")
    return text


def account_or_all(text: str) -> str:
    """Return an account's id, or `*` for all accounts."""
    if text != EVERYONE and not may_be_username(text):
        raise typer.BadParameter("give an account, or '*' for all of them")
    return text


def parsed(read: Callable[[str], T]) -> Callable[[str], T]:
    """Return a type of value from a function that raises ValueError with the rule."""

    def parse(text: str) -> T:
        try:
            return read(text)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None

    return parse


duration_s = parsed(time.duration_s)
"""Reads a duration such as 30m, 24h, 90d in seconds."""


def time_s(text: str) -> int:
    """Return a point in time in Unix seconds."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = datetime.min
    if moment.tzinfo is None:
        raise typer.BadParameter("write a time as 2027-01-31T18:30:00+05:30")
    return int(moment.timestamp())


def one_of(names: Iterable[str]) -> Callable[[str], str]:
    """Return a type of value: one of these names."""
    known = [*names]

    def read(text: str) -> str:
        if text not in known:
            raise typer.BadParameter(f"use one of {', '.join(known)}")
        return text

    return read


def json_file(file: str) -> JsonObject:
    """Return the object in a JSON file."""
    try:
        content = decode(Path(file).read_bytes())
    except (OSError, ValueError):
        content = None
    if not isinstance(content, dict):
        raise typer.BadParameter(f"{file} cannot be read: name a file with a JSON object")
    return content


AccountId = Annotated[
    str,
    typer.Argument(
        metavar="ACCOUNT", parser=key_name, help="Account id: letters, digits, - and _."
    ),
]
AccountOrAll = Annotated[
    str,
    typer.Argument(metavar="ACCOUNT", parser=account_or_all, help="Account id; '*': all accounts."),
]
CarrierName = Annotated[str, typer.Argument(metavar="CARRIER", parser=key_name)]
CallbackId = Annotated[str, typer.Argument(metavar="CALLBACK", help="Its id.")]
Username = Annotated[str, typer.Argument(metavar="USERNAME", parser=key_name)]
CampaignId = Annotated[
    str, typer.Argument(metavar="CAMPAIGN", help="Campaign id, as in the requests.")
]
CsvFile = Annotated[str, typer.Argument(metavar="FILE", help="A CSV file; - for stdin.")]
