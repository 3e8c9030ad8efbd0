"""The options for the settings of a carrier."""

from dataclasses import dataclass
from typing import Annotated

import typer

from cli.arguments import JsonObject, Pair, json_file, one_of
from cli.preset_files import NAMES, variable
from harkara.base.codes import Code
from harkara.carriers.http_options import IdBase
from harkara.carriers.settings import KindName, SignatureEncoding
from harkara.carriers.signatures import Scheme
from harkara.model.messages import State
from harkara.model.rcs import Channel


def _inbound(text: str) -> Pair:
    number, _, account = text.rpartition("=")
    if not number or not account:
        raise typer.BadParameter("write it as 56161=acme, or as '56161 OFFERS=acme'")
    return Pair(number, account)


def _failure(text: str) -> Pair:
    code, _, meaning = text.rpartition("=")
    if not code or meaning not in [*Code]:
        raise typer.BadParameter("write it as 195=DLT_PLATFORM: the codes are in docs/errors.md")
    return Pair(code, Code(meaning))


def _state(text: str) -> Pair:
    word, _, state = text.rpartition("=")
    if not word or state not in ["none", *State]:
        raise typer.BadParameter(f"write it as SENT=none or DONE=delivered: {', '.join(State)}")
    return Pair(word, None if state == "none" else State(state))


@dataclass(frozen=True)
class CarrierFields:
    """Each has the name of the setting that it sets; a list or a mapping replaces the former."""

    preset: Annotated[
        str | None,
        typer.Option(
            parser=one_of(NAMES),
            metavar="PROVIDER",
            help="Start from a provider's kind, URL and options.",
        ),
    ] = None
    variables: Annotated[
        list[Pair] | None,
        typer.Option(
            "--with",
            parser=variable,
            metavar="[NAME=VALUE...]",
            help="The values that the preset needs.",
        ),
    ] = None
    kind: Annotated[KindName | None, typer.Option(help="The kind of API (default: datasend).")] = (
        None
    )
    channel: Annotated[
        Channel | None, typer.Option(help="Channel to the phones (default: sms).")
    ] = None
    url: Annotated[
        str | None, typer.Option("--url", metavar="URL", help="An https URL to submit messages to.")
    ] = None
    username: Annotated[
        str | None,
        typer.Option("--username", metavar="USERNAME", help="Our user name at the carrier."),
    ] = None
    secret_file: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="File with our password at the carrier; - for stdin."),
    ] = None
    timeout_s: Annotated[
        float | None,
        typer.Option("--timeout", metavar="SECONDS", help="Most seconds of a request."),
    ] = None
    connections: Annotated[
        int | None, typer.Option(metavar="N", help="Most connections of one process.")
    ] = None
    records_per_request: Annotated[
        int | None, typer.Option(metavar="N", help="Most messages in a request.")
    ] = None
    chain_hash_field: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Field of the PE-TM chain hash; '': do not send it."),
    ] = None
    receipt_networks: Annotated[
        list[str] | None,
        typer.Option(metavar="[CIDR...]", help="Networks that receipts may come from; none: any."),
    ] = None
    receipt_signature: Annotated[
        Scheme | None,
        typer.Option(
            help="How receipts are signed: the body, or as Twilio, Plivo, Vonage or Google sign."
        ),
    ] = None
    receipt_signature_header: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Header with a receipt's signature; '': the default of the scheme."
        ),
    ] = None
    receipt_signature_encoding: Annotated[
        SignatureEncoding | None, typer.Option(help="How a signature is written.")
    ] = None
    receipt_secret_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="File with the key of receipts; - for stdin.")
    ] = None
    rate_segments_per_s: Annotated[
        float | None,
        typer.Option("--rate", metavar="SEGMENTS", help="Most segments a second; 0: no limit."),
    ] = None
    priority_share: Annotated[
        float | None,
        typer.Option(metavar="SHARE", help="Share of the rate reserved for OTPs and the like."),
    ] = None
    deduplicates: Annotated[
        bool | None,
        typer.Option(help="It sends a message once, however often its reference is submitted."),
    ] = None
    paused: Annotated[bool | None, typer.Option(help="Let its messages wait.")] = None
    echoes_reference: Annotated[
        bool | None, typer.Option(help="Its receipts contain our reference.")
    ] = None
    id_base: Annotated[IdBase | None, typer.Option(help="How it writes message ids.")] = None
    inbound: Annotated[
        list[Pair] | None,
        typer.Option(
            parser=_inbound,
            metavar="[NUMBER[ KEYWORD]=ACCOUNT...]",
            help="The account of each number that phones send to.",
        ),
    ] = None
    failures: Annotated[
        list[Pair] | None,
        typer.Option(
            parser=_failure,
            metavar="[CODE=MEANING...]",
            help="Meaning of its codes, such as 195=DLT_PLATFORM; overrides the built-in table.",
        ),
    ] = None
    states: Annotated[
        list[Pair] | None,
        typer.Option(
            parser=_state,
            metavar="[WORD=STATE...]",
            help="Meaning of its state words, such as SENT=none for one that is not final.",
        ),
    ] = None
    kannel: Annotated[
        JsonObject | None,
        typer.Option(parser=json_file, metavar="FILE", help="Options of kind kannel."),
    ] = None
    aws: Annotated[
        JsonObject | None,
        typer.Option(parser=json_file, metavar="FILE", help="Options of kind aws."),
    ] = None
    http: Annotated[
        JsonObject | None,
        typer.Option(parser=json_file, metavar="FILE", help="Options of kind http."),
    ] = None
    templates: Annotated[
        JsonObject | None,
        typer.Option(
            parser=json_file,
            metavar="FILE",
            help="For providers that take no text: their ids and texts by DLT template id.",
        ),
    ] = None
    new_receipt_url: Annotated[
        bool,
        typer.Option(
            "--new-receipt-url", help="Make a new URL for receipts; the old one continues to work."
        ),
    ] = False
    end_old_receipt_urls: Annotated[
        bool,
        typer.Option(
            "--end-old-receipt-urls",
            help="Let only the newest URL for receipts work, within a minute.",
        ),
    ] = False
