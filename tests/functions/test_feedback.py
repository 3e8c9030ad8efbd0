"""Whether OTPs were verified: told by API, put down once, counted by prefix."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harkara.base.codes import Code
from harkara.base.errors import StoreUnavailable
from harkara.base.ids import mid_of
from harkara.model.accounts import Account, Scope
from local.samples import BATCH, OTP_BATCH
from tests.functions.answers import assert_refused
from tests.functions.handlers import Gateway
from tests.functions.invoking import BATCH_ID, Logs
from tests.functions.managing import KEY, request
from tests.functions.test_manage import give
from tests.pipeline.counting import Counted
from tests.support.streams import Stream

MID = OTP_BATCH.mid(0)


@pytest.fixture
def samples(gateway: Gateway) -> Gateway:
    gateway.put_samples()
    return gateway


def tell(gateway: Gateway, body: Any, mid: str = MID, key: str = KEY) -> dict[str, Any]:
    event = request("POST", f"/v1/messages/{mid}/feedback", body, key)
    answer: dict[str, Any] = gateway.call("manage", event)
    return answer


def stored(gateway: Gateway) -> list[tuple[str, str]]:
    return [key for key in gateway.store.table.items if key[1].startswith("feedback#")]


@pytest.mark.parametrize("verified", [True, False])
def test_the_first_answer_stands(verified: bool, samples: Gateway, logs: Logs) -> None:
    expected = {"mid": MID, "verified": verified}
    for said in (verified, not verified, verified):
        answer = tell(samples, {"verified": said})
        assert (answer["statusCode"], json.loads(answer["body"])) == (200, expected)
    assert stored(samples) == [(OTP_BATCH.id, "feedback#0000")]
    history = samples.call("manage", request("GET", f"/v1/messages/{MID}"))
    steps = [each["step"] for each in json.loads(history["body"])["timeline"]]
    assert steps == ["accepted", "scheduled", "verified" if verified else "unverified"]
    assert logs.private() == []


@pytest.mark.parametrize(
    "body",
    [{}, {"verified": None}, {"verified": "true"}, {"verified": 1}, {"verified": True, "at": 1}]
    + ["[]", "{", "true", ""],
)
def test_a_wrong_body_is_refused_and_puts_nothing_down(body: Any, samples: Gateway) -> None:
    answer = tell(samples, body)
    refused = Code(json.loads(answer["body"])["Error"])
    assert refused in (Code.INVALID_REQUEST, Code.MALFORMED_JSON)
    assert_refused(answer, refused)
    assert stored(samples) == []


@pytest.mark.parametrize(
    "mid", ["x", OTP_BATCH.mid(1), mid_of(OTP_BATCH.id[:-1] + "R", 0), "1" * 29, "x" * 3_000]
)
def test_an_unknown_message_is_not_found(mid: str, samples: Gateway) -> None:
    assert_refused(tell(samples, {"verified": True}, mid), Code.NOT_FOUND)
    assert stored(samples) == []


def test_another_accounts_message_is_not_found(samples: Gateway) -> None:
    samples.accounts.accounts["other"] = Account(id="other", name="Other", carrier="sim")
    key = give(samples, "other", "other")
    assert_refused(tell(samples, {"verified": True}, key=key), Code.NOT_FOUND)
    assert stored(samples) == []


@pytest.mark.parametrize("mid", [BATCH.mid(0), mid_of(BATCH_ID, 0)])
def test_a_message_that_is_no_otp_is_refused(mid: str, samples: Gateway) -> None:
    samples.put_batch()
    assert_refused(tell(samples, {"verified": True}, mid), Code.NOT_AN_OTP)
    assert stored(samples) == []


@pytest.mark.parametrize("scope", [Scope.READ, Scope.ADMIN])
def test_a_credential_needs_the_scope_to_send(scope: Scope, samples: Gateway) -> None:
    key = give(samples, "some", "sandbox", scope)
    assert_refused(tell(samples, {"verified": True}, key=key), Code.SCOPE_MISSING)
    assert tell(samples, {"verified": True}, key=give(samples, "b", "sandbox", Scope.SEND))


def test_an_answer_that_is_lost_is_told_again(samples: Gateway) -> None:
    samples.faults.kill_after.clear()

    def fail(_: int, name: str) -> None:
        raise StoreUnavailable("busy")

    samples.faults.on_call = fail
    assert tell(samples, {"verified": False})["statusCode"] == 503
    samples.faults.on_call = lambda *_: None
    assert json.loads(tell(samples, {"verified": False})["body"])["verified"] is False


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(st.lists(st.booleans(), min_size=1, max_size=6))
def test_however_often_it_is_told_it_counts_once_as_at_first(answers: Sequence[bool]) -> None:
    gateway = Gateway()
    gateway.put_samples()
    stream, counted = Stream(gateway.store.table, gateway.clock), Counted(gateway.clock)
    for said in answers:
        tell(gateway, {"verified": said})
    records = stream.poll()
    for _ in range(2):
        assert counted.count(records)
    totals = [each for key, each in counted.totals().items() if key[1].startswith("names#")]
    found = {name: count for each in totals for name, count in each.items() if "+9198" in name}
    measure = "verified" if answers[0] else "unverified"
    assert found == {"prefix:+9198:accepted": 1, f"prefix:+9198:{measure}": 1}
