"""Replies of phones, from the inbound message to the callback, with a death at every call."""

from typing import Any

import pytest

from harkara.accept.requests import RecordResult
from harkara.base.errors import StoreUnavailable
from harkara.base.json import encode
from harkara.carriers.receipts import ReceiptRequest
from harkara.inbound.replies import ReceivedMessage
from harkara.model.events import Reply
from tests.pipeline import campaign
from tests.pipeline.callbacks import ask
from tests.pipeline.deaths import Fault, deaths, each
from tests.pipeline.invariants import check
from tests.support.fakes import Faults, ProcessKilled
from tests.support.wired import ACCOUNT, CARRIER, TOKEN, URL
from tests.support.world import World

PHONE, STRANGER, CODE = "919876540000", "919876549999", "56161"
CARRIERS = (CARRIER.model_copy(update={"inbound": {CODE: "acme"}}),)


def asking(world: World) -> list[RecordResult] | None:
    """Send a message of the account to a phone; return the answers."""
    answers = world.send([campaign.record("0000", to=PHONE, client_ref="asked")])
    world.run()
    return answers


def listening(
    faults: Faults | None = None, *, two_way: bool = True, form: str = "clevertap"
) -> World:
    """Return a world whose account receives replies."""
    callback = ACCOUNT.callbacks["main"].model_copy(update={"format": form})
    account = ACCOUNT.model_copy(update={"two_way": two_way, "callbacks": {"main": callback}})
    return World(faults, account=account, carriers=CARRIERS)


def conversing(*, two_way: bool = True, form: str = "clevertap") -> World:
    """Return a world in which the account has sent a message to a phone."""
    world = listening(two_way=two_way, form=form)
    asking(world)
    return world


def say(world: World, text: str = "Yes", sender: str = PHONE, **fields: Any) -> None:
    """Post a phone's message; its carrier repeats a request that got no answer."""
    payload = {"from": sender, "to": CODE, "text": text, "ts": int(world.now), **fields}
    request = ReceiptRequest("POST", {}, {}, encode(payload))
    for _ in range(5):
        try:
            world.inbound_service().receive("sim", TOKEN, request)
            break
        except ProcessKilled:
            world.killed += 1
        except StoreUnavailable:
            world.counts["unavailable"] += 1
    world.run()


def replies(world: World) -> list[Reply]:
    """Return the replies that the platform acknowledged, in order."""
    return [e for task in world.platform.taken for e in task.members if isinstance(e, Reply)]


def timeline(world: World, mid: str) -> list[str]:
    return [step["step"] for step in ask(world, mid)["timeline"]]


def test_a_reply_is_told_to_the_callback_of_the_message() -> None:
    world = conversing()
    say(world, "Yes, please. नहीं")
    (reply,) = replies(world)
    assert reply.client_ref == "asked"
    assert reply.mid in world.finals()
    assert (reply.sender, reply.receiver, reply.text) == (PHONE, CODE, "Yes, please. नहीं")
    assert world.platform.taken[-1].endpoint.url == URL
    assert timeline(world, reply.mid)[-2:] == ["replied", "callback"]


def test_a_reply_belongs_to_the_last_message() -> None:
    world = conversing()
    world.send([campaign.record("0001", to=PHONE, client_ref="asked again")])
    world.run()
    say(world)
    assert [reply.client_ref for reply in replies(world)] == ["asked again"]


def test_stop_is_told_too_once_it_counts() -> None:
    world = conversing()
    world.faults.calls.clear()
    say(world, "STOP")
    assert [reply.text for reply in replies(world)] == ["STOP"]
    assert world.suppressions.entries("acme", [PHONE])
    calls = world.faults.calls
    assert calls.index("put suppression") < calls.index("send callback")


def test_nothing_is_noted_or_told_of_an_account_that_does_not_ask_for_it() -> None:
    world = conversing(two_way=False)
    say(world)
    assert replies(world) == []
    assert not {"put last", "find last", "send callback"} & set(world.faults.calls)


@pytest.mark.parametrize(
    ("form", "reported"), [("clevertap", 0), ("moengage", 0), ("generic", 1), ("standard", 1)]
)
def test_a_stranger_is_told_of_only_where_the_format_can_say_so(form: str, reported: int) -> None:
    world = conversing(form=form)
    say(world, sender=STRANGER)
    assert not {"replied"} & {step for mid in world.finals() for step in timeline(world, mid)}
    assert [(reply.mid, reply.client_ref) for reply in replies(world)] == [("", "")] * reported


@pytest.mark.parametrize("form", ["moengage", "moengage_batch", "webengage"])
def test_a_format_without_replies_gets_none(form: str) -> None:
    world = conversing(form=form)
    say(world)
    assert replies(world) == []
    assert "send callback" not in world.faults.calls


