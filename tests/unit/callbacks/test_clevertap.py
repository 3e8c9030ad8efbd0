"""CleverTap's callback, and its answer."""

import json
from collections.abc import Sequence

import pytest

from harkara.base.codes import Code
from harkara.callbacks.formats import FORMATS, clevertap
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.events import Dlr, Event, Reply
from harkara.model.messages import State

AT = 1_435_322_805
DELIVERED = Dlr("M0", "ref.0.-1.", State.DELIVERED, AT)
FAILED = Dlr("M1", "ref.1.-1.", State.FAILED, AT + 1, Code.DND)


def body(events: Sequence[Event]) -> bytes:
    settings = CallbackEndpoint(id="main", url="https://api.clevertap.com/dlr")
    return FORMATS["clevertap"].render(events, settings)


def test_delivered_and_failed_messages_share_a_callback() -> None:
    again = DELIVERED._replace(client_ref="second")
    events = json.loads(body([FAILED, DELIVERED, again]))
    assert [event["event"] for event in events] == ["delivered", "failed"]
    assert [entry["meta"] for entry in events[0]["data"]] == ["ref.0.-1.", "second"]
    assert [entry["meta"] for entry in events[1]["data"]] == ["ref.1.-1."]


@pytest.mark.parametrize(
    ("state", "code", "clevertap"),
    [
        pytest.param(State.FAILED, Code.ABSENT_SUBSCRIBER, "905", id="failed"),
        pytest.param(State.EXPIRED, Code.EXPIRED, "916", id="expired"),
        pytest.param(State.UNKNOWN, Code.NO_RECEIPT, "900", id="unknown"),
        pytest.param(State.CANCELLED, Code.CANCELLED, "915", id="cancelled"),
    ],
)
def test_every_other_end_is_a_failure_with_its_code(
    state: State, code: Code, clevertap: str
) -> None:
    (event,) = json.loads(body([Dlr("M", "ref", state, AT, code)]))
    assert event["event"] == "failed"
    assert event["data"][0]["code"] == clevertap


@pytest.mark.parametrize(
    "client_ref",
    ["नमस्ते 😀", 'a "quoted" \\ ref', "\x00\uffff", "x" * 512],
    ids=["hindi", "quoted", "odd", "long"],
)
def test_meta_is_the_smsgid_as_it_came(client_ref: str) -> None:
    (event,) = json.loads(body([DELIVERED._replace(client_ref=client_ref)]))
    assert event["data"][0]["meta"] == client_ref


def test_a_message_without_a_smsgid_goes_by_its_mid() -> None:
    (event,) = json.loads(body([DELIVERED._replace(client_ref="")]))
    assert event["data"][0]["meta"] == "M0"


def test_a_reply_is_cut_at_512_characters() -> None:
    (event,) = json.loads(body([Reply("M0", "ref", AT, "919876543210", "56161", "न" * 513)]))
    assert event["data"][0]["incomingText"] == "न" * 512


def test_a_callback_speaks_of_as_many_as_clevertap_documents() -> None:
    assert FORMATS["clevertap"].member_limit == 100


# The answer


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param('{"status":"success","processed":2,"unprocessed":[]}', (), id="all"),
        pytest.param(
            '{"status":"partial","processed":1,'
            '"unprocessed":[{"code":400,"error":"no","record":{"ts":1,"meta":"a"}}]}',
            (("a", "400"),),
            id="an entry",
        ),
        pytest.param(
            '{"unprocessed":[{"code":"513","record":{"event":"failed",'
            '"data":[{"meta":"a"},{"meta":"b"},7]}}]}',
            (("a", "513"), ("b", "513")),
            id="an event with its entries",
        ),
        pytest.param('{"unprocessed":[{"record":{"meta":"a"}}]}', (("a", ""),), id="no code"),
        pytest.param('{"unprocessed":[{"code":400},{"record":[]},"a"]}', (), id="no record"),
        pytest.param('{"unprocessed":[{"record":{"meta":7,"data":{}}}]}', (), id="other types"),
        pytest.param('{"unprocessed":"all"}', (), id="a text"),
        pytest.param("[]", (), id="an array"),
        pytest.param('"ok"', (), id="a string"),
        pytest.param("", (), id="empty"),
        pytest.param("<html>", (), id="no JSON"),
        pytest.param('{"unprocessed":[{"record":' + '{"data":[' * 400, (), id="cut"),
    ],
)
def test_what_is_unprocessed_is_read_from_the_answer(
    answer: str, expected: tuple[tuple[str, str], ...]
) -> None:
    assert clevertap.unprocessed(answer.encode()) == expected
