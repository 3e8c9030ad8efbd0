"""Inbound messages from carriers whose ids are unique, reused, or all the same."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.carriers.receipts import ReceiptRequest
from tests.pipeline.test_replies import PHONE, listening, replies, say
from tests.support.caprices import DAY_S
from tests.support.fakes import Faults
from tests.support.wired import TOKEN
from tests.support.world import World

STOP, START, HELLO = "STOP", "START", "Hello"
WEEK_S = 7 * DAY_S


def is_out(world: World) -> bool:
    return bool(world.suppressions.entries("acme", [PHONE]))


# A carrier's ids for its messages, and the shortest pause before its next message in seconds.
CARRIERS: dict[str, tuple[Callable[[int], str], int]] = {
    "by an id of its own": (lambda number: f"m{number}", 1),
    "by one of two, a week later": (lambda number: f"m{number % 2}", WEEK_S // 2),
    "all alike": (lambda number: "1", 1),
}


@pytest.mark.parametrize("carrier", CARRIERS)
@given(
    seed=st.integers(0, 10**6),
    clock_s=st.sampled_from([None, 0, 3600, -9 * DAY_S]),
    payload=st.lists(
        st.tuples(
            st.integers(0, 3 * DAY_S),
            st.sampled_from([STOP, START, HELLO]),
            st.lists(st.integers(0, 2 * DAY_S), max_size=2),
        ),
        min_size=1,
        max_size=5,
    ),
)
def test_what_was_written_last_counts_and_what_comes_again_changes_nothing(
    carrier: str, clock_s: int | None, seed: int, payload: Sequence[tuple[int, str, Sequence[int]]]
) -> None:
    """A carrier repeats a message only before it reuses the id. Its clock may be wrong."""
    name_of, pause_s = CARRIERS[carrier]
    world = listening(Faults(seed=seed), form="standard")
    deliveries = list[tuple[int, int, str, Any]]()
    at_s, last = int(world.now), len(payload) - 1
    starts_s = [at_s := at_s + pause_s + after_s for after_s, _, _ in payload]
    for number, (_, text, again_s) in enumerate(payload):
        text = f"{text} {number}" if text == HELLO else text
        until_s = min(
            (starts_s[n] for n in range(number + 1, last + 1) if name_of(n) == name_of(number)),
            default=starts_s[number] + WEEK_S,
        )
        ts = None if clock_s is None else starts_s[number] + clock_s
        fields = {"mid": name_of(number), "ts": ts}
        for repeated_s in (0, *again_s):
            if starts_s[number] + repeated_s < until_s:
                deliveries.append((starts_s[number] + repeated_s, number, text, fields))
    newest, out = -1, False
    for due_s, number, text, fields in sorted(deliveries, key=lambda each: each[:2]):
        world.now = max(world.now, due_s)
        say(world, text, **fields)
        if number > newest:
            newest, out = number, {STOP: True, START: False}.get(text, out)
        assert is_out(world) == out
    hellos = [f"{HELLO} {n}" for n, (_, text, _) in enumerate(payload) if text == HELLO]
    assert [reply.text for reply in replies(world) if HELLO in reply.text] == hellos


@pytest.mark.parametrize(
    ("after_s", "received"), [(WEEK_S - 1, 1), (WEEK_S, 2), (30 * DAY_S, 2)], ids=str
)
def test_what_comes_a_week_later_is_another_message(after_s: int, received: int) -> None:
    world = listening(form="standard")
    say(world, STOP, ts=None, mid="1")
    world.now += after_s
    say(world, STOP, ts=None, mid="1")
    assert len(replies(world)) == received


@pytest.mark.parametrize("changed", ["sender", "to", "text"])
def test_two_of_one_id_in_one_second_are_two(changed: str) -> None:
    world = listening(form="standard")
    world.providers.settings["sim"] = world.providers.settings["sim"].model_copy(
        update={"inbound": {"56161": "acme", "56162": "acme"}}
    )
    other = {"sender": "919876549999", "to": "56162", "text": "No"}[changed]
    say(world, mid="1")
    say(world, **{"mid": "1", changed: other})
    assert len(replies(world)) == 2


def test_an_id_of_half_characters_is_one() -> None:
    world = listening(form="standard")
    payload = {"from": [PHONE], "to": ["56161"], "text": ["caf\udce9"], "mid": ["\udce9"]}
    for _ in range(2):
        world.inbound_service().receive("sim", TOKEN, ReceiptRequest("GET", {}, payload, b""))
        world.run()
    assert len(replies(world)) == 1
