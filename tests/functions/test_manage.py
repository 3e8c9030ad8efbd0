"""An account's requests by API: reading and changing its resources and messages."""

import json
from typing import Any

import pytest

from harkara.base.codes import Code
from harkara.base.errors import StoreUnavailable
from harkara.base.ids import mid_of
from harkara.manage.template_csv import parse
from harkara.model.accounts import Account, Credential, Scope, Secret, hash_secret
from harkara.model.messages import Category
from harkara.model.tasks import QueueName
from local.samples import BATCH
from tests.functions.answers import assert_refused
from tests.functions.handlers import Gateway
from tests.functions.invoking import BATCH_ID, MSISDN, RECORD, SECRET, Logs, datasend, http_event
from tests.functions.managing import request

SENDER = {"header": "NEWHDR", "categories": ["otp"]}
ROUTES = [
    *(
        pytest.param(method, f"/v1/{collection}{name}", id=f"{method} {collection}{name}")
        for collection in ("senders", "templates", "callbacks")
        for method, name in [
            ("GET", ""),
            ("POST", ""),
            ("GET", "/x"),
            ("PUT", "/x"),
            ("DELETE", "/x"),
        ]
    ),
    pytest.param("GET", f"/v1/messages/{BATCH.mid(0)}", id="GET message"),
    pytest.param("DELETE", f"/v1/messages/{BATCH.mid(0)}", id="DELETE message"),
    pytest.param("POST", "/cancel-scheduled/sms", id="cancel"),
]


def give(gateway: Gateway, username: str, account_id: str, *scopes: Scope) -> str:
    """Return the API key of a further credential."""
    gateway.accounts.credentials[username] = Credential(
        username=username,
        account_id=account_id,
        secrets=(Secret(hash=hash_secret(b"pepper", SECRET)),),
        scopes=scopes or tuple(Scope),
    )
    return f"{username}.{SECRET}"


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_nobody_gets_in_without_a_secret(
    method: str, path: str, gateway: Gateway, logs: Logs
) -> None:
    gateway.put_samples()
    for key in ("", "sandbox.wrong", "nobody.wrong"):
        answer = gateway.call("manage", request(method, path, {}, key))
        assert_refused(answer, Code.UNAUTHORIZED)
    assert logs.private() == []


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_credential_without_the_scope_is_told_which(
    method: str, path: str, gateway: Gateway
) -> None:
    needed = Scope.READ if method == "GET" else Scope.ADMIN
    if "messages" in path or "cancel" in path:
        needed = Scope.READ if method == "GET" else Scope.SEND
    key = give(gateway, "other", "sandbox", *(scope for scope in Scope if scope is not needed))
    message = assert_refused(
        gateway.call("manage", request(method, path, {}, key)), Code.SCOPE_MISSING
    )
    assert f"(scope: {needed})" in message


def test_a_secret_of_one_account_reaches_nothing_of_another(gateway: Gateway) -> None:
    gateway.put_samples()
    gateway.accounts.accounts["other"] = Account(
        id="other", name="Other", carrier="sim", callback_hosts=("127.0.0.1",)
    )
    key = give(gateway, "other", "other")
    before, entries = gateway.accounts.accounts["sandbox"], dict(gateway.store.entries)
    for collection, name in (
        ("senders", "SAMPLE"),
        ("templates", "1107160000000000007"),
        ("callbacks", "sample"),
    ):
        listed = gateway.call("manage", request("GET", f"/v1/{collection}", key=key))
        assert json.loads(listed["body"]) == {collection: [], "next": None}
        path = f"/v1/{collection}/{name}"
        visible = json.loads(gateway.call("manage", request("GET", path))["body"])
        for method, body in (("GET", None), ("PUT", visible), ("DELETE", None)):
            answer = gateway.call("manage", request(method, path, body, key))
            assert_refused(answer, Code.NOT_FOUND)
    file = gateway.call("manage", request("GET", "/v1/templates", key=key, accept="text/csv"))
    assert parse(file["body"].encode()) == []
    for method, path, body in (
        ("GET", f"/v1/messages/{BATCH.mid(0)}", None),
        ("DELETE", f"/v1/messages/{BATCH.mid(0)}", None),
        ("POST", "/cancel-scheduled/sms", {"mid": BATCH.mid(0)}),
    ):
        assert_refused(gateway.call("manage", request(method, path, body, key)), Code.NOT_FOUND)
    gateway.call("manage", request("POST", "/v1/senders", SENDER, key))
    assert gateway.accounts.accounts["sandbox"] is before
    assert gateway.store.entries == entries


