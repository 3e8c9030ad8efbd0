"""/receipts/{carrier}/{token}: tokens, shapes, and logs without them."""

import json
from typing import Any

import pytest

from harkara.base.codes import Code
from harkara.base.errors import StoreUnavailable
from harkara.base.ids import ReferenceSigner, mid_of
from harkara.carriers.settings import CarrierSettings
from harkara.model.messages import State
from harkara.model.tasks import QueueName, Receipt, ReceiptsTask, decode_dlr
from local.settings import RECEIPT_TOKEN
from tests.functions.answers import assert_refused
from tests.functions.counted import metrics_of
from tests.functions.handlers import Gateway
from tests.functions.invoking import BATCH_ID, MSISDN, NOW, PRIVATE, Context, Logs, http_event

MID = mid_of(BATCH_ID, 0)
PATH = f"/receipts/sim/{RECEIPT_TOKEN}"


def entry(gateway: Gateway, **fields: Any) -> dict[str, Any]:
    return {"smsgid": gateway.signer.sign(MID, 1), "to": MSISDN, "status": "DELIVRD"} | fields


def post(gateway: Gateway, body: object, path: str = PATH) -> dict[str, Any]:
    raw = body if isinstance(body, str | bytes) else json.dumps(body)
    answer: dict[str, Any] = gateway.call("receipt", http_event("POST", path, raw))
    return answer


def queued(gateway: Gateway) -> list[Receipt]:
    tasks = [decode_dlr(body) for body in gateway.bodies(QueueName.RECEIPT)]
    receipts = [task for task in tasks if isinstance(task, ReceiptsTask)]
    assert len(receipts) == len(tasks)
    return [receipt for task in receipts for receipt in task.receipts]


def test_a_receipt_is_queued_before_it_is_answered(gateway: Gateway, logs: Logs) -> None:
    answer = post(gateway, entry(gateway, ts=int(NOW) - 2))
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == {
        "status": True,
        "receipts": 1,
        "intermediate": 0,
        "foreign": 0,
        "unknown": 0,
    }
    assert queued(gateway) == [Receipt(MID, 1, State.DELIVERED, int(NOW) - 2)]
    (line,) = logs.lines()
    assert (line["message"], line["carrier"]) == ("receipts enqueued", "sim")
    assert (line["batches"], line["receipts"]) == ([BATCH_ID], [1])
    assert logs.private() == []


def test_a_receipt_without_a_time_gets_ours(gateway: Gateway) -> None:
    post(gateway, entry(gateway))
    assert [receipt.at_s for receipt in queued(gateway)] == [int(NOW)]


def test_many_receipts_are_queued_a_hundred_a_task(gateway: Gateway) -> None:
    answer = post(gateway, [entry(gateway)] * 101 + [entry(gateway, status="ENROUTE")])
    assert json.loads(answer["body"])["receipts"] == 101
    assert json.loads(answer["body"])["intermediate"] == 1
    assert len(gateway.bodies(QueueName.RECEIPT)) == 2
    assert len(queued(gateway)) == 101


def test_receipts_that_name_the_carriers_own_id_are_counted(gateway: Gateway, logs: Logs) -> None:
    own = {
        "answer": {"id": "/id"},
        "receipts": {"id": "/id", "state": "/s", "states": {"ok": "delivered"}},
        "json_body": {"to": "{to}", "text": "{text}"},
    }
    fields = {"name": "own", "kind": "http", "echoes_reference": False, "http": own}
    settings = gateway.accounts.carriers["sim"].model_dump() | fields
    gateway.accounts.carriers["own"] = CarrierSettings.model_validate(settings)
    body = [{"id": "1", "s": "ok"}, {"id": "2", "s": "ok"}]
    assert post(gateway, body, f"/receipts/own/{RECEIPT_TOKEN}")["statusCode"] == 200
    (line,) = logs.lines("receipts enqueued")
    assert metrics_of(line) == {"receipts": 2, "by_carrier_id": 2}


def test_a_body_in_base64_is_read(gateway: Gateway) -> None:
    assert post(gateway, json.dumps(entry(gateway)).encode())["statusCode"] == 200
    assert len(queued(gateway)) == 1


def test_foreign_entries_among_ours_are_counted(gateway: Gateway) -> None:
    answer = post(gateway, [entry(gateway), entry(gateway, smsgid="x")])
    assert json.loads(answer["body"])["foreign"] == 1
    assert len(queued(gateway)) == 1


