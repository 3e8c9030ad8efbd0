"""What a platform asks for, in one form for all of `platforms`, and what is answered to it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from harkara.base.codes import Code
from harkara.model.messages import Category, Message

BODY_LIMIT_BYTES = 4 * 1024 * 1024
# Lambda answers 6 MB (6,291,556 bytes, "Lambda quotas"), the headers and all else included. An
# accepted request whose answer does not fit would be sent again.
ANSWER_LIMIT_BYTES = 6_200_000
SHOWN_LIMIT = 64
SHOWN_REF_LIMIT = 512


class Options(NamedTuple):
    """What a record may ask for beyond its text; most records of a request share one.

    `send_at_ms` (Unix milliseconds) and `validity_s` are 0 where the request says nothing.
    `variables` are the values of a template's variables by name: `1`, `2`, ... in order.
    `shorten_urls` is None for what the account does by default.
    """

    category: Category | None = None
    campaign_id: str = ""
    send_at_ms: int = 0
    validity_s: int = 0
    variables: tuple[tuple[str, str], ...] = ()
    unicode_allowed: bool = True
    shorten_urls: bool | None = None


NO_OPTIONS = Options()


class Record(NamedTuple):
    """One message as the platform asks for it; `problem` is what is wrong with its form."""

    to: str = ""
    sender_id: str = ""
    text: str = ""
    client_ref: str = ""
    pe_id: str = ""
    dlt_template_id: str = ""
    callback_url: str = ""
    options: Options = NO_OPTIONS
    problem: Code | None = None


class SendRequest(NamedTuple):
    """A request in whole. `callback_url` is for the records that name none.

    `details` is what more there is to say of a record's problem, by place. `single`: the one
    record stood in no list, and the answer is to be like it. `warning` is of a field that was
    ignored although it may have been meant.
    """

    records: list[Record]
    callback_url: str = ""
    details: Mapping[int, str] = MappingProxyType({})
    single: bool = False
    warning: str = ""


def answer_bytes(body: bytes) -> int:
    """Return what a JSON body takes in Lambda's answer, which holds it as a string of JSON."""
    return len(body) + body.count(b'"') + body.count(b"\\")


class Shown(NamedTuple):
    """What an answer repeats of a record: its beginning, so that a thousand fit into 6 MB."""

    to: str
    sender_id: str
    client_ref: str
    dlt_template_id: str


def shown(record: Record) -> Shown:
    """Return what an answer repeats. All that may be accepted is whole."""
    return Shown(
        record.to[:SHOWN_LIMIT],
        record.sender_id[:SHOWN_LIMIT],
        record.client_ref[:SHOWN_REF_LIMIT],
        record.dlt_template_id[:SHOWN_LIMIT],
    )


class RecordResult(NamedTuple):
    """What became of a record: its mid, or the code of its refusal and what more there is to say.

    `warning` is the DLT rule that an accepted record breaks, where the account only warns.
    `message` is what was, or in a dry run would be, accepted; a dry run gives no mid.
    """

    mid: str
    code: Code | None = None
    detail: str = ""
    warning: Code | None = None
    message: Message | None = None
    category: Category | None = None
