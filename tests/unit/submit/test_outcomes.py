"""The outcome of a block attempt: its entry for each message."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from harkara.base.codes import Code
from harkara.carriers.contract import InDoubt, NotTaken, Refused, Taken
from harkara.submit.attempts import Cancelled, End, Ended
from harkara.submit.dispatch import Dispatched
from harkara.submit.outcomes import (
    left_behind,
    outcome_of,
)
from harkara.submit.planner import BlockPart
from tests.unit.block_attempt import (
    AT,
    NOTHING,
    PART,
    REPEATED,
    REPEATED_AT,
)


def ended(ends: Sequence[End], *, part: BlockPart = PART, kept: Sequence[int] = ()) -> Dispatched:
    return Dispatched(dict(zip(part.indexes, ends, strict=True)), frozenset(kept))


def test_what_a_dead_worker_had_in_its_hands_is_in_doubt_and_the_rest_was_not_taken() -> None:
    assert left_behind(PART, AT) == Dispatched(
        {0: InDoubt(), 1: InDoubt(), 2: InDoubt(), 3: NotTaken()}
    )
    assert left_behind(REPEATED, REPEATED_AT).ends[3] == InDoubt()


def test_an_outcome_names_each_message_at_its_end() -> None:
    ends: list[End] = [Taken("id"), Refused(Code.DND, "650"), NotTaken(7), InDoubt()]
    assert outcome_of(PART, dict.fromkeys(range(4), "a"), ended(ends), ()) == {
        **NOTHING,
        "taken": [(0, "id")],
        "refused": [(1, Code.DND, "650")],
        "not_taken": [(2, 7)],
        "in_doubt": [3],
    }
    kept: list[End] = [Cancelled(), Ended(), NotTaken(), NotTaken()]
    payload = outcome_of(PART, AT, ended(kept, kept=(0, 1)), {"a", "b"})
    assert payload == {**NOTHING, "cancelled": [0], "ended": [1], "not_taken": [(2, 0), (3, 0)]}


@pytest.mark.parametrize(
    ("end", "kept", "repeatable", "payload"),
    [
        pytest.param(NotTaken(9), (), "c", {"in_doubt": [3], "again": [(3, 9)]}, id="not taken"),
        pytest.param(NotTaken(9), (), "ab", {"in_doubt": [3]}, id="not where it is repeated"),
        pytest.param(InDoubt(), (), "c", {"in_doubt": [3], "again": [(3, 0)]}, id="in doubt"),
        pytest.param(InDoubt(), (3,), "c", {"in_doubt": [3]}, id="kept back"),
        pytest.param(Taken("id"), (), "c", {"taken": [(3, "id")]}, id="taken"),
        pytest.param(Refused(Code.DND, ""), (), "c", {"refused": [(3, Code.DND, "")]}, id="never"),
    ],
)
def test_what_was_in_doubt_stays_so_until_its_carrier_says_that_it_has_it_or_never_will(
    end: End, kept: Sequence[int], repeatable: str, payload: Mapping[str, Any]
) -> None:
    ends = [Taken(""), Taken(""), Taken(""), end]
    dispatched = ended(ends, part=REPEATED, kept=kept)
    taken = [(0, ""), (1, ""), (2, ""), *payload.get("taken", [])]
    expected = {**NOTHING, **payload, "taken": taken}
    assert outcome_of(REPEATED, REPEATED_AT, dispatched, set(repeatable)) == expected
    assert dispatched.ends[3] == end, "what came of the handing over is left as it is"


def test_what_is_in_doubt_for_the_first_time_goes_again_where_its_carrier_deduplicates() -> None:
    ends: list[End] = [InDoubt(), NotTaken(4), InDoubt(), NotTaken()]
    payload = outcome_of(PART, AT, ended(ends), {"a"})
    assert payload["again"] == [(0, 0)]
    assert payload["in_doubt"] == [0, 2]
    assert payload["not_taken"] == [(1, 4), (3, 0)]