def test_a_message_that_is_kept_no_more_is_none() -> None:
    world = conversing(form="standard")
    world.store.packed.clear()
    say(world)
    assert [reply.mid for reply in replies(world)] == [""]


def test_a_message_without_a_callback_has_no_reply() -> None:
    account = ACCOUNT.model_copy(update={"two_way": True, "default_callback": ""})
    world = World(account=account, carriers=CARRIERS)
    world.send([campaign.record("0000", to=PHONE)])
    world.run()
    say(world)
    assert replies(world) == []
    (mid,) = world.finals()
    assert timeline(world, mid)[-1] == "replied"


def test_the_messages_of_a_block_are_noted_together_and_those_refused_are_not() -> None:
    account = ACCOUNT.model_copy(update={"two_way": True})
    world = World(account=account, carriers=CARRIERS)
    good = [campaign.record(f"{index:04d}", to=f"91987654{index:04d}") for index in range(40)]
    world.send([*good, campaign.record("0040", to="12")])
    world.run()
    assert world.last.puts == [40]


def test_a_text_is_told_as_far_as_it_can_be() -> None:
    world = conversing(form="standard")
    body = b'{"from": "%s", "to": "56161", "text": "' + b"x" * 3000 + b'"}'
    request = ReceiptRequest("POST", {}, {}, body.replace(b"%s", PHONE.encode()))
    world.inbound_service().receive("sim", TOKEN, request)
    world.run()
    assert [len(reply.text) for reply in replies(world)] == [2000]


def test_half_characters_are_told_as_question_marks() -> None:
    world = conversing()
    received = ReceivedMessage(world.account, PHONE, f"+{CODE}", "caf\udce9", int(world.now))
    world.inbound_service().replies.pass_on([received])
    world.run()
    assert [(reply.receiver, reply.text) for reply in replies(world)] == [(CODE, "caf?")]


# Deaths


def conversation() -> Faults:
    """Return the calls of a conversation: the message, then the reply."""
    world = conversing()
    say(world, "STOP")
    return world.faults


@each(deaths(conversation()))
def test_a_process_that_dies_loses_no_reply_and_doubles_none(fault: Fault) -> None:
    world = listening(fault.faults())
    answers = asking(world)
    if answers is None:
        return  # the request was not accepted, so there is nothing to answer
    say(world, "STOP")
    assert world.faults.calls[fault.number] == fault.call
    assert world.killed == 1
    check(world, answers)
    in_doubt = [
        entry
        for (task_id, kind), entry in world.store.entries.items()
        if task_id.startswith("reply-") and kind.startswith("post#") and entry.data["in_doubt"]
    ]
    reported = replies(world)
    assert 1 <= len(reported) <= 1 + len(in_doubt), "a reply was lost, or doubled and not in doubt"
    assert len(set(reported)) == 1
    assert world.suppressions.entries("acme", [PHONE])
    assert timeline(world, answers[0].mid).count("replied") == 1
    assert sum(pk.startswith("replies#reply-") for pk, _ in world.store.entries) == 1


def test_a_carrier_that_repeats_itself_is_heard_once() -> None:
    world = conversing()
    at_s = int(world.now)
    say(world, ts=at_s)
    world.now += 600
    say(world, ts=at_s)
    assert len(replies(world)) == 1
    assert world.faults.calls.count("send callback") == 2, "it was in the queue again"


def test_it_is_heard_once_though_another_message_went_out_meanwhile() -> None:
    world = conversing()
    at_s = int(world.now)
    say(world, ts=at_s)
    world.send([campaign.record("0001", to=PHONE, client_ref="asked again")])
    world.run()
    say(world, ts=at_s)
    assert [reply.client_ref for reply in replies(world)] == ["asked"]


def test_a_carrier_that_repeats_itself_without_a_time_is_heard_twice() -> None:
    world = conversing()
    say(world, ts=None)
    world.now += 600
    say(world, ts=None)
    assert len(replies(world)) == 2


def test_two_answers_are_two() -> None:
    world = conversing()
    say(world, "Yes")
    say(world, "No")
    say(world, "Yes", ts=int(world.now) - 1)
    assert [reply.text for reply in replies(world)] == ["Yes", "No", "Yes"]


def test_a_queue_that_takes_nothing_has_the_carrier_repeat() -> None:
    world = conversing()
    taking = world.queues.send
    refusals = iter([[False]])
    world.queues.send = lambda queue, bodies, group="", delays_s=(): (  # type: ignore[method-assign]
        next(refusals, None) or taking(queue, bodies, group)
    )
    say(world)
    assert world.counts["unavailable"] == 1
    assert len(replies(world)) == 1
