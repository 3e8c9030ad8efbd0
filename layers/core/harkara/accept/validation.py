"""Check records: number, country, header, text, DLT template, callback URL.

Records of a campaign differ only in number, text and reference: those are checked column by column,
in a third of the time. If anything about them is unusual, each record is checked by itself.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

from harkara.accept.batches import Batch, message_of
from harkara.accept.policy import BatchMessages, Decision, DecisionKey, SendPolicy, dlt_id
from harkara.accept.requests import Record
from harkara.accept.template_index import index_of, rules_of
from harkara.accept.urls import are_registered, linked
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused, VariableRefused
from harkara.dlt.index import TemplateIndex
from harkara.dlt.placeholders import holds_placeholder, may_hold_placeholder
from harkara.dlt.rendering import render
from harkara.links.codec import EXAMPLE_CODE, Linked, base_of
from harkara.model.accounts import Caller, Enforcement
from harkara.model.callback_urls import UrlRules
from harkara.model.messages import Message
from harkara.text.phone_numbers import INDIA, are_indian, normalise
from harkara.text.segments import Encoding, is_plain, measure, segment_counts
from harkara.text.typography import plainly

# In UTF-8, so that a hundred of them fit into one item of DynamoDB in any script.
CLIENT_REF_LIMIT_BYTES = 512
_CLIENT_REF_RULE = f"(your id of the message: at most {CLIENT_REF_LIMIT_BYTES} bytes in UTF-8)"
DLT_IDS_LIMIT = 64
_DLT_IDS_RULE = f"(the DLT ids of entity and template: together at most {DLT_IDS_LIMIT} characters)"
# Locating a difference from a template takes a hundred times as long as detecting it.
DETAIL_LIMIT = 20
_ABOUT_TEMPLATES = (Code.TEMPLATE_MISMATCH, Code.TEMPLATE_NOT_FOUND)


class CheckedRecords(NamedTuple):
    """A request's records after the check: accepted by batch key, refused with their indexes."""

    accepted: list[BatchMessages]
    refused: list[tuple[int, Message]]


