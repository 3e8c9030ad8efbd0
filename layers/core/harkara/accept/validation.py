"""Check records one by one: number, country, header, text, DLT template, URLs, callback URL."""

import re
from collections.abc import Sequence
from functools import cached_property
from operator import attrgetter, itemgetter
from typing import NamedTuple

from harkara.accept.policy import Decision, DecisionKey, SendPolicy, dlt_id
from harkara.accept.requests import BatchMessages, IdSource, Options, Record
from harkara.accept.template_index import index_of, rules_of
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused, VariableRefused
from harkara.dlt.index import TemplateIndex
from harkara.dlt.matching import render
from harkara.dlt.positions import fits
from harkara.dlt.templates import Kind, Rules, holds_placeholder, may_hold_placeholder
from harkara.links.codec import EXAMPLE_CODE, URL_LIMIT, URLS_PER_MESSAGE, Linked
from harkara.model.accounts import Caller, Enforcement
from harkara.model.callbacks import UrlRules
from harkara.model.messages import Category, Message
from harkara.state.otp_guard import OtpGuard
from harkara.text.phone_numbers import normalise
from harkara.text.segments import Encoding, measure, plainly
from harkara.text.urls import LINKED_BY_PHONES, find_urls

_WITH_HOST = re.compile(r"https?://[^/?#]", re.IGNORECASE)


def are_registered(text: str, fixed_text: str, rules: Rules) -> bool:
    """Whether each URL of a text is registered, or is in its template's fixed text."""
    found = find_urls(text, LINKED_BY_PHONES)
    return all(url in fixed_text or fits(url, Kind.URL, rules) for _, url in found)


def linked(text: str, fixed_text: str, base: str) -> Linked | None:
    """Return a text with links for its URLs; None if none of them becomes a link.

    URLs in its template's fixed text stay as they are, and so do our own links, which begin with
    `base`. Raises RequestRefused(INVALID_RECORD) for too many URLs, or too long ones.
    """
    parts, urls, behind = list[str](), list[str](), 0
    for at, url in find_urls(text):
        if _WITH_HOST.match(url) and url not in fixed_text and not url.startswith(base + "/"):
            parts.append(text[behind:at])
            urls.append(url)
            behind = at + len(url)
    if not urls:
        return None
    if len(set(urls)) > URLS_PER_MESSAGE or max(map(len, urls)) > URL_LIMIT:
        rule = f"({URLS_PER_MESSAGE} different URLs at most, each of {URL_LIMIT:,} characters)"
        raise RequestRefused(Code.INVALID_RECORD, rule)
    return Linked([*parts, text[behind:]], urls)


# In UTF-8, so that a hundred of them fit into one item of DynamoDB in any script.
CLIENT_REF_LIMIT_BYTES = 512
SHORT_REF = CLIENT_REF_LIMIT_BYTES // 4
_CLIENT_REF_RULE = f"(your id of the message: at most {CLIENT_REF_LIMIT_BYTES} bytes in UTF-8)"
DLT_IDS_LIMIT = 64
_DLT_IDS_RULE = f"(the DLT ids of entity and template: together at most {DLT_IDS_LIMIT} characters)"
# Locating a difference from a template takes a hundred times as long as detecting it.
DETAIL_LIMIT = 20
_WITH_LINKS = "(with its short links)"
_ABOUT_TEMPLATES = (Code.TEMPLATE_MISMATCH, Code.TEMPLATE_NOT_FOUND)


def known_by(record: Record, code: Code) -> Message:
    """Return a refused record, which keeps its reference and campaign alone."""
    # As many whole characters of the reference as fit into its limit in bytes.
    client_ref = record.client_ref.encode()[:CLIENT_REF_LIMIT_BYTES].decode(errors="ignore")
    campaign_id = record.options.campaign_id
    return Message("", "", "", client_ref, None, refusal=code, campaign_id=campaign_id)


class CheckedRecords(NamedTuple):
    """A request's records after the check: accepted by batch key, refused with their indexes."""

    accepted: list[BatchMessages]
    refused: list[tuple[int, Message]]


