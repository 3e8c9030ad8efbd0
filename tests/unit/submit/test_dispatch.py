"""Dispatch of a claimed part: sent messages, withheld ones with reasons, carriers' outcomes."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from harkara.base.codes import Code
from harkara.base.errors import StoreUnavailable
from harkara.base.log_events import LogEvent
from harkara.base.time import Deadline
from harkara.carriers.contract import InDoubt, NotTaken, Outcome, Refused, Submission, Taken
from harkara.dlt.templates import chain_hash
from harkara.model.ledger import LedgerEntry, cancel_kind, cancels_of, final_kind
from harkara.model.messages import Category, MessageBatch
from harkara.model.routing import Routing, Rules
from harkara.model.submit_tasks import Repeat
from harkara.model.suppressions import opt_out
from harkara.state.circuit_breaker import FAILURES_NEEDED
from harkara.submit.attempts import Cancelled, End, Ended
from harkara.submit.dispatch import Dispatched, index_entries
from harkara.submit.planner import RECORD_S
from tests.support.wired import NOW, RETENTION_S
from tests.unit.dispatching import BATCH, MESSAGE, MIDS, NOW_MS, Dispatching

CHAIN = BATCH.telemarketer_ids


def taken(*indexes: int) -> dict[int, End]:
    return {index: Taken(f"id-ref{index}") for index in indexes}


def cancel(there: Dispatching, *indexes: int) -> None:
    partition = cancels_of(BATCH.id)
    there.store.put_if_absent(
        [LedgerEntry(partition, cancel_kind(i), "x", "x", 0, {}) for i in indexes]
    )


def end(there: Dispatching, *indexes: int) -> None:
    there.store.put_if_absent(
        [LedgerEntry(BATCH.id, final_kind(i), "x", "x", 0, {}) for i in indexes]
    )


def test_each_carrier_gets_its_messages_and_what_it_says_is_their_end() -> None:
    payload: dict[int, Outcome] = {1: Refused(Code.DND, "650"), 2: NotTaken(30), 3: InDoubt()}
    there = Dispatching(outcomes=payload)
    dispatched = there.dispatch({"sim": [0, 1], "other": [2, 3]}, left_s=40)
    assert dispatched == Dispatched({**taken(0), **payload})
    got = {
        name: [each.message.client_ref for each in carrier.got]
        for name, carrier in there.carriers.items()
    }
    assert got == {"sim": ["ref0", "ref1"], "other": ["ref2", "ref3"]}
    assert [carrier.within_s for carrier in there.carriers.values()] == [[40 - RECORD_S]] * 2


def test_nothing_leaves_where_a_busy_table_took_the_carriers_time() -> None:
    there = Dispatching()
    timeout_s = there.carriers["sim"].timeout_s
    assert there.dispatch({"sim": [0, 1]}, left_s=timeout_s).ends == taken(0, 1)
    left_s = iter([60.0, *[timeout_s - 0.1] * 9])
    late = Deadline(lambda: next(left_s))
    again = there.dispatch({"sim": [2]}, until=late)
    assert again == Dispatched({2: NotTaken()})
    assert len(there.carriers["sim"].got) == 2


def test_a_carrier_gets_all_that_there_is_to_say_of_a_message() -> None:
    there = Dispatching()
    there.dispatch({"sim": [3]}, attempt=2)
    assert there.carriers["sim"].got == [
        Submission(
            reference=there.signer.sign(MIDS[3], 2),
            message=BATCH.messages[3],
            chain_hash=chain_hash(MESSAGE.pe_id, CHAIN),
            category=Category.SERVICE_IMPLICIT,
            account_id="acme",
            validity_s=595,
            telemarketer_ids=CHAIN,
            expires_at_s=int(NOW) + 595,
        )
    ]


@pytest.mark.parametrize(
    "batch",
    [
        pytest.param(replace(BATCH, telemarketer_ids=()), id="of no chain"),
        pytest.param(
            replace(BATCH, messages=[MESSAGE._replace(pe_id="", client_ref="ref0")]),
            id="of no entity",
        ),
    ],
)
def test_what_lacks_a_chain_has_no_hash(batch: MessageBatch) -> None:
    there = Dispatching(batch)
    there.dispatch({"sim": [0]})
    assert there.carriers["sim"].got[0].chain_hash == ""


@pytest.mark.parametrize(("left_s", "validity_s"), [(2.5, 2), (0.5, 1)])
def test_a_carrier_has_a_second_at_the_least(left_s: float, validity_s: int) -> None:
    there = Dispatching()
    there.now = BATCH.expires_at_s - left_s
    there.dispatch({"sim": [0]})
    assert there.carriers["sim"].got[0].validity_s == validity_s


def test_what_has_to_wait_by_the_plan_is_not_taken_for_as_many_whole_seconds() -> None:
    dispatched = Dispatching().dispatch({"sim": [0]}, waits_s={1: 0.2, 2: 30})
    assert dispatched == Dispatched({**taken(0), 1: NotTaken(1), 2: NotTaken(30)})


def test_another_carrier_need_not_wait_until_this_one_wants_a_message_again() -> None:
    payload = dict.fromkeys(range(3), NotTaken(600, failed=True))
    there = Dispatching(outcomes={**payload, 3: InDoubt()})
    dispatched = there.dispatch({"sim": [0, 1, 3, 4]}, others=frozenset({1, 3, 4}))
    assert dispatched.ends == {0: payload[0], 1: NotTaken(), 3: InDoubt(), **taken(4)}


EXPIRED = Refused(Code.EXPIRED, "")


@pytest.mark.parametrize(
    ("attempt", "at_s", "kept"),
    [
        pytest.param(1, NOW, {0: Cancelled()}, id="what was taken back"),
        pytest.param(2, NOW, {0: Cancelled(), 1: Ended()}, id="of a later try what has ended"),
        pytest.param(1, BATCH.expires_at_s, {0: Cancelled()}, id="nothing more at the last moment"),
        pytest.param(
            2,
            BATCH.expires_at_s + 1,
            {0: Cancelled(), 1: Ended(), 2: EXPIRED, 3: EXPIRED},
            id="all of what is over",
        ),
    ],
)
def test_what_must_not_go_out_is_kept_back(
    attempt: int, at_s: float, kept: Mapping[int, End]
) -> None:
    there = Dispatching()
    cancel(there, 0, 24)
    end(there, 0, 1)
    there.now = at_s
    dispatched = there.dispatch({"sim": [0, 1, 2, 3]}, attempt=attempt)
    out = [index for index in range(4) if index not in kept]
    assert dispatched == Dispatched({**taken(*out), **kept}, frozenset(kept))
    assert [each.message.client_ref for each in there.carriers["sim"].got] == [
        f"ref{index}" for index in out
    ]


def test_who_asked_to_stop_gets_nothing_where_the_accounts_lists_count() -> None:
    there = Dispatching()
    for index in (0, 1):
        there.suppressions.put("acme", opt_out(BATCH.messages[index].to, int(NOW)))
    cancel(there, 0)
    assert there.dispatch({"sim": [0, 1, 2]}).kept == {0}
    there.rules = Rules(Routing(suppression=True))
    kept: dict[int, End] = {0: Cancelled(), 1: Refused(Code.OPTED_OUT, "")}
    assert there.dispatch({"sim": [0, 1, 2]}) == Dispatched({**taken(2), **kept}, frozenset(kept))


def test_one_text_to_one_number_goes_out_once() -> None:
    """A suppressed or cancelled message is not sent, so another one is no duplicate of it."""
    messages = [MESSAGE._replace(client_ref=f"ref{index}") for index in range(3)]
    again = replace(BATCH, messages=messages, duplicate_window_s=3600)
    there = Dispatching(again)
    cancel(there, 0)
    kept: dict[int, End] = {0: Cancelled(), 2: Refused(Code.DUPLICATE, "")}
    assert there.dispatch({"sim": [0, 1, 2]}) == Dispatched({**taken(1), **kept}, frozenset(kept))


def test_a_carrier_that_gets_nothing_is_not_called() -> None:
    there = Dispatching()
    cancel(there, 0)
    there.dispatch({"sim": [0], "other": [1]})
    assert there.carriers["sim"].within_s == []


@pytest.mark.parametrize("call", ["find_entries", "get_entries"])
def test_what_cannot_be_looked_up_does_not_leave(call: str) -> None:
    there = Dispatching()

    def busy(number: int, name: str) -> None:
        if name == call:
            raise StoreUnavailable("busy")

    there.faults.on_call = busy
    dispatched = there.dispatch({"sim": [0]}, attempt=2, waits_s={1: 60})
    assert dispatched == Dispatched({0: NotTaken(), 1: NotTaken()})
    assert there.carriers["sim"].got == []


def test_what_is_in_doubt_goes_again_under_the_reference_of_its_try_and_stays_so_kept_back() -> (
    None
):
    repeats = {index: Repeat(index, "sim", 2) for index in (1, 2)}
    there = Dispatching()
    cancel(there, 2, 3)
    dispatched = there.dispatch({"sim": [0, 1, 2, 3]}, attempt=4, part={"repeats": repeats})
    kept: dict[int, End] = {2: InDoubt(), 3: Cancelled()}
    assert dispatched == Dispatched({**taken(0, 1), **kept}, frozenset(kept))
    assert [each.reference for each in there.carriers["sim"].got] == [
        there.signer.sign(MIDS[0], 4),
        there.signer.sign(MIDS[1], 2),
    ]


class Unnamed(Dispatching):
    """Its carriers do not return our references; their ids are hexadecimal."""

    def __init__(self) -> None:
        taken = {index: Taken(f"0{index + 10:x}") for index in range(3)}
        super().__init__(outcomes={**taken, 3: NotTaken(), 4: InDoubt()})
        changed = {"echoes_reference": False, "id_base": "hex"}
        self.settings["sim"] = self.settings["sim"].model_copy(update=changed)


def test_an_accepted_message_of_a_carrier_that_returns_no_reference_is_indexed() -> None:
    there = Unnamed()
    there.batch = replace(BATCH, send_at_ms=NOW_MS + 10**9)
    repeats = {1: Repeat(1, "sim", 2)}
    there.dispatch({"sim": [0, 1, 3, 4], "other": [2]}, attempt=4, part={"repeats": repeats})
    entries = [entry for entry in there.store.entries.values() if entry.kind == "carrier-id"]
    expected = index_entries("sim", {"10": (MIDS[0], 4), "11": (MIDS[1], 2)}, NOW_MS)
    assert entries == expected
    expires_at_s = {there.store.expires_at_s[entry.key] for entry in entries}
    assert expires_at_s == {there.batch.due_at_ms / 1000 + RETENTION_S}


def test_a_message_stays_accepted_though_it_cannot_be_indexed() -> None:
    there = Unnamed()

    def busy(number: int, name: str) -> None:
        if name == "put_over carrier-id":
            raise StoreUnavailable("busy")

    there.faults.on_call = busy
    assert there.dispatch({"sim": [0]}).ends == {0: Taken("0a")}


@pytest.mark.parametrize(
    ("outcomes", "count", "opens"),
    [
        pytest.param([InDoubt()] * FAILURES_NEEDED, FAILURES_NEEDED, True, id="no answer"),
        pytest.param([NotTaken(failed=True)] * 10, FAILURES_NEEDED, True, id="an error of its own"),
        pytest.param([NotTaken(60)] * 10, FAILURES_NEEDED, False, id="throttled"),
        pytest.param([Refused(Code.DND, "")] * 10, FAILURES_NEEDED, False, id="refused"),
        pytest.param([InDoubt()] * 10, 2 * FAILURES_NEEDED, True, id="half"),
        pytest.param([InDoubt()] * 10, 2 * FAILURES_NEEDED + 1, False, id="less than half"),
    ],
)
def test_a_carrier_that_fails_is_left_alone(
    outcomes: list[Outcome], count: int, opens: bool
) -> None:
    there = Dispatching(outcomes=dict(enumerate(outcomes)))
    there.dispatch({"sim": list(range(count))})
    event = LogEvent("breaker opened", {"batch": BATCH.id}, {"breaker_opened": 1}, carrier="sim")
    opened = [each for each in there.log_events if each.what == "breaker opened"]
    assert opened == [event] * opens
    there.dispatch({"sim": list(range(count))})
    again = [each for each in there.log_events if each.what == "breaker opened"]
    assert again == opened, "it is open, so that nobody opens it"


def test_what_one_carrier_does_not_answer_leaves_the_others_as_they_are() -> None:
    there = Dispatching(outcomes=dict.fromkeys(range(FAILURES_NEEDED), InDoubt()))
    failing = list(range(FAILURES_NEEDED))
    there.dispatch({"other": list(range(FAILURES_NEEDED, 25)), "sim": failing})
    circuit_breakers = there.submit_service().planner.circuit_breakers
    assert circuit_breakers.wait_s("sim") > 0
    assert circuit_breakers.wait_s("other") == 0
