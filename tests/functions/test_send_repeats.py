"""Native messages answered one by one, dry runs, and repeats under an Idempotency-Key."""

import json

import pytest

from harkara.base.codes import Code
from tests.functions.handlers import Gateway
from tests.functions.invoking import MSISDN, RECORD, TEXT, Context, Event
from tests.functions.sending import (
    MESSAGE,
    batch_of,
    body_of,
    code_of,
    codes_of_refused,
    each_route,
    post,
)


def test_native_messages_are_answered_one_by_one(gateway: Gateway) -> None:
    body = {"messages": [{**MESSAGE, "to": "12"}, MESSAGE]}
    refused, accepted = body_of(gateway.call("send", post("/v1/messages", body)))["messages"]
    assert refused["error"]["code"] == "INVALID_NUMBER"
    assert accepted["mid"] == batch_of(gateway).mid(0)
    assert (accepted["to"], accepted["country"], accepted["error"]) == (MSISDN, "IN", None)
    assert TEXT not in json.dumps([refused, accepted])


def test_where_nothing_is_accepted_each_message_still_says_why(gateway: Gateway) -> None:
    body = {"messages": [{**MESSAGE, "to": "12"}, {**MESSAGE, "text": ""}]}
    answer = gateway.call("send", post("/v1/messages", body))
    assert code_of(answer) is Code.INVALID_NUMBER
    codes = [element["error"]["code"] for element in body_of(answer)["messages"]]
    assert codes == ["INVALID_NUMBER", "EMPTY_TEXT"]


@pytest.mark.parametrize("flag", ["true", "1", "TRUE"])
def test_a_dry_run_stores_nothing_and_is_answered_200(flag: str, gateway: Gateway) -> None:
    body = {"messages": [{**MESSAGE, "to": "12"}, MESSAGE]}
    answer = gateway.call("send", post("/v1/messages", body, f"dry_run={flag}"))
    assert answer["statusCode"] == 200
    refused, accepted = body_of(answer)["messages"]
    assert refused["error"]["code"] == "INVALID_NUMBER"
    assert (accepted["mid"], accepted["text"], accepted["segments"]) == (None, TEXT, 1)
    assert gateway.store.packed == {}
    assert gateway.queues.waiting == []


def test_a_dry_run_of_a_refused_message_alone_is_answered_200(gateway: Gateway) -> None:
    event = post("/v1/messages", {**MESSAGE, "to": "12"}, "dry_run=true")
    answer = gateway.call("send", event)
    assert (answer["statusCode"], body_of(answer)["status"]) == (200, "refused")


@pytest.mark.parametrize(("flag", "count"), [("false", 1), ("0", 1), ("maybe", 0), ("", 0)])
def test_a_dry_run_is_asked_for_in_clear(flag: str, count: int, gateway: Gateway) -> None:
    answer = gateway.call("send", post("/v1/messages", query=f"dry_run={flag}"))
    assert len(gateway.queues.waiting) == count
    if not count:
        assert code_of(answer) is Code.INVALID_REQUEST


@each_route
def test_without_a_key_each_request_is_served_and_nothing_kept_of_it(
    path: str, gateway: Gateway
) -> None:
    app = gateway.app("send")
    answers = [app.handler(post(path), Context()) for _ in range(2)]
    assert [answer["statusCode"] for answer in answers] == [200, 200]
    assert len(gateway.store.packed) == len(gateway.queues.waiting) == 2
    assert not any(pk.startswith("idempotency#") for pk, _ in gateway.store.entries)


@each_route
def test_a_repeat_under_a_key_has_the_same_answer_and_stores_nothing(
    path: str, gateway: Gateway
) -> None:
    app = gateway.app("send")
    first, second = (app.handler(post(path, idempotency_key="k"), Context()) for _ in range(2))
    assert first == second
    assert first["statusCode"] == 200
    assert len(gateway.store.packed) == len(gateway.queues.waiting) == 1


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(
            post("/v1/messages", {"to": MSISDN, "text": TEXT}, idempotency_key="k"),
            id="another route",
        ),
        pytest.param(post("/datasend", query="x=1", idempotency_key="k"), id="another query"),
        pytest.param(
            post("/datasend", {**RECORD, "smsgid": "other"}, idempotency_key="k"), id="another body"
        ),
    ],
)
def test_a_key_stands_for_one_request(other: Event, gateway: Gateway) -> None:
    app = gateway.app("send")
    app.handler(post("/datasend", idempotency_key="k"), Context())
    answer = app.handler(other, Context())
    assert code_of(answer) is Code.IDEMPOTENCY_CONFLICT
    assert len(gateway.queues.waiting) == 1
    assert codes_of_refused(gateway) == [Code.IDEMPOTENCY_CONFLICT]


def test_while_the_first_is_at_work_a_repeat_is_told_to_wait(gateway: Gateway) -> None:
    answers = []

    class Slow:
        def accept(self, *_: object) -> None:
            answers.append(app.handler(post("/webengage", idempotency_key="k"), Context()))
            raise ValueError

    services = gateway.send_services()._replace(accept=Slow())  # type: ignore[arg-type]
    app = gateway.app("send", services)
    app.handler(post("/webengage", idempotency_key="k"), Context())
    (answer,) = answers
    assert code_of(answer) is Code.REQUEST_IN_PROGRESS
    assert answer["statusCode"] == 409
    assert int(answer["headers"]["Retry-After"]) >= 1
