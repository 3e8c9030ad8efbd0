"""Check records one by one: number, country, header, text, DLT template, callback URL."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from harkara.accounts import Account, Enforcement, Sender, Template
from harkara.codes import Code
from harkara.errors import RequestRefused
from harkara.messages import Category, Endpoint, Message
from harkara.numbers import INDIA, normalise
from harkara.requests import Record
from harkara.segments import segment_count
from harkara.services.templates import index_of

CLIENT_REF_LIMIT = 512
DLT_IDS_LIMIT = 64
# To say where a text departs from a template takes a hundred times as long as to see that it does.
DETAIL_LIMIT = 20
_ABOUT_TEMPLATES = (Code.TEMPLATE_MISMATCH, Code.TEMPLATE_NOT_FOUND)

# Six letters or six digits with DLT; 3 to 6 letters and digits exist (wire-formats section 5).
_INDIAN_HEADER = re.compile(r"[A-Za-z0-9]{3,6}")
# Elsewhere: an alphanumeric sender of up to 11 characters, or a number (3GPP TS 23.040, 9.1.2.5).
_FOREIGN_HEADER = re.compile(r"[A-Za-z0-9._-][A-Za-z0-9 ._-]{0,10}|\+?[0-9]{3,15}")


class CategoryRows(NamedTuple):
    """A category's messages, with their places in the request."""

    places: list[int]
    messages: list[Message]


class CheckedRecords(NamedTuple):
    """A request's records by what is to become of them; the refused ones with their places."""

    accepted: dict[Category, CategoryRows]
    refused: list[tuple[int, Message]]


# What follows from a record's country, header and template id: its lane, its entity, and what its
# text is first asked. None: no text breaks a DLT rule; where it says no, `_examine` goes on.
# A plain tuple: a named one takes longer to take apart, once a record.
_Judged = tuple[CategoryRows, str, Callable[[str], bool] | None]


class RecordChecker:
    """Checks the records of one request for one account.

    `endpoints` collects the callback URLs of the records, each once; `details` what more there is
    to say of a refusal, and `warnings` what an accepted record breaks, both by place. Raises
    RequestRefused(INVALID_CALLBACK_URL) when the request's own URL is not allowed.
    """

    def __init__(self, account: Account, callback_url: str, *, private: bool) -> None:
        self.endpoints: list[Endpoint] = []
        self.details: dict[int, str] = {}
        self.warnings: dict[int, Code] = {}
        self._account = account
        self._private = private
        self._places: dict[str, int | None] = {}
        self._rows = {category: CategoryRows([], []) for category in Category}
        # A campaign has few headers and templates: each pair is judged once.
        self._headers: dict[tuple[str, str, str], _Judged] = {}
        self._enforced = account.dlt is Enforcement.ENFORCE
        self._warning: Code | None = None
        default = account.callbacks.get(account.default_callback)
        self._format = default.format if default else "clevertap"
        url = callback_url or (default.url if default else "")
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
                self._warning = None
                refused.append((place, self._refused(record, error.code)))
                if error.code in _ABOUT_TEMPLATES and len(self.details) < DETAIL_LIMIT:
                    self.details[place] = self._detail(record)
            else:
                if self._warning:
                    self.warnings[place], self._warning = self._warning, None
                lane.places.append(place)
                lane.messages.append(message)
        return CheckedRecords(
            {category: rows for category, rows in self._rows.items() if rows[0]}, refused
        )

    def _accept(self, record: Record) -> tuple[CategoryRows, Message]:
        to, sender_id, text, client_ref, pe_id, dlt_template_id, callback_url, options, problem = (
            record
        )
        if problem:
            raise RequestRefused(problem)
        if len(client_ref) > CLIENT_REF_LIMIT or len(pe_id) + len(dlt_template_id) > DLT_IDS_LIMIT:
            raise RequestRefused(Code.INVALID_RECORD)
        msisdn, country = normalise(to)
        header = (country, sender_id, dlt_template_id)
        lane, entity, matches = self._headers.get(header) or self._judge(header)
        if not text or text.isspace():
            raise RequestRefused(Code.EMPTY_TEXT)
        segments = segment_count(text)
        if segments > self._account.segment_limit:
            raise RequestRefused(Code.TEXT_TOO_LONG)
        if matches is not None and not matches(text):
            lane, dlt_template_id = self._examine(header, lane, text)
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
            options.campaign_id,
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

    def _examine(
        self, header: tuple[str, str, str], lane: CategoryRows, text: str
    ) -> tuple[CategoryRows, str]:
        """Return a record's lane and template id where its header and text are yet to be judged.

        Raises RequestRefused when they break a DLT rule and the account enforces it.
        """
        country, sender_id, dlt_template_id = header
        account, index = self._account, index_of(self._account)
        if sender_id not in account.senders:
            self._breaks(Code.HEADER_NOT_REGISTERED)
        if not account.templates:
            return lane, dlt_template_id
        if dlt_template_id:
            matcher = index.matcher(dlt_template_id)
            if matcher and not matcher.matches(text):
                self._breaks(Code.TEMPLATE_MISMATCH)
            return lane, dlt_template_id
        found = index.find(text, sender_id)
        if found is None:
            self._breaks(Code.TEMPLATE_NOT_FOUND)
            return lane, ""
        known = (country, sender_id, found.dlt_template_id)
        return (self._headers.get(known) or self._judge(known))[0], found.dlt_template_id

    def _breaks(self, code: Code) -> None:
        if self._enforced:
            raise RequestRefused(code)
        self._warning = self._warning or code

    def _detail(self, record: Record) -> str:
        """Return where a text departs from its template, or from the nearest one."""
        index = index_of(self._account)
        mismatch = (
            index.departure(record.dlt_template_id, record.text)
            if record.dlt_template_id
            else index.nearest(record.text, record.sender_id)
        )
        return str(mismatch) if mismatch else ""

    def _judge(self, header: tuple[str, str, str]) -> _Judged:
        """Return the lane and entity of a country, header and template id, and what to check.

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
        classified = template if template and sender_id in template.headers else sender
        category = account.default_category
        if classified:
            category = (
                classified.category
                if isinstance(classified, Template)
                else classified.categories[0]
            )
        matches = None
        if country == INDIA and account.dlt is not Enforcement.OFF:
            matches = self._comparison(sender, dlt_template_id)
        judged = self._rows[category], sender.pe_id if sender else "", matches
        self._headers[header] = judged
        return judged

    def _comparison(
        self, sender: Sender | None, dlt_template_id: str
    ) -> Callable[[str], bool] | None:
        """Return what a text is first asked; None where no text breaks a rule."""
        if sender is None:
            return _no
        if not self._account.templates:
            return None
        if not dlt_template_id:
            return _no
        matcher = index_of(self._account).matcher(dlt_template_id)
        # An id that is not registered here may be registered with DLT: it goes through.
        return matcher.matches if matcher else None

    def _endpoint(self, url: str) -> int | None:
        """Return the place of a callback URL in `endpoints`; None when it is not allowed."""
        if url not in self._places:
            allowed = self._account.may_call_back(url, private=self._private)
            self._places[url] = len(self.endpoints) if allowed else None
            if allowed:
                self.endpoints.append(Endpoint(url, self._format))
        return self._places[url]


def _no(_: str) -> bool:
    return False