class RecordChecker:
    """Checks the records of one request of one caller.

    By index: `details` has more about refusals, `warnings` the rules that accepted records break,
    and `links` the texts with links; their messages have an example in place of each code.
    `decide.endpoints` are the messages' callbacks. Raises RequestRefused(INVALID_CALLBACK_URL) when
    the request's own URL is not allowed.
    """

    def __init__(self, caller: Caller, callback_url: str, now_ms: int, urls: UrlRules) -> None:
        self.decide = SendPolicy(caller, callback_url, now_ms, urls)
        self.details: dict[int, str] = {}
        self.warnings: dict[int, Code] = {}
        self.links: dict[int, Linked] = {}
        self._account = caller.account
        self._link_base = base_of(caller.account.short_domain)
        self._refused: list[tuple[int, Message]] = []
        self._warning: Code | None = None

    @cached_property
    def _index(self) -> TemplateIndex:
        return index_of(self._account)

    def check(self, records: Sequence[Record]) -> CheckedRecords:
        """Return the records checked; the error of a refused one is its message's `refusal`."""
        if not (records and self._check_alike(records)):
            for place, record in enumerate(records):
                try:
                    rows, message, link = self._accept(record)
                except RequestRefused as error:
                    self._refuse(place, record, error)
                else:
                    self._add(place, rows, message, link)
        accepted = [rows for rows in self.decide.slots.values() if rows.places]
        return CheckedRecords(accepted, self._refused)

    def _check_alike(self, records: Sequence[Record]) -> bool:
        """Check records that differ only in number, text and reference; else return False."""
        texts: Sequence[str]
        tos, sender_ids, texts, refs, pe_ids, template_ids, urls, options, problems = zip(
            *records, strict=True
        )
        columns = (sender_ids, pe_ids, template_ids, options)
        if any(problems) or any(urls) or not all(map(_is_one, columns)):
            return False
        first, account = records[0], self._account
        ids = len(first.pe_id) + len(first.dlt_template_id)
        if max(map(len, map(str.encode, refs))) > CLIENT_REF_LIMIT_BYTES or ids > DLT_IDS_LIMIT:
            return False
        if not are_indian(tos):
            return False
        joined = "".join(texts)
        plain, links = is_plain(joined), dict[int, Linked]()
        if not all(texts) or any(map(str.isspace, texts)) or not first.options.unicode_allowed:
            return False
        if (account.smart_encoding and not plain) or may_hold_placeholder(joined):
            return False
        try:
            decision = self._decide(INDIA, first)
            if decision.shortens:
                decision, links, texts = self._link_alike(decision, texts)
                plain = is_plain("".join(texts))
        except RequestRefused:
            return False
        segments = segment_counts(texts, plain=plain)
        if max(segments) > account.segment_limit:
            return False
        batch = Batch(decision, first.options.campaign_id, tos, sender_ids, texts, refs, segments)
        final = None if account.registered_urls else self._common(decision, texts)
        if final and not final.warning:
            batch.accept(final, range(len(records)))
            self.links.update(links)
        elif decision.shortens:
            return False
        else:
            self._compare_alike(records, batch)
        return True

    def _common(self, decision: Decision, texts: Sequence[str]) -> Decision | None:
        """Return the decision on all the texts, if it is quickly seen to be the same."""
        if not decision.seeks:
            matches = decision.usual or decision.matches
            return decision if matches is None or all(map(matches, texts)) else None
        found = index_of(self._account).find_common(texts, decision.subject.sender_id)
        try:
            final = self.decide.of_template(decision, found.dlt_template_id) if found else None
        except RequestRefused:
            return None
        return final if final and (not final.usual or all(map(final.usual, texts))) else None

    def _link_alike(
        self, decision: Decision, texts: Sequence[str]
    ) -> tuple[Decision, dict[int, Linked], Sequence[str]]:
        """Return the decision on uniform texts, their links, and the texts with example links.

        Raises RequestRefused if each text has to be checked by itself.
        """
        final = None if self._account.registered_urls else self._common(decision, texts)
        if final is None or final.warning:
            raise RequestRefused(Code.TEMPLATE_NOT_FOUND)
        fixed_text = _fixed_text(final)
        found = [linked(text, fixed_text, self._link_base) for text in texts]
        links = {place: link for place, link in enumerate(found) if link}
        shown = [
            self._with_examples(links[place]) if place in links else text
            for place, text in enumerate(texts)
        ]
        return final, links, shown

    def _compare_alike(self, records: Sequence[Record], batch: Batch) -> None:
        """Compare each text of uniform records with its template, or find the template."""
        # By the template's id: the decision, and the indexes of its texts.
        found: dict[str, tuple[Decision, list[int]]] = {}
        last: Decision | None = None
        for place, text in enumerate(batch.texts):
            try:
                final = self._compare(batch.decision, text)
            except RequestRefused as error:
                self._refuse(place, records[place], error)
                continue
            if final is not last:
                last = final
                _, places = found.setdefault(final.subject.dlt_template_id, (final, []))
            places.append(place)
            if self._warning:
                self.warnings[place] = self._warning
        for final, places in found.values():
            batch.accept(final, places)

    def _accept(self, record: Record) -> tuple[BatchMessages, Message, Linked | None]:
        if record.problem:
            raise RequestRefused(record.problem)
        if len(record.client_ref.encode()) > CLIENT_REF_LIMIT_BYTES:
            raise RequestRefused(Code.INVALID_RECORD, _CLIENT_REF_RULE)
        if len(record.pe_id) + len(record.dlt_template_id) > DLT_IDS_LIMIT:
            raise RequestRefused(Code.INVALID_RECORD, _DLT_IDS_RULE)
        msisdn, country = normalise(record.to)
        decision = self._decide(country, record)
        text = record.text or self._rendered(record, decision)
        if not text or text.isspace():
            raise RequestRefused(Code.EMPTY_TEXT)
        if self._account.smart_encoding:
            text = self._plainer(decision, text)
        link = None
        if decision.shortens:
            # The text must match its DLT template with its own URLs, and with its links.
            decision = self._compare(decision, text)._replace(warning=self._warning)
            link = linked(text, _fixed_text(decision), self._link_base)
            text = self._with_examples(link) if link else text
        encoding, _, segment_count = measure(text)
        if encoding is Encoding.UCS2 and not record.options.unicode_allowed:
            raise RequestRefused(Code.UNICODE_NOT_ALLOWED)
        if segment_count > self._account.segment_limit:
            raise RequestRefused(Code.TEXT_TOO_LONG)
        try:
            final = self._compare(decision, text)
        except RequestRefused as error:
            raise RequestRefused(error.code, "(with its short links)" if link else "") from error
        message = message_of(record, msisdn, text, segment_count, final)
        if record.callback_url:
            endpoint = self.decide.endpoint(record.callback_url)
            if endpoint is None:
                raise RequestRefused(Code.INVALID_CALLBACK_URL)
            message = message._replace(endpoint=endpoint)
        return final.rows, message, link

    def _decide(self, country: str, record: Record) -> Decision:
        # Values that differ from record to record do not affect the decision.
        options = record.options._replace(variables=(), campaign_id="")
        template_id, pe_id = record.dlt_template_id, record.pe_id
        if country == INDIA:
            template_id = dlt_id(template_id, Code.INVALID_TEMPLATE_ID)
            pe_id = dlt_id(pe_id, Code.ENTITY_MISMATCH)
        return self.decide.decide(
            DecisionKey(country, record.sender_id, template_id, pe_id, options)
        )

    def _rendered(self, record: Record, decision: Decision) -> str:
        """Return the text of a registered template with the record's variables."""
        if not record.dlt_template_id:
            return ""
        if decision.template is None:
            if record.options.variables:
                raise RequestRefused(Code.TEMPLATE_NOT_REGISTERED)
            return ""
        try:
            return render(
                decision.template.text, dict(record.options.variables), rules_of(self._account)
            )
        except VariableRefused as error:
            raise RequestRefused(Code.INVALID_VARIABLES, f"({error})") from error

    def _plainer(self, decision: Decision, text: str) -> str:
        """Return the text in plain typography, unless only the original fits its DLT template."""
        plain = plainly(text)
        if plain == text or self._is_registered(decision, plain):
            return plain
        return text if self._is_registered(decision, text) else plain

    def _is_registered(self, decision: Decision, text: str) -> bool:
        if decision.seeks:
            return self._index.find(text, decision.subject.sender_id) is not None
        return decision.matches is None or decision.matches(text)

    def _compare(self, decision: Decision, text: str) -> Decision:
        """Compare a text with its template, found if need be; return the final decision.

        Raises RequestRefused when it breaks a DLT rule and the account enforces it.
        """
        self._warning = decision.warning
        if decision.is_dlt and may_hold_placeholder(text):
            self._check_placeholders(decision, text)
        if decision.seeks:
            found = self._index.find(text, decision.subject.sender_id)
            if found is None:
                self._breaks(Code.TEMPLATE_NOT_FOUND)
            else:
                decision = self.decide.of_template(decision, found.dlt_template_id)
                self._warning = decision.warning
        elif decision.matches and not decision.matches(text):
            self._breaks(Code.TEMPLATE_MISMATCH)
        if decision.usual and not self._warning and not decision.usual(text):
            self._warning = Code.UNUSUAL_VARIABLE
        if decision.is_dlt and self._account.registered_urls:
            registered = decision.template.text if decision.template else ""
            if not are_registered(text, registered, rules_of(self._account)):
                self._breaks(Code.URL_NOT_ALLOWED)
        return decision

    def _check_placeholders(self, decision: Decision, text: str) -> None:
        content = decision.template.text if decision.template else ""
        if decision.seeks and (found := self._index.find(text, decision.subject.sender_id)):
            content = found.content
        if holds_placeholder(text, content):
            raise RequestRefused(Code.UNFILLED_PLACEHOLDER)

    def _with_examples(self, link: Linked) -> str:
        """Return a text with example codes: real codes have the same length and alphabet."""
        return link.text(self._link_base, lambda _: EXAMPLE_CODE)

    def _breaks(self, code: Code) -> None:
        if self._account.dlt is Enforcement.ENFORCE:
            raise RequestRefused(code)
        self._warning = self._warning or code

    def _add(self, place: int, rows: BatchMessages, message: Message, link: Linked | None) -> None:
        rows.places.append(place)
        rows.messages.append(message)
        if link:
            self.links[place] = link
        if self._warning:
            self.warnings[place], self._warning = self._warning, None

    def _refuse(self, place: int, record: Record, error: RequestRefused) -> None:
        """Record a refusal, without the number and the text of the record."""
        self._warning = None
        endpoint = self.decide.endpoint(record.callback_url) if record.callback_url else None
        if endpoint is None:
            endpoint = self.decide.default_endpoint(record.sender_id)
        message = Message(
            to="",
            sender_id="",
            text="",
            client_ref=_beginning(record.client_ref),
            endpoint=endpoint,
            refusal=error.code,
        )
        self._refused.append((place, message))
        if error.detail:
            self.details[place] = error.detail
        elif error.code in _ABOUT_TEMPLATES and len(self.details) < DETAIL_LIMIT:
            self.details[place] = self._departure(record)

    def _departure(self, record: Record) -> str:
        """Return where a text differs from its template, or from the nearest one."""
        template_id = dlt_id(record.dlt_template_id, Code.INVALID_TEMPLATE_ID)
        if template_id:
            mismatch = self._index.departure(template_id, record.text)
        else:
            mismatch = self._index.nearest(record.text, record.sender_id)
        return str(mismatch) if mismatch else ""


def _beginning(client_ref: str) -> str:
    """Return as many whole characters of a client_ref as fit into its limit in bytes."""
    return client_ref.encode()[:CLIENT_REF_LIMIT_BYTES].decode(errors="ignore")


def _fixed_text(decision: Decision) -> str:
    return decision.template.text if decision.is_dlt and decision.template else ""


def _is_one(column: Sequence[object]) -> bool:
    return column.count(column[0]) == len(column)
