"""Describe a route in its decorator. `make openapi` writes openapi.json from it.

    @api.get("/v1/messages/<mid>", **about("Messages", {200: MessageHistory}, Code.NOT_FOUND))
    def read_message(mid: str) -> Response[str]:
        '''Read what became of a message.'''

The first line of the docstring is the summary, the rest the description. Bodies are types that
pydantic can describe: its own models, and typed dictionaries. No request reads any of this, and a
handler still reads its own body.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal, NamedTuple

from typing_extensions import TypedDict

from harkara.base.codes import Code
from harkara.links.codec import CODE_LENGTH
from harkara.model.accounts import Scope

ABOUT = "x-about"
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
CSV = "text/csv"
GZIP = "application/gzip"
HTML = "text/html"
TEXT = "text/plain"

Security = Sequence[Mapping[str, list[str]]]
IN_HEADERS: Security = [{"basic": []}, {"bearer": []}, {"apiKey": []}]
# User name and secret may be in the body; then no header is needed.
IN_BODY: Security = [*IN_HEADERS, {}]
IN_QUERY: Security = [*IN_HEADERS, {"queryUser": [], "queryPassword": []}]
# A hook's request, signed as Standard Webhooks specifies, with the user's name in the query.
SIGNED: Security = [{"hookUser": [], "hookSignature": []}]

# Refusals of any route, of any with a credential, of any that reads a body.
ALWAYS = (Code.PROXY_REQUIRED, Code.TRY_AGAIN, Code.INTERNAL_ERROR)
AUTHENTICATED = (Code.UNAUTHORIZED, Code.ADDRESS_NOT_ALLOWED, Code.SCOPE_MISSING)
BODY = (Code.MALFORMED_JSON, Code.INVALID_REQUEST, Code.BODY_TOO_LARGE)
MISSING = (Code.INVALID_REQUEST, Code.NOT_FOUND)
# Codes that refuse a single record, and the whole request if no record was accepted.
RECORDS = (
    Code.INVALID_RECORD,
    Code.INVALID_NUMBER,
    Code.COUNTRY_NOT_ALLOWED,
    Code.EMPTY_TEXT,
    Code.TEXT_TOO_LONG,
    Code.UNICODE_NOT_ALLOWED,
    Code.INVALID_HEADER,
    Code.HEADER_NOT_REGISTERED,
    Code.HEADER_CATEGORY,
    Code.ENTITY_MISMATCH,
    Code.INVALID_CATEGORY,
    Code.TEMPLATE_MISMATCH,
    Code.TEMPLATE_NOT_FOUND,
    Code.TEMPLATE_NOT_REGISTERED,
    Code.TEMPLATE_HEADER,
    Code.INVALID_TEMPLATE_ID,
    Code.INVALID_VARIABLES,
    Code.UNFILLED_PLACEHOLDER,
    Code.UNUSUAL_VARIABLE,
    Code.INVALID_CALLBACK_URL,
    Code.INVALID_SEND_TIME,
    Code.INVALID_VALIDITY,
    Code.MIXED_REQUEST,
    Code.NO_SHORT_DOMAIN,
    Code.OTP_LIMITED,
    Code.OTP_PREFIX_LIMITED,
    Code.PROMOTIONAL_HOURS,
    Code.URL_NOT_ALLOWED,
)
SENDING = (
    *(*BODY, Code.NO_RECORDS, Code.ACCOUNT_PAUSED),
    *(Code.RATE_LIMITED, Code.DAILY_LIMIT, Code.SPEND_LIMIT),
    *(Code.IDEMPOTENCY_CONFLICT, Code.REQUEST_IN_PROGRESS, *RECORDS),
)

PATH_PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "mid": {
        "description": "Our id of the message, as the answer to the send had it.",
        "example": "101M80PKPVGTZQN98QP2VKS1J1800",
    },
    "campaign": {"description": "The campaign's id."},
    "export": {"description": "The export's id."},
    "number": {"description": "The phone number, in any usual spelling."},
    "id": {
        "description": "The callback's id; of parked ones also `-`, for URLs that no callback has.",
        "example": "clevertap-main",
    },
    "name": {"description": "The name."},
    "carrier": {"description": "The carrier's name."},
    "token": {"description": "The token that the operator of the gateway gave the carrier."},
    "code": {
        "description": "The last part of a short link.",
        "schema": {"type": "string", "pattern": f"^[0-9A-Za-z]{{{CODE_LENGTH}}}$"},
    },
}


class Health(TypedDict):
    """The gateway answers."""

    status: Literal[True]


class About(NamedTuple):
    """The description of a route, apart from its docstring, tag and security.

    `answers` has by status a type of JSON, types by media type, or None for no body; `body` is a
    type of JSON or types by media type; `query` a type with a field for each parameter. A string
    in place of a type names a component of a collection: `New{name}` is NewSender of senders.
    `links` is the JSON pointer to a value that other operations take in their path.
    """

    answers: Mapping[int, Any]
    codes: Sequence[Code]
    scope: Scope | None
    body: Any
    query: Any
    links: str


def about(
    tag: str,
    answers: Mapping[int, Any],
    *codes: Code,
    scope: Scope | None = None,
    security: Security | None = None,
    body: Any = None,
    query: Any = None,
    links: str = "",
) -> dict[str, Any]:
    """Return the arguments of a route's decorator; `codes` are those beside ALWAYS.

    A route with a body also has the codes of BODY. One with a scope needs a credential, in a header
    if `security` allows nothing else, and has the codes of AUTHENTICATED.
    """
    reads_body = body not in (None, Any)
    more = (*(BODY if reads_body else ()), *(AUTHENTICATED if scope else ()), *ALWAYS)
    return {
        "tags": [tag],
        "security": security or (IN_HEADERS if scope else []),
        "openapi_extensions": {ABOUT: About(answers, (*codes, *more), scope, body, query, links)},
    }


reads = partial(about, "Account", scope=Scope.READ)
changes = partial(about, "Account", scope=Scope.ADMIN)
