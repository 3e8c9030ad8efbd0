"""Carriers: where messages are submitted, and the secrets for it."""

import ipaddress
from argparse import ArgumentTypeError, BooleanOptionalAction, Namespace
from typing import Any, get_args
from urllib.parse import urlsplit

from cli import preset_files as presets
from cli.command import CommandRefused, UsageError, Verbs, name
from cli.deployment import Deployment
from cli.files import json_file, read_secret
from cli.printing import Answer
from harkara.api.authentication import new_secret
from harkara.base.codes import Code
from harkara.carriers.kinds import KINDS
from harkara.carriers.settings import RECEIPT_TOKENS, CarrierSettings, hash_token
from harkara.carriers.signatures import Scheme
from harkara.model.messages import State

NOUN = "carrier"
PROMPT = "Password at the carrier"
HIDDEN = {"name", "secret", "receipt_url", "receipt_secret", "receipt_token_hashes"}


def add_verbs(verbs: Verbs) -> None:
    """Register put, presets and list."""
    put = verbs.add("put", _put, "set up a carrier, or change the given settings of one")
    put.add_argument("carrier", type=name)
    put.add_argument(
        "--preset", choices=presets.NAMES, help="start from a provider's kind, URL and options"
    )
    put.add_argument(
        "--with",
        dest="variables",
        nargs="*",
        type=presets.variable,
        metavar="NAME=VALUE",
        help="the values that the preset needs",
    )
    put.add_argument("--kind", choices=[*KINDS], help="the kind of API (default: datasend)")
    put.add_argument("--url", help="https URL to submit messages to")
    put.add_argument("--username", help="our user name at the carrier")
    put.add_argument(
        "--secret-file", metavar="FILE", help="file with our password at the carrier; - for stdin"
    )
    put.add_argument("--timeout", dest="timeout_s", type=float, metavar="SECONDS")
    put.add_argument("--connections", type=int, metavar="N", help="most connections of one process")
    put.add_argument("--records-per-request", type=int, metavar="N")
    put.add_argument(
        "--chain-hash-field",
        metavar="NAME",
        help="field of the PE-TM chain hash; '': do not send it",
    )
    put.add_argument(
        "--receipt-networks",
        nargs="*",
        metavar="CIDR",
        help="networks that receipts may come from; none: any",
    )
    put.add_argument(
        "--receipt-signature",
        choices=get_args(Scheme),
        help="how receipts are signed: the body alone, or as Twilio, Plivo or Vonage sign",
    )
    put.add_argument(
        "--receipt-signature-header",
        metavar="NAME",
        help="header with a receipt's signature; '': the default of the scheme",
    )
    put.add_argument("--receipt-signature-encoding", choices=["hex", "base64"])
    put.add_argument(
        "--receipt-secret-file", metavar="FILE", help="file with the key of receipts; - for stdin"
    )
    put.add_argument(
        "--rate",
        dest="rate_segments_per_s",
        type=float,
        metavar="SEGMENTS",
        help="most segments a second; 0: no limit",
    )
    put.add_argument(
        "--priority-share",
        type=float,
        metavar="SHARE",
        help="share of the rate reserved for OTPs and the like",
    )
    put.add_argument(
        "--deduplicates",
        action=BooleanOptionalAction,
        help="it sends a message once, however often its reference is submitted",
    )
    put.add_argument("--paused", action=BooleanOptionalAction, help="let its messages wait")
    put.add_argument(
        "--echoes-reference",
        action=BooleanOptionalAction,
        help="its receipts contain our reference",
    )
    put.add_argument(
        "--id-base", choices=["text", "hex", "decimal"], help="how it writes message ids"
    )
    put.add_argument(
        "--inbound",
        nargs="*",
        type=_inbound,
        metavar="NUMBER[ KEYWORD]=ACCOUNT",
        help="the account of each number that phones send to",
    )
    put.add_argument(
        "--failures",
        nargs="*",
        type=_failure,
        metavar="CODE=MEANING",
        help="meaning of its codes, such as 195=DLT_PLATFORM; overrides the built-in table",
    )
    put.add_argument(
        "--states",
        nargs="*",
        type=_state,
        metavar="WORD=STATE",
        help="meaning of its state words, such as SENT=none for one that is not final",
    )
    for kind in [kind for kind in KINDS if kind in CarrierSettings.model_fields]:
        put.add_argument(
            f"--{kind}", type=json_file, metavar="FILE", help=f"options of kind {kind}"
        )
    put.add_argument(
        "--templates",
        type=json_file,
        metavar="FILE",
        help="for providers that take no text: their ids and texts by DLT template id",
    )
    put.add_argument(
        "--new-receipt-url",
        action="store_true",
        help="make a new URL for receipts; the old one continues to work",
    )
    put.add_argument(
        "--end-old-receipt-urls",
        action="store_true",
        help="let only the newest URL for receipts work, within a minute",
    )
    listing = verbs.add_offline("presets", _presets, "list the providers that --preset knows")
    listing.add_argument(
        "preset", nargs="?", choices=presets.NAMES, help="show this preset in full"
    )
    verbs.add("list", _list, "list the carriers; reads the whole table")


