"""Who visits a link: a person, or a machine that looks at it for one.

A person's browser calls itself Mozilla or Opera, or is one of the old ones of Java phones; programs
that call themselves anything else, or nothing, are none: previews of chat apps, libraries of HTTP,
scanners. Those that pretend to be a browser and still say what they are name a URL, or are in the
list of crawler-user-agents (MIT), which `make crawlers` renews. Whoever pretends in full cannot be
told from a person.
"""

import re
from collections.abc import Mapping
from pathlib import Path

# These apps have browsers of their own, whose visitors are people; their previews of links are no
# browser by name.
_APPS = ("WhatsApp", "Viber")
_BROWSER = re.compile(r"(?:Mozilla|Opera)/|.*(?:UCWEB|UC ?Browser|MIDP)", re.DOTALL)
# "compatible" is said by Internet Explorer, and by machines.
_NAMES_ITSELF = re.compile(r"https?://|\bcompatible;(?! ?MSIE)")
# Scanners of mail and messages, and words of machines that are not in the list.
_SCANNER = re.compile(
    r"barracuda|google-safety|mimecast|netcraft|proofpoint|safe ?browsing|safelinks|sophos"
    r"|symantec|trend ?micro|urlscan|virustotal|zscaler|cardyb|googlemessages"
    r"|\b(?:bot|crawler|spider|fetcher|preview)\b|(?<!cu)bot/[0-9]|headless",
    re.IGNORECASE,
)
# MDN "Sec-Purpose"; Purpose and X-Purpose are what browsers said before it, X-Moz Firefox.
_AHEAD = ("sec-purpose", "purpose", "x-purpose", "x-moz")
_FETCHES_AHEAD = re.compile(r"prefetch|prerender|preview")
# All in one expression would take three times as long.
_CHUNK = 25


def read_list(text: str) -> list[str]:
    """Return the patterns of a list: a line each, without comments."""
    return [line for line in text.splitlines() if not line.startswith("#")]


def _compiled() -> list[re.Pattern[str]]:
    text = Path(__file__).with_name("crawlers.txt").read_text()
    patterns = [pattern for pattern in read_list(text) if pattern not in _APPS]
    chunks = (patterns[at : at + _CHUNK] for at in range(0, len(patterns), _CHUNK))
    return [re.compile("|".join(chunk)) for chunk in chunks]


# On import, so that the snapshot of a function has them: it takes a tenth of a second.
_LISTED = _compiled()


def is_person(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a person asks, as far as one can tell; `headers` by their names in lower case."""
    if method != "GET":
        return False
    if any(_FETCHES_AHEAD.search(headers.get(name, "").lower()) for name in _AHEAD):
        return False
    agent = headers.get("user-agent", "")
    if not _BROWSER.match(agent) or _NAMES_ITSELF.search(agent) or _SCANNER.search(agent):
        return False
    return not any(pattern.search(agent) for pattern in _LISTED)
