"""The options for the fields of an account."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

import typer

from cli.arguments import duration_s, parsed
from harkara.manage import settings
from harkara.model.accounts import Enforcement, OtpLimit, OutOfHours
from harkara.model.messages import Category
from harkara.model.rates import Rate


@dataclass(frozen=True)
class AccountFields:
    """The options for the fields of an account, each of its name; a list replaces the list."""

    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            parser=parsed(settings.name),
            metavar="NAME",
            help="A name for people to read.",
        ),
    ] = None
    countries: Annotated[
        list[str] | None,
        typer.Option(
            parser=parsed(settings.country),
            metavar="[ISO...]",
            help="Countries it may send to; '*': all.",
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
            parser=parsed(settings.otp_limit),
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
            parser=parsed(settings.host),
            metavar="[HOST...]",
            help="Hosts that callback URLs in requests may have.",
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
            parser=parsed(settings.site),
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
            parser=parsed(settings.rate),
            metavar="[PREFIX[:CATEGORY]=PRICE...]",
            help="Price of a segment to numbers with this prefix.",
        ),
    ] = None
    currency: Annotated[
        str | None,
        typer.Option(
            parser=parsed(settings.currency),
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
            parser=parsed(settings.amount),
            metavar="AMOUNT",
            help="Most that a day's messages may cost by its rates (IST); 0: no limit.",
        ),
    ] = None
    spend_per_month: Annotated[
        Decimal | None,
        typer.Option(
            parser=parsed(settings.amount),
            metavar="AMOUNT",
            help="Most that a month's messages may cost by its rates (IST); 0: no limit.",
        ),
    ] = None
