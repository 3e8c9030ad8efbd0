"""Accounts: the customers, with their rules for sending and their prices."""

import argparse
import re
from argparse import BooleanOptionalAction, Namespace
from decimal import Decimal
from typing import Any, get_args

from cli.command import ACCOUNT, CommandRefused, Parser, Verbs, duration_s, name
from cli.deployment import Deployment, no_account
from cli.printing import Answer
from harkara.model.accounts import SITE_PATTERN, SITE_RULE, Account, Enforcement, Limits, Rate
from harkara.model.messages import Category

NOUN = "account"
_RATE = re.compile(r"([0-9]{1,15})(?::([a-z_]+))?=([0-9]{1,6}(?:\.[0-9]{1,6})?)")
_COUNTRY = re.compile(r"[A-Z]{2}|\*")
_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*")


def add_verbs(verbs: Verbs) -> None:
    """Register create, set, drain, show and list."""
    create = verbs.add("create", _create, "create an account", ACCOUNT)
    create.add_argument(
        "--carrier", type=name, required=True, help="the carrier that gets its messages"
    )
    _add_fields(create)
    change = verbs.add("set", _set, "change the given settings of an account", ACCOUNT)
    change.add_argument("--carrier", type=name)
    change.add_argument(
        "--default-callback", metavar="ID", help="the registered callback of its messages; '': none"
    )
    _add_fields(change)
    verbs.add(
        "drain",
        _drain,
        "refuse its requests; accepted messages go on (`harkara resume account` ends it)",
        ACCOUNT,
    )
    verbs.add("show", _show, "show an account", ACCOUNT)
    verbs.add("list", _list, "list the accounts; reads the whole table")


def _add_fields(parser: Parser) -> None:
    # Each option has the name of the field that it sets; a list replaces the list.
    add = parser.add_argument
    add("--name", help="a name for people to read")
    add(
        "--countries",
        nargs="*",
        type=_country,
        metavar="ISO",
        help="countries it may send to; '*': all",
    )
    add("--dlt", choices=[*Enforcement], help="what to do with a message that breaks a DLT rule")
    add(
        "--strict-templates",
        action=BooleanOptionalAction,
        help="refuse template ids that are not registered",
    )
    add("--default-category", choices=[*Category], help="category of messages that name none")
    add("--segment-limit", type=int, metavar="N", help="most segments in a message")
    add(
        "--variable-limit", type=int, metavar="N", help="most characters in a {#var#} of a template"
    )
    add("--numeric-limit", type=int, metavar="N", help="most digits in a {#numeric#}")
    add(
        "--alphanumeric-limit", type=int, metavar="N", help="most characters in an {#alphanumeric#}"
    )
    add(
        "--alphanumeric-marks",
        metavar="MARKS",
        help="characters it may have besides letters and digits; '*': any, with a warning",
    )
    add("--url-limit", type=int, metavar="N", help="most characters in a {#url#}")
    add(
        "--smart-encoding",
        action=BooleanOptionalAction,
        help="replace typographic characters that would make the text Unicode",
    )
    add(
        "--duplicate-window",
        dest="duplicate_window_s",
        type=duration_s,
        metavar="30m",
        help="refuse the same text to the same number within this time; 0s: never",
    )
    hours = get_args(Account.model_fields["out_of_hours"].annotation)
    add("--out-of-hours", choices=hours, help="what to do with promotional messages at night")
    add(
        "--two-way",
        action=BooleanOptionalAction,
        help="send phones' replies to callbacks; costs one more write a message",
    )
    add("--stop-words", nargs="*", metavar="WORDS", help="words that opt a phone out, besides STOP")
    add(
        "--start-words", nargs="*", metavar="WORDS", help="words that opt a phone in, besides START"
    )
    add(
        "--callback-hosts",
        nargs="*",
        type=_host,
        metavar="HOST",
        help="hosts that callback URLs in requests may have",
    )
    add("--registered-urls", nargs="*", metavar="URL", help="URLs registered with DLT")
    add("--call-back-numbers", nargs="*", metavar="NUMBER", help="numbers registered with DLT")
    add(
        "--short-domain",
        type=_site,
        metavar="DOMAIN[/PATH]",
        help="domain of its short links, in API Gateway in this stack; '': none",
    )
    add("--link-days", type=int, metavar="N", help="how long a short link works")
    add(
        "--shorten-urls",
        action=BooleanOptionalAction,
        help="make short links unless a request says otherwise",
    )
    add("--telemarketer-ids", nargs="*", metavar="ID", help="the chain of telemarketers, in order")
    add(
        "--rates",
        nargs="*",
        type=_rate,
        metavar="PREFIX[:CATEGORY]=PRICE",
        help="price of a segment to numbers with this prefix",
    )
    add("--requests-per-s", type=float, metavar="N", help="most requests a second; 0: no limit")
    add("--segments-per-s", type=float, metavar="N", help="most segments a second; 0: no limit")
    add("--segments-per-day", type=int, metavar="N", help="most segments a day (IST); 0: no limit")


