"""Carriers: where messages are submitted, and the secrets for it."""

import ipaddress
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from cli.arguments import CarrierName, one_of
from cli.carrier_fields import CarrierFields
from cli.command import AsJson, CommandRefused, UsageError, noun, verb
from cli.deployment import Deployment, no_carrier
from cli.files import read_secret
from cli.preset_files import NAMES, carrier_fields, described, read_preset
from cli.printing import Answer, shown
from harkara.base.keys import new_secret
from harkara.carriers.service_account import read_key
from harkara.carriers.settings import RECEIPT_TOKENS, CarrierSettings, hash_token
from harkara.manage.carriers import CarrierService
from harkara.wiring.carriers import wire_carriers

app = noun()
_SHOWN = ("carrier", "kind", "url", "username", "rate_segments_per_s", "paused")
PROMPT = "Password at the carrier"
HIDDEN = {"name", "secret", "receipt_url", "receipt_secret", "receipt_token_hashes"}


@verb(app)
def put(deployment: Deployment, carrier: CarrierName, options: CarrierFields) -> Answer:
    """Set up a carrier, or change the given settings of one."""
    existing = deployment.operator.carrier(carrier)
    token = new_secret(deployment.randomness) if existing is None or options.new_receipt_url else ""
    fields = _fields(carrier, existing, options, token)
    checked = _check(existing, fields, options)
    answer, encrypted = {"carrier": carrier}, dict[str, bytes]()
    if token:
        base = deployment.outputs.get("ReceiptsUrl", deployment.outputs["ApiUrl"]).removesuffix("/")
        receipt_url = f"{base}/receipts/{carrier}/{token}"
        answer |= {
            "receipt_url": receipt_url,
            "note": "give it to the carrier now: the URL is shown only once",
        }
        encrypted["receipt_url"] = deployment.encrypt(carrier, receipt_url)
    if options.preset and (notes := read_preset(options.preset).notes):
        answer["at the provider"] = notes
    for name in ("secret", "receipt_secret"):
        file = getattr(options, f"{name}_file")
        if file is not None:
            secret = read_secret(deployment, file, PROMPT)
            if name == "secret" and checked.http and checked.http.signs:
                _check_key(secret)
            encrypted[name] = deployment.encrypt(carrier, secret)
    # Others may have changed it meanwhile: fields that are not given here stay as they set them.
    if existing is None:
        stands = deployment.operator.create_carrier(CarrierSettings(**fields | encrypted))
    else:
        changed = deployment.operator.change_carrier(
            carrier,
            lambda now: CarrierSettings(**_fields(carrier, now, options, token) | encrypted),
        )
        stands = changed is not None
    if not stands:
        raise CommandRefused(f"another set the carrier {carrier} up meanwhile: do it again")
    return answer


def _fields(
    name: str, existing: CarrierSettings | None, options: CarrierFields, token: str
) -> dict[str, Any]:
    """Return a carrier's fields with the given ones, and with a receipt URL's token if any."""
    fields: dict[str, Any] = {"name": name, "kind": "datasend"}
    if existing is not None:
        fields = existing.model_dump()
    if options.preset:
        fields |= carrier_fields(options.preset, dict(options.variables or ()))
    elif options.variables:
        raise UsageError("--with is for the variables of a --preset")
    values = {name: value for name, value in vars(options).items() if value is not None}
    pairs = values.keys() & {"inbound", "failures", "states"}
    values |= {each: dict(values[each]) for each in pairs}
    fields |= {name: values[name] for name in CarrierSettings.model_fields if name in values}
    if options.templates is not None:
        if fields.get("http") is None:
            raise UsageError("--templates is for a carrier of kind http")
        fields["http"] = {**fields["http"], "templates": options.templates}
    hashes = fields.get("receipt_token_hashes", ())
    if token:
        hashes = (hash_token(token), *hashes)[:RECEIPT_TOKENS]
    fields["receipt_token_hashes"] = hashes[:1] if options.end_old_receipt_urls else hashes
    return fields


def _check(
    existing: CarrierSettings | None, fields: dict[str, Any], options: CarrierFields
) -> CarrierSettings:
    """Check the given fields before a secret is asked for or encrypted; return the settings."""
    of_aws = fields["kind"] == "aws"  # it uses our role, and needs no password
    missing = [name for name in ("url", "username") if name not in fields and not of_aws]
    if existing is None and options.secret_file is None and not of_aws:
        missing.append("secret_file")
    if missing:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in missing)
        raise UsageError(f"the carrier {fields['name']} is not there yet: it takes {names}")
    if not of_aws:
        _check_url(fields["url"])
    if existing and fields.get("channel", existing.channel) != existing.channel:
        raise UsageError(f"--channel: the carrier {existing.name} is for {existing.channel}")
    secrets = {"receipt_secret": b"new"} if options.receipt_secret_file else {}
    secrets |= {"receipt_url": b"new"} if existing is None or options.new_receipt_url else {}
    return CarrierSettings.model_validate(fields | secrets)


def _check_key(secret: str) -> None:
    try:
        read_key(secret)
    except ValueError as error:
        raise CommandRefused(f"--secret-file: {error}; name the file that Google gave") from None


@verb(app)
def presets(
    preset: Annotated[
        str | None,
        typer.Argument(metavar="[PROVIDER]", parser=one_of(NAMES), help="Show this one in full."),
    ] = None,
) -> Answer:
    """List the providers that `--preset` knows."""
    if preset:
        return described(preset)
    return [
        {
            "preset": name,
            "provider": each.provider,
            "username": each.username,
            "secret": each.secret,
            "with": list(each.variables),
        }
        for name in NAMES
        for each in [read_preset(name)]
    ]


@verb(app)
def show(deployment: Deployment, carrier: CarrierName) -> Answer:
    """Show a carrier, without its secrets."""
    found = deployment.operator.carrier(carrier)
    if found is None:
        raise CommandRefused(no_carrier(carrier))
    return _row(found)


@verb(app)
def list_(deployment: Deployment, as_json: AsJson = False) -> Answer:
    """List the carriers, all settings with --json; reads the whole table."""
    rows = [_row(carrier) for carrier in deployment.operator.carriers()]
    return shown(rows, _SHOWN, as_json=as_json)


@verb(app, asks="Remove the carrier {carrier}, whose receipts are then refused?")
def remove(deployment: Deployment, carrier: CarrierName) -> Answer:
    """Remove a carrier that no account and no route uses; reads the whole table."""
    accounts, routed = service(deployment).uses(carrier)
    if accounts:
        names = ", ".join(accounts)
        raise CommandRefused(f"{names} send by {carrier}: give `harkara account set` another")
    if routed:
        names = ", ".join(routed)
        raise CommandRefused(f"routes of {names} lead to {carrier}: change them with `route set`")
    if not deployment.operator.remove_carrier(carrier):
        raise CommandRefused(no_carrier(carrier))
    return {"removed": carrier}


def service(deployment: Deployment) -> CarrierService:
    """Return the service that shows and pauses carriers."""
    return wire_carriers(
        deployment.client("dynamodb"),
        deployment.outputs["AccountsTableName"],
        deployment.outputs["MessagesTableName"],
        deployment.stats,
    )


def _row(carrier: CarrierSettings) -> dict[str, Any]:
    return {"carrier": carrier.name, **carrier.model_dump(mode="json", exclude=HIDDEN)}


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
