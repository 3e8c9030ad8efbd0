"""The rules by which templates are audited: what India's operators refuse, or soon will.

Each rule looks at one template and says what to do about it, or nothing. None of them refuses a
message: what a text must be is decided by `harkara.accept`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from harkara.activity.usage import SUSPENDED_DAYS, HeaderUse
from harkara.dlt.positions import fits
from harkara.dlt.registered import is_registered_number, numbers_in, split_url
from harkara.dlt.templates import Kind, Rules, parse
from harkara.links.codec import CODE_LENGTH, bases_of, host_of, with_header
from harkara.manage.template_values import SeenValues, kind_of
from harkara.model.accounts import INDIAN_HEADER, Account, Template
from harkara.model.messages import Category
from harkara.text.segments import Measure, first_outside_gsm, measure, plainly
from harkara.text.urls import LINKED_BY_PHONES, find_urls

VARIABLE_COUNT_LIMIT = 3
FIXED_PERCENT = 30
_TAGS_SUGGESTED = 5
_HOST_LENGTH = 30
_SHORTENERS = frozenset(
    {"bit.ly", "tinyurl.com", "goo.gl", "t.co", "cutt.ly", "rb.gy", "is.gd", "ow.ly", "t.ly"}
    | {"tiny.cc", "shorturl.at", "rebrand.ly", "buff.ly", "gmsg.in", "smsg.in"}
)
_URL_KINDS = (Kind.URL, Kind.URLOTT)
_SET = "harkara account set"
# Around a variable: what its value is, by the words right before and right behind it.
_BEFORE = {
    Kind.URL: r"(?:https?://|www\.)\S*$"
    r"|\b(?:click|visit|link|url|track|download)(?: it| here)?\b\W*$",
    Kind.CBN: r"\b(?:call|dial|helpline|toll.?free|phone|contact)(?: us)?(?: at| on)?\W*$",
    Kind.EMAIL: r"\b(?:e-?mail|mail)(?: us)?(?: to| at)?\W*$",
    Kind.NUMERIC: r"\b(?:otp|code|pin|password|ending|last 4)(?: is| with| in)?\W*$",
}
_BEHIND = re.compile(
    r"\W*(?:is (?:your|the)\b.{0,40}\b(?:otp|code|pin|password)\b|%"
    r"|(?:days?|hours?|hrs|minutes?|mins?|points)\b)"
)
_OPT_OUT = re.compile(r"\b(?:stop|unsub\w*|opt(?:ing)?[ -]?out|dnd)\b|\b1909\b", re.IGNORECASE)


class RuleName(StrEnum):
    """The name of a rule; names never change."""

    UNTAGGED = "untagged"
    VARIABLES = "variables"
    ADJACENT = "adjacent"
    FIXED_TEXT = "fixed_text"
    URL = "url"
    NUMBER = "number"
    SHORT_LINK = "short_link"
    SERVICE_EXPLICIT = "service_explicit"
    OPT_OUT = "opt_out"
    BRAND = "brand"
    ENCODING = "encoding"
    SEGMENTS = "segments"
    OVERLAP = "overlap"
    IDLE = "idle"


@dataclass(frozen=True)
class Subject:
    """A template with what its account has registered.

    `headers` are the account's for a template without its own; `also` are the ids of templates that
    have a text in common with it, `idle` the headers that were not used lately, and `seen` the
    values of recent messages.
    """

    template: Template
    account: Account
    rules: Rules
    headers: Sequence[str]
    also: Sequence[str] = ()
    idle: Mapping[str, HeaderUse] = field(default_factory=dict)
    seen: SeenValues | None = None

    @cached_property
    def literals(self) -> list[str]:
        """The fixed texts before, between and behind the variables."""
        return self._parts[::2]

    @cached_property
    def kinds(self) -> list[Kind]:
        """The kinds of the variables."""
        return [Kind(each) for each in self._parts[1::2]]

    @cached_property
    def urls(self) -> list[str]:
        """The URLs in the fixed text, each up to its first variable."""
        marked = [f"{{#{each}#}}" if at % 2 else each for at, each in enumerate(self._parts)]
        found = find_urls("".join(marked), LINKED_BY_PHONES)
        return [url.partition("{#")[0] for _, url in found]

    @cached_property
    def longest(self) -> Measure:
        """The encoding and length at the longest values, if these need no other encoding."""
        parts, limits = [*self._parts], self._limits()
        parts[1::2] = ["x" * limits[each] for each in parts[1::2]]
        return measure("".join(parts))

    @cached_property
    def _parts(self) -> list[str]:
        return parse(self.template.text)

    def _limits(self) -> dict[str, int]:
        account, rules = self.account, self.rules
        bases = bases_of(account.short_domain, self.headers) if account.shorten_urls else ()
        link = max(map(len, bases), default=0)
        host = max(map(len, rules.urls), default=_HOST_LENGTH)
        url = link + 1 + CODE_LENGTH if link else host + rules.url_limit
        return {
            Kind.VAR: rules.var_limit,
            Kind.NUMERIC: rules.numeric_limit,
            Kind.ALPHANUMERIC: rules.alphanumeric_limit,
            Kind.CBN: 15,
            Kind.EMAIL: 64,
            **dict.fromkeys(_URL_KINDS, url),
        }


def _untagged(of: Subject) -> str:
    places = [at for at, kind in enumerate(of.kinds) if kind is Kind.VAR]
    tags = [f"variable {at + 1} {{#{_tag_at(of, at)}#}}" for at in places[:_TAGS_SUGGESTED]]
    seen = f" and values in {of.seen.message_count} messages" if of.seen else ""
    return f"tag each {{#var#}}; by their places{seen}: {', '.join(tags)}" if tags else ""


def _tag_at(of: Subject, at: int) -> Kind:
    by_place = _tag(*of.literals[at : at + 2])
    return kind_of(of.seen.by_variable[at], by_place) if of.seen else by_place


def _tag(before: str, behind: str) -> Kind:
    """Return the kind that the fixed text around a variable suggests."""
    before, behind = before[-40:].lower(), behind[:80].lower()
    found = (kind for kind, pattern in _BEFORE.items() if re.search(pattern, before))
    usual = Kind.NUMERIC if _BEHIND.match(behind) else Kind.ALPHANUMERIC
    return next(found, usual)


def _variables(of: Subject) -> str:
    count = len(of.kinds)
    if count <= VARIABLE_COUNT_LIMIT:
        return ""
    return f"it has {count} variables: keep {VARIABLE_COUNT_LIMIT}, or give DLT the reason for more"


def _adjacent(of: Subject) -> str:
    pairs = [number for number, each in enumerate(of.literals[1:-1], 1) if not each.strip()]
    if not pairs:
        return ""
    return f"put words between variables {pairs[0]} and {pairs[0] + 1}, or make them one"


def _fixed_text(of: Subject) -> str:
    fixed = sum(map(len, of.literals))
    whole = fixed + len(of.kinds) * of.rules.var_limit
    if not of.kinds or fixed * 100 >= whole * FIXED_PERCENT:
        return ""
    percent = fixed * 100 // whole
    return (
        f"{percent} % of it is fixed, each variable taken for {of.rules.var_limit} characters:"
        f" make it {FIXED_PERCENT} %"
    )


def _url(of: Subject) -> str:
    registered = of.account.registered_urls
    if not registered and set(of.kinds).intersection(_URL_KINDS):
        return f"register with DLT what its URLs begin with; then `{_SET} --registered-urls`"
    strange = [url for url in of.urls if not registered or not fits(url, Kind.URL, of.rules)]
    if not strange:
        return ""
    return f"register {strange[0]} with DLT; then `{_SET} --registered-urls`"


def _number(of: Subject) -> str:
    registered = of.account.call_back_numbers
    if Kind.CBN in of.kinds and not registered:
        return f"register its call-back numbers with DLT; then `{_SET} --call-back-numbers`"
    found = [each for literal in of.literals for each in numbers_in(literal)]
    strange = [each for each in found if not is_registered_number(each, registered)]
    if not strange:
        return ""
    return f"register {strange[0]} with DLT; then `{_SET} --call-back-numbers`"


def _short_link(of: Subject) -> str:
    site = of.account.short_domain
    hosts = _SHORTENERS | {host_of(site)}
    for url in of.urls:
        _, host, rest = split_url(url)
        if host in hosts and rest.split("/")[1:2] not in [[each] for each in of.headers]:
            return f"begin the path of {url} with the header, and register it so"
    links = site and (of.account.shorten_urls or set(of.kinds).intersection(_URL_KINDS))
    strange = [each for each in of.headers if not with_header(site, each).endswith(f"/{each}")]
    if not links or not strange:
        return ""
    return f"its links lack {strange[0]}: `{_SET} --short-domain '{host_of(site)}/{{header}}'`"


def _service_explicit(of: Subject) -> str:
    if of.template.category is not Category.SERVICE_EXPLICIT:
        return ""
    return "register it anew as promotional, or as service implicit if it advertises nothing"


def _opt_out(of: Subject) -> str:
    promotes = of.template.category is Category.PROMOTIONAL
    if not promotes or any(map(_OPT_OUT.search, of.literals)):
        return ""
    return "say how to get no more of these: as in `STOP ACME to 1909`"


def _brand(of: Subject) -> str:
    brands = [each.casefold() for each in of.account.brands]
    fixed = "\0".join(of.literals).casefold()
    if not brands or any(each in fixed for each in brands):
        return ""
    return f"name the sender in it: {' or '.join(of.account.brands)}"


def _encoding(of: Subject) -> str:
    fixed = "".join(of.literals)
    at = first_outside_gsm(of.template.text)
    if at is None or plainly(fixed) == fixed:
        return ""
    return f"character {at + 1} alone needs Unicode and costs segments: write it plainly"


def _segments(of: Subject) -> str:
    count, limit = of.longest.segment_count, of.account.segment_limit
    if count <= limit:
        return ""
    return f"at the longest values it has {count} segments, of which the account sends {limit}"


def _overlap(of: Subject) -> str:
    if not of.also:
        return ""
    return f"a text of it may match {of.also[0]} too: name the template id, or change one of them"


def _idle(of: Subject) -> str:
    idle = [each for each in of.headers if each in of.idle] if of.idle else []
    if not idle:
        return ""
    day, since = of.idle[idle[0]]
    last = f"last used on {day}" if day else f"by which nothing was counted since {since}"
    more = f"; so for {len(idle) - 1} more" if len(idle) > 1 else ""
    return f"send by {idle[0]}, {last}: {SUSPENDED_DAYS} days of silence suspend a header{more}"


class AuditRule(NamedTuple):
    """A rule: its check, which returns what to do or "", and its source by title."""

    check: Callable[[Subject], str]
    source: str


_TAGS = "TRAI, direction of 18 November 2025 on tagging variables"
_OF_2023 = "TRAI, directions of 16 February and 12 May 2023 on headers and templates"
_WHITELIST = "TRAI, direction of 20 August 2024 on URLs and call-back numbers"
_AMENDMENT = "TCCCPR, second amendment of 12 February 2025"
_HARKARA = "Harkara: docs/operations.md, Audit of templates"
RULES: Mapping[RuleName, AuditRule] = {
    RuleName.UNTAGGED: AuditRule(_untagged, _TAGS),
    RuleName.VARIABLES: AuditRule(_variables, _OF_2023),
    RuleName.ADJACENT: AuditRule(
        _adjacent,
        "SMSCountry, DLT template registration will be rejected if you do these 4 things",
    ),
    RuleName.FIXED_TEXT: AuditRule(_fixed_text, _OF_2023),
    RuleName.URL: AuditRule(_url, _WHITELIST),
    RuleName.NUMBER: AuditRule(_number, _WHITELIST),
    RuleName.SHORT_LINK: AuditRule(_short_link, _WHITELIST),
    RuleName.SERVICE_EXPLICIT: AuditRule(_service_explicit, "SMSGatewayHub, TRAI update 2026"),
    RuleName.OPT_OUT: AuditRule(_opt_out, _AMENDMENT),
    RuleName.BRAND: AuditRule(_brand, "MSG91, DLT Content Template FAQs"),
    RuleName.ENCODING: AuditRule(_encoding, "3GPP TS 23.038, section 6.2.1"),
    RuleName.SEGMENTS: AuditRule(_segments, _HARKARA),
    RuleName.OVERLAP: AuditRule(_overlap, _HARKARA),
    RuleName.IDLE: AuditRule(_idle, _OF_2023),
}


def headers_of(template: Template, senders: Sequence[str]) -> Sequence[str]:
    """Return the Indian headers of a template: its own, or all of the account's."""
    return [each for each in template.headers or senders if INDIAN_HEADER.fullmatch(each)]
