"""A function's process is killed in the middle of a campaign, or the answer to a write is lost.

Each crash point has its own campaign, of 1,000 messages in `make faults`, which has all points;
`make test` has half of them. Campaigns with lost
answers run first, concurrently; then those with kills, each started after the kill of the one
before. The tests wait for all kills together, since messages of a killed process come back only
after a visibility time-out.
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx
import pytest

from harkara.model.messages import BLOCK_SIZE
from tests.conftest import TOLD
from tests.faults.faults import AT_LENGTH
from tests.stack.campaigns import Ends, Lab, campaign, ends, metas_of, wait_until
from tests.stack.proxy import Fault, Rule

pytestmark = pytest.mark.stack

# At least two blocks.
COUNT = 1000 if AT_LENGTH else 125
# Waits end once their condition holds; only a hanging run takes so long on a busy machine.
MET_WITHIN_S = 180
CALLED_BACK_WITHIN_S = 600
QUIET_WITHIN_S = 900


@dataclass(frozen=True)
class Point:
    """The place of a fault: a function, and the kind of record that it writes."""

    name: str
    function: str
    puts: str
    fault: Fault
    # How often the platform refuses the callbacks of the first messages: with one refusal the retry
    # comes from a queue, with two from the Due table.
    refusals: int = 0

    @property
    def campaign(self) -> str:
        """The name of its campaign, with which every `smsgid` begins."""
        return self.name.replace(": ", "-").replace(" ", "-")


KILL_BEFORE, KILL_AFTER, LOSE = Fault.KILL_BEFORE, Fault.KILL_AFTER, Fault.LOSE_ANSWER

STORED = Point("killed: batch stored", "send", "batch", KILL_AFTER)
ENQUEUED = Point("killed: enqueued", "send", "submit", KILL_AFTER)
CLAIMED = Point("killed: claimed", "submit", "claim", KILL_AFTER)
CARRIER_ANSWERED = Point("killed: carrier answered", "submit", "outcome", KILL_BEFORE)
POSTED = Point("killed: platform answered", "dlr", "ack", KILL_BEFORE)

# Without `make faults`: those at which something is left in doubt, and one for each function.
FEW_KILLS = (STORED, ENQUEUED, CLAIMED, CARRIER_ANSWERED, POSTED)
ALL_KILLS = (
    STORED,
    ENQUEUED,
    CLAIMED,
    CARRIER_ANSWERED,
    Point("killed: outcome put", "submit", "outcome", KILL_AFTER),
    Point("killed: receipts queued", "receipt", "receipts", KILL_AFTER),
    Point("killed: finals put", "dlr", "final", KILL_AFTER),
    POSTED,
    Point("killed: ack put", "dlr", "ack", KILL_AFTER),
    Point("killed: retry claimed", "dlr", "post", KILL_AFTER, refusals=1),
    Point("killed: due read", "sweep", "callback", KILL_BEFORE, refusals=2),
    Point("killed: due enqueued", "sweep", "callback", KILL_AFTER, refusals=2),
)
KILLS = ALL_KILLS if AT_LENGTH else (*FEW_KILLS, ALL_KILLS[-1])
ALL_LOSSES = (
    Point("lost: batch", "send", "batch", LOSE),
    Point("lost: enqueued batch", "send", "submit", LOSE),
    Point("lost: claim", "submit", "claim", LOSE),
    Point("lost: outcome", "submit", "outcome", LOSE),
    Point("lost: queued receipts", "receipt", "receipts", LOSE),
    Point("lost: finals", "dlr", "final", LOSE),
    Point("lost: ack", "dlr", "ack", LOSE),
    Point("lost: claim of a retry", "dlr", "post", LOSE, refusals=1),
    Point("lost: due", "dlr", "due", LOSE, refusals=2),
)
# Without `make faults`: claim, outcome, ack and due.
LOSSES = ALL_LOSSES if AT_LENGTH else ALL_LOSSES[2:4] + ALL_LOSSES[6::2]


@dataclass
class Run:
    """The outcome of one point's campaign."""

    point: Point
    rule: Rule
    answer: httpx.Response
    # The committed `smsgid`s, and subsets of them:
    committed: set[str] = field(default_factory=set)
    final: set[str] = field(default_factory=set)
    in_doubt: set[str] = field(default_factory=set)
    doubled: set[str] = field(default_factory=set)
    lost: set[str] = field(default_factory=set)


