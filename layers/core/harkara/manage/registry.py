"""Read and change an account's resources: senders, DLT templates, callbacks and answers."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate
from typing import Annotated, Any, Generic, NamedTuple

from pydantic import Field
from typing_extensions import TypedDict

from harkara.accept.requests import ANSWER_LIMIT_BYTES, answer_bytes
from harkara.base.codes import Code
from harkara.base.errors import FieldRefused, RequestRefused, UnknownCallback
from harkara.base.json import encode
from harkara.base.time import Deadline
from harkara.callbacks.posting import SecretCipher
from harkara.callbacks.registration import secrets_of
from harkara.inbound.answers import check_answer
from harkara.manage import template_csv
from harkara.manage.resources import fields_of, make, with_secrets
from harkara.model.accounts import Account, Sender, Template
from harkara.model.answers import KeywordAnswer
from harkara.model.callbacks import CallbackEndpoint, UrlRules
from harkara.model.fields import P, Part, name_of
from harkara.model.messages import Category, Endpoint
from harkara.ports import Registry

PAGE_LIMIT = 1_000
# No resource's name is longer, and stores limit the length of keys.
NAME_LIMIT = 64
# Lambda answers at most 6 MB; escaping in the answer's JSON can make a page that large of this.
PAGE_LIMIT_BYTES = 2_500_000
# For a report's rows; its counts take the rest.
_REPORT_LIMIT_BYTES = ANSWER_LIMIT_BYTES - 1_000
# Every process that accepts messages of an account loads all its templates.
TEMPLATE_COUNT_LIMIT = 100_000


class Page(NamedTuple, Generic[P]):
    """Resources in the order of their names; if `next_name` is given, more follow `after` it."""

    parts: list[P]
    next_name: str | None


class RowResult(StrEnum):
    """The result for one row of an imported file."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"
    REFUSED = "refused"


class ImportedRow(NamedTuple):
    """A row of an imported file: its number as a spreadsheet shows it, and its result.

    `template_id` is empty if the row has no valid one; `problem` says why the row was refused or
    skipped, or warns about a template that was taken.
    """

    row: int
    template_id: str
    result: RowResult
    problem: str = ""


class ReportRow(TypedDict):
    """The result for one row of a file."""

    row: Annotated[int, Field(description="As a spreadsheet numbers it.", ge=1)]
    template_id: Annotated[str, Field(description="Empty if the row has no valid one.")]
    result: RowResult
    problem: Annotated[
        str, Field(description="Why the row was not taken, or what may be wrong with it.")
    ]


class ImportReport(TypedDict):
    """The results for the rows of a file: how many, and which."""

    created: int
    changed: int
    unchanged: int
    skipped: int
    refused: int
    left_out: Annotated[
        int, Field(description="Rows missing in `rows`: first those without a problem.")
    ]
    rows: list[ReportRow]