def test_what_is_created_is_what_send_goes_by(gateway: Gateway) -> None:
    created = gateway.call("manage", request("POST", "/v1/senders", SENDER))
    assert created["statusCode"] == 201
    assert gateway.accounts.accounts["sandbox"].senders["NEWHDR"].categories == (Category.OTP,)
    gateway.call("send", http_event("POST", "/datasend", datasend({**RECORD, "from": "NEWHDR"})))
    assert len(gateway.bodies(QueueName.SUBMIT_PRIORITY)) == 1


def test_pages_lead_from_one_to_the_next(gateway: Gateway) -> None:
    gateway.put_samples()
    seen: list[str] = []
    after = ""
    while after is not None:
        query = {"limit": "1", "after": after}
        page = json.loads(
            gateway.call("manage", request("GET", "/v1/callbacks", query=query))["body"]
        )
        seen += [each["id"] for each in page["callbacks"]]
        after = page["next"]
    assert seen == ["main", "sample", "signed", "unused"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "1001"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"limit": ""}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"limit": "١"}, "limit"),
        ({"limit": "1,2"}, "limit"),
        ({"after": "x" * 65}, "after"),
    ],
)
def test_a_wrong_query_is_refused(query: dict[str, str], field: str, gateway: Gateway) -> None:
    answer = gateway.call("manage", request("GET", "/v1/senders", query=query))
    assert f"({field}: " in assert_refused(answer, Code.INVALID_REQUEST)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(None, Code.MALFORMED_JSON, id="no body"),
        pytest.param("{", Code.MALFORMED_JSON, id="half a body"),
        pytest.param(b"\xff", Code.MALFORMED_JSON, id="no UTF-8"),
        pytest.param('{"header": "\\ud800"}', Code.MALFORMED_JSON, id="half a character"),
        pytest.param("[]", Code.INVALID_REQUEST, id="an array"),
        pytest.param("{}", Code.INVALID_REQUEST, id="no fields"),
        pytest.param({**SENDER, "x": 1}, Code.INVALID_REQUEST, id="an unknown field"),
        pytest.param(" " * (4 * 1024 * 1024 + 1), Code.BODY_TOO_LARGE, id="more than 4 MB"),
    ],
)
def test_a_wrong_body_is_refused(body: Any, code: Code, gateway: Gateway) -> None:
    assert_refused(gateway.call("manage", request("POST", "/v1/senders", body)), code)
    assert gateway.accounts.accounts["sandbox"].senders == {}


@pytest.mark.parametrize("name", ["Acme%20Ltd", "Acme Ltd"])
def test_a_name_may_be_escaped_in_the_url(name: str, gateway: Gateway) -> None:
    gateway.call("manage", request("POST", "/v1/senders", {**SENDER, "header": "Acme Ltd"}))
    answer = gateway.call("manage", request("GET", f"/v1/senders/{name}"))
    assert json.loads(answer["body"])["header"] == "Acme Ltd"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("collection", ["senders", "templates", "callbacks"])
def test_a_name_of_any_length_is_not_found(method: str, collection: str, gateway: Gateway) -> None:
    for name in ("x", "x" * 65, "x" * 5_000, "%00", "%F0%9F%98%80" * 300):
        answer = gateway.call("manage", request(method, f"/v1/{collection}/{name}"))
        assert_refused(answer, Code.NOT_FOUND)