@dataclass
class Outcome:
    """The outcome of all campaigns."""

    runs: dict[Point, Run]
    ends: Ends
    quiet: bool
    took_s: float


def start(lab: Lab, point: Point) -> Run:
    """Send a point's campaign."""
    rule = lab.proxy.add(Rule(point.function, point.puts, point.fault, point.campaign))
    urls = [
        lab.callback_url(f"fail-{point.refusals}/{point.campaign}/{index}")
        for index in range(3 if point.refusals else 0)
    ]
    return Run(point, rule, lab.send(campaign(point.campaign, COUNT, first=urls)))


def called_back(lab: Lab) -> int:
    """Return how many final states the platform received."""
    summary = httpx.get(f"{lab.stack.platform_url}/callbacks?summary=1").json()
    return int(summary["entries"])


def is_met(lab: Lab, run: Run) -> bool:
    """Return whether the fault has happened; `sweep` runs here once a task is due."""
    if run.point.function == "sweep" and lab.make_due():
        lab.sweep()
    return bool(run.rule.victims)


def sweep_until_quiet(lab: Lab) -> bool:
    """Make all tasks in the Due table due and sweep; return whether no work is left."""
    if lab.make_due():
        lab.sweep()
        return False
    return lab.is_quiet()


@pytest.fixture(scope="module")
def outcome(lab: Lab) -> Outcome:
    began = time.monotonic()
    before = called_back(lab)
    runs = {point: start(lab, point) for point in LOSSES}
    expected = before + COUNT * len(LOSSES) - 3  # those that wait in the Due table
    wait_until(lambda: called_back(lab) >= expected, CALLED_BACK_WITHIN_S)
    for point in KILLS:
        runs[point] = run = start(lab, point)
        wait_until(lambda: is_met(lab, run), MET_WITHIN_S)  # noqa: B023 - it is awaited here
    quiet = wait_until(lambda: sweep_until_quiet(lab), QUIET_WITHIN_S, 1)
    found = ends(lab)
    for run in runs.values():
        decide(lab, run, found)
    return Outcome(runs, found, quiet, time.monotonic() - began)


def decide(lab: Lab, run: Run, found: Ends) -> None:
    """Fill in the outcome of a campaign."""
    stored = {
        ref for batch in lab.proxy.batches[run.point.campaign] for ref in found.accepted[batch]
    }
    run.final = stored & found.states.keys()
    run.in_doubt = stored & found.in_doubt
    run.doubled = {ref for ref in stored if found.called_back[ref] > 1}
    # Messages were not accepted if `send` was killed before it enqueued them.
    run.committed = set() if run.point is STORED else stored
    run.lost = {
        ref for ref in run.committed if ref not in found.states or not found.called_back[ref]
    }


def table(outcome: Outcome) -> str:
    """Return the table of the campaigns."""
    lines = [
        f"{'crash point':32}{'accepted':>9}{'final':>7}{'in doubt':>9}{'doubled':>8}{'lost':>6}"
    ]
    for run in outcome.runs.values():
        numbers = map(len, (run.committed, run.final, run.in_doubt, run.doubled, run.lost))
        lines.append(f"{run.point.name:32}" + "{:9}{:7}{:9}{:8}{:6}".format(*numbers))
    lines.append(f"{len(outcome.runs)} campaigns of {COUNT} in {outcome.took_s:.0f} s")
    return "\n".join(lines)


def name_of(point: Point) -> str:
    return point.campaign


each_point = pytest.mark.parametrize("point", [*KILLS, *LOSSES], ids=name_of)
each_loss = pytest.mark.parametrize("point", LOSSES, ids=name_of)


def test_nothing_waits_any_more(
    outcome: Outcome, record_property: Callable[[str, str], None]
) -> None:
    record_property(TOLD, table(outcome))
    assert outcome.quiet


