"""Every code that a customer can see: why a request or record was refused, or a message failed.

A test compares docs/errors.md with this table. `http_status` is the answer's if no record of the
request was accepted; `clevertap` is the code of a `failed` callback (CleverTap, "Other (Generic)"
SMS provider); `webengage` is the statusCode of an answer (WebEngage, private SSP).
"""

from enum import StrEnum
from typing import NamedTuple


class Code(StrEnum):
    """The stable name of a refusal or failure."""

    # Requests
    MALFORMED_JSON = "MALFORMED_JSON"
    INVALID_REQUEST = "INVALID_REQUEST"
    UNSUPPORTED_VERSION = "UNSUPPORTED_VERSION"
    NO_RECORDS = "NO_RECORDS"
    TOO_MANY_RECORDS = "TOO_MANY_RECORDS"
    BODY_TOO_LARGE = "BODY_TOO_LARGE"
    UNAUTHORIZED = "UNAUTHORIZED"
    ADDRESS_NOT_ALLOWED = "ADDRESS_NOT_ALLOWED"
    SCOPE_MISSING = "SCOPE_MISSING"
    PROXY_REQUIRED = "PROXY_REQUIRED"
    RATE_LIMITED = "RATE_LIMITED"
    DAILY_LIMIT = "DAILY_LIMIT"
    SPEND_LIMIT = "SPEND_LIMIT"
    ACCOUNT_PAUSED = "ACCOUNT_PAUSED"
    IDEMPOTENCY_CONFLICT = "IDEMPOTENCY_CONFLICT"
    REQUEST_IN_PROGRESS = "REQUEST_IN_PROGRESS"
    NOT_FOUND = "NOT_FOUND"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    IN_USE = "IN_USE"
    TOO_LATE_TO_CANCEL = "TOO_LATE_TO_CANCEL"
    NOT_AN_OTP = "NOT_AN_OTP"
    INVALID_CSV = "INVALID_CSV"
    INVALID_RECEIPT = "INVALID_RECEIPT"
    RANGE_TOO_LONG = "RANGE_TOO_LONG"
    UNKNOWN_FILTER = "UNKNOWN_FILTER"
    INVALID_CURSOR = "INVALID_CURSOR"
    TOO_MANY_EXPORTS = "TOO_MANY_EXPORTS"
    TRY_AGAIN = "TRY_AGAIN"
    INTERNAL_ERROR = "INTERNAL_ERROR"
    # Records
    INVALID_RECORD = "INVALID_RECORD"
    INVALID_NUMBER = "INVALID_NUMBER"
    COUNTRY_NOT_ALLOWED = "COUNTRY_NOT_ALLOWED"
    EMPTY_TEXT = "EMPTY_TEXT"
    TEXT_TOO_LONG = "TEXT_TOO_LONG"
    UNICODE_NOT_ALLOWED = "UNICODE_NOT_ALLOWED"
    INVALID_HEADER = "INVALID_HEADER"
    HEADER_NOT_REGISTERED = "HEADER_NOT_REGISTERED"
    HEADER_CATEGORY = "HEADER_CATEGORY"
    ENTITY_MISMATCH = "ENTITY_MISMATCH"
    INVALID_CATEGORY = "INVALID_CATEGORY"
    TEMPLATE_MISMATCH = "TEMPLATE_MISMATCH"
    TEMPLATE_NOT_FOUND = "TEMPLATE_NOT_FOUND"
    TEMPLATE_NOT_REGISTERED = "TEMPLATE_NOT_REGISTERED"
    TEMPLATE_HEADER = "TEMPLATE_HEADER"
    INVALID_TEMPLATE_ID = "INVALID_TEMPLATE_ID"
    INVALID_VARIABLES = "INVALID_VARIABLES"
    UNFILLED_PLACEHOLDER = "UNFILLED_PLACEHOLDER"
    UNUSUAL_VARIABLE = "UNUSUAL_VARIABLE"
    INVALID_CALLBACK_URL = "INVALID_CALLBACK_URL"
    INVALID_SEND_TIME = "INVALID_SEND_TIME"
    INVALID_VALIDITY = "INVALID_VALIDITY"
    MIXED_REQUEST = "MIXED_REQUEST"
    NO_SHORT_DOMAIN = "NO_SHORT_DOMAIN"
    OTP_LIMITED = "OTP_LIMITED"
    OTP_PREFIX_LIMITED = "OTP_PREFIX_LIMITED"
    # Messages, at the carrier and later
    DUPLICATE = "DUPLICATE"
    ABSENT_SUBSCRIBER = "ABSENT_SUBSCRIBER"
    UNKNOWN_SUBSCRIBER = "UNKNOWN_SUBSCRIBER"
    DND = "DND"
    OPTED_OUT = "OPTED_OUT"
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
    """A code's HTTP status, CleverTap and WebEngage codes, and its advice to the customer."""

    http_status: int
    clevertap: str
    webengage: int
    advice: str


