"""Audit an account's templates by the rules of India's operators; nothing is refused or changed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple

from pydantic import Field
from typing_extensions import TypedDict

from harkara.accept.requests import ANSWER_LIMIT_BYTES, answer_bytes
from harkara.accept.template_index import entries_of, rules_of
from harkara.activity.usage import HeaderUse, UsageService
from harkara.base.json import encode
from harkara.base.spreadsheet import write_table
from harkara.dlt.index import TemplateIndex
from harkara.dlt.templates import Kind, fold, parse
from harkara.manage.template_rules import RULES, RuleName, Subject, headers_of
from harkara.manage.template_values import SeenValues, seen_in
from harkara.model.accounts import INDIAN_HEADER, Account, Sender, Template
from harkara.ports import Registry
from harkara.text.segments import Encoding

COLUMNS = ("template_id", "name", "rule", "advice", "source", "encoding", "segments")
_HEADERS_COMPARED = 5
_NOTHING: Mapping[str, Any] = MappingProxyType({})
_REPORT_LIMIT_BYTES = ANSWER_LIMIT_BYTES - 10_000
# Values that variables of as many kinds as possible take.
_SAMPLES = {Kind.EMAIL: "a@b.in", Kind.CBN: "1800123456"}


class Mark(TypedDict):
    """What a rule says of a template."""

    rule: RuleName
    advice: Annotated[str, Field(description="What to do.")]
    source: Annotated[str, Field(description="Where the rule is from, by its title.")]


class AuditedRow(TypedDict):
    """A template with what the rules say of it."""

    template_id: str
    name: str
    encoding: Annotated[Encoding, Field(description="Of its fixed text.")]
    segments: Annotated[int, Field(description="At the longest values of its variables.", ge=1)]
    marks: list[Mark]


class AuditReport(TypedDict):
    """The templates that a rule says something of."""

    audited: Annotated[int, Field(description="How many templates there are.")]
    marked: Annotated[int, Field(description="Of how many a rule says something.")]
    left_out: Annotated[int, Field(description="Marked ones that are too many for this answer.")]
    templates: list[AuditedRow]


class MarkedTemplate(Template):
    """A template in a list, with what the rules say of it alone (without `overlap` and `idle`)."""

    marks: list[Mark]


class MarkedTemplatePage(TypedDict):
    """A page of templates."""

    templates: list[MarkedTemplate]
    next: Annotated[
        str | None, Field(description="The `after` of the next page; null if there is none.")
    ]


class Audited(NamedTuple):
    """The audit of a template."""

    subject: Subject
    marks: list[Mark]


@dataclass(frozen=True, slots=True)
class AuditService:
    """Audits the templates of accounts. Raises StoreUnavailable."""

    registry: Registry
    usage: UsageService

    def audit(self, account: Account) -> list[Audited]:
        """Return the audit of all templates of an account, by its recent messages, too."""
        account, templates = self._with_senders(account), self.registry.find(account.id, Template)
        used = {part.headers or tuple(account.senders) for part in templates}
        headers = {each for own in used for each in own if INDIAN_HEADER.fullmatch(each)}
        untagged = {each.dlt_template_id: each for each in templates if _is_untagged(each)}
        texts = self.usage.texts(account.id, untagged) if untagged else {}
        seen = {name: seen_in(untagged[name].text, texts[name]) for name in texts}
        return audit(account, templates, self.usage.idle(account.id, headers), seen)

    def marks(self, account: Account, templates: Iterable[Template]) -> list[list[Mark]]:
        """Return what the rules say of each of some templates alone."""
        account = self._with_senders(account)
        return [each.marks for each in _audited(account, templates)]

    def _with_senders(self, account: Account) -> Account:
        senders = {each.header: each for each in self.registry.find(account.id, Sender)}
        return account.model_copy(update={"senders": senders})


def audit(
    account: Account,
    templates: Sequence[Template],
    idle: Mapping[str, HeaderUse] = _NOTHING,
    seen: Mapping[str, SeenValues | None] = _NOTHING,
) -> list[Audited]:
    """Return the audit of templates, which are all of an account with its senders.

    `idle` is by header, `seen` by template id.
    """
    return _audited(account, templates, _overlaps(account, templates), idle, seen)


def _audited(
    account: Account,
    templates: Iterable[Template],
    also: Mapping[str, Sequence[str]] = _NOTHING,
    idle: Mapping[str, HeaderUse] = _NOTHING,
    seen: Mapping[str, SeenValues | None] = _NOTHING,
) -> list[Audited]:
    rules, senders = rules_of(account), [*account.senders]
    audited = []
    for each in templates:
        headers = headers_of(each, senders)
        name = each.dlt_template_id
        of = Subject(each, account, rules, headers, also.get(name, ()), idle, seen.get(name))
        marks = [
            Mark(rule=which, advice=advice, source=rule.source)
            for which, rule in RULES.items()
            if (advice := rule.check(of))
        ]
        audited.append(Audited(of, marks))
    return audited


def _is_untagged(template: Template) -> bool:
    return Kind.VAR in parse(template.text)[1::2]


def _overlaps(account: Account, templates: Sequence[Template]) -> dict[str, list[str]]:
    """Return by template id the other templates that match one of its texts.

    The text compared has a short value for each variable, which other variables are the likeliest
    to take. Templates with equal text and headers are found by comparison of the texts.
    """
    index = TemplateIndex(entries_of(templates), rules_of(account))
    also: dict[str, dict[str, None]] = {}

    def pair(one: str, other: str) -> None:
        if one != other:
            also.setdefault(one, {})[other] = None
            also.setdefault(other, {})[one] = None

    firsts: dict[tuple[str, ...], str] = {}
    for each in templates:
        text = _sample(each, account)
        for header in each.headers[:_HEADERS_COMPARED] or ("",):
            for found in index.matching(text, header):
                pair(each.dlt_template_id, found.dlt_template_id)
        key = (fold(each.text), *sorted(each.headers))
        pair(firsts.setdefault(key, each.dlt_template_id), each.dlt_template_id)
    return {name: sorted(others) for name, others in also.items()}


def _sample(template: Template, account: Account) -> str:
    urls = account.registered_urls
    url = urls[0].partition("{#")[0].partition("*")[0] if urls else "https://a.in"
    numbers = account.call_back_numbers
    values = {**_SAMPLES, Kind.URL: url, Kind.URLOTT: url}
    if numbers:
        values[Kind.CBN] = numbers[0]
    parts = parse(template.text)
    parts[1::2] = [values.get(Kind(each), "1") for each in parts[1::2]]
    return "".join(parts)


def rows_of(audited: Iterable[Audited]) -> list[dict[str, object]]:
    """Return a row for each mark."""
    return [
        {
            "template_id": each.subject.template.dlt_template_id,
            "name": each.subject.template.name,
            **mark,
            "encoding": each.subject.longest.encoding,
            "segments": each.subject.longest.segment_count,
        }
        for each in audited
        for mark in each.marks
    ]


def as_csv(audited: Iterable[Audited]) -> bytes:
    """Return the marks as CSV for spreadsheets, without formulas."""
    return write_table(COLUMNS, ([str(row[name]) for name in COLUMNS] for row in rows_of(audited)))


def report_of(audited: Sequence[Audited]) -> AuditReport:
    """Return the audit's JSON: the marked templates, as far as they fit into an answer."""
    marked = [each for each in audited if each.marks]
    rows = [
        AuditedRow(
            template_id=each.subject.template.dlt_template_id,
            name=each.subject.template.name,
            encoding=each.subject.longest.encoding,
            segments=each.subject.longest.segment_count,
            marks=each.marks,
        )
        for each in marked
    ]
    sizes = accumulate(answer_bytes(encode(row)) + len(",") for row in rows)
    fitting = sum(size <= _REPORT_LIMIT_BYTES for size in sizes)
    return AuditReport(
        audited=len(audited),
        marked=len(marked),
        left_out=len(rows) - fitting,
        templates=rows[:fitting],
    )