def _create(deployment: Deployment, arguments: Namespace) -> Answer:
    account_id = arguments.account
    _check_carrier(deployment, arguments)
    empty = Account(id=account_id, name=account_id, carrier=arguments.carrier)
    account = _with_fields(empty, arguments)
    if not deployment.operator.create_account(account):
        raise CommandRefused(
            f"the account {account_id} exists: change it with `harkara account set`"
        )
    return {"account": account_id}


def _set(deployment: Deployment, arguments: Namespace) -> Answer:
    account_id = arguments.account
    _check_carrier(deployment, arguments)
    callback = arguments.default_callback
    if callback and callback not in deployment.account(account_id).callbacks:
        raise CommandRefused(
            f"there is no callback {callback}: add it with `harkara callback add {account_id}`"
        )
    changed = deployment.operator.change_account(
        account_id, lambda account: _with_fields(account, arguments)
    )
    if changed is None:
        raise CommandRefused(no_account(account_id))
    return {"account": account_id}


def _drain(deployment: Deployment, arguments: Namespace) -> Answer:
    account_id = arguments.account
    drained = deployment.operator.change_account(
        account_id, lambda account: account.model_copy(update={"draining": True})
    )
    if drained is None:
        raise CommandRefused(no_account(account_id))
    return {"account": account_id, "draining": True}


def _show(deployment: Deployment, arguments: Namespace) -> Answer:
    account = deployment.store.account(arguments.account)
    if account is None:
        raise CommandRefused(no_account(arguments.account))
    fields = account.model_dump(mode="json", exclude={"limits", "rates", "version"})
    return {
        **fields,
        **account.limits.model_dump(),
        "rates": [_written(rate) for rate in account.rates],
        # Phone numbers of people and thousands of texts are not shown.
        "call_back_numbers": len(account.call_back_numbers),
        "senders": sorted(account.senders),
        "templates": len(account.templates),
        "callbacks": sorted(account.callbacks),
    }


def _list(deployment: Deployment, _: Namespace) -> Answer:
    return [
        {
            "account": account.id,
            "name": account.name,
            "carrier": account.carrier,
            "dlt": account.dlt,
            "countries": account.countries,
        }
        for account in deployment.operator.accounts()
    ]


def _check_carrier(deployment: Deployment, arguments: Namespace) -> None:
    carrier = arguments.carrier
    if carrier and deployment.store.carrier(carrier) is None:
        raise CommandRefused(f"there is no carrier {carrier}: set it up with `harkara carrier put`")


def _with_fields(account: Account, arguments: Namespace) -> Account:
    """Return an account with the given fields. Raises ValidationError."""
    values = {name: value for name, value in vars(arguments).items() if value is not None}
    limits = {name: values[name] for name in Limits.model_fields if name in values}
    own: dict[str, Any] = {name: values[name] for name in Account.model_fields if name in values}
    return Account.model_validate(
        {**account.model_dump(), **own, "limits": {**account.limits.model_dump(), **limits}}
    )


def _country(text: str) -> str:
    if not _COUNTRY.fullmatch(text):
        raise argparse.ArgumentTypeError("use ISO codes of two capital letters, or '*'")
    return text


def _site(text: str) -> str:
    if text and not re.fullmatch(SITE_PATTERN, text):
        raise argparse.ArgumentTypeError(f"give {SITE_RULE}, in small letters")
    return text


def _host(text: str) -> str:
    if not _HOST.fullmatch(text):
        raise argparse.ArgumentTypeError("give the host alone, as in hooks.acme.in")
    return text


def _rate(text: str) -> Rate:
    match = _RATE.fullmatch(text)
    if match is None or (match[2] and match[2] not in [*Category]):
        raise argparse.ArgumentTypeError("write a rate as 91=0.25 or 91:otp=0.20")
    category = Category(match[2]) if match[2] else None
    return Rate(prefix=match[1], category=category, price=Decimal(match[3]))


def _written(rate: Rate) -> str:
    return f"{rate.prefix}{f':{rate.category}' if rate.category else ''}={rate.price}"