def test_what_is_removed_is_gone(gateway: Gateway) -> None:
    gateway.put_samples()
    answer = gateway.call("manage", request("DELETE", "/v1/senders/UNUSED"))
    assert (answer["statusCode"], answer["body"]) == (204, "")
    again = gateway.call("manage", request("DELETE", "/v1/senders/UNUSED"))
    assert_refused(again, Code.NOT_FOUND)
    assert_refused(gateway.call("manage", request("DELETE", "/v1/callbacks/main")), Code.IN_USE)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/accounts"), ("PUT", "/v1/accounts/x"), ("GET", "/v1")],
)
def test_another_route_is_not_found(method: str, path: str, gateway: Gateway) -> None:
    assert_refused(gateway.call("manage", request(method, path, {})), Code.NOT_FOUND)


def test_another_method_is_told_which_are_allowed(gateway: Gateway) -> None:
    answer = gateway.call("manage", request("PATCH", "/v1/senders", {}))
    assert_refused(answer, Code.METHOD_NOT_ALLOWED)
    assert answer["headers"]["Allow"] == "GET, POST"


def test_a_store_that_fails_says_try_again(gateway: Gateway) -> None:
    def fail(*_: object) -> None:
        raise StoreUnavailable("a text of AWS")

    gateway.registry.find = fail  # type: ignore[method-assign,assignment]
    answer = gateway.call("manage", request("GET", "/v1/senders"))
    assert_refused(answer, Code.TRY_AGAIN)


# Messages


def test_a_message_is_shown_without_its_text(gateway: Gateway, logs: Logs) -> None:
    gateway.put_batch()
    mid = mid_of(BATCH_ID, 0)
    answer = gateway.call("manage", request("GET", f"/v1/messages/{mid}"))
    body = json.loads(answer["body"])
    assert (body["mid"], body["to"], body["state"]) == (mid, MSISDN, "accepted")
    assert "4711" not in answer["body"]
    assert logs.private() == []


@pytest.mark.parametrize("way", ["DELETE", "key", "body"])
def test_a_message_is_cancelled(way: str, gateway: Gateway, logs: Logs) -> None:
    gateway.put_batch()
    mid = mid_of(BATCH_ID, 1)
    event = request("POST", "/cancel-scheduled/sms", {"mid": mid})
    if way == "DELETE":
        event = request("DELETE", f"/v1/messages/{mid}")
    elif way == "body":
        body = {"user": "sandbox", "pass": SECRET, "mid": mid}
        event = request("POST", "/cancel-scheduled/sms", body, key="")
    answer = gateway.call("manage", event)
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"]) == {
        "status": "cancelled",
        "mid": mid,
        "to": MSISDN,
        "client_ref": "ref",
    }
    assert len(gateway.bodies(QueueName.RECEIPT)) == 1
    visible = gateway.call("manage", request("GET", f"/v1/messages/{mid}"))
    assert json.loads(visible["body"])["state"] == "cancelled"
    assert logs.private() == []


@pytest.mark.parametrize("fields", [{"mid": []}, {"mid": {}}, {"mid": "x", "user": []}])
def test_a_wrong_cancel_is_refused(fields: dict[str, Any], gateway: Gateway) -> None:
    answer = gateway.call("manage", request("POST", "/cancel-scheduled/sms", fields))
    assert_refused(answer, Code.INVALID_REQUEST)


@pytest.mark.parametrize("mid", ["x", "", BATCH.mid(0), "1" * 29, "x" * 10_000])
def test_an_unknown_message_is_not_found(mid: str, gateway: Gateway) -> None:
    gateway.put_batch()
    answer = gateway.call("manage", request("POST", "/cancel-scheduled/sms", {"mid": mid}))
    assert_refused(answer, Code.NOT_FOUND)


@pytest.mark.parametrize("name", ["dry_run", "dryRun"])
def test_what_changes_something_has_no_dry_run(name: str, gateway: Gateway) -> None:
    gateway.call("manage", request("POST", "/v1/senders", SENDER))
    event = request("DELETE", "/v1/senders/NEWHDR", query={name: "true"})
    assert_refused(gateway.call("manage", event), Code.INVALID_REQUEST)
    visible = gateway.call("manage", request("GET", "/v1/senders/NEWHDR", query={name: "true"}))
    assert visible["statusCode"] == 200
