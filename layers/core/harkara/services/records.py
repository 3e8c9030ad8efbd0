"""Check records one by one: number, country, header, text, callback URL."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from harkara.accounts import Account, Enforcement
from harkara.codes import Code
from harkara.errors import RequestRefused
from harkara.messages import Lane, Message, lane_of
from harkara.numbers import INDIA, normalise
from harkara.platforms.ics import Record
from harkara.segments import segment_count

CLIENT_REF_LIMIT = 512
DLT_IDS_LIMIT = 64

# Six letters or six digits with DLT; 3 to 6 letters and digits exist (wire-formats section 5).
_INDIAN_HEADER = re.compile(r"[A-Za-z0-9]{3,6}")
# Elsewhere: an alphanumeric sender of up to 11 characters, or a number (3GPP TS 23.040, 9.1.2.5).
_FOREIGN_HEADER = re.compile(r"[A-Za-z0-9._-][A-Za-z0-9 ._-]{0,10}|\+?[0-9]{3,15}")


class LaneRows(NamedTuple):
    """A lane's messages, with their places in the request."""

    places: list[int]
    messages: list[Message]


class CheckedRecords(NamedTuple):
    """A request's records by what is to become of them; the refused ones with their places."""

    accepted: dict[Lane, LaneRows]
    refused: list[tuple[int, Message]]


class RecordChecker:
    """Checks the records of one request for one account.

    `endpoints` collects the callback URLs of the records, each once. Raises
    RequestRefused(INVALID_CALLBACK_URL) when the request's own URL is not allowed.
    """

    def __init__(self, account: Account, callback_url: str, *, private: bool) -> None:
        self.endpoints: list[str] = []
        self._account = account
        self._private = private
        self._places: dict[str, int | None] = {}
        self._lanes = {lane: LaneRows([], []) for lane in Lane}
        # A campaign has few headers and templates: each pair is judged once.
        self._headers: dict[tuple[str, str, str], tuple[LaneRows, str]] = {}
        url = callback_url or account.callback_url
        self._default_endpoint = self._endpoint(url) if url else None
        if callback_url and self._default_endpoint is None:
            raise RequestRefused(Code.INVALID_CALLBACK_URL)

    def check(self, records: Sequence[Record]) -> CheckedRecords:
        """Return the records checked; what is wrong with one is in its message's `refusal`."""
        refused: list[tuple[int, Message]] = []
        for place, record in enumerate(records):
            try:
                lane, message = self._accept(record)
            except RequestRefused as error:
                refused.append((place, self._refused(record, error.code)))
            else:
                lane.places.append(place)
                lane.messages.append(message)
        return CheckedRecords(
            {lane: rows for lane, rows in self._lanes.items() if rows[0]}, refused
        )

    def _accept(self, record: Record) -> tuple[LaneRows, Message]:
        to, sender_id, text, client_ref, pe_id, dlt_template_id, callback_url, malformed = record
        if (
            malformed
            or len(client_ref) > CLIENT_REF_LIMIT
            or len(pe_id) + len(dlt_template_id) > DLT_IDS_LIMIT
        ):
            raise RequestRefused(Code.INVALID_RECORD)
        msisdn, country = normalise(to)
        header = (country, sender_id, dlt_template_id)
        lane, entity = self._headers.get(header) or self._judge(header)
        if not text or text.isspace():
            raise RequestRefused(Code.EMPTY_TEXT)
        segments = segment_count(text)
        if segments > self._account.segment_limit:
            raise RequestRefused(Code.TEXT_TOO_LONG)
        endpoint = self._default_endpoint
        if callback_url:
            endpoint = self._endpoint(callback_url)
            if endpoint is None:
                raise RequestRefused(Code.INVALID_CALLBACK_URL)
        # The fields in Message's order: its own constructor takes twice as long.
        fields = (
            msisdn,
            sender_id,
            text,
            client_ref,
            endpoint,
            segments,
            pe_id or entity,
            dlt_template_id,
            "",
        )
        return lane, Message._make(fields)

    def _refused(self, record: Record, code: Code) -> Message:
        """Return what is kept of a refused record: neither its number nor its text."""
        endpoint = self._endpoint(record.callback_url) if record.callback_url else None
        return Message(
            to="",
            sender_id="",
            text="",
            client_ref=record.client_ref[:CLIENT_REF_LIMIT],
            endpoint=self._default_endpoint if endpoint is None else endpoint,
            refusal=code,
        )

    def _judge(self, header: tuple[str, str, str]) -> tuple[LaneRows, str]:
        """Return the lane that a country, header and template id make, and the entity id.

        Raises RequestRefused when the account may not send so, or to that country.
        """
        country, sender_id, dlt_template_id = header
        account = self._account
        if not account.may_send_to(country):
            raise RequestRefused(Code.COUNTRY_NOT_ALLOWED)
        pattern = _INDIAN_HEADER if country == INDIA else _FOREIGN_HEADER
        if not pattern.fullmatch(sender_id):
            raise RequestRefused(Code.INVALID_HEADER)
        sender = account.senders.get(sender_id)
        if sender is None and country == INDIA and account.dlt is Enforcement.ENFORCE:
            raise RequestRefused(Code.HEADER_NOT_REGISTERED)
        template = account.templates.get(dlt_template_id)
        # Another header's template says nothing: naming an OTP's would open the priority lane.
        classified = template if template and template.header == sender_id else sender
        category = classified.category if classified else account.default_category
        judged = self._lanes[lane_of(category)], sender.pe_id if sender else ""
        self._headers[header] = judged
        return judged

    def _endpoint(self, url: str) -> int | None:
        """Return the place of a callback URL in `endpoints`; None when it is not allowed."""
        if url not in self._places:
            allowed = self._account.may_call_back(url, private=self._private)
            self._places[url] = len(self.endpoints) if allowed else None
            if allowed:
                self.endpoints.append(url)
        return self._places[url]
