"""The URLs of a text that become links."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.accept.validation import linked
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.links.codec import URL_LIMIT, URLS_PER_MESSAGE
from harkara.text.urls import find_urls
from tests.cases.reading import rows

BASE = "https://hk.example/ACMEBK"


def code_of(number: int) -> str:
    return f"<{number}>"


@pytest.mark.parametrize("row", rows("linked_texts"))
def test_urls_become_links(row: dict[str, Any]) -> None:
    link = linked(row["text"], row.get("fixed", ""), BASE)
    visible = link.text(BASE, code_of).replace(f"{BASE}/<", "<") if link else row["text"]
    assert visible == row["shown"]
    assert (link.own_urls() if link else []) == row["urls"]


URLS = (
    "https://a.in",
    "http://b.in/c?d=1",
    "https://en.example/Post_(runner)",
    "HTTPS://A.IN/x/",
    "https://a.in/ऑफर",
    "https://a.in/?q=दिल्ली",
    "https://user@a.in:8080/#top",
)
SENTENCE_MARKS = ".,;:!?'*\"|<>`)]}"


@given(
    st.sampled_from(URLS),
    # Marks, symbols, blanks and invisible characters of any script.
    st.characters(categories=["P", "S", "Z", "Cc", "Cf", "Co"]).filter(lambda each: each > "\x7f")
    | st.sampled_from(SENTENCE_MARKS),
    st.text(max_size=5),
)
def test_no_mark_behind_a_url_is_of_it(url: str, mark: str, behind: str) -> None:
    for text in (f"see {url}{mark}", f"see {url}{mark} {behind}", f"({url}{mark}{mark})"):
        link = linked(text, "", BASE)
        assert link is not None
        assert link.urls[0] == url
        assert link.original() == text


@given(st.text() | st.text("htps:/.aw()[]{}=?https://www.क।\u200d "))
def test_any_text_is_its_parts_and_urls(text: str) -> None:
    link = linked(text, "", BASE)
    if link is not None:
        assert link.original() == text
        assert all(re.match("https?://", url, re.IGNORECASE) for url in link.urls)
        assert not any(character.isspace() for url in link.urls for character in url)


@pytest.mark.parametrize(
    "piece", ["www.a(", "https://", "www.a([{", "https://a=", "https://a.in/(क"]
)
def test_what_looks_like_many_urls_is_read_once(piece: str) -> None:
    text = piece * 2_000
    found = list(find_urls(text))
    assert sum(len(url) for _, url in found) <= len(text)
    ends = [0, *(at + len(url) for at, url in found)]
    assert all(end <= at for end, (at, _) in zip(ends, found, strict=False))


@given(
    st.text(),
    st.lists(st.tuples(st.sampled_from(["https://a.in", "http://b.in/c?d=1"]), st.text("ab .,"))),
)
def test_a_text_is_its_parts_and_urls(begin: str, rest: list[tuple[str, str]]) -> None:
    text = begin + "".join(f" {url} {after}" for url, after in rest)
    link = linked(text, "", BASE)
    if link is None:
        assert not rest
        return
    parts = [link.parts[0]]
    for url, part in zip(link.urls, link.parts[1:], strict=True):
        parts += url, part
    assert "".join(parts) == text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            " ".join(f"https://a.in/{n}" for n in range(URLS_PER_MESSAGE + 1)), id="too many"
        ),
        pytest.param("https://a.in/" + "x" * URL_LIMIT, id="too long"),
    ],
)
def test_what_no_link_can_hold_is_refused(text: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        linked(text, "", BASE)
    assert refused.value.code is Code.INVALID_RECORD
    assert refused.value.detail == "(8 different URLs at most, each of 2,048 characters)"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            " ".join(f"https://a.in/{n % URLS_PER_MESSAGE}" for n in range(40)), id="many places"
        ),
        pytest.param("https://a.in/" + "x" * (URL_LIMIT - 13), id="the longest"),
    ],
)
def test_what_links_can_just_hold_is_taken(text: str) -> None:
    assert linked(text, "", BASE) is not None