@pytest.mark.parametrize(
    ("path", "code"),
    [
        pytest.param("/receipts/sim/guessed", Code.NOT_FOUND, id="a wrong token"),
        pytest.param(f"/receipts/other/{RECEIPT_TOKEN}", Code.NOT_FOUND, id="a wrong carrier"),
        pytest.param("/receipts/sim", Code.NOT_FOUND, id="no token"),
        pytest.param("/receipts/sim/", Code.NOT_FOUND, id="an empty token"),
    ],
)
def test_a_route_without_its_token_is_not_there(
    path: str, code: Code, gateway: Gateway, logs: Logs
) -> None:
    assert_refused(post(gateway, entry(gateway), path), code)
    assert gateway.queues.waiting == []
    assert logs.private() == []


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("{", id="half"),
        pytest.param(b"\xff", id="no utf-8"),
        pytest.param([7], id="a number"),
        pytest.param({"smsgid": f"{MID}.1.AAAAAAAA", "status": "DELIVRD"}, id="a forged tag"),
        pytest.param(
            {"smsgid": ReferenceSigner(b"x").sign(MID, 1), "status": "DELIVRD"}, id="another key"
        ),
    ],
)
def test_what_is_no_receipt_of_ours_is_refused(body: object, gateway: Gateway, logs: Logs) -> None:
    assert_refused(post(gateway, body), Code.INVALID_RECEIPT)
    assert gateway.queues.waiting == []
    assert logs.private() == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_a_provider_may_try_the_url_with_nothing(method: str, gateway: Gateway) -> None:
    settings = gateway.accounts.carriers["sim"]
    signed = {"receipt_signature_header": "x-signature", "receipt_secret": b"key"}
    for fields in ({}, signed):  # there is nothing to sign
        gateway.accounts.carriers["sim"] = settings.model_copy(update=fields)
        assert gateway.call("receipt", http_event(method, PATH))["statusCode"] == 200
    assert gateway.queues.waiting == []
    guessed = http_event(method, "/receipts/sim/guessed")
    assert_refused(gateway.call("receipt", guessed), Code.NOT_FOUND)


def test_a_request_that_cannot_be_read_is_noted_by_the_names_of_its_fields(
    gateway: Gateway, logs: Logs
) -> None:
    body = {"msgStatus": "DELIVRD", "number": MSISDN, MSISDN: "x", "a b": "x", "t" * 40: "x"}
    assert_refused(post(gateway, body), Code.INVALID_RECEIPT)
    (line,) = logs.lines("request not read")
    assert (line["fields"], metrics_of(line)) == (["msgStatus", "number"], {"unread": 1})
    assert logs.private() == []


@pytest.mark.parametrize(
    ("ts", "at_s", "replaced"),
    [
        pytest.param(int(NOW) - 5, int(NOW) - 5, 0, id="a time between acceptance and receipt"),
        pytest.param(int(NOW) + 5, int(NOW), 0, id="a clock that is a little ahead"),
        pytest.param(int(NOW) + 19_800, int(NOW), 1, id="India's time called UTC"),
        pytest.param(int(NOW) - 19_800, int(NOW), 1, id="before it was accepted"),
        pytest.param("soon", int(NOW), 1, id="a time that is none"),
        pytest.param("", int(NOW), 0, id="no time"),
    ],
)
def test_nothing_is_delivered_after_its_receipt_or_before_its_acceptance(
    ts: object, at_s: int, replaced: int, gateway: Gateway, logs: Logs
) -> None:
    post(gateway, entry(gateway, ts=ts))
    assert [receipt.at_s for receipt in queued(gateway)] == [at_s]
    (line,) = logs.lines("receipts enqueued")
    assert metrics_of(line).get("replaced_times", 0) == replaced


class Failing:
    """A service that fails with private data in its error."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def receive(self, *_: object) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(StoreUnavailable("RequestThrottled"), Code.TRY_AGAIN, id="AWS fails"),
        pytest.param(ValueError(MSISDN + RECEIPT_TOKEN), Code.INTERNAL_ERROR, id="a bug"),
    ],
)
def test_a_failure_makes_the_carrier_try_again_and_is_logged_without_what_is_private(
    error: Exception, code: Code, gateway: Gateway, logs: Logs
) -> None:
    app = gateway.app("receipt", Failing(error))
    answer = app.handler(http_event("POST", PATH, "{}"), Context())
    assert_refused(answer, code)
    assert [line["error"] for line in logs.lines()] == [type(error).__name__]
    assert logs.private() == []
    assert not any(private in answer["body"] for private in PRIVATE)


def test_a_queue_that_does_not_take_it_makes_the_carrier_try_again(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.queues, "send", lambda queue, bodies, group="": [False])
    assert_refused(post(gateway, entry(gateway)), Code.TRY_AGAIN)


URL_HOST = "abcdefghijklmnopqrstuvwxyz012345.lambda-url.ap-south-1.on.aws"


def from_function_url(path: str, body: str) -> dict[str, Any]:
    """Return the event of a function's own URL: the HTTP API's, but for its context."""
    event = http_event("POST", path, body, {"host": URL_HOST, "x-forwarded-proto": "https"})
    event["requestContext"] |= {
        "accountId": "anonymous",
        "apiId": URL_HOST.partition(".")[0],
        "domainName": URL_HOST,
        "routeKey": "$default",
    }
    return event


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param(PATH, 200, id="the carrier's token"),
        pytest.param("/receipts/sim/guessed", 404, id="another token"),
        pytest.param("/receipts/nobody/guessed", 404, id="no carrier"),
        pytest.param("/", 404, id="no path"),
        pytest.param("/datasend", 404, id="another function's route"),
    ],
)
def test_past_the_api_the_same_requests_are_let_in(
    path: str, status: int, gateway: Gateway, logs: Logs
) -> None:
    body = json.dumps(entry(gateway))
    answer = gateway.call("receipt", from_function_url(path, body))
    assert answer["statusCode"] == status
    assert answer == gateway.call("receipt", http_event("POST", path, body))
    assert len(queued(gateway)) == (2 if status == 200 else 0)
    assert logs.private() == []
