"""The placeholders of a provider's options, such as `{to}`; split templates at them.

    {to} {from} {text} {reference} {account_id} {category} {segment_count} {validity_s}
    {validity} {expires_at}                   by the options' `validity`; the latter in UTC,
                                              2026-01-01T10:00:00Z
    {encoding}                                GSM7 or UCS2
    {pe_id} {dlt_template_id} {chain_hash}    of DLT
    {telemarketer_id} {telemarketer_ids}      the last of the account's chain; all, with commas
    {template_id}                             the provider's own, by the options' `templates`
    {username} {password} {basic}             the last is base64 of `username:password`
    {receipt_url}                             the URL for this carrier's receipts

`{segment_count:number}`, `{validity:number}` and `{validity_s:number}` become numbers if they are a
whole JSON value; a JSON member called `{variables}` is replaced by a member for each variable of
the provider's template. The options' `values` map a placeholder's value to the provider's word.
"""

import re

PLACEHOLDERS = frozenset(
    {
        "to",
        "from",
        "text",
        "reference",
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
        "receipt_url",
    }
)
# Only these may be used in headers: other values may hold characters that a header cannot.
HEADER_PLACEHOLDERS = frozenset(
    {"reference", "username", "password", "basic", "account_id", "category", "encoding"}
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