MEANINGS: dict[Code, Meaning] = {
    Code.MALFORMED_JSON: Meaning(400, "900", 9988, "The body is not JSON: send one JSON object."),
    Code.INVALID_REQUEST: Meaning(
        400, "900", 9988, "The request's shape is wrong: correct the named field."
    ),
    Code.UNSUPPORTED_VERSION: Meaning(
        400, "900", 2010, "Send version 2.0 of WebEngage's private SSP format."
    ),
    Code.NO_RECORDS: Meaning(400, "900", 2002, "The request has no message: send at least one."),
    Code.TOO_MANY_RECORDS: Meaning(400, "900", 9988, "Send at most 1,000 messages in one request."),
    Code.BODY_TOO_LARGE: Meaning(
        413, "900", 9988, "Send at most 4 MB in one request: split the batch."
    ),
    Code.UNAUTHORIZED: Meaning(401, "904", 2011, "Check user name and password, or the API key."),
    Code.ADDRESS_NOT_ALLOWED: Meaning(
        401, "904", 2001, "This IP address may not use the credential: ask us to add it."
    ),
    Code.SCOPE_MISSING: Meaning(
        403, "904", 2005, "The credential lacks the named scope: use one that has it."
    ),
    Code.PROXY_REQUIRED: Meaning(
        403, "904", 9988, "Call this API through its proxy: use the URL that you were given."
    ),
    Code.RATE_LIMITED: Meaning(
        429, "904", 2015, "The account sends too fast: send again after Retry-After seconds."
    ),
    Code.DAILY_LIMIT: Meaning(
        429, "904", 2015, "The day's segments are used up: send again after midnight IST."
    ),
    Code.SPEND_LIMIT: Meaning(
        429, "904", 2015, "The account's spend cap is reached: wait as told, or ask us to raise it."
    ),
    Code.ACCOUNT_PAUSED: Meaning(
        403, "904", 2005, "The account is paused: ask us when it may send again."
    ),
    Code.IDEMPOTENCY_CONFLICT: Meaning(
        409, "900", 9988, "This Idempotency-Key was used for another request: use a new key."
    ),
    Code.REQUEST_IN_PROGRESS: Meaning(
        409, "900", 9988, "The first request is still running: repeat it after Retry-After."
    ),
    Code.NOT_FOUND: Meaning(404, "900", 9988, "Nothing was found at this URL: check it."),
    Code.METHOD_NOT_ALLOWED: Meaning(
        405, "900", 9988, "This URL does not allow the method: see the Allow header."
    ),
    Code.ALREADY_EXISTS: Meaning(
        409, "900", 9988, "This is already registered: change it with PUT."
    ),
    Code.IN_USE: Meaning(409, "900", 9988, "This is still in use: change what refers to it first."),
    Code.TOO_LATE_TO_CANCEL: Meaning(
        409, "900", 9988, "The message is or was being submitted: it cannot be cancelled."
    ),
    Code.NOT_AN_OTP: Meaning(
        409, "900", 9988, "The message is no OTP: give feedback about OTPs only."
    ),
    Code.INVALID_CSV: Meaning(
        400, "900", 9988, "Send CSV in UTF-8 with the documented columns: see the details."
    ),
    Code.INVALID_RECEIPT: Meaning(
        400, "900", 9988, "Send the receipt as the carrier documents it, with our reference."
    ),
    Code.RANGE_TOO_LONG: Meaning(
        400, "900", 9988, "Ask for at most 31 days at a time, `from` before `to`."
    ),
    Code.UNKNOWN_FILTER: Meaning(
        400, "900", 9988, "Use the documented filters only, each with one of its values."
    ),
    Code.INVALID_CURSOR: Meaning(
        400, "900", 9988, "Send `next` of the page before as `after`, with the same filters."
    ),
    Code.TOO_MANY_EXPORTS: Meaning(
        409, "900", 9988, "Three exports of the account are running: begin this when one has ended."
    ),
    Code.TRY_AGAIN: Meaning(503, "904", 9988, "Nothing was accepted: send the same request again."),
    Code.INTERNAL_ERROR: Meaning(
        500, "904", 9988, "The gateway failed: send the request again, or contact us."
    ),
    Code.INVALID_RECORD: Meaning(
        400, "900", 9988, "Send all fields of the record as documented, and ids as strings."
    ),
    Code.INVALID_NUMBER: Meaning(
        400, "910", 2003, "Send a mobile number with its country code, such as 919876543210."
    ),
    Code.COUNTRY_NOT_ALLOWED: Meaning(
        400, "910", 2005, "The account may not send to this country: ask us to allow it."
    ),
    Code.EMPTY_TEXT: Meaning(
        400, "900", 2002, "Send a text, or a registered template and its variables."
    ),
    Code.TEXT_TOO_LONG: Meaning(
        400, "900", 2007, "The text has more segments than the account allows: shorten it."
    ),
    Code.UNICODE_NOT_ALLOWED: Meaning(
        400,
        "900",
        9988,
        "The text needs Unicode, which the request forbids: allow it, or keep to the GSM alphabet.",
    ),
    Code.INVALID_HEADER: Meaning(
        400,
        "906",
        2004,
        "Send a sender id: to India a header of 3 to 6 letters and digits; elsewhere at most 11"
        " characters of the GSM alphabet, or a number.",
    ),
    Code.HEADER_NOT_REGISTERED: Meaning(
        400, "906", 2024, "Register this header for the account first; case matters."
    ),
    Code.HEADER_CATEGORY: Meaning(
        400, "906", 2024, "The header is not registered for messages of this category: use another."
    ),
    Code.ENTITY_MISMATCH: Meaning(
        400, "907", 2025, "The entity id is not the registered header's: correct or omit it."
    ),
    Code.INVALID_CATEGORY: Meaning(
        400, "900", 9988, "Send a documented category that fits the template."
    ),
    Code.TEMPLATE_MISMATCH: Meaning(
        400, "908", 2026, "The text does not match its DLT template: send it as registered."
    ),
    Code.TEMPLATE_NOT_FOUND: Meaning(
        400, "908", 2026, "No DLT template of the account has this text: register or correct it."
    ),
    Code.TEMPLATE_NOT_REGISTERED: Meaning(
        400, "908", 2026, "The DLT template is not registered for the account: register it first."
    ),
    Code.TEMPLATE_HEADER: Meaning(
        400, "908", 2026, "The DLT template belongs to another header: use one of its own."
    ),
    Code.INVALID_TEMPLATE_ID: Meaning(
        400, "908", 2026, "The DLT template id is not valid: send 1 to 19 digits, or omit it."
    ),
    Code.INVALID_VARIABLES: Meaning(
        400, "908", 2027, "Send a value for each variable of the template, within its limits."
    ),
    Code.UNFILLED_PLACEHOLDER: Meaning(
        400, "908", 2027, "Replace the placeholder in the text, such as {#var#} or $$Name."
    ),
    Code.UNUSUAL_VARIABLE: Meaning(
        400, "908", 2027, "Some operators refuse the unusual characters in a variable: avoid them."
    ),
    Code.INVALID_CALLBACK_URL: Meaning(
        400, "900", 9988, "Send an https callback URL on a host that the account allows."
    ),
    Code.INVALID_SEND_TIME: Meaning(
        400, "900", 9988, "Send the time in a documented form, at most 30 days ahead."
    ),
    Code.INVALID_VALIDITY: Meaning(400, "900", 9988, "Send a validity of 60 to 259,200 seconds."),
    Code.MIXED_REQUEST: Meaning(
        400, "900", 9988, "Send at most 20 combinations of category, send time and validity."
    ),
    Code.NO_SHORT_DOMAIN: Meaning(
        400, "900", 9988, "The account has no short domain: ask us for one, or send no short links."
    ),
    Code.OTP_LIMITED: Meaning(
        429, "904", 2015, "The number got as many OTPs as the account allows: wait as told."
    ),
    Code.OTP_PREFIX_LIMITED: Meaning(
        429, "904", 2015, "Numbers that begin so got as many OTPs as the account allows: wait."
    ),
    Code.DUPLICATE: Meaning(
        400,
        "918",
        9988,
        "The same text went to the same number within the account's duplicate window.",
    ),
    Code.ABSENT_SUBSCRIBER: Meaning(400, "905", 2009, "The phone was off or out of reach."),
    Code.UNKNOWN_SUBSCRIBER: Meaning(400, "910", 2003, "No subscriber has this number: remove it."),
    Code.DND: Meaning(400, "901", 2006, "The subscriber blocks messages of this category."),
    Code.OPTED_OUT: Meaning(
        400, "903", 3000, "The person opted out of these messages: do not send them."
    ),
    Code.PROMOTIONAL_HOURS: Meaning(
        400, "900", 9988, "Promotional messages are sent from 10:00 to 21:00 IST only."
    ),
    Code.DLT_ENTITY: Meaning(400, "907", 2025, "The DLT platform refused the entity id: check it."),
    Code.DLT_HEADER: Meaning(
        400, "906", 2024, "The DLT platform refused the header: check its registration."
    ),
    Code.DLT_TEMPLATE: Meaning(400, "908", 2026, "The text does not match its DLT template."),
    Code.DLT_CONSENT: Meaning(
        400, "909", 2022, "The DLT platform has no consent for this message: register it."
    ),
    Code.DLT_PLATFORM: Meaning(
        400, "919", 2022, "The DLT platform failed, or refused the chain of telemarketers."
    ),
    Code.URL_NOT_ALLOWED: Meaning(
        400, "920", 2022, "A URL or call-back number in the text is not registered with DLT."
    ),
    Code.REFUSED_BY_CARRIER: Meaning(400, "904", 9988, "The carrier refused the message."),
    Code.UNDELIVERED: Meaning(400, "914", 2009, "The operator could not deliver the message."),
    Code.EXPIRED: Meaning(
        400, "916", 2008, "The message's validity ended before it was delivered."
    ),
    Code.NO_RECEIPT: Meaning(
        400, "900", 9988, "The carrier sent no receipt: the outcome is unknown."
    ),
    Code.CANCELLED: Meaning(400, "915", 9988, "The message was cancelled before it was submitted."),
}
