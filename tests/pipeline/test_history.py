"""A message's history at every stage of its way."""

import asyncio
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from harkara.accept.requests import Record
from harkara.base.errors import RequestRefused
from harkara.model.messages import Category, pack
from harkara.model.rates import Rate
from tests.pipeline import campaign
from tests.pipeline.callbacks import ask
from tests.support.wired import ACCOUNT
from tests.support.world import World

RATED = ACCOUNT.model_copy(
    update={
        "rates": (
            Rate(prefix="91", price=Decimal("0.125")),
            Rate(prefix="91", price=Decimal("0.2"), category=Category.PROMOTIONAL),
        )
    }
)
ACCEPTED = "2023-11-14T22:13:20.000Z"


def sent(world: World, *records: Record) -> list[str]:
    answers = world.send(records)
    assert answers
    return [answer.mid for answer in answers]


def steps(history: dict[str, Any]) -> list[str]:
    return [step["step"] for step in history["timeline"]]


def test_a_delivered_message_has_its_whole_way() -> None:
    world = World(account=RATED)
    (mid,) = sent(world, campaign.record("0000")._replace(text="x" * 161, dlt_template_id="1107"))
    world.run()
    assert ask(world, mid) == {
        "mid": mid,
        "client_ref": "ref-0000",
        "to": "919876540000",
        "country": "IN",
        "encoding": "GSM7",
        "segments": 2,
        "template_id": "1107",
        "category": "service_implicit",
        "price": "0.250",
        "state": "delivered",
        "error": None,
        "timeline": [
            {"step": "accepted", "at": ACCEPTED},
            {
                "step": "submitted",
                "at": ACCEPTED,
                "try": 1,
                "carrier_message_id": f"carrier-{mid}",
            },
            {"step": "delivered", "at": ACCEPTED, "carrier_code": "000"},
            {
                "step": "callback",
                "at": "2023-11-14T22:13:20.500Z",
                "try": 1,
                "status": 200,
                "reason": "HTTP 200",
                "duration_ms": 0,
                "answer": "",
                "acknowledged": True,
            },
        ],
    }


@pytest.mark.parametrize(
    ("magic", "state", "code", "way"),
    [
        ("9001", "failed", "ABSENT_SUBSCRIBER", ["submitted", "failed"]),
        ("9004", "unknown", "NO_RECEIPT", ["submitted", "unknown"]),
        ("9005", "failed", "REFUSED_BY_CARRIER", ["refused", "failed"]),
        ("9006", "delivered", None, ["not_taken", "not_taken", "submitted", "delivered"]),
        ("9007", "delivered", None, ["in_doubt", "delivered"]),
    ],
)
def test_each_end_says_how_it_came(
    magic: str, state: str, code: str | None, way: list[str]
) -> None:
    world = World()
    (mid,) = sent(world, campaign.record(magic))
    world.run()
    history = ask(world, mid)
    assert history["state"] == state
    assert (history["error"] or {}).get("code") == code
    assert steps(history) == ["accepted", *way, "callback"]
    assert (history["price"], history["template_id"]) == (None, None)
    attempts = [step["try"] for step in history["timeline"][:-1] if "try" in step]
    assert attempts == list(range(1, len(attempts) + 1))


def test_a_carriers_own_code_is_shown() -> None:
    world = World()
    (mid,) = sent(world, campaign.record("9001"))
    world.run()
    (failed,) = (step for step in ask(world, mid)["timeline"] if step["step"] == "failed")
    assert (failed["code"], failed["carrier_code"]) == ("ABSENT_SUBSCRIBER", "27")
    assert failed["carrier_words"] == "UNDELIV"


@pytest.mark.parametrize(
    ("options", "plan"),
    [
        (campaign.SOON, "2023-11-14T22:23:20.000Z"),
        (campaign.FAR, "2023-12-13T22:13:20.000Z"),
        (campaign.PROMOTION, "2023-11-15T04:30:00.000Z"),
    ],
    ids=["scheduled", "far away", "promotional at night"],
)
def test_what_waits_for_its_time_is_scheduled(options: Any, plan: str) -> None:
    world = World()
    (mid,) = sent(world, campaign.record("0000")._replace(options=options))
    history = ask(world, mid)
    assert history["state"] == "scheduled"
    assert history["timeline"] == [
        {"step": "accepted", "at": ACCEPTED},
        {"step": "scheduled", "at": ACCEPTED, "send_at": plan},
    ]
    world.run()
    assert steps(ask(world, mid)) == ["accepted", "scheduled", "submitted", "delivered", "callback"]


