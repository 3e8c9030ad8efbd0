"""The placeholders of a provider's options, such as `{to}`; split templates at them.

    {to} {from} {text} {reference} {uuid} {account_id} {category} {segment_count} {validity_s}
    {validity} {expires_at}                   by the options' `validity`; the latter in UTC,
                                              2026-01-01T10:00:00Z
    {encoding}                                GSM7 or UCS2
    {pe_id} {dlt_template_id} {chain_hash}    of DLT
    {telemarketer_id} {telemarketer_ids}      the last of the account's chain; all, with commas
    {template_id}                             the provider's own, by the options' `templates`
    {username} {password} {basic}             the last is base64 of `username:password`
    {token}                                   what the options' `login` got
    {assertion}                               of a login with a service account's key
    {records} {index}                         of the options' `record`
    {receipt_url}                             the URL for this carrier's receipts
    {suggestions}                             buttons of an RCS message, by the options' own name
    {label} {suggestion_url} {suggestion_phone}   in those

`{segment_count:number}`, `{validity:number}` and `{validity_s:number}` become numbers if they are a
whole JSON value; a JSON member called `{variables}` is replaced by a member for each variable of
the provider's template. The options' `values` map a placeholder's value to the provider's word.

For an RCS carrier `{text}`, `{template_id}` and `{variables}` are those of the RCS content.

Some providers store templates, and take a template's id and the values of its variables in place of
a text. The values are extracted from the message's whole text: `##name##` in the provider's
template stands for any text. If several sets of values fit, each renders the same text, and the one
with the shortest first value is used.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

PLACEHOLDERS = frozenset(
    {
        "to",
        "from",
        "text",
        "reference",
        "uuid",
        "pe_id",
        "dlt_template_id",
        "chain_hash",
        "category",
        "encoding",
        "segment_count",
        "validity",
        "expires_at",
        "validity_s",
        "segment_count:number",
        "validity:number",
        "validity_s:number",
        "telemarketer_id",
        "telemarketer_ids",
        "template_id",
        "account_id",
        "username",
        "password",
        "basic",
        "token",
        "assertion",
        "receipt_url",
        "records",
        "index",
        "index:number",
        "suggestions",
        "label",
        "suggestion_url",
        "suggestion_phone",
    }
)
RECORDS = "records"
SUGGESTIONS = "suggestions"
OF_A_SUGGESTION = frozenset({"label", "suggestion_url", "suggestion_phone"})
INDEXES = frozenset({"index", "index:number"})
NOT_IN_URLS = frozenset({"token", "assertion", RECORDS, SUGGESTIONS, *OF_A_SUGGESTION, *INDEXES})
LOGIN_PLACEHOLDERS = frozenset({"username", "password", "basic", "token", "assertion"})
# Only these may be used in headers: other values may hold characters that a header cannot.
HEADER_PLACEHOLDERS = frozenset(
    LOGIN_PLACEHOLDERS | {"reference", "account_id", "category", "encoding"}
)
_PIECE = re.compile(r"\{\{|\}\}|\{([a-z_]+(?::number)?)\}|[^{}]+")


def pieces_of(template: str) -> list[tuple[str, str]]:
    """Return a template's pieces: (text, "") or ("", placeholder).

    Raises ValueError, which shows nothing of the template except an unknown placeholder.
    """
    pieces, end = [], 0
    for match in _PIECE.finditer(template):
        if match.start() != end:
            break
        end = match.end()
        name = match[1] or ""
        if name and name not in PLACEHOLDERS:
            raise ValueError(f"there is no placeholder {{{name}}}")
        text = match[0][0] if match[0] in ("{{", "}}") else match[0]
        pieces.append(("", name) if name else (text, ""))
    if end != len(template):
        raise ValueError("a brace that is no placeholder's is written twice")
    return pieces


def placeholders_of(template: object) -> set[str]:
    """Return the placeholders in all strings of a value. Raises ValueError like `pieces_of`."""
    if isinstance(template, str):
        return {name for _, name in pieces_of(template) if name}
    if isinstance(template, dict):
        template = list(template.values())
    if isinstance(template, list):
        return {name for value in template for name in placeholders_of(value)}
    return set()


_VARIABLE = re.compile(r"##([A-Za-z0-9_]{1,64})##")


def pieces(template: str) -> Sequence[str]:
    """Return a template's fixed texts and, between them, its variables' names.

    Raises ValueError if two variables are adjacent: their values could not be told apart.
    """
    parts = _VARIABLE.split(template)
    if "" in parts[2:-1:2]:
        raise ValueError("two variables stand side by side")
    return parts


def values_in(text: str, template: str) -> Mapping[str, str] | None:
    """Return the values of a template's variables in a text; None if it does not match."""
    parts = _cut(template)
    fixed, names = parts[::2], parts[1::2]
    if not names:
        return {} if text == template else None
    first, last = fixed[0], fixed[-1]
    end = len(text) - len(last)
    if not text.startswith(first) or not text.endswith(last) or end < len(first):
        return None
    found: list[str] = []
    start = len(first)
    for each in fixed[1:-1]:
        at = text.find(each, start, end)
        if at < 0:
            return None
        found.append(text[start:at])
        start = at + len(each)
    found.append(text[start:end])
    values = dict(zip(names, found, strict=True))
    same = all(values[name] == value for name, value in zip(names, found, strict=True))
    return values if same else None


@lru_cache(maxsize=1_000)
def _cut(template: str) -> Sequence[str]:
    return pieces(template)
