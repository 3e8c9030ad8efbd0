"""The other routes of `send`, and their common features: forms, keys, limits, repeats."""

import base64
import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harkara.accept.requests import BODY_LIMIT_BYTES
from harkara.base.codes import Code
from harkara.base.errors import StoreUnavailable
from harkara.model.accounts import Limits, Scope
from tests.functions.handlers import Gateway
from tests.functions.invoking import (
    MSISDN,
    PRIVATE,
    RECORD,
    SECRET,
    TEXT,
    Context,
    Logs,
    http_event,
)
from tests.functions.sending import (
    API_KEY,
    FORM,
    ROUTES,
    SMPP,
    WEBENGAGE,
    assert_nothing_accepted,
    batch_of,
    body_of,
    code_of,
    codes_of_refused,
    each_route,
    post,
    with_query,
)


@each_route
def test_a_message_is_accepted_and_stored(path: str, gateway: Gateway, logs: Logs) -> None:
    answer = gateway.call("send", post(path))
    assert answer["statusCode"] == 200
    (message,) = batch_of(gateway).messages
    assert message[:4] == (MSISDN, "ACMEBK", TEXT, "ref")
    assert len(gateway.queues.waiting) == 1
    assert [line["message"] for line in logs.lines()] == ["request accepted"]
    assert logs.private() == []


@each_route
def test_a_slash_at_the_end_is_left_out(path: str, gateway: Gateway) -> None:
    """API Gateway passes the path on as it was sent."""
    event = post(path)
    event["rawPath"] = event["requestContext"]["http"]["path"] = f"{path}/"
    assert gateway.call("send", event)["statusCode"] == 200


@each_route
@pytest.mark.parametrize("name", ["dry_run", "dryRun", "DRY-RUN"])
def test_a_dry_run_never_sends(path: str, name: str, gateway: Gateway) -> None:
    answer = gateway.call("send", with_query(post(path), f"{name}=true"))
    assert gateway.queues.waiting == []
    if path == "/v1/messages":
        assert answer["statusCode"] == 200
        assert body_of(answer)["mid"] is None
    else:
        assert code_of(answer) is Code.INVALID_REQUEST
        assert "only POST /v1/messages has a dry run" in answer["body"]


@pytest.mark.parametrize("beside", [{"send_at": "x"}, {"from": "ACMEBK"}, {"scheduleAt": "x"}])
def test_what_stands_beside_the_messages_is_refused(
    beside: dict[str, str], gateway: Gateway
) -> None:
    body = {"messages": [{"to": MSISDN, "from": "ACMEBK", "text": TEXT}], **beside}
    answer = gateway.call("send", post("/v1/messages", json.dumps(body)))
    assert code_of(answer) is Code.INVALID_REQUEST
    assert ("send_at" if "scheduleAt" in beside else next(iter(beside))) in answer["body"]
    assert gateway.queues.waiting == []


@pytest.mark.parametrize(
    ("path", "fields"), [("/datasend", RECORD), ("/smpp", SMPP)], ids=["datasend", "smpp"]
)
def test_a_form_is_answered_flat(path: str, fields: dict[str, str], gateway: Gateway) -> None:
    form = urlencode(fields).encode()
    answer = gateway.call("send", post(path, form, **{"content-type": FORM["content-type"]}))
    assert body_of(answer) == {
        "status": "accepted",
        "mid": batch_of(gateway).mid(0),
        "to": MSISDN,
        "from": "ACMEBK",
        "smsgid": "ref",
    }


def test_smpp_is_taken_from_a_query_with_its_credentials(gateway: Gateway, logs: Logs) -> None:
    query = urlencode({**SMPP, "username": "sandbox", "password": SECRET})
    answer = gateway.call("send", with_query(http_event("GET", "/smpp"), query))
    assert body_of(answer)["status"] == "accepted"
    assert batch_of(gateway).messages[0].text == TEXT
    assert logs.private() == []


def test_a_secret_alone_goes_with_the_user_of_the_body(gateway: Gateway) -> None:
    event = http_event(
        "POST",
        "/datasend",
        json.dumps({**RECORD, "user": "sandbox"}),
        {"authorization": f"Bearer {SECRET}"},
    )
    assert gateway.call("send", event)["statusCode"] == 200


def test_a_single_key_may_be_basic(gateway: Gateway) -> None:
    key = base64.b64encode(API_KEY["x-api-key"].encode()).decode()
    event = http_event(
        "POST", "/webengage", json.dumps(WEBENGAGE), {"authorization": f"Basic {key}"}
    )
    assert gateway.call("send", event)["statusCode"] == 200


@each_route
def test_a_wrong_key_is_refused_in_the_shape_of_the_path(
    path: str, gateway: Gateway, logs: Logs
) -> None:
    answer = gateway.call("send", post(path, x_api_key=f"other.{SECRET}"))
    assert code_of(answer) is Code.UNAUTHORIZED
    assert "Basic" in answer["headers"]["WWW-Authenticate"]
    assert gateway.store.packed == {}
    assert logs.private() == []


