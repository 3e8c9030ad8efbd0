"""`send`, by POST /datasend: answers, errors in their one shape, logs without private data."""

import base64
import json
from types import SimpleNamespace

import pytest

from harkara.base.codes import Code
from harkara.base.errors import StoreUnavailable
from harkara.model.accounts import Enforcement
from harkara.model.messages import unpack
from harkara.model.tasks import QueueName
from tests.functions.answers import assert_refused
from tests.functions.handlers import Gateway
from tests.functions.invoking import (
    MSISDN,
    PRIVATE,
    RECORD,
    SECRET,
    TEXT,
    Context,
    Event,
    Logs,
    datasend,
    http_event,
)
from tests.functions.sending import assert_nothing_accepted


def post(body: str | bytes | None, **headers: str) -> Event:
    return http_event("POST", "/datasend", body, headers)


def basic(credentials: bytes, scheme: str = "Basic") -> dict[str, str]:
    return {"authorization": f"{scheme} {base64.b64encode(credentials).decode()}"}


def test_a_record_is_accepted_stored_and_enqueued(gateway: Gateway) -> None:
    answer = gateway.call("send", post(datasend(RECORD)))
    assert answer["statusCode"] == 200
    assert answer["headers"]["Content-Type"] == "application/json"
    ((batch_id, packed),) = gateway.store.packed.items()
    batch = unpack(batch_id, packed)
    assert json.loads(answer["body"]) == [
        {"to": MSISDN, "from": "ACMEBK", "mid": batch.mid(0), "smsgid": "ref"}
    ]
    assert [message.text for message in batch.messages] == [TEXT]
    assert len(gateway.bodies(QueueName.SUBMIT)) == 1


def test_a_refused_record_stands_in_its_place(gateway: Gateway) -> None:
    answer = gateway.call("send", post(datasend({**RECORD, "to": "12"}, RECORD)))
    first, second = json.loads(answer["body"])
    assert answer["statusCode"] == 200
    assert (first["Error"], first["to"]) == ("INVALID_NUMBER", "12")
    assert second["mid"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(None, Code.MALFORMED_JSON, id="no body"),
        pytest.param("{", Code.MALFORMED_JSON, id="half a body"),
        pytest.param(b'{"user": "\xff\xfe"}', Code.MALFORMED_JSON, id="no utf-8"),
        pytest.param(b"", Code.MALFORMED_JSON, id="empty base64"),
        pytest.param("[]", Code.INVALID_REQUEST, id="an array"),
        pytest.param('{"user": {}, "smstosend": [{}]}', Code.INVALID_REQUEST, id="user"),
        pytest.param(datasend(), Code.NO_RECORDS, id="no records"),
        pytest.param(datasend(*[RECORD] * 1001), Code.TOO_MANY_RECORDS, id="1,001 records"),
        pytest.param(" " * (4 * 1024 * 1024 + 1), Code.BODY_TOO_LARGE, id="more than 4 MB"),
        pytest.param(datasend(RECORD, user="nobody"), Code.UNAUTHORIZED, id="unknown user"),
        pytest.param(datasend(RECORD, **{"pass": "x"}), Code.UNAUTHORIZED, id="wrong secret"),
        pytest.param(datasend(RECORD, user=None), Code.UNAUTHORIZED, id="no user"),
        pytest.param(datasend({**RECORD, "to": "1"}), Code.INVALID_NUMBER, id="no record is good"),
        pytest.param(
            datasend(RECORD, dlrurl="https://evil.example"), Code.INVALID_CALLBACK_URL, id="dlrurl"
        ),
    ],
)
def test_an_error_has_the_one_shape(
    body: str | bytes | None, code: Code, gateway: Gateway, logs: Logs
) -> None:
    assert_refused(gateway.call("send", post(body)), code)
    assert_nothing_accepted(gateway)
    assert logs.private() == []


def test_health_is_told_without_a_service(gateway: Gateway) -> None:
    answer = gateway.app("send", object()).handler(http_event("GET", "/health"), Context())
    assert (answer["statusCode"], json.loads(answer["body"])) == (200, {"status": True})


