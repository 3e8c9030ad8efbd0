"""Answers to STOP, START and HELP: one for each request, however often it comes, whatever dies."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.base.codes import Code
from harkara.base.ids import split_mid
from harkara.base.json import encode
from harkara.base.time import DAY_S, IST_OFFSET_S
from harkara.carriers.receipts import ReceiptRequest
from harkara.inbound.answers import ANSWERS_A_DAY
from harkara.model.accounts import Enforcement
from harkara.model.answers import KeywordAnswer
from harkara.model.messages import Category
from harkara.model.routing import Routing
from harkara.model.suppressions import opt_out
from tests.pipeline import campaign
from tests.pipeline.deaths import Fault, deaths, each, lost_answers
from tests.pipeline.test_replies import CARRIERS, CODE, PHONE, replies
from tests.support.fakes import Faults, ProcessKilled
from tests.support.wired import ACCOUNT, TOKEN
from tests.support.world import World

TEXTS = {
    "stop": "You get no more messages of Acme.",
    "start": "Welcome back to Acme.",
    "help": "Acme, help: 1800123456.",
}
# How a carrier names what a phone sent: by an id, by a time, or not at all.
NAMED: dict[str, dict[str, Any]] = {
    "by an id": {"mid": "m1", "ts": None},
    "by a time": {},
    "not at all": {"ts": None},
}


def answer(keyword: str, **fields: Any) -> KeywordAnswer:
    made = {
        "keyword": keyword,
        "header": "ACMEBK",
        "category": Category.SERVICE_IMPLICIT,
        "text": TEXTS[keyword],
    }
    return KeywordAnswer.model_validate({**made, **fields})


def answering(faults: Faults | None = None, *keywords: str, **changes: Any) -> World:
    """Return a world whose account answers these keywords, all by default, and obeys its list."""
    answers = {name: answer(name) for name in keywords or TEXTS}
    account = ACCOUNT.model_copy(update={"answers": answers, "two_way": True, **changes})
    world = World(faults, account=account, carriers=CARRIERS)
    world.routing.routing["acme"] = Routing(suppression=True)
    return world


def post(world: World, text: str, sender: str = PHONE, **fields: Any) -> None:
    """Post a phone's message; its carrier repeats a request that got no answer."""
    payload = {"from": sender, "to": CODE, "text": text, "ts": int(world.now), **fields}
    request = ReceiptRequest("POST", {}, {}, encode(payload))
    for _ in range(5):
        try:
            world.inbound_service().receive("sim", TOKEN, request)
            break
        except ProcessKilled:
            world.killed += 1


def say(world: World, text: str, sender: str = PHONE, **fields: Any) -> None:
    """Post a phone's message, and let a minute pass."""
    post(world, text, sender, **fields)
    world.run(for_s=60)


def answered(world: World, to: str = PHONE) -> list[str]:
    """Return the texts that the carrier took for a phone, in order, each as often as it took it."""
    batches, texts = world.batches(), []
    for mid, times in world.providers.taken().items():
        batch_id, index = split_mid(mid)
        message = batches[batch_id].messages[index]
        texts += [message.text] * times if message.to == to else []
    return texts


def test_stop_is_answered_by_one_message_although_the_number_is_on_the_list_now() -> None:
    world = answering()
    say(world, "STOP")
    assert answered(world) == [TEXTS["stop"]]
    assert world.suppressions.entries("acme", [PHONE]) == [opt_out(PHONE, int(world.now))]
    world.send([campaign.record("0000", to=PHONE, client_ref="next")])
    world.run(for_s=60)
    assert answered(world) == [TEXTS["stop"]]
    assert [dlr.code for dlr in world.platform.dlrs] == [Code.OPTED_OUT]  # of "next" alone


def test_an_opt_out_is_answered_once_and_the_next_one_again() -> None:
    world = answering()
    for after_s, text in [
        (0, "STOP"),
        (1, "STOP"),
        (3600, "unsubscribe"),
        (1, "START"),
        (1, "STOP"),
    ]:
        world.now += after_s
        say(world, text)
    assert answered(world) == [TEXTS["stop"], TEXTS["start"], TEXTS["stop"]]


def test_start_is_answered_where_it_ends_an_opt_out() -> None:
    world = answering()
    say(world, "START")
    assert answered(world) == []


@pytest.mark.parametrize(("first", "late"), [("STOP", "START"), ("START", "STOP")])
@pytest.mark.parametrize("earlier_s", [0, 1, 3600])
def test_what_came_too_late_to_count_is_not_answered(first: str, late: str, earlier_s: int) -> None:
    world = answering()
    if first == "START":
        say(world, "STOP", ts=int(world.now) - 2 * 3600)
    at_s = int(world.now)
    say(world, first, ts=at_s)
    before = answered(world)
    say(world, late, ts=at_s - earlier_s)
    # Of the same second STOP counts.
    assert len(answered(world)) - len(before) == (late == "STOP" and earlier_s == 0)