@each_route
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"scopes": (Scope.READ, Scope.ADMIN)}, Code.SCOPE_MISSING),
        ({"networks": ("198.51.100.0/24",)}, Code.ADDRESS_NOT_ALLOWED),
    ],
    ids=["scope", "address"],
)
def test_a_credential_may_not_do_everything(
    path: str, change: dict[str, Any], code: Code, gateway: Gateway
) -> None:
    credential = gateway.accounts.credentials["sandbox"]
    gateway.accounts.credentials["sandbox"] = credential.model_copy(update=change)
    answer = gateway.call("send", post(path))
    assert code_of(answer) is code
    assert ("WWW-Authenticate" in answer["headers"]) is (code is Code.ADDRESS_NOT_ALLOWED)


@each_route
def test_who_sends_too_much_hears_when_to_come_back(path: str, gateway: Gateway) -> None:
    account = gateway.accounts.accounts["sandbox"]
    limits = Limits(requests_per_s=0.25)
    gateway.accounts.accounts["sandbox"] = account.model_copy(update={"limits": limits})
    app = gateway.app("send")
    answers = [app.handler(post(path), Context()) for _ in range(8)]
    assert answers[0]["statusCode"] == 200
    assert code_of(answers[-1]) is Code.RATE_LIMITED
    assert answers[-1]["statusCode"] == 429
    assert int(answers[-1]["headers"]["Retry-After"]) >= 1


@each_route
def test_a_body_beyond_the_limit_is_refused(path: str, gateway: Gateway) -> None:
    answer = gateway.call("send", post(path, b" " * (BODY_LIMIT_BYTES + 1)))
    assert code_of(answer) is Code.BODY_TOO_LARGE
    assert answer["statusCode"] == 413


@each_route
def test_what_could_not_be_stored_may_be_sent_again(path: str, gateway: Gateway) -> None:
    class Away:
        def put_batch(self, *_: object) -> None:
            raise StoreUnavailable("ThrottlingException")

    services = gateway.send_services()
    accept = replace(services.accept, batches=Away())
    app = gateway.app("send", services._replace(accept=accept))
    answer = app.handler(post(path), Context())
    assert code_of(answer) is Code.TRY_AGAIN
    assert answer["statusCode"] == 503
    assert answer["headers"]["Retry-After"] == "5"


@each_route
def test_a_bug_is_told_in_the_shape_of_the_path(path: str, gateway: Gateway, logs: Logs) -> None:
    broken = gateway.send_services()._replace(accept=None)  # type: ignore[arg-type]
    answer = gateway.app("send", broken).handler(post(path), Context())
    assert code_of(answer) is Code.INTERNAL_ERROR
    assert answer["statusCode"] == 500
    assert not any(private in answer["body"] for private in PRIVATE)
    assert logs.private() == []


@each_route
@pytest.mark.parametrize("number", ["12345", ""])
def test_a_refused_message_alone_is_a_refused_request(
    path: str, number: str, gateway: Gateway
) -> None:
    body = {**ROUTES[path], "to": number}
    if path == "/webengage":
        body = {**WEBENGAGE, "smsData": {"toNumber": number, "fromNumber": "X", "body": TEXT}}
    answer = gateway.call("send", post(path, body))
    assert code_of(answer) is Code.INVALID_NUMBER
    assert answer["statusCode"] == 400
    assert TEXT not in answer["body"]
    assert_nothing_accepted(gateway)
    assert codes_of_refused(gateway) == [Code.INVALID_NUMBER]


def test_what_is_wrong_with_a_record_is_named(gateway: Gateway) -> None:
    record = {**RECORD, "validity": "soon"}
    body = {"smstosend": [record, {**RECORD, "smsgid": {}}, RECORD]}
    first, second, _ = body_of(gateway.call("send", post("/datasend", body)))
    assert first["message"].endswith("(validity: whole seconds)")
    assert second["message"].endswith("(smsgid: a string)")
    alone = body_of(gateway.call("send", post("/datasend", record)))
    assert alone["message"] == first["message"]


def test_webengage_is_answered_in_its_shape(gateway: Gateway) -> None:
    assert body_of(gateway.call("send", post("/webengage"))) == {"status": "sms_accepted"}
    assert gateway.call("send", post("/webengage", "{"))["statusCode"] == 200


json_bodies = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "smstosend",
                    "messages",
                    "smsData",
                    "metadata",
                    "to",
                    "text",
                    "smstext",
                    "variables",
                ]
            ),
            children,
        )
    ),
    max_leaves=8,
).map(json.dumps)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(list(ROUTES)),
    st.binary(max_size=40) | json_bodies.map(str.encode),
    st.sampled_from([FORM["content-type"], "application/json", "", "text/csv"]),
    st.text(alphabet="abctoextsmpu=&%+;é\u0000", max_size=20),
)
def test_no_body_query_or_type_makes_a_failure(
    gateway: Gateway, path: str, body: bytes, content_type: str, query: str
) -> None:
    event = post(path, body, query, **{"content-type": content_type})
    answer = gateway.app("send").handler(event, Context())
    assert answer["statusCode"] < 500
    assert body_of(answer)
