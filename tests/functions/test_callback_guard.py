"""No callback leaves for any address outside the public internet.

The tests count the connections at a listening socket, to which every address leads; the socket gets
the allowed connections too.
"""

from pathlib import Path

import pytest

from harkara.model.callbacks import UrlRules
from tests.cases.reading import rows
from tests.functions.posting import (
    AUTHORITY,
    HOST,
    PUBLIC,
    TAKEN,
    Posted,
    post,
    serving_with,
    trust,
)

FORBIDDEN = [row for row in rows("addresses") if not row.values[0][1]]  # type: ignore[index]


class NoRules(UrlRules):
    """Allows everything, to show that a connection would arrive."""

    def host_of(self, url: str) -> str | None:
        return "any"

    def may_connect_to(self, address: str) -> bool:
        return True


def literal(address: str) -> str:
    return f"https://[{address}]/" if ":" in address else f"https://{address}/"


def assert_nothing_left(posted: Posted) -> None:
    assert posted.arrived == [0]
    assert posted.internet.destinations == []
    assert [result.status for result in posted.results] == [0]


@pytest.mark.parametrize("url", rows("hostile_urls"))
def test_no_connection_leaves_for_a_hostile_url(url: str) -> None:
    posted = post(url)
    assert_nothing_left(posted)
    assert posted.questions == []
    assert posted.results[0].reason == "the callback URL is not allowed"


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example/",
        "https://hooks.example:22/",
        "https://user:secret@hooks.example/",
        "https://0x7f000001/",
        "https://hooks.example./",
    ],
)
def test_without_the_rules_a_hostile_url_is_connected_to(url: str) -> None:
    assert url in [row.values[0] for row in rows("hostile_urls")]
    assert post(url, rules=NoRules()).arrived == [1]


@pytest.mark.parametrize("row", FORBIDDEN)
def test_no_connection_leaves_for_a_forbidden_address(row: tuple[str, bool]) -> None:
    posted = post(literal(row[0]))
    assert_nothing_left(posted)
    assert posted.results[0].reason == "the callback URL is not allowed"


@pytest.mark.parametrize("row", FORBIDDEN)
def test_no_connection_leaves_for_a_name_of_a_forbidden_address(row: tuple[str, bool]) -> None:
    posted = post(answers=[[row[0]]])
    assert_nothing_left(posted)
    assert posted.questions == [HOST]
    reason = "no address: the name leads to an address that is not global"
    assert posted.results[0].reason == reason


@pytest.mark.parametrize("row", FORBIDDEN)
def test_without_the_rules_it_would(row: tuple[str, bool]) -> None:
    assert post(answers=[[row[0]]], rules=NoRules()).arrived == [1]
    assert post(literal(row[0].partition("%")[0]), rules=NoRules()).arrived == [1]


@pytest.mark.parametrize("row", rows("resolutions"))
def test_a_name_is_judged_at_each_resolution(
    row: tuple[list[list[str]], list[int]],
) -> None:
    answers, arrived = row
    posted = post(answers=answers, posts=len(arrived))
    assert posted.arrived == arrived
    assert len(posted.questions) == len(arrived)


def test_what_was_resolved_is_connected_to_and_the_name_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trust(monkeypatch, tmp_path)
    # A second resolution would lead to another address.
    posted = post(
        answers=[[PUBLIC], ["169.254.169.254"]],
        script=TAKEN,
        tls=serving_with(AUTHORITY.issue_cert(HOST)),
    )
    assert [result.reason for result in posted.results] == ["HTTP 200"]
    assert posted.questions == posted.internet.names == [HOST]
    assert posted.internet.destinations == [(PUBLIC, 443)]


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://10.0.0.1:3128")
    assert post().internet.destinations == [(PUBLIC, 443)]
