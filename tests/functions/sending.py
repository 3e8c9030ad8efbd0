"""Requests to the routes that accept messages, and checks on the answers."""

import json
from typing import Any

import pytest

from harkara.base.codes import MEANINGS, Code
from harkara.model.messages import MessageBatch, unpack
from tests.functions.handlers import Gateway
from tests.functions.invoking import MSISDN, RECORD, SECRET, TEXT, Event, http_event

API_KEY = {"x-api-key": f"sandbox.{SECRET}"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
MESSAGE = {"to": MSISDN, "from": "ACMEBK", "text": TEXT, "client_ref": "ref"}
SMPP = {"from": "ACMEBK", "to": MSISDN, "text": TEXT, "smsmsgid": "ref"}
WEBENGAGE: dict[str, Any] = {
    "version": "2.0",
    "smsData": {"toNumber": MSISDN, "fromNumber": "ACMEBK", "body": TEXT},
    "metadata": {"campaignType": "TRANSACTIONAL", "messageId": "ref"},
}
CLEVERTAP_RCS: dict[str, Any] = {
    "payloadVersion": 0.1,
    "msgId": "ref",
    "to": MSISDN,
    "rcsContent": {"content": {"type": "TEXT", "text": "Hello by RCS"}},
    "smsContent": {"senderId": "ACMEBK", "body": TEXT},
}
# A route's path and the body of one message.
ROUTES: dict[str, dict[str, Any]] = {
    "/datasend": RECORD,
    "/smpp": SMPP,
    "/webengage": WEBENGAGE,
    "/rcs/clevertap": CLEVERTAP_RCS,
    "/v1/messages": MESSAGE,
}
each_route = pytest.mark.parametrize("path", ROUTES)


def post(path: str, body: object = None, query: str = "", **headers: str) -> Event:
    """Return a request with an API key, by default with the body of one message."""
    if body is None:
        body = ROUTES[path]
    event = http_event(
        "POST",
        path,
        body if isinstance(body, str | bytes) else json.dumps(body),
        {**API_KEY, **{name.replace("_", "-"): value for name, value in headers.items()}},
    )
    return with_query(event, query)


def with_query(event: Event, query: str) -> Event:
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    return {
        **event,
        "rawQueryString": query,
        "queryStringParameters": {name: value for name, _, value in pairs},
    }


def batch_of(gateway: Gateway) -> MessageBatch:
    """Return the only stored message batch."""
    (stored,) = gateway.store.packed.items()
    return unpack(*stored)


def body_of(answer: dict[str, Any]) -> Any:
    return json.loads(answer["body"])


def code_of(answer: dict[str, Any]) -> Code:
    """Return the code of a refusal, after a check of its status and shape."""
    body = body_of(answer)
    if "Error" in body:
        code = Code(body["Error"])
        assert answer["statusCode"] == MEANINGS[code].http_status
        return code
    if "error" in body:
        code = Code(body["error"]["code"])
        assert body["error"]["http_code"] == MEANINGS[code].http_status
        assert answer["statusCode"] in (200, MEANINGS[code].http_status)
        return code
    assert body.keys() == {"status", "statusCode", "message"}
    assert body["status"] == "sms_rejected"
    (found,) = {code for code in Code if body["message"].startswith(MEANINGS[code].advice)}
    assert body["statusCode"] == MEANINGS[found].webengage
    return found


def accepted_in(gateway: Gateway) -> dict[str, MessageBatch]:
    """Return the stored batches in which a message was accepted."""
    stored = {batch_id: unpack(batch_id, each) for batch_id, each in gateway.store.packed.items()}
    return {
        batch_id: batch
        for batch_id, batch in stored.items()
        if not all(each.refusal for each in batch.messages)
    }


def codes_of_refused(gateway: Gateway) -> list[str]:
    """Return the codes of the stored requests of which nothing was accepted, record by record."""
    accepted = accepted_in(gateway)
    batches = (unpack(*row) for row in gateway.store.packed.items())
    refused = [each for batch in batches if batch.id not in accepted for each in batch.messages]
    assert not any(each.text or each.to for each in refused)
    return [each.refusal for each in refused]


def assert_nothing_accepted(gateway: Gateway) -> None:
    """Check that no message was accepted; refusals may be recorded."""
    assert accepted_in(gateway) == {}
    assert gateway.queues.waiting == []
