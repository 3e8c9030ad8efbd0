"""Make an account's resources of the fields of requests, show them, and advise on them."""

import re
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel

from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.callbacks.posting import SecretCipher
from harkara.callbacks.registration import CallbackRequest, callback_of
from harkara.dlt.templates import looks_like_variable
from harkara.model.accounts import INDIAN_HEADER, Sender, Template
from harkara.model.answers import KeywordAnswer
from harkara.model.callbacks import CallbackEndpoint, CallbackSecrets
from harkara.model.fields import Fields, Part, bare_header, read
from harkara.model.messages import Category

# Damage to texts in files: HTML entities; UTF-8 that was read as Windows-1252 (a quote, or Hindi
# and related scripts); escaped line ends.
_WRITTEN_OUT = (
    (re.compile(r"&(?:amp|lt|gt|quot|apos|nbsp|#[0-9]{2,5});|</?(?:p|b|i|u|div|span)>"), "HTML"),
    (
        re.compile("\u00e2\u20ac|\u00e0[\u00a4-\u00b5]|\u00c2[\u00a0-\u00bf]"),
        "UTF-8 read as another encoding",
    ),
    (re.compile(r"\\[nrt]|_x000[DdAa]_"), "a line's end in letters"),
)
# A spreadsheet keeps 15 digits of a number.
_ROUNDED_ID = re.compile(r"[0-9]{15}0{1,4}")


RESOURCES: dict[str, tuple[type[Part], type[BaseModel]]] = {
    "senders": (Sender, Sender),
    "templates": (Template, Template),
    "callbacks": (CallbackEndpoint, CallbackRequest),
    "answers": (KeywordAnswer, KeywordAnswer),
}
"""By collection: the kind of its resources, and the model of a request."""


def kind_of(collection: str) -> type[Part]:
    """Return the kind of a collection's resources. Raises RequestRefused(NOT_FOUND)."""
    if collection not in RESOURCES:
        raise RequestRefused(Code.NOT_FOUND)
    return RESOURCES[collection][0]


def make(kind: type[Part], fields: Fields) -> Part:
    """Return a resource made of its fields. Raises FieldRefused."""
    return callback_of(fields) if kind is CallbackEndpoint else read(kind, fields)


def advice_on(part: Part) -> list[str]:
    """Return warnings about a resource that is valid but may be wrong."""
    advice = []
    categories = part.categories if isinstance(part, Sender) else ()
    categories = (part.category,) if isinstance(part, Template) else categories
    if Category.SERVICE_EXPLICIT in categories:
        advice.append(
            "DLT registers Service Explicit no more since January 2026: use promotional, or service"
            " implicit where nothing is advertised"
        )
    headers = part.headers if isinstance(part, Template) else ()
    headers = (part.header,) if isinstance(part, Sender) else headers
    if any(map(bare_header, headers)):
        advice.append("a header is DLT's own, without what operators put around it: ACMEFD")
    elif any(INDIAN_HEADER.fullmatch(each) and each != each.upper() for each in headers):
        advice.append("a header has small letters: case counts, and DLT's are mostly capitals")
    ids = [part.pe_id] if isinstance(part, Sender | Template) else []
    if isinstance(part, Template):
        ids.append(part.dlt_template_id)
        if (position := looks_like_variable(part.text)) is not None:
            advice.append(
                f"character {position + 1} of the text begins what looks like a variable and is"
                " fixed text: a variable is {#var#}, {#numeric#}, ..."
            )
        if "???" in part.text:
            advice.append("letters may have been lost to the question marks in the text")
        for pattern, name in _WRITTEN_OUT:
            if match := pattern.search(part.text):
                advice.append(
                    f"character {match.start() + 1} of the text begins what looks like {name}:"
                    " compare it with the portal's"
                )
    if any(map(_ROUNDED_ID.fullmatch, ids)):
        advice.append("an id ends in zeros, as spreadsheets round it: compare it with the portal's")
    return advice


def fields_of(part: Part) -> dict[str, Any]:
    """Return a resource's fields in the form from which it is made."""
    return part.model_dump(mode="json", exclude={"encrypted"})


def fields_with_warning(part: Part) -> dict[str, Any]:
    """Return a resource's fields, and a `warning` if something may be wrong with it."""
    advice = "; ".join(advice_on(part))
    return {**fields_of(part), **({"warning": advice} if advice else {})}


def secrets_in(
    cipher: SecretCipher, account_id: str, callback: CallbackEndpoint
) -> CallbackSecrets:
    """Return a callback's decrypted secrets. Raises StoreUnavailable."""
    if not callback.encrypted:
        return CallbackSecrets()
    return cipher.decrypt(account_id, callback.id, callback.encrypted)


def with_secrets(
    cipher: SecretCipher,
    account_id: str,
    callback: CallbackEndpoint,
    change: Callable[[CallbackSecrets], CallbackSecrets],
) -> CallbackEndpoint:
    """Return a callback with its secrets replaced by `change`. Raises StoreUnavailable."""
    existing = secrets_in(cipher, account_id, callback)
    secrets = change(existing)
    encrypted = callback.encrypted
    if secrets == CallbackSecrets():
        encrypted = b""
    elif secrets != existing:
        encrypted = cipher.encrypt(account_id, callback.id, secrets)
    return callback.model_copy(
        update={
            "header_names": tuple(secrets.headers),
            "has_token": bool(secrets.token),
            "signed": bool(secrets.signing),
            "encrypted": encrypted,
        }
    )
