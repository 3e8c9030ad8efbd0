"""Read bodies of ICS's API whole, as `functions/send` does in two steps."""

from harkara.accept.formats.ics import (
    FORM,
    BodyCredentials,
    opened,
    opened_smpp,
    request_in,
    smpp_request_in,
)
from harkara.accept.requests import SendRequest


def parse_datasend(
    body: str | bytes, content_type: str = "application/json"
) -> tuple[BodyCredentials, SendRequest]:
    """Parse the credentials and the request in a body of `/datasend`.

    Raises RequestRefused for an error of the whole request.
    """
    credentials, fields = opened(body, content_type)
    return credentials, request_in(fields)


def parse_smpp(
    query: str, body: str | bytes = b"", content_type: str = FORM
) -> tuple[BodyCredentials, SendRequest]:
    """Parse the credentials and the one record of `/smpp`; body fields override the query's."""
    credentials, fields = opened_smpp(query, body, content_type)
    return credentials, smpp_request_in(fields)