def test_the_state_before_the_final_one_is_that_of_the_last_try() -> None:
    world = World()
    mids = dict(zip(campaign.EXPECTED, sent(world, *campaign.records()), strict=False))
    seen: dict[str, list[str]] = {magic: [ask(world, mid)["state"]] for magic, mid in mids.items()}

    def look() -> None:
        for magic, mid in mids.items():
            seen[magic].append(ask(world, mid)["state"])

    world.at(0.25, look)  # submitted, without a receipt yet
    world.run()
    assert {states[0] for states in seen.values()} == {"accepted"}
    assert {magic: states[1] for magic, states in seen.items()} == {
        **dict.fromkeys(campaign.EXPECTED, "submitted"),
        "9005": "failed",  # the carrier refused it
        "9006": "accepted",  # throttled: it waits for its next attempt
        "9009": "delivered",  # its receipt came before the answer
    }


@pytest.mark.parametrize(
    ("row", "cancelled", "state"),
    [
        pytest.param(campaign.record("9005"), False, "failed", id="refused"),
        pytest.param(campaign.record("9006"), False, "accepted", id="throttled"),
        pytest.param(campaign.record("9006"), True, "cancelled", id="throttled, and cancelled"),
        pytest.param(campaign.record("0000"), True, "cancelled", id="cancelled"),
        pytest.param(
            campaign.record("0000")._replace(options=campaign.BRIEF), False, "expired", id="expired"
        ),
    ],
)
def test_an_outcome_says_the_state_before_the_final_one_is_written(
    row: Record, cancelled: bool, state: str
) -> None:
    world = World()
    (mid,) = sent(world, row)
    campaign.hurry(world)
    if cancelled and row.to.endswith("0000"):
        world.cancel(mid)
    world.submit = world.submit_service()
    asyncio.run(world.deliver(world.queues.waiting[0]))
    if cancelled:
        world.cancel(mid)
    assert not world.finals()
    assert ask(world, mid)["state"] == state


def test_a_number_that_is_none_any_more_has_no_country() -> None:
    world = World()
    (mid,) = sent(world, campaign.record("0000"))
    (batch,) = world.batches().values()
    gone = [message._replace(to="99900000000") for message in batch.messages]
    world.store.packed[batch.id] = pack(replace(batch, messages=gone))
    assert ask(world, mid)["country"] is None


def test_a_cancelled_message_says_so_before_and_after_its_final_state() -> None:
    world = World()
    (mid,) = sent(world, campaign.record("0000")._replace(options=campaign.FAR))
    world.cancel(mid)
    before = ask(world, mid)
    assert (before["state"], before["error"]) == ("cancelled", None)
    world.run()
    after = ask(world, mid)
    assert after["state"] == "cancelled"
    assert after["error"]["code"] == "CANCELLED"
    assert steps(after) == ["accepted", "scheduled", "cancelled", "callback"]


def test_a_callback_that_nobody_took_is_shown_as_such() -> None:
    world = World()
    (mid,) = sent(world, campaign.record("0000"))
    world.platform.script = [500] * 9
    world.run()
    (callback,) = (step for step in ask(world, mid)["timeline"] if step["step"] == "callback")
    assert (callback["try"], callback["status"]) == (9, 500)
    assert callback["acknowledged"] is False


@pytest.mark.parametrize(
    ("to", "msisdn", "country"),
    [("+354 611 1234", "3546111234", "IS"), ("+1 201 555 0123", "12015550123", "US")],
    ids=["ten digits and no Indian number", "eleven"],
)
def test_a_number_abroad_has_its_country(to: str, msisdn: str, country: str) -> None:
    world = World()
    (mid,) = sent(world, campaign.record("", to=to)._replace(text="नमस्ते"))
    history = ask(world, mid)
    assert (history["to"], history["country"]) == (msisdn, country)
    assert history["encoding"] == "UCS2"


def test_no_text_is_in_it() -> None:
    world = World()
    (mid,) = sent(world, campaign.record("0000"))
    world.run()
    assert "Hello" not in str(ask(world, mid))


def test_another_accounts_message_is_not_found() -> None:
    world = World()
    (mid,) = sent(world, campaign.record("0000"))
    world.account = ACCOUNT.model_copy(update={"id": "other"})
    with pytest.raises(RequestRefused, match="NOT_FOUND"):
        ask(world, mid)
