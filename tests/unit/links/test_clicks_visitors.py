"""The visitors that count as persons who follow a link."""

import re
from typing import Any

import pytest

from harkara.links import clicks
from harkara.links.clicks import is_person, read_list
from tests.cases.reading import rows
from tools.renew_crawlers import text_of


@pytest.mark.parametrize("row", rows("visitors"))
def test_a_person_is_told_from_a_machine(row: dict[str, Any]) -> None:
    headers = {name: value for name, value in row.items() if name not in ("method", "person")}
    assert is_person(row.get("method", "GET"), headers) is row["person"]


LIST = clicks.LIST.read_text()
BROWSER = "Mozilla/5.0 (Linux; Android 13) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36"
KNOWN = (
    *("AdsBot-Google", "AhrefsBot/7.0", "Applebot/0.1", "Baiduspider/2.0", "bingbot/2.0"),
    *("Discordbot/2.0", "DuckDuckBot/1.1", "Googlebot/2.1", "GoogleOther", "LinkedInBot/1.0"),
    *("Mediapartners-Google", "PetalBot", "Pinterestbot/1.0", "SemrushBot/7", "Slackbot 1.0"),
    *("TelegramBot", "Twitterbot/1.0", "facebookexternalhit/1.1", "Google-Read-Aloud"),
)


def test_the_list_is_as_it_was_written_with_its_origin_and_licence() -> None:
    head, _, licence = LIST.partition("\n#\n")
    assert re.fullmatch(r"# crawler-user-agents \S+, written by tools/renew_crawlers.py", head)
    comments = [line.removeprefix("# ").removeprefix("#") for line in licence.splitlines()]
    licence = "\n".join(comments[: -len(read_list(LIST))])
    assert "MIT License" in licence
    assert text_of(head.split()[2].rstrip(","), licence, read_list(LIST)) == LIST


@pytest.mark.parametrize("pattern", ["", " ", "#bot", "a\nb", "("])
def test_a_list_of_what_is_no_pattern_is_not_written(pattern: str) -> None:
    with pytest.raises((ValueError, re.error)):
        text_of("1.0", "MIT", ["bot", pattern])


@pytest.mark.parametrize("name", KNOWN)
def test_a_machine_that_pretends_to_be_a_browser_is_known_by_its_name(name: str) -> None:
    assert not is_person("GET", {"user-agent": f"{BROWSER} {name}"})
    assert is_person("GET", {"user-agent": BROWSER})