def _put(deployment: Deployment, arguments: Namespace) -> Answer:
    carrier = arguments.carrier
    existing = deployment.operator.carrier(carrier)
    token = (
        new_secret(deployment.randomness) if existing is None or arguments.new_receipt_url else ""
    )
    fields = _fields(existing, arguments, token)
    _check(existing, fields, arguments)
    answer, encrypted = {"carrier": carrier}, dict[str, bytes]()
    if token:
        base = deployment.outputs.get("ReceiptsUrl", deployment.outputs["ApiUrl"]).removesuffix("/")
        receipt_url = f"{base}/receipts/{carrier}/{token}"
        answer |= {
            "receipt_url": receipt_url,
            "note": "give it to the carrier now: the URL is shown only once",
        }
        encrypted["receipt_url"] = deployment.encrypt(carrier, receipt_url)
    if arguments.preset and (notes := presets.read_preset(arguments.preset).notes):
        answer["at the provider"] = notes
    for secret in ("secret", "receipt_secret"):
        file = getattr(arguments, f"{secret}_file")
        if file is not None:
            encrypted[secret] = deployment.encrypt(carrier, read_secret(deployment, file, PROMPT))
    # Others may have changed it meanwhile: fields that are not given here stay as they set them.
    if existing is None:
        stands = deployment.operator.create_carrier(CarrierSettings(**fields | encrypted))
    else:
        changed = deployment.operator.change_carrier(
            carrier, lambda now: CarrierSettings(**_fields(now, arguments, token) | encrypted)
        )
        stands = changed is not None
    if not stands:
        raise CommandRefused(f"another set the carrier {carrier} up meanwhile: do it again")
    return answer


def _fields(existing: CarrierSettings | None, arguments: Namespace, token: str) -> dict[str, Any]:
    """Return a carrier's fields with the given ones, and with a receipt URL's token if any."""
    fields: dict[str, Any] = {"name": arguments.carrier, "kind": "datasend"}
    if existing is not None:
        fields = existing.model_dump()
    if arguments.preset:
        fields |= presets.carrier_fields(arguments.preset, dict(arguments.variables or ()))
    elif arguments.variables:
        raise UsageError("--with is for the variables of a --preset")
    values = {name: value for name, value in vars(arguments).items() if value is not None}
    pairs = values.keys() & {"inbound", "failures", "states"}
    values |= {each: dict(values[each]) for each in pairs}
    fields |= {name: values[name] for name in CarrierSettings.model_fields if name in values}
    if arguments.templates is not None:
        if fields.get("http") is None:
            raise UsageError("--templates is for a carrier of kind http")
        fields["http"] = {**fields["http"], "templates": arguments.templates}
    hashes = fields.get("receipt_token_hashes", ())
    if token:
        hashes = (hash_token(token), *hashes)[:RECEIPT_TOKENS]
    fields["receipt_token_hashes"] = hashes[:1] if arguments.end_old_receipt_urls else hashes
    return fields


def _check(existing: CarrierSettings | None, fields: dict[str, Any], arguments: Namespace) -> None:
    """Check the given fields before a secret is asked for or encrypted."""
    of_aws = fields["kind"] == "aws"  # it uses our role, and needs no password
    missing = [name for name in ("url", "username") if name not in fields and not of_aws]
    if existing is None and arguments.secret_file is None and not of_aws:
        missing.append("secret_file")
    if missing:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in missing)
        raise UsageError(f"the carrier {fields['name']} is not there yet: it takes {options}")
    if not of_aws:
        _check_url(fields["url"])
    secrets = {"receipt_secret": b"new"} if arguments.receipt_secret_file else {}
    secrets |= {"receipt_url": b"new"} if existing is None or arguments.new_receipt_url else {}
    CarrierSettings.model_validate(fields | secrets)


def _presets(_: Deployment | None, arguments: Namespace) -> Answer:
    if arguments.preset:
        return presets.described(arguments.preset)
    return [
        {
            "preset": name,
            "provider": preset.provider,
            "username": preset.username,
            "secret": preset.secret,
            "with": list(preset.variables),
        }
        for name in presets.NAMES
        for preset in [presets.read_preset(name)]
    ]


def _list(deployment: Deployment, _: Namespace) -> Answer:
    return [
        {
            "carrier": carrier.name,
            **carrier.model_dump(exclude=HIDDEN),
        }
        for carrier in deployment.operator.carriers()
    ]


def _inbound(text: str) -> tuple[str, str]:
    number, _, account = text.rpartition("=")
    if not number or not account:
        raise ArgumentTypeError("write it as 56161=acme, or as '56161 OFFERS=acme'")
    return number, account


def _failure(text: str) -> tuple[str, Code]:
    code, _, meaning = text.rpartition("=")
    if not code or meaning not in [*Code]:
        raise ArgumentTypeError("write it as 195=DLT_PLATFORM: the codes are in docs/errors.md")
    return code, Code(meaning)


def _state(text: str) -> tuple[str, State | None]:
    word, _, state = text.rpartition("=")
    if not word or state not in ["none", *State]:
        raise ArgumentTypeError(f"write it as SENT=none or DONE=delivered: {', '.join(State)}")
    return word, None if state == "none" else State(state)


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise UsageError("--url is no URL") from None
    if "@" in parts.netloc:
        raise UsageError("--url holds a user name or password: give --username, --secret-file")
    if parts.scheme == "https" and host:
        return
    try:
        here = ipaddress.ip_address(host).is_loopback
    except ValueError:
        here = False
    if parts.scheme != "http" or not here:
        raise UsageError("--url must be https, or http to an address of this machine")
