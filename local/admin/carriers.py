"""Carriers: where messages are submitted, and the secrets for it."""

import getpass
import ipaddress
from argparse import Namespace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harkara.accounts import CarrierSettings, hash_token
from harkara.carriers import KINDS
from harkara.credentials import new_secret
from local.admin.command import CommandRefused, UsageError, Verbs, name
from local.admin.desk import Desk
from local.admin.printing import Answer

NOUN = "carrier"
STDIN = "-"


def add_verbs(verbs: Verbs) -> None:
    """Add put and list."""
    put = verbs.add("put", _put, "set up a carrier, or change what is given of one")
    put.add_argument("carrier", type=name)
    put.add_argument("--kind", choices=[*KINDS], help="its API (datasend)")
    put.add_argument("--url", help="where it takes messages: https")
    put.add_argument("--username", help="ours, at the carrier")
    put.add_argument(
        "--secret-file", metavar="FILE", help="holds our password at the carrier; - is stdin"
    )
    put.add_argument("--timeout", dest="timeout_s", type=float, metavar="SECONDS")
    put.add_argument("--connections", type=int, metavar="N", help="at a time, of one process")
    put.add_argument("--records-per-request", type=int, metavar="N")
    put.add_argument(
        "--chain-hash-field", metavar="NAME", help="of the PE-TM chain hash; '': it is not sent"
    )
    put.add_argument(
        "--new-receipt-url",
        action="store_true",
        help="the carrier's receipts get another URL; the present one ends within a minute",
    )
    verbs.add("list", _list, "list the carriers; reads the whole table")


def _put(desk: Desk, arguments: Namespace) -> Answer:
    carrier = arguments.carrier
    known = desk.store.carrier(carrier)
    fields: dict[str, Any] = known.model_dump() if known else {"name": carrier, "kind": "datasend"}
    given = {name: value for name, value in vars(arguments).items() if value is not None}
    fields |= {name: given[name] for name in CarrierSettings.model_fields if name in given}
    missing = [name for name in ("url", "username") if name not in fields]
    if known is None and arguments.secret_file is None:
        missing.append("secret_file")
    if missing:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in missing)
        raise UsageError(f"the carrier {carrier} is not there yet: it takes {options}")
    _check_url(fields["url"])
    answer = {"carrier": carrier}
    if known is None or arguments.new_receipt_url:
        token = new_secret(desk.randomness)
        fields["receipt_token_hash"] = hash_token(token)
        answer |= {
            "receipt_url": f"{desk.outputs['ApiUrl']}/receipts/{carrier}/{token}",
            "note": "give it to the carrier: the URL is shown this once",
        }
    if arguments.secret_file is not None:
        secret = _read_secret(desk, arguments.secret_file)
        fields["secret"] = desk.encrypt(carrier, secret)
    desk.store.put_carrier(CarrierSettings(**fields))
    return answer


def _list(desk: Desk, _: Namespace) -> Answer:
    return [
        {
            "carrier": carrier.name,
            **carrier.model_dump(exclude={"name", "secret", "receipt_token_hash"}),
        }
        for carrier in desk.operator.carriers()
    ]


def _read_secret(desk: Desk, file: str) -> str:
    if file == STDIN and desk.stdin.isatty():
        secret = getpass.getpass("Password at the carrier: ")
    elif file == STDIN:
        secret = desk.stdin.readline()
    else:
        try:
            secret = Path(file).read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            raise CommandRefused(f"{file} cannot be read: name a file of UTF-8 text") from None
    secret = secret.rstrip("\r\n")
    if not secret:
        raise CommandRefused("the secret is empty: put the password into the file, or on stdin")
    return secret


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
