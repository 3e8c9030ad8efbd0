"""A registered content as fixed text and variables (wire-formats section 5).

Fixed text matches character by character, case and white space included. Sources contradict each
other on white space: MSG91 says that the platforms ignore spaces, line breaks, full stops and
commas (msg91.com/help, "SMS not matched with DLT template"); Textlocal and SMSIndiaHub say that
an extra or missing space or line is refused. What passes the strict reading passes both. Only the
spelling of a line's end is free, since it changes on the way through forms and files: CR LF and
CR are LF.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

ANY_MARKS = "*"
USUAL_MARKS = " _/.-,:'&()#"
"""What an {#alphanumeric#} takes by the guides of Vi and Jio; one vendor says none of them."""


class Kind(StrEnum):
    """What may stand in a variable."""

    VAR = "var"
    NUMERIC = "numeric"
    ALPHANUMERIC = "alphanumeric"
    URL = "url"
    URLOTT = "urlott"
    CBN = "cbn"
    EMAIL = "email"


@dataclass(frozen=True, slots=True)
class Rules:
    """Limits of the variables, and what an account has registered.

    Empty `urls` or `call_back_numbers`: any value of the right form will do. `url_limit` counts
    what follows the registered URL, or the host. `alphanumeric_marks` are the characters that an
    {#alphanumeric#} takes beside letters, their combining marks and digits: ANY_MARKS for all.
    """

    var_limit: int = 30
    numeric_limit: int = 40
    alphanumeric_limit: int = 40
    alphanumeric_marks: str = ANY_MARKS
    url_limit: int = 200
    urls: tuple[str, ...] = ()
    call_back_numbers: tuple[str, ...] = ()


DEFAULT_RULES = Rules()

# The portals' short tags, and the long ones that the direction of November 2025 also has.
KINDS: Mapping[str, Kind] = {
    **{str(kind): kind for kind in Kind},
    "num": Kind.NUMERIC,
    "number": Kind.NUMERIC,
    "alp": Kind.ALPHANUMERIC,
    "uro": Kind.URLOTT,
    "urg": Kind.URL,
}
# Portals differ in case and blanks. What is spelled in another way is fixed text.
VARIABLE = re.compile(rf"\{{#\s*({'|'.join(KINDS)})\s*#\}}", re.IGNORECASE)


def parse(content: str) -> list[str]:
    """Return the fixed texts of a content in odd places, its variables' kinds between them.

    The first and the last are fixed texts, perhaps empty: `["Dear ", "var", ""]`.
    """
    parts = VARIABLE.split(fold(content))
    parts[1::2] = [KINDS[name.lower()] for name in parts[1::2]]
    return parts


def kinds(content: str) -> list[Kind]:
    """Return the kinds of a content's variables in order."""
    return [Kind(name) for name in parse(content)[1::2]]


def fold(text: str) -> str:
    """Return the text with each line's end as one LF."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def rule_of(kind: Kind, rules: Rules) -> str:
    """Say in a few words what may stand in a variable."""
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
