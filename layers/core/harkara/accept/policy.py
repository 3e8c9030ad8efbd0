"""The send policy: decide on records by country, header, template id, entity and options.

A campaign has few of these combinations, so each is decided once per request: whether the account
may send such a record, its category, when it goes out, and the check of its text.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from harkara.accept.requests import BatchKey, BatchMessages, Options, Record
from harkara.accept.template_index import index_of
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.callbacks.formats import format_of
from harkara.links.codec import base_of, with_header
from harkara.model.accounts import (
    ANY_COUNTRY,
    INDIAN_HEADER,
    Account,
    Caller,
    Enforcement,
    Sender,
    Template,
)
from harkara.model.callbacks import CallbackEndpoint, UrlRules
from harkara.model.fields import NUMBER, TEMPLATE_ID
from harkara.model.messages import (
    DAYTIME_CATEGORIES,
    DEFAULT_VALIDITY_S,
    Category,
    Endpoint,
    admits,
    next_open_s,
)
from harkara.text.phone_numbers import INDIA
from harkara.text.segments import is_sender

BATCH_LIMIT = 20
# Characters around ids that were copied from a page or a spreadsheet.
_BLANKS = re.compile(r"[\s\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+")
_DIGITS = re.compile(r"\+?[0-9]+")
_APOSTROPHES = "'\u2018\u2019`"
SCHEDULE_LIMIT_S = 30 * 24 * 3600
# A scheduled time that has just passed, on the way here or by a slow clock, means at once.
LATE_S = 3600


class DecisionKey(NamedTuple):
    """The key of a decision: all properties of a record that it depends on."""

    country: str
    sender_id: str
    dlt_template_id: str
    pe_id: str
    options: Options

    @classmethod
    def of(cls, country: str, record: Record) -> "DecisionKey":
        """Return the key of a record, without the options that differ from record to record."""
        options = record.options
        if options.variables or options.campaign_id or options.rcs:
            options = options._replace(variables=(), campaign_id="", rcs=None)
        return cls(country, record.sender_id, record.dlt_template_id, record.pe_id, options)


class Decision(NamedTuple):
    """The decision on a record, as far as it does not depend on the text.

    `template` is the registered one that the record names. `seeks`: the text's template is to be
    found among the account's. `matches`: whether a text fits the template; `usual`: whether one
    that fits has only usual characters in its alphanumeric variables; None if that is not checked.
    `warning`: the DLT rule that the record breaks at an account that only warns, or that cannot be
    checked. `link_base`: the beginning of the short links that its URLs become, "" if they stay.
    `found`: the decisions by the template that was found for the text of such a record.
    """

    subject: DecisionKey
    batch: BatchMessages
    entity: str
    endpoint: int | None
    is_dlt: bool
    template: Template | None
    matches: Callable[[str], bool] | None
    usual: Callable[[str], bool] | None
    seeks: bool
    warning: Code | None
    link_base: str
    found: "dict[str, Decision]"


class SendPolicy:
    """Decides on the records of one request of one caller.

    `endpoints` collects the callbacks of the records, each once. Raises
    RequestRefused(INVALID_CALLBACK_URL) when the request's own URL is not allowed.
    """

    def __init__(self, caller: Caller, callback_url: str, now_ms: int, urls: UrlRules) -> None:
        self.account: Account = caller.account
        self.endpoints: list[Endpoint] = []
        self.batches: dict[BatchKey, BatchMessages] = {}
        self._credential = caller.credential
        self.now_ms = now_ms
        self._urls = urls
        self._endpoint_indexes: dict[tuple[str, str], int | None] = {}
        # Of two callbacks with one URL the first counts.
        callbacks = reversed(self.account.callbacks.values())
        self._by_url = {callback.url: callback for callback in callbacks}
        self._decisions: dict[DecisionKey, Decision] = {}
        if callback_url:
            self._default_endpoint = self.endpoint(callback_url)
            if self._default_endpoint is None:
                raise RequestRefused(Code.INVALID_CALLBACK_URL)
        else:
            self._default_endpoint = self._endpoint_of(self._credential.callback)

    def decide(self, key: DecisionKey) -> Decision:
        """Return the decision on a key. Raises RequestRefused if no such record may be sent."""
        decision = self._decisions.get(key)
        if decision is None:
            decision = self._decisions[key] = self._decide(key)
        return decision

    def of_template(self, decision: Decision, dlt_template_id: str) -> Decision:
        """Return the decision once a text's template is found. Raises as `decide` does."""
        found = decision.found.get(dlt_template_id)
        if found is None:
            subject = decision.subject._replace(dlt_template_id=dlt_template_id)
            found = decision.found[dlt_template_id] = self.decide(subject)
        return found

    def default_endpoint(self, sender_id: str) -> int | None:
        """Return the index of the callback of a record that names none.

        It is the request's own, else the credential's, the header's, the account's.
        """
        if self._default_endpoint is not None:
            return self._default_endpoint
        account, sender = self.account, self.account.senders.get(sender_id)
        own = sender.callback if sender and sender.callback in account.callbacks else ""
        return self._endpoint_of(own or account.default_callback)

    def endpoint(self, url: str) -> int | None:
        """Return the index of a URL that the request names; None when it is not allowed."""
        return self._endpoint_index(url, self._by_url.get(url))

    def _endpoint_of(self, name: str) -> int | None:
        callback = self.account.callbacks.get(name)
        return self._endpoint_index(callback.url, callback) if callback else None

    def _endpoint_index(self, url: str, callback: CallbackEndpoint | None) -> int | None:
        key = url, callback.id if callback else ""
        if key not in self._endpoint_indexes:
            # The account allows the hosts of its registered callbacks.
            account, rules = self.account, self._urls
            allowed = rules.host_of(url) if callback else account.may_call_back(url, rules)
            self._endpoint_indexes[key] = len(self.endpoints) if allowed else None
            if allowed and callback:
                self.endpoints.append(callback.endpoint)
            elif allowed:
                self.endpoints.append(Endpoint(url, format_of(url, self._usual_format())))
        return self._endpoint_indexes[key]

    def _usual_format(self) -> str:
        """Return the format of the caller's usual callback."""
        names = self._credential.callback, self.account.default_callback
        callbacks = filter(None, map(self.account.callbacks.get, names))
        return next((each.format for each in callbacks), "clevertap")

    def _decide(self, key: DecisionKey) -> Decision:
        country, sender_id, dlt_template_id, pe_id, options = key
        account, indian = self.account, country == INDIA
        if indian:
            dlt_template_id = dlt_id(dlt_template_id, Code.INVALID_TEMPLATE_ID)
            pe_id = dlt_id(pe_id, Code.ENTITY_MISMATCH)
        subject = DecisionKey(country, sender_id, dlt_template_id, pe_id, options)
        if ANY_COUNTRY not in account.countries and country not in account.countries:
            raise RequestRefused(Code.COUNTRY_NOT_ALLOWED)
        if not (INDIAN_HEADER.fullmatch(sender_id) if indian else _is_sender_abroad(sender_id)):
            raise RequestRefused(Code.INVALID_HEADER)
        sender = account.senders.get(sender_id)
        template = account.templates.get(dlt_template_id)
        is_dlt = indian and account.dlt is not Enforcement.OFF
        category = self._category(sender_id, sender, template, options)
        warning = None
        if is_dlt:
            warning = _first_broken(account, subject, sender, template, category)
            if warning and account.dlt is Enforcement.ENFORCE:
                fits = template.category if template else ""
                detail = f"(this template is of {fits})" if warning is Code.INVALID_CATEGORY else ""
                raise RequestRefused(warning, detail)
            if dlt_template_id and not template and account.templates:
                warning = warning or Code.TEMPLATE_NOT_REGISTERED
        index = index_of(account) if is_dlt and template else None
        matcher = index.matcher(dlt_template_id) if index else None
        return Decision(
            subject=subject,
            batch=self._batch(category, options, indian=indian),
            entity=pe_id or (sender.pe_id if sender else ""),
            is_dlt=is_dlt,
            template=template,
            matches=matcher.matches if matcher else None,
            usual=index.usual(dlt_template_id) if index else None,
            seeks=is_dlt
            and not dlt_template_id
            and bool(account.templates or account.strict_templates),
            warning=warning,
            link_base=self._link_base(sender_id, options),
            endpoint=self.default_endpoint(sender_id),
            found={},
        )

    def _link_base(self, sender_id: str, options: Options) -> str:
        site, asked = self.account.short_domain, options.shorten_urls
        if asked and not site:
            raise RequestRefused(Code.NO_SHORT_DOMAIN)
        shortens = self.account.shorten_urls if asked is None else asked
        return base_of(with_header(site, sender_id)) if shortens else ""

    def _category(
        self, sender_id: str, sender: Sender | None, template: Template | None, options: Options
    ) -> Category:
        if options.category:
            return options.category
        # Another header's template does not count: an OTP's would open the priority lane.
        if template and goes_with(template, sender_id):
            return template.category
        default = self._credential.default_category
        if default and (sender is None or sender.carries(default)):
            return default
        return sender.categories[0] if sender else self.account.default_category

    def _batch(self, category: Category, options: Options, *, indian: bool) -> BatchMessages:
        send_at_ms, now_ms = options.send_at_ms, self.now_ms
        ahead_s = (send_at_ms - now_ms) / 1000
        if send_at_ms and ahead_s < -LATE_S:
            raise RequestRefused(Code.INVALID_SEND_TIME, "(this time is past)")
        if send_at_ms and ahead_s > SCHEDULE_LIMIT_S:
            raise RequestRefused(Code.INVALID_SEND_TIME, "(this time is too far ahead)")
        if send_at_ms <= now_ms:
            send_at_ms = 0
        daytime_only = indian and category in DAYTIME_CATEGORIES
        if daytime_only and self.account.out_of_hours == "refuse":
            begins_s = (send_at_ms or now_ms) / 1000
            if next_open_s(begins_s) > begins_s:
                raise RequestRefused(Code.PROMOTIONAL_HOURS)
        validity_s = options.validity_s or DEFAULT_VALIDITY_S
        key = BatchKey(category, daytime_only, send_at_ms, validity_s)
        if key not in self.batches and len(self.batches) >= BATCH_LIMIT:
            raise RequestRefused(Code.MIXED_REQUEST)
        return self.batches.setdefault(key, BatchMessages(key, [], []))


