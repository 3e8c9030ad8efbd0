"""Check one record: its number, text, header and callback URL."""

import re
from typing import NamedTuple

from harkara.accounts import Account, Enforcement
from harkara.codes import Code
from harkara.errors import RequestRefused
from harkara.messages import Category, Lane, Message, lane_of
from harkara.numbers import INDIA, normalise
from harkara.platforms.ics import Record
from harkara.segments import measure

CLIENT_REF_LIMIT = 512
DLT_ID_LIMIT = 64

# Six letters or six digits with DLT; 3 to 6 letters and digits exist (wire-formats section 5).
_INDIAN_HEADER = re.compile(r"[A-Za-z0-9]{3,6}")
# Elsewhere: an alphanumeric sender of up to 11 characters, or a number (3GPP TS 23.040, 9.1.2.5).
_FOREIGN_HEADER = re.compile(r"[A-Za-z0-9 ._-]{1,11}|\+?[0-9]{3,15}")


class CheckedRecord(NamedTuple):
    """A record as it goes into a chunk, its lane, and the code when it was refused."""

    message: Message
    lane: Lane
    code: Code | None


class RecordChecker:
    """Checks the records of one request for one account.

    `endpoints` collects the callback URLs of the records, each once. Raises
    RequestRefused(INVALID_CALLBACK_URL) when the request's own URL is not allowed.
    """

    def __init__(self, account: Account, callback_url: str, *, private: bool) -> None:
        self.endpoints: list[str] = []
        self._account = account
        self._private = private
        self._places: dict[str, int | None] = {"": None}
        if callback_url or account.callback_url:
            self._places[""] = self._endpoint(callback_url or account.callback_url)
        if callback_url and self._places[""] is None:
            raise RequestRefused(Code.INVALID_CALLBACK_URL)

    def check(self, record: Record) -> CheckedRecord:
        """Return the record checked. What is wrong with it is in `code`; nothing is raised."""
        try:
            return self._accepted(record)
        except RequestRefused as refused:
            endpoint = self._endpoint(record.callback_url)
            if endpoint is None:
                endpoint = self._places[""]
            # Neither number nor text of what is refused is kept.
            client_ref = record.client_ref[:CLIENT_REF_LIMIT]
            message = Message("", "", "", client_ref, endpoint, refusal=refused.code)
            return CheckedRecord(message, Lane.BULK, refused.code)

    def _accepted(self, record: Record) -> CheckedRecord:
        to, sender_id, text, client_ref, pe_id, dlt_template_id, callback_url, malformed = record
        if (
            malformed
            or len(client_ref) > CLIENT_REF_LIMIT
            or len(pe_id) > DLT_ID_LIMIT
            or len(dlt_template_id) > DLT_ID_LIMIT
        ):
            raise RequestRefused(Code.INVALID_RECORD)
        msisdn, country = normalise(to)
        if not self._account.may_send_to(country):
            raise RequestRefused(Code.COUNTRY_NOT_ALLOWED)
        category, entity = self._header(country, sender_id, dlt_template_id)
        if not text or text.isspace():
            raise RequestRefused(Code.EMPTY_TEXT)
        segment_count = measure(text).segment_count
        if segment_count > self._account.segment_limit:
            raise RequestRefused(Code.TEXT_TOO_LONG)
        endpoint = self._endpoint(callback_url)
        if callback_url and endpoint is None:
            raise RequestRefused(Code.INVALID_CALLBACK_URL)
        message = Message(
            msisdn,
            sender_id,
            text,
            client_ref,
            endpoint,
            segment_count,
            pe_id or entity,
            dlt_template_id,
        )
        return CheckedRecord(message, lane_of(category), None)

    def _header(self, country: str, sender_id: str, dlt_template_id: str) -> tuple[Category, str]:
        """Return the message's category and the header's entity id."""
        account = self._account
        pattern = _INDIAN_HEADER if country == INDIA else _FOREIGN_HEADER
        if not pattern.fullmatch(sender_id):
            raise RequestRefused(Code.INVALID_HEADER)
        sender = account.senders.get(sender_id)
        if sender is None and country == INDIA and account.dlt is Enforcement.ENFORCE:
            raise RequestRefused(Code.HEADER_NOT_REGISTERED)
        template = account.templates.get(dlt_template_id)
        if template is not None:
            category = template.category
        elif sender is not None:
            category = sender.category
        else:
            category = account.default_category
        return category, sender.pe_id if sender else ""

    def _endpoint(self, url: str) -> int | None:
        """Return the place of a callback URL in `endpoints`; None: there is none, or not allowed.

        The empty URL is the request's, else the account's.
        """
        if url not in self._places:
            allowed = self._account.may_call_back(url, private=self._private)
            self._places[url] = len(self.endpoints) if allowed else None
            if allowed:
                self.endpoints.append(url)
        return self._places[url]