@each_point
def test_the_fault_was_met(outcome: Outcome, point: Point) -> None:
    assert len(outcome.runs[point].rule.victims) == 1


@each_point
def test_every_accepted_message_is_final_and_called_back(outcome: Outcome, point: Point) -> None:
    run = outcome.runs[point]
    assert len(run.committed) == (0 if point is STORED else COUNT)
    assert run.committed <= run.final
    assert not run.lost


@each_point
def test_no_message_is_submitted_twice(outcome: Outcome, point: Point) -> None:
    prefix = f"{point.campaign}-"
    submitted = outcome.ends.submitted
    assert not [ref for ref, n in submitted.items() if n > 1 and ref.startswith(prefix)]


@each_point
def test_what_is_not_in_doubt_is_delivered(outcome: Outcome, point: Point) -> None:
    run, states = outcome.runs[point], outcome.ends.states
    assert Counter(states[ref] for ref in run.final - run.in_doubt) == Counter(
        delivered=len(run.final - run.in_doubt)
    )
    # A message in doubt gets a receipt if the carrier accepted it.
    submitted = {ref for ref in run.in_doubt if outcome.ends.submitted[ref]}
    assert {states[ref] for ref in submitted} <= {"delivered"}
    assert {states[ref] for ref in run.in_doubt - submitted} <= {"unknown"}


@each_loss
def test_a_lost_answer_puts_nothing_in_doubt(outcome: Outcome, point: Point) -> None:
    run = outcome.runs[point]
    assert run.answer.status_code == 200
    assert not run.in_doubt
    assert not run.doubled


def test_without_a_kill_no_callback_is_in_doubt(outcome: Outcome, lab: Lab) -> None:
    spared = {ref for point in LOSSES for ref in outcome.runs[point].committed}
    in_doubt = outcome.ends.callbacks_in_doubt
    posts = [post for post in lab.callbacks() if post["webhook_id"] in in_doubt]
    assert not {ref for post in posts for ref in metas_of(post)} & spared


def test_what_is_in_doubt_at_the_carrier_is_a_block_a_kill_and_never_submitted_again(
    outcome: Outcome, lab: Lab
) -> None:
    in_doubt = {ref for run in outcome.runs.values() for ref in run.in_doubt}
    assert 0 < len(in_doubt) <= BLOCK_SIZE * lab.deaths("submit")
    assert max(outcome.ends.submitted[ref] for ref in in_doubt) == 1
    assert lab.logged_counts()["submit in_doubt"] >= len(in_doubt)
    for point in (CLAIMED, CARRIER_ANSWERED):
        assert outcome.runs[point].in_doubt, "a kill between claim and outcome leaves a doubt"


def test_a_callback_is_doubled_only_in_doubt_unchanged_and_counted(
    outcome: Outcome, lab: Lab
) -> None:
    posts = outcome.ends.doubled_posts
    assert outcome.runs[POSTED].doubled, "a kill between post and ack leaves a doubt"
    assert posts.keys() <= outcome.ends.callbacks_in_doubt
    assert lab.logged_counts()["dlr callbacks_in_doubt"] > 0
    # One final state has one webhook id, and its members do not change.
    doubled = {ref for run in outcome.runs.values() for ref in run.doubled}
    assert doubled == {ref for group in posts.values() for ref in metas_of(group[0])}
    for group in posts.values():
        assert [(post["path"], post["events"]) for post in group] == [
            (group[0]["path"], group[0]["events"])
        ] * 2


def test_a_send_killed_before_its_commit_answers_5xx_and_nothing_comes_of_it(
    outcome: Outcome,
) -> None:
    run = outcome.runs[STORED]
    assert run.answer.status_code >= 500
    assert not run.final
    prefix = f"{STORED.campaign}-"
    assert not [ref for ref in outcome.ends.called_back if ref.startswith(prefix)]


def test_a_send_killed_after_its_commit_answers_5xx_and_yet_all_of_it_ends(
    outcome: Outcome,
) -> None:
    run = outcome.runs[ENQUEUED]
    assert run.answer.status_code >= 500
    assert len(run.final) == COUNT
