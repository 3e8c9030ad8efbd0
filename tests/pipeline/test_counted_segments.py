"""A carrier that reports each segment of a long message under an id of its own."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic_core import to_json

from harkara.accept.requests import RecordResult
from harkara.carriers.receipts import ReceiptRequest
from harkara.carriers.settings import CarrierSettings, hash_token
from harkara.text.segments import measure
from tests.pipeline import campaign
from tests.support.fakes import Faults
from tests.support.wired import TOKEN
from tests.support.world import World

TEXT = "x" * 400
SEGMENTS = 3
COUNTING = CarrierSettings.model_validate(
    {
        "name": "counting",
        "kind": "http",
        "url": "https://counting.example/send",
        "receipt_token_hashes": [hash_token(TOKEN)],
        "http": {
            "form": {"to": "{to}", "text": "{text}", "ref": "{reference}"},
            "answer": {"id": "/id"},
            "receipts": {
                "reference": "/ref",
                "id": "/id",
                "state": "/state",
                "states": {"ok": "delivered", "no": "failed", "gone": "expired", "on": None},
                "counts_segments": True,
            },
        },
    }
)


class Said(NamedTuple):
    """A carrier's report on one segment."""

    segment: int
    state: str


class Counting(World):
    """A world with one long message, whose carrier `sim` sends no receipt by itself."""

    def __init__(self, faults: Faults | None = None, text: str = TEXT) -> None:
        super().__init__(faults)
        # Messages go to `sim`; receipts come as this carrier sends them.
        self.accounts.carriers["counting"] = COUNTING
        record = campaign.record("9004")._replace(text=text)
        self.answers: Sequence[RecordResult] = self.send([record]) or []

    @property
    def mid(self) -> str:
        mid = self.answers[0].mid
        assert mid
        return mid

    def say(self, *payload: Said, attempt: int = 1) -> None:
        """Post receipts in one request."""
        reference = self.signer.sign(self.mid, attempt)
        entries = [
            {"ref": reference, "id": f"0C{each.segment}", "state": each.state} for each in payload
        ]
        request = ReceiptRequest("POST", {}, {}, to_json(entries))
        self.receive_service().receive("counting", TOKEN, request)


def expected(payload: Sequence[Said]) -> str:
    """Return the state that receipts in this order make final, "unknown" for none."""
    delivered: set[int] = set()
    for segment, state in payload:
        if state in ("no", "gone"):
            return {"no": "failed", "gone": "expired"}[state]
        if state == "ok":
            delivered.add(segment)
        if len(delivered) == SEGMENTS:
            return "delivered"
    return "unknown"


SAID = st.builds(Said, st.integers(1, SEGMENTS), st.sampled_from(["ok", "ok", "no", "gone", "on"]))


def test_the_text_takes_three_segments() -> None:
    assert measure(TEXT).segment_count == SEGMENTS


@given(st.lists(st.lists(SAID, min_size=1, max_size=5), max_size=5))
@example([[Said(1, "ok")], [Said(1, "ok")], [Said(1, "ok")]])
@example([[Said(3, "ok"), Said(1, "ok"), Said(2, "ok"), Said(2, "no"), Said(3, "ok")]])
@example([[Said(3, "ok")], [Said(1, "ok"), Said(2, "ok"), Said(1, "no"), Said(3, "ok")]])
@example([[Said(3, "ok")], [Said(1, "no")], [Said(2, "ok"), Said(1, "ok")]])
def test_a_message_is_delivered_with_its_last_segment_and_fails_with_the_first(
    requests: list[list[Said]],
) -> None:
    world = Counting()
    for number, payload in enumerate(requests):
        world.at(10 + number, partial(world.say, *payload))
    world.run()
    assert world.finals() == {
        world.mid: expected([each for payload in requests for each in payload])
    }
    assert world.called_back() == {world.mid: 1}


def test_a_message_of_one_segment_needs_no_count() -> None:
    world = Counting(text="short")
    world.at(10, lambda: world.say(Said(1, "ok")))
    world.run()
    assert world.finals() == {world.mid: "delivered"}
    assert not [kind for _, kind in world.store.entries if kind.startswith("segment#")]


def together(faults: Faults | None = None) -> Counting:
    """Return a world in which all segments are delivered at the same moment, one twice."""
    world = Counting(faults)
    if world.answers:
        for payload in ([Said(1, "ok"), Said(2, "ok")], [Said(2, "ok")], [Said(3, "ok")]):
            world.at(10, partial(world.say, *payload))
    world.run()
    return world


CALLS = list(enumerate(together().faults.calls))
OF_SEGMENTS = [number for number, name in CALLS if "segment" in name or "find_entries" in name]


def test_segments_are_put_and_counted() -> None:
    assert any("segment" in name for _, name in CALLS)
    assert together().finals() == {together().mid: "delivered"}


@pytest.mark.parametrize("number", OF_SEGMENTS)
@pytest.mark.parametrize(
    "faults",
    [
        pytest.param(lambda number: Faults(kill_before={number}), id="killed before"),
        pytest.param(lambda number: Faults(kill_after={number}), id="killed after"),
        pytest.param(lambda number: Faults(lose_answer={number}), id="answer lost"),
    ],
)
def test_a_death_while_segments_are_counted_loses_none(
    faults: Callable[[int], Faults], number: int
) -> None:
    world = together(faults(number))
    if not world.answers:
        return
    assert world.finals() == {world.mid: "delivered"}
    assert world.called_back() == {world.mid: 1}


def test_segments_of_different_tries_are_not_added_up() -> None:
    world = Counting()
    world.at(10, lambda: world.say(Said(1, "ok"), Said(2, "ok")))
    world.at(11, lambda: world.say(Said(3, "ok"), attempt=2))
    world.run()
    assert world.finals() == {world.mid: "unknown"}