def test_nothing_is_answered_without_an_answer() -> None:
    world = answering(None, "help")
    for text in ("STOP", "START", "Hello"):
        say(world, text)
    assert answered(world) == []
    say(world, "Help, please!")
    assert answered(world) == [TEXTS["help"]]


def asked_to_stop(faults: Faults, named: str) -> World:
    world = answering(faults)
    post(world, "STOP", **NAMED[named])
    return world


RUN = asked_to_stop(Faults(), "by an id").faults


@pytest.mark.parametrize("named", NAMED)
@each([*deaths(RUN), *lost_answers(RUN)])
def test_a_death_costs_no_answer_and_makes_none_twice(fault: Fault, named: str) -> None:
    world = asked_to_stop(fault.faults(), named)
    world.run()
    assert answered(world) == [TEXTS["stop"]]
    assert world.suppressions.entries("acme", [PHONE])


def test_an_account_that_changes_between_repeats_answers_once() -> None:
    world = answering()
    say(world, "STOP", mid="m1")
    account = world.accounts.accounts["acme"]
    changed = {"version": account.version + 1, "answers": {"stop": answer("stop", text="Bye.")}}
    world.accounts.accounts["acme"] = account.model_copy(update=changed)
    say(world, "STOP", mid="m1")
    assert answered(world) == [TEXTS["stop"]]


@given(
    said=st.lists(
        st.tuples(
            st.integers(0, DAY_S // 2),
            st.sampled_from(["STOP", "START", "HELP", "Hello"]),
            st.integers(1, 3),
        ),
        max_size=12,
    ),
    named=st.sampled_from([*NAMED]),
)
def test_answers_follow_the_list_and_are_few_on_a_day(
    said: list[tuple[int, str, int]], named: str
) -> None:
    """A request that its carrier repeats is one; what a person says anew within minutes is too."""
    world = answering()
    days: list[tuple[int, str]] = []
    for number, (after_s, text, times) in enumerate(said):
        world.now += 600 + after_s
        before, out = len(answered(world)), bool(world.suppressions.entries("acme", [PHONE]))
        fields = {**NAMED[named], **({"mid": f"m{number}"} if "mid" in NAMED[named] else {})}
        for _ in range(times):
            say(world, text, **fields)
        keyword = text.lower()
        due = {"stop": not out, "start": out, "help": True}.get(keyword, False)
        day = (int(world.now) + IST_OFFSET_S) // DAY_S, keyword
        if due and days.count(day) < ANSWERS_A_DAY:
            days.append(day)
            assert answered(world)[before:] == [TEXTS[keyword]]
        else:
            assert answered(world)[before:] == []


@pytest.mark.parametrize("text", ["HELP", "STOP", "START"])
def test_two_that_answer_each_other_come_to_an_end(text: str) -> None:
    world = answering(None, **{"answers": {name: answer(name, text=text) for name in TEXTS}})
    for _ in range(30):
        before = len(answered(world))
        world.now += 900
        say(world, answered(world)[-1] if before else "STOP")
        say(world, text)
    (most,) = Counter(answered(world)).values()
    assert most <= len(TEXTS) * ANSWERS_A_DAY * 2  # on two days


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"countries": ("US",)}, "COUNTRY_NOT_ALLOWED", id="another country"),
        pytest.param(
            {"dlt": Enforcement.ENFORCE}, "HEADER_NOT_REGISTERED", id="a header that went"
        ),
        pytest.param({"draining": True}, "ACCOUNT_PAUSED", id="a draining account"),
    ],
)
def test_a_refused_answer_is_logged_and_undoes_nothing(changes: dict[str, Any], code: str) -> None:
    world = answering(None, "stop", **changes)
    say(world, "STOP")
    assert answered(world) == []
    assert world.suppressions.entries("acme", [PHONE])
    (event,) = [each for each in world.log_events if each.what == "answer refused"]
    assert dict(event.about) == {"account_id": "acme", "keyword": "stop", "code": code}


def test_a_reply_after_an_answer_is_still_to_the_message_before() -> None:
    world = answering()
    world.send([campaign.record("0000", to=PHONE, client_ref="asked")])
    world.run(for_s=60)
    say(world, "HELP")
    say(world, "Thanks")
    assert [each.client_ref for each in replies(world)] == ["asked", "asked"]


def test_another_accounts_numbers_places_are_its_own() -> None:
    world = answering()
    for number in (PHONE, "919876540009"):
        for _ in range(5):
            world.now += 900
            say(world, "HELP", sender=number)
    assert len(answered(world)) == ANSWERS_A_DAY
    assert len(answered(world, "919876540009")) == ANSWERS_A_DAY
