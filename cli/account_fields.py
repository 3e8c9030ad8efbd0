"""The options for the fields of an account."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

import typer

from cli.arguments import duration_s
from harkara.model.accounts import Enforcement, OtpLimit, OutOfHours, Rate
from harkara.model.fields import SITE_PATTERN, SITE_RULE
from harkara.model.messages import Category
from harkara.text.phone_numbers import may_begin_number

_RATE = re.compile(r"([0-9]{1,15})(?::([a-z_]+))?=([0-9]{1,6}(?:\.[0-9]{1,6})?)")
_OTP_LIMIT = re.compile(r"\+?([0-9]{1,15})=([1-9][0-9]{0,8})/(minute|hour|day)")
_AMOUNT = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")
_COUNTRY = re.compile(r"[A-Z]{2}|\*")
_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*")


def _country(text: str) -> str:
    if not _COUNTRY.fullmatch(text):
        raise typer.BadParameter("use ISO codes of two capital letters, or '*'")
    return text


def _site(text: str) -> str:
    if text and not re.fullmatch(SITE_PATTERN, text):
        raise typer.BadParameter(f"give {SITE_RULE}, in small letters")
    return text


def _host(text: str) -> str:
    if not _HOST.fullmatch(text):
        raise typer.BadParameter("give the host alone, as in hooks.acme.in")
    return text


def _rate(text: str) -> Rate:
    match = _RATE.fullmatch(text)
    if match is None or (match[2] and match[2] not in [*Category]):
        raise typer.BadParameter("write a rate as 91=0.25 or 91:otp=0.20")
    category = Category(match[2]) if match[2] else None
    return Rate(prefix=match[1], category=category, price=Decimal(match[3]))


def _currency(text: str) -> str:
    if not re.fullmatch("([A-Z]{3})?", text):
        raise typer.BadParameter("give a currency by its three letters (ISO 4217), as in INR")
    return text


def _otp_limit(text: str) -> OtpLimit:
    match = _OTP_LIMIT.fullmatch(text)
    if match is None:
        raise typer.BadParameter("write a limit as +9198=100/hour, each minute, hour or day")
    if not may_begin_number(match[1]):
        raise typer.BadParameter("begin the prefix with a country code, as in +9198 or +44")
    return OtpLimit.model_validate({"prefix": match[1], "count": match[2], "every": match[3]})


def _amount(text: str) -> Decimal:
    if not _AMOUNT.fullmatch(text):
        raise typer.BadParameter("write an amount as 5000 or 0.25, in the unit of the rates")
    return Decimal(text)


@dataclass(frozen=True)
class AccountFields:
    """The options for the fields of an account, each of its name; a list replaces the list."""

    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="A name for people to read.")
    ] = None
    countries: Annotated[
        list[str] | None,
        typer.Option(
            parser=_country, metavar="[ISO...]", help="Countries it may send to; '*': all."
        ),
    ] = None
    dlt: Annotated[
        Enforcement | None, typer.Option(help="What to do with a message that breaks a DLT rule.")
    ] = None
    strict_templates: Annotated[
        bool | None, typer.Option(help="Refuse template ids that are not registered.")
    ] = None
    default_category: Annotated[
        Category | None, typer.Option(help="Category of messages that name none.")
    ] = None
    segment_limit: Annotated[
        int | None, typer.Option(metavar="N", help="Most segments in a message.")
    ] = None
    variable_limit: Annotated[
        int | None, typer.Option(metavar="N", help="Most characters in a {#var#} of a template.")
    ] = None
    numeric_limit: Annotated[
        int | None, typer.Option(metavar="N", help="Most digits in a {#numeric#}.")
    ] = None
    alphanumeric_limit: Annotated[
        int | None, typer.Option(metavar="N", help="Most characters in an {#alphanumeric#}.")
    ] = None
    alphanumeric_marks: Annotated[
        str | None,
        typer.Option(
            metavar="MARKS",
            help="Characters it may have besides letters and digits; '*': any, with a warning.",
        ),
    ] = None
    url_limit: Annotated[
        int | None, typer.Option(metavar="N", help="Most characters in a {#url#}.")
    ] = None
    smart_encoding: Annotated[
        bool | None,
        typer.Option(help="Replace typographic characters that would make the text Unicode."),
    ] = None
    duplicate_window_s: Annotated[
        int | None,
        typer.Option(
            "--duplicate-window",
            parser=duration_s,
            metavar="30m",
            help="Refuse the same text to the same number within this time; 0s: never.",
        ),
    ] = None
    otp_cooldown_s: Annotated[
        int | None,
        typer.Option(
            "--otp-cooldown",
            parser=duration_s,
            metavar="30s",
            help="Refuse an OTP to a number within this time after another; 0s: never.",
        ),
    ] = None
    otp_per_day: Annotated[
        int | None,
        typer.Option(metavar="N", help="Most OTPs to a number a day (IST); 0: no limit."),
    ] = None
    otp_limits: Annotated[
        list[OtpLimit] | None,
        typer.Option(
            parser=_otp_limit,
            metavar="[PREFIX=N/hour...]",
            help="Most OTPs to all numbers with a prefix in each minute, hour or day (IST).",
        ),
    ] = None
    out_of_hours: Annotated[
        OutOfHours | None, typer.Option(help="What to do with promotional messages at night.")
    ] = None
    two_way: Annotated[
        bool | None,
        typer.Option(help="Send phones' replies to callbacks; costs one more write a message."),
    ] = None
    dead_numbers: Annotated[
        bool | None,
        typer.Option(help="It sends to numbers that no phone has: a delivery is a doubt."),
    ] = None
    stop_words: Annotated[
        list[str] | None,
        typer.Option(metavar="[WORDS...]", help="Words that opt a phone out, besides STOP."),
    ] = None
    start_words: Annotated[
        list[str] | None,
        typer.Option(metavar="[WORDS...]", help="Words that opt a phone in, besides START."),
    ] = None
    callback_hosts: Annotated[
        list[str] | None,
        typer.Option(
            parser=_host, metavar="[HOST...]", help="Hosts that callback URLs in requests may have."
        ),
    ] = None
    registered_urls: Annotated[
        list[str] | None, typer.Option(metavar="[URL...]", help="URLs registered with DLT.")
    ] = None
    call_back_numbers: Annotated[
        list[str] | None, typer.Option(metavar="[NUMBER...]", help="Numbers registered with DLT.")
    ] = None
    brands: Annotated[
        list[str] | None,
        typer.Option(metavar="[NAME...]", help="Names of which each template should hold one."),
    ] = None
    short_domain: Annotated[
        str | None,
        typer.Option(
            parser=_site,
            metavar="DOMAIN[/PATH]",
            help="Domain of its short links, in API Gateway in this stack; '': none. The path"
            " {header} stands for the header of each message.",
        ),
    ] = None
    link_days: Annotated[
        int | None, typer.Option(metavar="N", help="How long a short link works.")
    ] = None
    shorten_urls: Annotated[
        bool | None, typer.Option(help="Make short links unless a request says otherwise.")
    ] = None
    telemarketer_ids: Annotated[
        list[str] | None,
        typer.Option(metavar="[ID...]", help="The chain of telemarketers, in order."),
    ] = None
    rates: Annotated[
        list[Rate] | None,
        typer.Option(
            parser=_rate,
            metavar="[PREFIX[:CATEGORY]=PRICE...]",
            help="Price of a segment to numbers with this prefix.",
        ),
    ] = None
    currency: Annotated[
        str | None,
        typer.Option(
            parser=_currency,
            metavar="CODE",
            help="Currency of its rates, as in INR; it converts no earlier counts.",
        ),
    ] = None
    requests_per_s: Annotated[
        float | None, typer.Option(metavar="N", help="Most requests a second; 0: no limit.")
    ] = None
    segments_per_s: Annotated[
        float | None, typer.Option(metavar="N", help="Most segments a second; 0: no limit.")
    ] = None
    segments_per_day: Annotated[
        int | None, typer.Option(metavar="N", help="Most segments a day (IST); 0: no limit.")
    ] = None
    spend_per_day: Annotated[
        Decimal | None,
        typer.Option(
            parser=_amount,
            metavar="AMOUNT",
            help="Most that a day's messages may cost by its rates (IST); 0: no limit.",
        ),
    ] = None
    spend_per_month: Annotated[
        Decimal | None,
        typer.Option(
            parser=_amount,
            metavar="AMOUNT",
            help="Most that a month's messages may cost by its rates (IST); 0: no limit.",
        ),
    ] = None
