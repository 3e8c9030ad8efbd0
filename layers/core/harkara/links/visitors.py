"""Tell whether the visitor of a link is a person, or a machine that previews or scans it.

A person's browser calls itself Mozilla or Opera, or is one of the old ones of Java phones. Programs
with any other name, or none, are machines: previews of chat apps, HTTP libraries, scanners.
Machines that pretend to be a browser but still identify themselves name a URL, or are in the list
of crawler-user-agents (MIT), which `make crawlers` renews. A complete imitation cannot be told from
a person.
"""

import re
from collections.abc import Mapping
from pathlib import Path

# These apps have browsers of their own, whose visitors are people; their link previews do not call
# themselves a browser.
_APPS = ("WhatsApp", "Viber")
_BROWSER = re.compile(r"(?:Mozilla|Opera)/|.*(?:UCWEB|UC ?Browser|MIDP)", re.DOTALL)
# "compatible" is used by Internet Explorer, and by machines.
_NAMES_ITSELF = re.compile(r"https?://|\bcompatible;(?! ?MSIE)")
# Scanners of mail and messages, and words of machines that are not in the list.
_SCANNER = re.compile(
    r"barracuda|google-safety|mimecast|netcraft|proofpoint|safe ?browsing|safelinks|sophos"
    r"|symantec|trend ?micro|urlscan|virustotal|zscaler|cardyb|googlemessages"
    r"|\b(?:bot|crawler|spider|fetcher|preview)\b|(?<!cu)bot/[0-9]|headless",
    re.IGNORECASE,
)
# MDN "Sec-Purpose"; before it browsers sent Purpose or X-Purpose, and Firefox X-Moz.
_AHEAD = ("sec-purpose", "purpose", "x-purpose", "x-moz")
_FETCHES_AHEAD = re.compile(r"prefetch|prerender|preview")
# `make crawlers` writes it.
LIST = Path(__file__).with_name("crawlers.txt")
# One expression for all would take three times as long.
_BATCH = 25


def read_list(text: str) -> list[str]:
    """Return the patterns of a list: one per line, without comments."""
    return [line for line in text.splitlines() if not line.startswith("#")]


def _compiled() -> list[re.Pattern[str]]:
    patterns = [pattern for pattern in read_list(LIST.read_text()) if pattern not in _APPS]
    batches = (patterns[at : at + _BATCH] for at in range(0, len(patterns), _BATCH))
    return [re.compile("|".join(batch)) for batch in batches]


# Compiled on import, so that a function's snapshot has them: it takes a tenth of a second.
_LISTED = _compiled()


def is_person(method: str, headers: Mapping[str, str]) -> bool:
    """Whether the visitor is a person, as far as can be told; header names are in lower case."""
    if method != "GET":
        return False
    if any(_FETCHES_AHEAD.search(headers.get(name, "").lower()) for name in _AHEAD):
        return False
    agent = headers.get("user-agent", "")
    if not _BROWSER.match(agent) or _NAMES_ITSELF.search(agent) or _SCANNER.search(agent):
        return False
    return not any(pattern.search(agent) for pattern in _LISTED)
