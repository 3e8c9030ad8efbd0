"""Every request of the HTTP page is sent to the real handlers, and answered as there."""

import json
import re
from typing import Any

import pytest

from harkara.base.codes import MEANINGS, Code
from harkara.base.errors import RequestRefused
from harkara.base.retries import REFUSAL_LIMIT, is_refusal
from harkara.model.messages import Category, Message, MessageBatch, pack
from tests.functions import pages
from tests.functions.handlers import Gateway
from tests.functions.integrating import TEXT
from tests.functions.invoking import NOW, Event


@pytest.mark.parametrize(
    ("event", "written"),
    [
        pytest.param(event, written, id=f"{number} {event['rawPath']}")
        for number, (event, written) in enumerate(pages.exchanges(pages.page("http")))
    ],
)
def test_a_request_on_the_page_is_answered_as_there(
    acme: Gateway, event: Event, written: Any
) -> None:
    mid = "101M80PKPVGTZQN98QP2VKS1J1800"
    message = Message("919876543210", "ACMEBK", TEXT, "order-4711", None, 1)
    batch = MessageBatch(
        id=mid[:-2],
        account_id="acme",
        carrier="sim",
        category=Category.OTP if "feedback" in event["rawPath"] else Category.SERVICE_IMPLICIT,
        accepted_at_ms=int(NOW * 1000),
        block_size=100,
        endpoints=(),
        messages=[message],
    )
    acme.store.put_batch(batch.id, pack(batch), batch.due_at_ms)
    function = "manage" if mid in event["rawPath"] else "send"
    answer = acme.call(function, event)
    body = json.loads(answer["body"])
    if written is None:
        assert (body["state"], body["timeline"][0]["step"]) == ("accepted", "accepted")
    else:
        assert pages.is_like(written, body)
    code = Code(body["Error"]) if "Error" in body else None
    assert answer["statusCode"] == (MEANINGS[code].http_status if code else 200)
    assert code is None or body["message"] == RequestRefused(code).message


def test_the_page_says_which_answers_refuse_a_callback() -> None:
    table = dict(pages.rows(pages.page("http"), "answer"))
    again = {int(status) for row in list(table)[1:3] for status in re.findall(r"\b\d{3}\b", row)}
    assert {status for status in range(400, 500) if not is_refusal(status)} == again - {503}
    refused = "400, 401, 403 and any other 4xx"
    assert all(is_refusal(int(status)) for status in re.findall(r"\d{3}", refused))
    assert (REFUSAL_LIMIT, table[refused][:19]) == (3, "parked at the third")
