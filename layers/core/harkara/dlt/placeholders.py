"""Find unfilled placeholders in texts, and misspelled variables in templates."""

import re

from harkara.dlt.templates import KINDS, VARIABLE, fold, parse

# DLT's own variables, and the replacements of CleverTap ($$To, $$Body, ...).
_PLACEHOLDER = re.compile(r"\{#[^{}#]*#\}|\$\$[A-Za-z]\w*")
_WORD = r"[A-Za-z_][\w-]{0,30}"
_KNOWN = "|".join([*KINDS, "variable", "name", "otp"])
_LOOKS_LIKE = re.compile(
    rf"#+{_WORD}#+|\{{+\s*{_WORD}\s*\}}+|%{_WORD}%|\$\$?{_WORD}\$*|\{{\s+#|#\s+\}}"
    rf"|[\[<(]\s*#?(?i:{_KNOWN})[0-9]*#?\s*[\])>]"
)


def holds_placeholder(text: str, content: str = "") -> bool:
    """Return whether a text holds a placeholder that is not in its template's fixed text."""
    literals = parse(content)[::2]
    return any(
        not any(match[0] in literal for literal in literals)
        for match in _PLACEHOLDER.finditer(text)
    )


def may_hold_placeholder(text: str) -> bool:
    """Return whether a text may hold a placeholder: a quick first check."""
    return "{#" in text or "$$" in text


def looks_like_variable(content: str) -> int | None:
    """Return the index of fixed text that may be meant as a variable; None if there is none."""
    masked = VARIABLE.sub(lambda variable: "\0" * len(variable[0]), fold(content))
    match = _LOOKS_LIKE.search(masked)
    return match.start() if match else None
