"""A registered content as fixed text and variables (wire-formats section 5).

Fixed text matches character by character, case and white space included. Sources contradict each
other on white space: MSG91 says that the platforms ignore spaces, line breaks, full stops and
commas (msg91.com/help, "SMS not matched with DLT template"); Textlocal and SMSIndiaHub say that
an extra or missing space or line is refused. What passes the strict reading passes both. Only the
spelling of a line's end is free, since it changes on the way through forms and files: CR LF and
CR are LF.
"""

import re
from dataclasses import dataclass
from enum import StrEnum


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
    what follows the registered URL, or the host.
    """

    var_limit: int = 30
    numeric_limit: int = 40
    alphanumeric_limit: int = 40
    url_limit: int = 200
    urls: tuple[str, ...] = ()
    call_back_numbers: tuple[str, ...] = ()


DEFAULT_RULES = Rules()

# Case counts, as on the portals. What is spelled in another way is fixed text.
_VARIABLE = re.compile(r"\{#(var|numeric|alphanumeric|url|urlott|cbn|email)#\}")


def parse(content: str) -> list[str]:
    """Return the fixed texts of a content in odd places, its variables' kinds between them.

    The first and the last are fixed texts, perhaps empty: `["Dear ", "var", ""]`.
    """
    return _VARIABLE.split(fold(content))


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
            return f"1 to {rules.alphanumeric_limit} letters and digits"
        case Kind.URL | Kind.URLOTT:
            return "a registered URL" if rules.urls else "a URL"
        case Kind.CBN:
            return "a registered call-back number" if rules.call_back_numbers else "a phone number"
        case Kind.EMAIL:
            return "an e-mail address"
