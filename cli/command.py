"""The command line: nouns with verbs, common options, and the types of values."""

import argparse
import re
from collections.abc import Callable
from datetime import datetime
from functools import cache
from types import ModuleType
from typing import Any, NoReturn

from harkara.base.version import VERSION
from harkara.model.accounts import may_be_username

_DURATION = re.compile(r"([0-9]{1,6})([smhd])")
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 24 * 3600}

Run = Callable[[Any, argparse.Namespace], Any]


class UsageError(Exception):
    """The command was used wrongly; the message is one line with the right use."""


class CommandRefused(Exception):
    """The request cannot be done; the message is one line with the remedy."""


class PartlyRefused(CommandRefused):
    """The request is done in part; `answer` says which part."""

    def __init__(self, message: str, answer: Any) -> None:
        super().__init__(message)
        self.answer = answer


class Parser(argparse.ArgumentParser):
    """A parser that reports an error in one line."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see {self.prog} --help)")


class Verbs:
    """The verbs of one noun."""

    def __init__(self, noun: Parser) -> None:
        self._verbs = noun.add_subparsers(required=True, metavar="<verb>", parser_class=Parser)

    def add(self, name: str, run: Run, help_text: str, *parents: Parser) -> Parser:
        """Return the parser of a verb; `run` gets the deployment and the arguments."""
        parents = (_shared_parser(required=True), *parents)
        verb = self._verbs.add_parser(name, help=help_text, description=help_text, parents=parents)
        verb.set_defaults(run=run, offline=False)
        return verb

    def add_offline(self, name: str, run: Run, help_text: str) -> Parser:
        """Return the parser of a verb without a deployment: `run` gets None in place of it."""
        parents = [_shared_parser(required=False)]
        verb = self._verbs.add_parser(name, help=help_text, description=help_text, parents=parents)
        verb.set_defaults(run=run, offline=True)
        return verb


def _shared_parser(*, required: bool) -> Parser:
    shared = Parser(add_help=False)
    where = shared.add_argument_group("which deployment")
    which = where.add_mutually_exclusive_group(required=required)
    which.add_argument("--stack", metavar="NAME", help="a CloudFormation stack on AWS")
    which.add_argument("--local", action="store_true", help="the stack that `make up` runs")
    where.add_argument(
        "--region", help="region of the stack (default: of the profile or environment)"
    )
    where.add_argument("--profile", help="profile of your AWS configuration")
    shared.add_argument("--json", action="store_true", help="print JSON")
    return shared


@cache
def parser_of(nouns: tuple[ModuleType, ...]) -> Parser:
    """Return the parser of the whole command: each noun is a module with its verbs."""
    parser = Parser(prog="harkara", description="Set up a deployment of Harkara.")
    parser.add_argument("--version", action="version", version=f"harkara {VERSION}")
    subparsers = parser.add_subparsers(required=True, metavar="<noun>", parser_class=Parser)
    for noun in nouns:
        summary = (noun.__doc__ or "").partition("\n")[0]
        added = subparsers.add_parser(noun.NOUN, help=summary, description=summary)
        noun.add_verbs(Verbs(added))
    return parser


def name(text: str) -> str:
    """Return a valid name for a part of a key: of an account, a carrier, a user."""
    if not may_be_username(text):
        raise argparse.ArgumentTypeError("use 1 to 64 letters, digits, '-' and '_'")
    return text


def duration_s(text: str) -> int:
    """Return a duration such as 30m, 24h, 90d in seconds."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise argparse.ArgumentTypeError("write a duration as 90s, 30m, 24h or 7d")
    return int(match[1]) * _UNITS_S[match[2]]


def time_s(text: str) -> int:
    """Return a point in time in Unix seconds."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = datetime.min
    if moment.tzinfo is None:
        raise argparse.ArgumentTypeError("write a time as 2027-01-31T18:30:00+05:30")
    return int(moment.timestamp())


def _account_parser() -> Parser:
    parser = Parser(add_help=False)
    parser.add_argument("account", type=name, help="account id: letters, digits, - and _")
    return parser


# For verbs on one account.
ACCOUNT = _account_parser()
