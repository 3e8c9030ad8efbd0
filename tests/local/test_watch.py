"""The output of `make up` fits a screen of 80 columns, and reports errors."""

import json
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from harkara.base.errors import StoreUnavailable
from local import campaign, up
from local.campaign import ALL, Kind, Row, report
from local.emulator import Emulator
from local.settings import ROOT, LocalStackError, Ports
from local.stack import Stack, StackSettings
from local.watch import Campaign, table_of
from tests.local.test_campaign import all_as_expected

COLUMNS = 80
WORDS = st.text("abcdefghijklmnopqrstuvwxyz[]-_ ", min_size=1, max_size=60).map(
    lambda word: " ".join(word.split()) or "-"
)
STATES = st.sampled_from(["delivered", "failed", "unknown", "submitted", "none"]) | WORDS
COUNTS = st.integers(0, 1_000_000)


def printed(what: Any) -> str:
    console = Console(width=COLUMNS, file=StringIO(), highlight=False)
    console.print(what)
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


@st.composite
def rows(draw: st.DrawFn) -> Row:
    name, kind = draw(st.sampled_from(sorted(ALL.items())))
    counters = st.dictionaries(STATES, COUNTS, max_size=4).map(Counter)
    behaviour = draw(st.just(kind.behaviour) | WORDS)
    kind = Kind(draw(COUNTS), behaviour, draw(STATES), draw(STATES), draw(st.booleans()))
    return Row(
        name,
        kind,
        messages=draw(COUNTS),
        states=draw(counters),
        callbacks=draw(counters),
        repeated_callbacks=draw(COUNTS),
        repeated_submits=draw(COUNTS),
        in_doubt=draw(COUNTS),
    )


def test_a_campaign_that_went_well_takes_a_line_a_number() -> None:
    lines = printed(table_of(report(all_as_expected()))).splitlines()
    assert max(map(len, lines)) <= COLUMNS
    assert [line.split()[0] for line in lines[2:]] == [*ALL, "all"]
    assert all(line.rstrip().endswith("yes") for line in lines[2:-1])
    assert "expected" not in "".join(lines)


def test_a_row_that_is_wrong_says_what_was_expected_and_what_came() -> None:
    seen = all_as_expected()
    first, second, *_ = [id_ for id_, number in seen.numbers.items() if number.endswith("9009")]
    seen.states[seen.mids[first]] = "unknown"
    seen.callbacks[first] = ["900"]
    seen.callbacks[second] *= 2
    seen.taken[seen.mids[first]] = 2
    text = printed(table_of(report(seen)))
    at = text.index("9009")
    assert [line.split() for line in text[at : text.index("9010")].splitlines() if line] == [
        ["9009", "receipt", "before", "its", "answer", "no"],
        ["expected", "10", "delivered:", "10", "delivered:", "10", "0"],
        ["came", "10", "delivered:", "9", "900:", "1", "0"],
        ["1", "submitted", "twice", "unknown:", "1", "delivered:", "10"],
        ["1", "called", "back", "twice"],
    ]
    assert text.count("expected") == 1


@given(st.lists(rows(), max_size=4))
def test_no_line_is_longer_than_the_screen(visible: list[Row]) -> None:
    lines = printed(table_of(visible)).splitlines()
    assert max(map(len, lines)) <= COLUMNS


@given(rows())
def test_a_wrong_row_shows_all_that_was_expected_and_that_came(row: Row) -> None:
    text = printed(table_of([row]))
    if row.as_expected:
        assert "expected" not in text
        return
    assert ("expected" in text, "came" in text) == (True, True)
    # Long words are folded within their column: none of their letters gets lost.
    letters = Counter(re.sub(r"\s", "", text))
    for counted in (row.states, row.callbacks, {row.kind.state: row.kind.count}):
        for name, count in counted.items():
            assert not Counter(re.sub(r"\s", "", f"{name}:{count}")) - letters


def test_the_words_that_end_the_start_fit_and_what_is_to_be_copied_is_whole(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ports = Ports(*[65_532 + each for each in range(4)])
    stack = Stack(folder=ROOT / ".local", ports=ports)
    stack._emulator = Emulator(Path(), stack.folder, ports.emulator)
    console = Console(width=COLUMNS, file=StringIO(), highlight=False)
    monkeypatch.setattr(up, "console", console)
    link = f"{stack.endpoint}/console/link?token={'x' * 200}"
    up._show_endpoint(stack, None, link)
    assert isinstance(console.file, StringIO)
    text = console.file.getvalue()
    lines = text.splitlines()
    lines.remove(f"  {link}")  # a terminal copies it as one line
    assert max(map(len, lines)) <= COLUMNS
    command = text[text.index("  curl -s") : text.index("See what came")]
    (tmp_path / "curl").write_text('#!/bin/sh\nprintf "%s\\n" "$2"\nprintf "%s" "$6"\n')
    (tmp_path / "curl").chmod(0o755)
    done = subprocess.run(
        ["bash", "-c", command], env={"PATH": f"{tmp_path}:/bin:/usr/bin"}, capture_output=True
    )
    url, _, body = done.stdout.decode().partition("\n")
    assert url == f"{stack.endpoint}/datasend"
    assert json.loads(body)["smstosend"][0]["smsgid"] == "first"


class Running:
    """The part of a stack that `Campaign` uses."""

    settings = StackSettings()
    outputs = {"MessagesTableName": "messages"}

    def __init__(self, *, runs: bool) -> None:
        self._runs = runs

    def client(self, _service: str) -> None: ...

    def is_running(self) -> bool:
        return self._runs


@pytest.mark.parametrize("error", [StoreUnavailable("slow"), LocalStackError("no answer")])
def test_a_stack_that_is_slow_is_asked_again(error: Exception) -> None:
    answers: Iterator[Exception | dict[str, int]] = iter([error, error, {"final": 1}])

    def counts() -> dict[str, int]:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert Campaign(cast(Stack, Running(runs=True))).ask(counts) == {"final": 1}


def test_the_message_to_show_is_one_that_the_carrier_takes_at_the_third_try() -> None:
    run = Campaign(cast(Stack, Running(runs=True)))
    records = campaign.request(0.0)["smstosend"]
    run._numbers = {record["smsgid"]: record["to"] for record in records}
    run._mids = {record["smsgid"]: f"mid of {record['to']}" for record in records}
    assert run.mid_to_show() == "mid of +919800009006"


def test_a_stack_that_has_ended_is_not_asked_again() -> None:
    def counts() -> dict[str, int]:
        raise StoreUnavailable("gone")

    with pytest.raises(LocalStackError, match="the stack does not answer: gone"):
        Campaign(cast(Stack, Running(runs=False))).ask(counts)