def test_a_body_in_base64_is_read(gateway: Gateway) -> None:
    text = {**RECORD, "smstext": "नमस्ते 😀"}
    answer = gateway.call("send", post(datasend(text).encode()))
    assert answer["statusCode"] == 200
    (packed,) = gateway.store.packed.items()
    assert unpack(*packed).messages[0].text == "नमस्ते 😀"


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(basic(f"sandbox:{SECRET}".encode()), id="Basic"),
        pytest.param(basic(f"sandbox:{SECRET}".encode(), "basic"), id="in lower case"),
    ],
)
def test_credentials_may_be_basic(headers: dict[str, str], gateway: Gateway) -> None:
    body = datasend(RECORD, user=None, **{"pass": None})
    assert gateway.call("send", post(body, **headers))["statusCode"] == 200


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="none"),
        pytest.param({"authorization": ""}, id="empty"),
        pytest.param({"authorization": "Basic"}, id="without a value"),
        pytest.param({"authorization": "Basic !!"}, id="no base64"),
        pytest.param({"authorization": "Basic é"}, id="beyond ascii"),
        pytest.param(basic(b"\xff\xfe:x"), id="no utf-8"),
        pytest.param(basic(b"sandbox"), id="no colon"),
        pytest.param(basic(f"sandbox:{SECRET}".encode(), "Bearer"), id="another scheme"),
        pytest.param(basic(f"sandbox:{SECRET}:".encode()), id="a colon more"),
    ],
)
def test_other_credentials_are_refused(headers: dict[str, str], gateway: Gateway) -> None:
    body = datasend(RECORD, user=None, **{"pass": None})
    answer = gateway.call("send", post(body, **headers))
    assert_refused(answer, Code.UNAUTHORIZED)
    challenge = 'Basic realm="Harkara", Bearer realm="Harkara"'
    assert answer["headers"]["WWW-Authenticate"] == challenge


def test_credentials_in_a_header_come_before_those_of_the_body(gateway: Gateway) -> None:
    body = datasend(RECORD)
    answer = gateway.call("send", post(body, **basic(b"sandbox:wrong")))
    assert_refused(answer, Code.UNAUTHORIZED)


class Failing:
    """A service that fails with private data in its error."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def admit(self, *_: object) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(StoreUnavailable("ThrottlingException"), Code.TRY_AGAIN, id="AWS fails"),
        pytest.param(ValueError(f"{TEXT} to {MSISDN}"), Code.INTERNAL_ERROR, id="a bug"),
        pytest.param(KeyError(SECRET), Code.INTERNAL_ERROR, id="another"),
    ],
)
def test_a_failure_has_the_one_shape_and_is_logged_without_what_is_private(
    error: Exception, code: Code, gateway: Gateway, logs: Logs
) -> None:
    app = gateway.app("send", SimpleNamespace(authenticator=Failing(error)))
    answer = app.handler(post(datasend(RECORD)), Context())
    assert_refused(answer, code)
    assert (answer["headers"].get("Retry-After") == "5") is (code is Code.TRY_AGAIN)
    (line,) = logs.lines()
    assert line["error"] == type(error).__name__
    assert line["level"] == "WARNING"
    assert "app.py:" in " ".join(line["at"])
    assert logs.private() == []
    assert not any(private in answer["body"] for private in PRIVATE)


def test_a_request_leaves_a_line_that_names_its_batch_and_nothing_private(
    gateway: Gateway, logs: Logs, capfd: pytest.CaptureFixture[str]
) -> None:
    body = datasend(RECORD, {**RECORD, "smstext": ""}, dlrurl="https://clevertap.com/callback-key")
    gateway.call("send", post(body, **basic(f"sandbox:{SECRET}".encode())))
    (line,) = logs.lines()
    assert line["message"] == "request accepted"
    assert line["account_id"] == "sandbox"
    assert line["batches"] == list(gateway.store.packed)
    assert line["request"] == "request-id"
    assert line["codes"] == {"accepted": 1, "EMPTY_TEXT": 1}
    assert (line["accepted"], line["refused"]) == ([1], [1])
    assert logs.private() == []
    assert not any(private in "".join(capfd.readouterr()) for private in PRIVATE)


def test_warnings_are_counted_in_the_log(gateway: Gateway, logs: Logs) -> None:
    account = gateway.accounts.accounts["sandbox"]
    warned = account.model_copy(update={"dlt": Enforcement.WARN})
    gateway.accounts.accounts["sandbox"] = warned
    assert gateway.call("send", post(datasend(RECORD)))["statusCode"] == 200
    (line,) = logs.lines()
    assert line["warnings"] == {"HEADER_NOT_REGISTERED": 1}
    assert logs.private() == []
