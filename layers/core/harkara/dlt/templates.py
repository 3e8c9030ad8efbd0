"""Parse a registered content into fixed text and variables; check it and its chain hash.

Fixed text matches character by character, case and white space included. Sources contradict each
other on white space: MSG91 says that the platforms ignore spaces, line breaks, full stops and
commas (msg91.com/help, "SMS not matched with DLT template"); Textlocal and SMSIndiaHub say that
an extra or missing space or line is refused. A text that passes the strict reading passes both.
Only line endings may differ, because forms and files change them: CR LF and CR count as LF.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

ANY_MARKS = "*"
USUAL_MARKS = " _/.-,:'&()#"
"""Marks allowed in {#alphanumeric#} by the guides of Vi and Jio; one vendor allows none."""


class Kind(StrEnum):
    """The kind of value that a variable takes."""

    VAR = "var"
    NUMERIC = "numeric"
    ALPHANUMERIC = "alphanumeric"
    URL = "url"
    URLOTT = "urlott"
    CBN = "cbn"
    EMAIL = "email"


@dataclass(frozen=True, slots=True)
class Rules:
    """Length limits of the variables, and the URLs and numbers that an account has registered.

    If `urls` or `call_back_numbers` is empty, any value of the right form is allowed. `url_limit`
    is the length of the part after the registered URL, or after the host. `alphanumeric_marks` are
    the characters allowed in {#alphanumeric#} besides letters, their combining marks and digits;
    ANY_MARKS allows all.
    """

    var_limit: int = 30
    numeric_limit: int = 40
    alphanumeric_limit: int = 40
    alphanumeric_marks: str = ANY_MARKS
    url_limit: int = 200
    urls: tuple[str, ...] = ()
    call_back_numbers: tuple[str, ...] = ()


DEFAULT_RULES = Rules()

# The portals' short tags, and the long ones that TRAI's direction of November 2025 also lists.
KINDS: Mapping[str, Kind] = {
    **{str(kind): kind for kind in Kind},
    "num": Kind.NUMERIC,
    "number": Kind.NUMERIC,
    "alp": Kind.ALPHANUMERIC,
    "uro": Kind.URLOTT,
    "urg": Kind.URL,
}
# Portals differ in case and blanks. Any other spelling is fixed text.
VARIABLE = re.compile(rf"\{{#\s*({'|'.join(KINDS)})\s*#\}}", re.IGNORECASE)


def parse(content: str) -> list[str]:
    """Return a content's fixed texts and the kinds of its variables, alternating.

    The first and the last item are fixed texts, perhaps empty: `["Dear ", "var", ""]`.
    """
    parts = VARIABLE.split(fold(content))
    parts[1::2] = [KINDS[name.lower()] for name in parts[1::2]]
    return parts


def kinds(content: str) -> list[Kind]:
    """Return the kinds of a content's variables in order."""
    return [Kind(name) for name in parse(content)[1::2]]


def fold(text: str) -> str:
    """Return the text with each line ending as LF."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def rule_of(kind: Kind, rules: Rules) -> str:
    """Return a variable's rule in a few words, for error messages."""
    match kind:
        case Kind.VAR:
            return f"1 to {rules.var_limit} characters"
        case Kind.NUMERIC:
            return f"1 to {rules.numeric_limit} digits"
        case Kind.ALPHANUMERIC:
            return f"1 to {rules.alphanumeric_limit} {_characters(rules.alphanumeric_marks)}"
        case Kind.URL | Kind.URLOTT:
            return "a registered URL" if rules.urls else "a URL"
        case Kind.CBN:
            return "a registered call-back number" if rules.call_back_numbers else "a phone number"
        case Kind.EMAIL:
            return "an e-mail address"


def _characters(marks: str) -> str:
    if marks == ANY_MARKS:
        return "characters"
    blanks, others = ", blanks" if " " in marks else "", marks.replace(" ", "")
    return f"letters, digits{blanks} and {others}" if others else f"letters{blanks} and digits"


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


def chain_hash(pe_id: str, telemarketer_ids: Sequence[str]) -> str:
    """Return the chain hash: SHA-256 of the ids joined by commas, in lower-case hex."""
    return hashlib.sha256(",".join([pe_id, *telemarketer_ids]).encode()).hexdigest()