@dataclass(frozen=True, slots=True)
class RegistryService:
    """Reads and changes an account's own resources.

    Its methods raise RequestRefused (INVALID_REQUEST names the field) and StoreUnavailable.
    """

    registry: Registry
    cipher: SecretCipher
    reset_health: Callable[[str, Endpoint], None]
    """Resume callbacks to an endpoint whose circuit is open because it said that it is gone."""
    callback_urls: UrlRules

    def page(
        self, account: Account, kind: type[P], after: str = "", limit: int = PAGE_LIMIT
    ) -> Page[P]:
        """Return up to `limit` resources; fewer if they would not fit in an answer."""
        found = self.registry.find(account.id, kind, after, limit + 1)
        size, count = 0, 0
        for part in found[:limit]:
            size += len(encode(fields_of(part)))
            if count and size > PAGE_LIMIT_BYTES:
                break
            count += 1
        more = count < len(found)
        return Page(found[:count], name_of(found[count - 1]) if more else None)

    def get(self, account: Account, kind: type[P], name: str) -> P:
        """Return a resource. Raises NOT_FOUND."""
        part = self.registry.get(account.id, kind, name) if len(name) <= NAME_LIMIT else None
        if part is None:
            raise RequestRefused(Code.NOT_FOUND)
        return part

    def create(self, account: Account, kind: type[Part], fields: Mapping[str, Any]) -> Part:
        """Register a resource with these fields. Raises ALREADY_EXISTS."""
        part = self._with_secrets(account, self._make(account, kind, fields), None, fields)
        if not self.registry.create(account.id, part):
            raise RequestRefused(Code.ALREADY_EXISTS)
        self._reset_health(account, part)
        return part

    def replace(
        self, account: Account, kind: type[Part], name: str, fields: Mapping[str, Any]
    ) -> Part:
        """Replace a resource by these fields, which may leave out its name. Raises NOT_FOUND.

        A callback keeps the secrets that the fields leave out.
        """
        part = self._make(account, kind, {kind.name_field: name, **fields})
        if name_of(part) != name:
            raise _refusal(FieldRefused(kind.name_field, "the same as in the URL"))
        changed = self.change(
            account,
            kind,
            name,
            lambda existing: self._with_secrets(account, part, existing, fields),
        )
        self._reset_health(account, changed)
        return changed

    def change(self, account: Account, kind: type[P], name: str, change: Callable[[P], P]) -> P:
        """Replace a resource by the result of `change`. Raises NOT_FOUND."""
        fits = len(name) <= NAME_LIMIT
        changed = self.registry.change(account.id, kind, name, change) if fits else None
        if changed is None:
            raise RequestRefused(Code.NOT_FOUND)
        return changed

    def remove(self, account: Account, kind: type[Part], name: str) -> None:
        """Remove a resource. Raises NOT_FOUND; IN_USE for a callback that something refers to."""
        if kind is CallbackEndpoint and (user := self._user_of(account, name)):
            raise RequestRefused(Code.IN_USE, f"({user})")
        if len(name) > NAME_LIMIT or not self.registry.remove(account.id, kind, name):
            raise RequestRefused(Code.NOT_FOUND)

    def import_templates(
        self,
        account: Account,
        content: bytes,
        deadline: Deadline,
        category: Category | None = None,
    ) -> list[ImportedRow]:
        """Register the templates of a CSV file; templates not in it stay. Raises INVALID_CSV.

        `category` applies to rows without a type.

        Raises StoreUnavailable when time is up: some rows may be registered, and importing the same
        file again registers the rest.
        """
        rows = template_csv.parse(content, category)
        existing = {part.dlt_template_id: part for part in self.registry.find(account.id, Template)}
        report, taken = [], []
        for row in rows:
            result = _result(row, existing)
            problem = row.problem or row.warning
            report.append(ImportedRow(row.number, row.template_id, result, problem))
            if row.template and result is not RowResult.UNCHANGED:
                taken.append(row.template)
        created = sum(line.result is RowResult.CREATED for line in report)
        if created and len(existing) + created > TEMPLATE_COUNT_LIMIT:
            raise RequestRefused(
                Code.INVALID_REQUEST, f"(an account has at most {TEMPLATE_COUNT_LIMIT:,} templates)"
            )
        # Also if there are none: the last import may have died before its templates became visible.
        self.registry.put_all(account.id, taken, deadline)
        return report

    def export_templates(self, account: Account) -> bytes:
        """Return all templates as a CSV file that `import_templates` accepts."""
        return template_csv.export(self.registry.find(account.id, Template))

    def _make(self, account: Account, kind: type[Part], fields: Mapping[str, Any]) -> Part:
        try:
            part = make(kind, fields)
            self._check(account, part)
        except FieldRefused as error:
            raise _refusal(error) from error
        return part

    def _with_secrets(
        self, account: Account, part: Part, existing: Part | None, fields: Mapping[str, Any]
    ) -> Part:
        """Return a resource to replace `existing`: a callback gets its old and new secrets."""
        if not isinstance(part, CallbackEndpoint):
            return part
        if isinstance(existing, CallbackEndpoint):
            part = part.model_copy(update={"encrypted": existing.encrypted})
        try:
            return with_secrets(self.cipher, account.id, part, secrets_of(fields).over)
        except FieldRefused as error:
            raise _refusal(error) from error

    def _reset_health(self, account: Account, part: Part) -> None:
        if isinstance(part, CallbackEndpoint):
            self.reset_health(account.id, part.endpoint)

    def _check(self, account: Account, part: Part) -> None:
        match part:
            case CallbackEndpoint(url=url):
                if not account.may_call_back(url, self.callback_urls):
                    raise FieldRefused("url", "an https URL on a host that the account allows")
            case Sender(callback=name) if name:
                if self.registry.get(account.id, CallbackEndpoint, name) is None:
                    raise UnknownCallback("callback")
            case KeywordAnswer():
                check_answer(self.registry, account, part)

    def _user_of(self, account: Account, callback: str) -> str:
        """Return the user of a callback as text; empty if nothing refers to it."""
        if self.registry.default_callback(account.id) == callback:
            return "the account's default callback"
        for sender in self.registry.find(account.id, Sender):
            if sender.callback == callback:
                return f"sender {sender.header}"
        for credential in self.registry.credentials(account.id):
            if credential.callback == callback:
                return f"credential {credential.username}"
        return ""


def counts(report: Sequence[ImportedRow]) -> Counter[str]:
    """Return the number of rows for each result, zeros included."""
    found = Counter(line.result.value for line in report)
    return Counter({result.value: found[result] for result in RowResult})


def report_of(report: Sequence[ImportedRow]) -> dict[str, Any]:
    """Return a report's JSON: its counts, and its rows as far as they fit.

    Rows without a problem are left out first, then the last rows; `left_out` is their number.
    """
    rows = report
    if sum(map(_answer_bytes, rows)) > _REPORT_LIMIT_BYTES:
        rows = [line for line in rows if line.problem]
        sizes = accumulate(map(_answer_bytes, rows))
        rows = rows[: sum(size <= _REPORT_LIMIT_BYTES for size in sizes)]
    visible = [line._asdict() for line in rows]
    return {**counts(report), "left_out": len(report) - len(rows), "rows": visible}


def _answer_bytes(line: ImportedRow) -> int:
    return answer_bytes(encode(line._asdict())) + len(",")


def _result(row: template_csv.Row, registered: Mapping[str, Template]) -> RowResult:
    if row.template is None:
        return RowResult.SKIPPED if row.skipped else RowResult.REFUSED
    existing = registered.get(row.template.dlt_template_id)
    if existing is None:
        return RowResult.CREATED
    return RowResult.UNCHANGED if existing == row.template else RowResult.CHANGED


def _refusal(error: FieldRefused) -> RequestRefused:
    return RequestRefused(Code.INVALID_REQUEST, f"({error})")