def dlt_id(text: str, code: Code) -> str:
    """Return a DLT id without blanks, and without the apostrophe that spreadsheets prepend.

    Refuses an id that is not a number with the code: it would switch off the checks by this id.
    """
    if not text or TEMPLATE_ID.fullmatch(text):
        return text
    digits = _BLANKS.sub("", text)
    if digits and not TEMPLATE_ID.fullmatch(digits := digits.lstrip(_APOSTROPHES)):
        raise RequestRefused(code)
    return digits


def _is_sender_abroad(text: str) -> bool:
    return bool(NUMBER.fullmatch(text) if _DIGITS.fullmatch(text) else is_sender(text))


def goes_with(template: Template, sender_id: str) -> bool:
    """Whether a template may be sent under a header."""
    return not template.headers or sender_id in template.headers


def _first_broken(
    account: Account,
    subject: DecisionKey,
    sender: Sender | None,
    template: Template | None,
    category: Category,
) -> Code | None:
    """Return the first DLT rule that a record breaks independently of its text."""
    broken = {
        Code.HEADER_NOT_REGISTERED: sender is None,
        Code.ENTITY_MISMATCH: sender and subject.pe_id and sender.pe_id not in ("", subject.pe_id),
        Code.TEMPLATE_NOT_REGISTERED: account.strict_templates
        and subject.dlt_template_id
        and not template,
        Code.TEMPLATE_HEADER: template and not goes_with(template, subject.sender_id),
        Code.INVALID_CATEGORY: template
        and goes_with(template, subject.sender_id)
        and not admits((template.category,), category),
        Code.HEADER_CATEGORY: sender and not sender.carries(category),
    }
    return next((code for code, is_so in broken.items() if is_so), None)
