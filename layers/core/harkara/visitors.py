"""Who visits a link: a person, or a machine that looks at it for one.

A browser that fetches ahead says so in a header; programs that show a preview of a link, and
crawlers, say who they are. What they all are called: github.com/monperrus/crawler-user-agents
(MIT). Apps whose own browser names them (Snapchat, Pinterest, LINE) are people, and are not here.
"""

import re
from collections.abc import Mapping

PREVIEWERS = (
    "bluesky cardyb",
    "embedly",
    "facebookexternalhit",  # Messenger, LINE; Apple's Messages says it too
    "facebot",
    "google-inspectiontool",
    "google-pagerenderer",
    "google-read-aloud",
    "iframely",
    "mastodon/",
    "meta-externalfetcher",
    "microsoftpreview",
    "skypeuripreview",
    "slack-imgproxy",
    "snap url preview service",
    "vkshare",
    "whatsapp/",
)
CRAWLERS = (
    "adsbot-google",
    "ahrefsbot",
    "applebot",
    "baiduspider",
    "bingbot",
    "bingpreview",
    "discordbot",
    "duckduckbot",
    "googlebot",
    "googleother",
    "linkedinbot",
    "mediapartners-google",
    "petalbot",
    "pinterestbot",
    "redditbot",
    "semrushbot",
    "slackbot",
    "slurp",
    "telegrambot",
    "twitterbot",
    "yandexbot",
)

_MACHINE = re.compile("|".join(map(re.escape, PREVIEWERS + CRAWLERS)))
# MDN "Sec-Purpose"; Purpose and X-Purpose are what browsers said before it, X-Moz Firefox.
_AHEAD = ("sec-purpose", "purpose", "x-purpose", "x-moz")
_FETCHES_AHEAD = re.compile(r"prefetch|prerender|preview")


def is_person(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a person asks, as far as one can tell; `headers` by their names in lower case."""
    if method != "GET":
        return False
    if any(_FETCHES_AHEAD.search(headers.get(name, "").lower()) for name in _AHEAD):
        return False
    return _MACHINE.search(headers.get("user-agent", "").lower()) is None
