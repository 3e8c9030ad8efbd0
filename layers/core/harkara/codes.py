"""Every code that a customer can see: why a request or record was refused, or a message failed.

One table: docs/errors.md is tested against it. `http_status` is the answer's status where nothing
of a request was accepted; `clevertap` the code of a `failed` callback (wire-formats section 2).
"""

from enum import StrEnum
from typing import NamedTuple


class Code(StrEnum):
    """The stable name of a refusal or failure."""

    # Requests
    MALFORMED_JSON = "MALFORMED_JSON"
    INVALID_REQUEST = "INVALID_REQUEST"
    NO_RECORDS = "NO_RECORDS"
    TOO_MANY_RECORDS = "TOO_MANY_RECORDS"
    BODY_TOO_LARGE = "BODY_TOO_LARGE"
    UNAUTHORIZED = "UNAUTHORIZED"
    NOT_FOUND = "NOT_FOUND"
    INVALID_RECEIPT = "INVALID_RECEIPT"
    TRY_AGAIN = "TRY_AGAIN"
    INTERNAL_ERROR = "INTERNAL_ERROR"
    # Records
    INVALID_RECORD = "INVALID_RECORD"
    INVALID_NUMBER = "INVALID_NUMBER"
    COUNTRY_NOT_ALLOWED = "COUNTRY_NOT_ALLOWED"
    EMPTY_TEXT = "EMPTY_TEXT"
    TEXT_TOO_LONG = "TEXT_TOO_LONG"
    INVALID_HEADER = "INVALID_HEADER"
    HEADER_NOT_REGISTERED = "HEADER_NOT_REGISTERED"
    TEMPLATE_MISMATCH = "TEMPLATE_MISMATCH"
    TEMPLATE_NOT_FOUND = "TEMPLATE_NOT_FOUND"
    INVALID_CALLBACK_URL = "INVALID_CALLBACK_URL"
    # Messages, at the carrier and after it
    ABSENT_SUBSCRIBER = "ABSENT_SUBSCRIBER"
    UNKNOWN_SUBSCRIBER = "UNKNOWN_SUBSCRIBER"
    DND = "DND"
    PROMOTIONAL_HOURS = "PROMOTIONAL_HOURS"
    DLT_ENTITY = "DLT_ENTITY"
    DLT_HEADER = "DLT_HEADER"
    DLT_TEMPLATE = "DLT_TEMPLATE"
    DLT_CONSENT = "DLT_CONSENT"
    DLT_PLATFORM = "DLT_PLATFORM"
    URL_NOT_ALLOWED = "URL_NOT_ALLOWED"
    REFUSED_BY_CARRIER = "REFUSED_BY_CARRIER"
    UNDELIVERED = "UNDELIVERED"
    EXPIRED = "EXPIRED"
    NO_RECEIPT = "NO_RECEIPT"
    CANCELLED = "CANCELLED"


class Meaning(NamedTuple):
    """What a code says outside: HTTP status, CleverTap's code, and what to do about it."""

    http_status: int
    clevertap: str
    advice: str


MEANINGS: dict[Code, Meaning] = {
    Code.MALFORMED_JSON: Meaning(400, "900", "The body is not JSON: send one JSON object."),
    Code.INVALID_REQUEST: Meaning(
        400, "900", "The body has not the documented shape: see the named field."
    ),
    Code.NO_RECORDS: Meaning(400, "900", "Put at least one record into smstosend."),
    Code.TOO_MANY_RECORDS: Meaning(400, "900", "Send at most 1,000 records a request."),
    Code.BODY_TOO_LARGE: Meaning(413, "900", "Send at most 4 MB a request: split the batch."),
    Code.UNAUTHORIZED: Meaning(
        401, "904", "Check user and pass (in the body, or as Basic authentication)."
    ),
    Code.NOT_FOUND: Meaning(404, "900", "There is nothing at this address: check the URL."),
    Code.INVALID_RECEIPT: Meaning(
        400, "900", "Send receipts in the carrier's documented shape, with our reference."
    ),
    Code.TRY_AGAIN: Meaning(503, "904", "Nothing was accepted: send the same records again."),
    Code.INTERNAL_ERROR: Meaning(500, "904", "The gateway failed: send it again, or tell us."),
    Code.INVALID_RECORD: Meaning(
        400, "900", "Give to, from and smstext as strings, and ids as strings."
    ),
    Code.INVALID_NUMBER: Meaning(
        400, "910", "Give a mobile number with its country code, such as 919876543210."
    ),
    Code.COUNTRY_NOT_ALLOWED: Meaning(
        400, "910", "The account may not send to this country: ask for it to be opened."
    ),
    Code.EMPTY_TEXT: Meaning(400, "900", "Give a text in smstext."),
    Code.TEXT_TOO_LONG: Meaning(
        400, "900", "The text takes more segments than the account allows: shorten it."
    ),
    Code.INVALID_HEADER: Meaning(
        400, "906", "Give a header (sender id) of 3 to 6 letters and digits, or 6 digits."
    ),
    Code.HEADER_NOT_REGISTERED: Meaning(
        400, "906", "Register this header for the account first; case counts."
    ),
    Code.TEMPLATE_MISMATCH: Meaning(
        400, "908", "The text is not that of its DLT template: send it as it is registered."
    ),
    Code.TEMPLATE_NOT_FOUND: Meaning(
        400, "908", "No DLT template of the account has this text: register it, or correct it."
    ),
    Code.INVALID_CALLBACK_URL: Meaning(
        400, "900", "Give an https dlrurl on a host that the account allows."
    ),
    Code.ABSENT_SUBSCRIBER: Meaning(400, "905", "The phone was off or out of reach."),
    Code.UNKNOWN_SUBSCRIBER: Meaning(400, "910", "No subscriber has this number: remove it."),
    Code.DND: Meaning(400, "901", "The subscriber blocks messages of this category."),
    Code.PROMOTIONAL_HOURS: Meaning(
        400, "900", "Promotional messages go out from 10:00 to 21:00 IST only."
    ),
    Code.DLT_ENTITY: Meaning(400, "907", "The DLT platform refused the entity id."),
    Code.DLT_HEADER: Meaning(400, "906", "The DLT platform refused the header."),
    Code.DLT_TEMPLATE: Meaning(400, "908", "The text does not match its DLT template."),
    Code.DLT_CONSENT: Meaning(400, "909", "The DLT platform knows no consent for this."),
    Code.DLT_PLATFORM: Meaning(400, "919", "The DLT platform failed or refused the chain."),
    Code.URL_NOT_ALLOWED: Meaning(
        400, "920", "A URL or call-back number in the text is not registered with DLT."
    ),
    Code.REFUSED_BY_CARRIER: Meaning(400, "904", "The carrier refused the message."),
    Code.UNDELIVERED: Meaning(400, "914", "The operator could not deliver the message."),
    Code.EXPIRED: Meaning(400, "916", "The message's validity ended before it was delivered."),
    Code.NO_RECEIPT: Meaning(400, "900", "The carrier sent no receipt: the outcome is unknown."),
    Code.CANCELLED: Meaning(400, "915", "The message was cancelled before it was submitted."),
}