class RecordChecker:
    """Checks the records of one request of one caller.

    By index: `details` has more about refusals, `warnings` the rules that accepted records break,
    and `links` the texts with links; their messages have an example in place of each code.
    `policy.endpoints` are the messages' callbacks. Raises RequestRefused(INVALID_CALLBACK_URL) when
    the request's own URL is not allowed.
    """

    def __init__(self, caller: Caller, callback_url: str, now_ms: int, urls: UrlRules) -> None:
        self.policy = SendPolicy(caller, callback_url, now_ms, urls)
        self.details: dict[int, str] = {}
        self.warnings: dict[int, Code] = {}
        self.links: dict[int, Linked] = {}
        self._account = caller.account

    @cached_property
    def _index(self) -> TemplateIndex:
        return index_of(self._account)

    @cached_property
    def _rules(self) -> Rules:
        return rules_of(self._account)

    def check(self, records: Sequence[Record]) -> CheckedRecords:
        """Return the records checked; the error of a refused one is its message's `refusal`."""
        refused: list[tuple[int, Message]] = []
        for index, record in enumerate(records):
            try:
                decision, message, link = self._check(record)
            except RequestRefused as error:
                refused.append((index, self.refusal(index, record, error)))
                continue
            decision.batch.indexes.append(index)
            decision.batch.messages.append(message)
            if decision.warning:
                self.warnings[index] = decision.warning
            if link:
                self.links[index] = link
        accepted = filter(attrgetter("indexes"), self.policy.batches.values())
        return CheckedRecords(list(accepted), refused)

    def within_limits(
        self,
        guard: OtpGuard,
        checked: CheckedRecords,
        records: Sequence[Record],
        names: IdSource,
    ) -> CheckedRecords:
        """Count the OTPs; move those beyond the account's limits to the refused records.

        A repeated request has the first one's outcome, and counts nothing. Raises StoreUnavailable.
        """
        account = self._account
        numbers = {
            index: message.to
            for key, indexes, messages in checked.accepted
            if key.category is Category.OTP
            for index, message in zip(indexes, messages, strict=True)
        }
        if not numbers:
            return checked

        def take() -> dict[str, int]:
            refusals = guard.take(account, numbers)
            return {f"{index} {code}": wait_s for index, (code, wait_s) in refusals.items()}

        # The version of the account is part of its batches' names too.
        outcome = names.first_outcome(f"otp#{account.version}", take)
        beyond = dict[int, Message]()
        for name, wait_s in outcome.items():
            number, _, code = name.partition(" ")
            index, error = int(number), RequestRefused(Code(code), f"(again after {wait_s:,} s)")
            beyond[index] = self.refusal(index, records[index], error)
        accepted = [batch.without(beyond) for batch in checked.accepted]
        refused = sorted([*checked.refused, *beyond.items()], key=itemgetter(0))
        return CheckedRecords([batch for batch in accepted if batch.indexes], refused)

    def _check(self, record: Record) -> tuple[Decision, Message, Linked | None]:
        """Return the final decision on a record, its message, and its text with links, if it has.

        Raises RequestRefused for the first rule that the record breaks.
        """
        to, sender_id, text, client_ref, pe_id, template_id, callback_url, options, problem = record
        if problem:
            raise RequestRefused(problem)
        # No character takes more than four bytes.
        if len(client_ref) > SHORT_REF and len(client_ref.encode()) > CLIENT_REF_LIMIT_BYTES:
            raise RequestRefused(Code.INVALID_RECORD, _CLIENT_REF_RULE)
        if len(pe_id) + len(template_id) > DLT_IDS_LIMIT:
            raise RequestRefused(Code.INVALID_RECORD, _DLT_IDS_RULE)
        msisdn, country = normalise(to)
        decision = self.policy.decide(DecisionKey.of(country, record))
        text = text or self._rendered(decision, template_id, options)
        if not text or text.isspace():
            raise RequestRefused(Code.EMPTY_TEXT)
        if self._account.smart_encoding:
            text = self._plainer(decision, text)
        link = None
        if base := decision.link_base:
            # The text must match its DLT template with its own URLs, and with its links.
            if decision.is_dlt:
                decision = self._compare(decision, text)
            fixed_text = decision.template.text if decision.is_dlt and decision.template else ""
            link = linked(text, fixed_text, base)
            if link:  # real codes have the same length and alphabet
                text = link.text(base, lambda _: EXAMPLE_CODE)
        encoding, _, segment_count = measure(text)
        if encoding is Encoding.UCS2 and not options.unicode_allowed:
            raise RequestRefused(Code.UNICODE_NOT_ALLOWED)
        if segment_count > self._account.segment_limit:
            raise RequestRefused(Code.TEXT_TOO_LONG)
        if decision.is_dlt:
            try:
                decision = self._compare(decision, text)
            except RequestRefused as error:
                raise RequestRefused(error.code, _WITH_LINKS if link else error.detail) from error
        endpoint = self.policy.endpoint(callback_url) if callback_url else decision.endpoint
        if callback_url and endpoint is None:
            raise RequestRefused(Code.INVALID_CALLBACK_URL)
        message = Message(
            msisdn,
            sender_id,
            text,
            client_ref,
            endpoint,
            segment_count,
            decision.entity,
            decision.subject.dlt_template_id,
            campaign_id=options.campaign_id,
            rcs=options.rcs,
        )
        return decision, message, link

    def _rendered(self, decision: Decision, template_id: str, options: Options) -> str:
        """Return the text of a registered template with the record's variables."""
        if not template_id:
            return ""
        if decision.template is None:
            if options.variables:
                raise RequestRefused(Code.TEMPLATE_NOT_REGISTERED)
            return ""
        try:
            return render(decision.template.text, dict(options.variables), self._rules)
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
        """Compare a text with its DLT template, found if need be; return the final decision.

        Its `warning` is the first DLT rule that the text breaks, too. Raises RequestRefused if the
        account enforces the rule.
        """
        found = self._index.find(text, decision.subject.sender_id) if decision.seeks else None
        fixed_text = decision.template.text if decision.template else found.content if found else ""
        if may_hold_placeholder(text) and holds_placeholder(text, fixed_text):
            raise RequestRefused(Code.UNFILLED_PLACEHOLDER)
        if found:
            decision = self.policy.of_template(decision, found.dlt_template_id)
        elif decision.seeks:
            decision = self._broken(decision, Code.TEMPLATE_NOT_FOUND)
        elif decision.matches and not decision.matches(text):
            decision = self._broken(decision, Code.TEMPLATE_MISMATCH)
        if decision.usual and not decision.warning and not decision.usual(text):
            decision = decision._replace(warning=Code.UNUSUAL_VARIABLE)
        if self._account.registered_urls and not are_registered(text, fixed_text, self._rules):
            decision = self._broken(decision, Code.URL_NOT_ALLOWED)
        return decision

    def _broken(self, decision: Decision, code: Code) -> Decision:
        """Return the decision with a warning, or refuse the record if the account enforces DLT."""
        if self._account.dlt is Enforcement.ENFORCE:
            raise RequestRefused(code)
        return decision if decision.warning else decision._replace(warning=code)

    def refusal(self, index: int, record: Record, error: RequestRefused) -> Message:
        """Return a refusal, without the number and the text of the record; note its details."""
        endpoint = self.policy.endpoint(record.callback_url) if record.callback_url else None
        if endpoint is None:
            endpoint = self.policy.default_endpoint(record.sender_id)
        if error.detail:
            self.details[index] = error.detail
        elif error.code in _ABOUT_TEMPLATES and len(self.details) < DETAIL_LIMIT:
            self.details[index] = self._diff(record)
        return known_by(record, error.code)._replace(endpoint=endpoint)

    def _diff(self, record: Record) -> str:
        """Return where a text differs from its template, or from the nearest one."""
        template_id = dlt_id(record.dlt_template_id, Code.INVALID_TEMPLATE_ID)
        if template_id:
            mismatch = self._index.diff(template_id, record.text)
        else:
            mismatch = self._index.nearest(record.text, record.sender_id)
        return str(mismatch) if mismatch else ""
