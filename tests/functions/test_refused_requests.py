"""Refused requests of known accounts are counted and listed; strangers' are not."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harkara.base.codes import Code
from harkara.model.accounts import Limits, Scope
from tests.functions.handlers import Gateway
from tests.functions.invoking import RECORD, SECRET, Context, Event, Logs, http_event
from tests.functions.listing import Lists
from tests.functions.sending import MESSAGE, code_of, codes_of_refused, post, with_query

BAD = {**MESSAGE, "to": "12", "client_ref": "mine", "campaign_id": "diwali"}
TWO_BAD = {"messages": [BAD, {**BAD, "to": "919876543210", "text": ""}]}
STRANGER = {"x_api_key": "stranger.secret"}


def smpp(**fields: str) -> Event:
    query = "&".join(f"{name}={value}" for name, value in fields.items())
    return with_query(http_event("GET", "/smpp"), query)


def limit(gateway: Gateway, **fields: Any) -> None:
    account = gateway.accounts.accounts["sandbox"]
    gateway.accounts.accounts["sandbox"] = account.model_copy(update=fields)


def allow(gateway: Gateway, **fields: Any) -> None:
    credential = gateway.accounts.credentials["sandbox"]
    gateway.accounts.credentials["sandbox"] = credential.model_copy(update=fields)


@pytest.mark.parametrize(
    ("event", "codes"),
    [
        pytest.param(post("/v1/messages", "{"), ["MALFORMED_JSON"], id="native, half a body"),
        pytest.param(post("/datasend", "{"), ["MALFORMED_JSON"], id="ICS, half a body"),
        pytest.param(post("/webengage", "{"), ["MALFORMED_JSON"], id="WebEngage, half a body"),
        pytest.param(post("/datasend", {"smstosend": []}), ["NO_RECORDS"], id="no records"),
        pytest.param(
            post("/datasend", {"smstosend": [RECORD] * 1001}), ["TOO_MANY_RECORDS"], id="1,001"
        ),
        pytest.param(post("/v1/messages", " " * 5_000_000), ["BODY_TOO_LARGE"], id="5 MB"),
        pytest.param(post("/v1/messages", BAD), ["INVALID_NUMBER"], id="one record"),
        pytest.param(post("/v1/messages", TWO_BAD), ["INVALID_NUMBER", "EMPTY_TEXT"], id="two"),
        pytest.param(
            smpp(username="sandbox", password=SECRET, to="12", text="x"),
            ["INVALID_NUMBER"],
            id="query",
        ),
        pytest.param(
            post("/v1/messages", MESSAGE, idempotency_key="\u20ac"), ["INVALID_REQUEST"], id="key"
        ),
        pytest.param(post("/v1/messages", BAD, query="dry_run=1"), [], id="dry run"),
        pytest.param(post("/v1/messages", BAD, **STRANGER), [], id="stranger"),
        pytest.param(post("/v1/messages", "{", x_api_key=f"sandbox.{SECRET}x"), [], id="secret"),
        pytest.param(http_event("GET", "/v1/nothing"), [], id="no route"),
        pytest.param(post("/v1/messages", MESSAGE), [], id="accepted"),
    ],
)
def test_a_refused_request_is_counted_and_found_by_code(
    event: Event, codes: list[str], logs: Logs
) -> None:
    lists = Lists()
    answer = lists.call("send", event)
    assert codes_of_refused(lists) == codes
    assert [code_of(answer)] == codes[:1] if codes else True
    lists.now += 1  # a list ends before now
    lists.settle()
    _, stats = lists.get("/v1/stats", by="code")
    assert {each["key"]: each["messages"] for each in stats["groups"]} == Counter(codes)
    assert stats["totals"]["refused"] == len(codes)
    found = lists.all(state="refused")
    assert sorted(each["code"] for each in found) == sorted(codes)
    for code in codes:
        assert [each["code"] for each in lists.all(code=code)] == [code]
    assert all((each["mid"], each["to"], each["segments"]) == (None, "", 0) for each in found)
    assert lists.all("other") == []
    assert logs.private() == []


@pytest.mark.parametrize(
    ("settings", "credential", "code"),
    [
        ({"limits": Limits(segments_per_day=1)}, {}, Code.DAILY_LIMIT),
        ({"draining": True}, {}, Code.ACCOUNT_PAUSED),
        ({}, {"networks": ("198.51.100.0/24",)}, Code.ADDRESS_NOT_ALLOWED),
        ({}, {"scopes": (Scope.READ,)}, Code.SCOPE_MISSING),
    ],
)
def test_what_an_account_or_its_credential_may_not_is_recorded(
    settings: dict[str, Any], credential: dict[str, Any], code: Code
) -> None:
    lists = Lists()
    limit(lists, **settings)
    allow(lists, **credential)
    text = "x" * 161
    answer = lists.call("send", post("/v1/messages", {**MESSAGE, "text": text}))
    assert code_of(answer) is code
    assert codes_of_refused(lists) == [code]


def test_a_refused_record_keeps_its_reference_campaign_and_category() -> None:
    lists = Lists()
    limit(lists, limits=Limits(segments_per_day=1))
    otps = {"messages": [{**each, "category": "otp"} for each in TWO_BAD["messages"]]}
    for body in (BAD, otps, {**MESSAGE, "text": "x" * 161}):
        lists.call("send", post("/v1/messages", body))
    lists.now += 1  # a list ends before now
    lists.settle()
    assert [each["code"] for each in lists.all(client_ref="ref")] == ["DAILY_LIMIT"]
    assert len(lists.all(client_ref="mine", campaign="diwali")) == 3
    assert len(lists.all(category="otp")) == 2
    _, campaign = lists.get("/v1/campaigns/diwali")
    assert (campaign["refused"], campaign["accepted"]) == (3, 0)


steps = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 0, 300, 700, 1000, 5000]),
        st.sampled_from(["sandbox", "other"]),
        st.sampled_from([MESSAGE, BAD, BAD, TWO_BAD]),
    ),
    max_size=12,
)


@settings(max_examples=15, deadline=None)
@given(steps=steps)
def test_a_process_loses_no_refusal_as_long_as_it_gets_requests(
    steps: list[tuple[int, str, dict[str, Any]]],
) -> None:
    lists = Lists()
    app = lists.app("send")
    refused: Counter[str] = Counter()
    for wait_ms, account, body in [*steps, (1000, "sandbox", MESSAGE)]:
        lists.now += wait_ms / 1000
        event = post("/v1/messages", body, x_api_key=f"{account}.{SECRET}")
        assert app.handler(event, Context())["statusCode"] == (200 if body is MESSAGE else 400)
        refused[account] += {id(BAD): 1, id(TWO_BAD): 2}.get(id(body), 0)
    lists.now += 1  # a list ends before now
    lists.settle()
    for account in ("sandbox", "other"):
        _, stats = lists.get("/v1/stats", account)
        assert (
            stats["totals"]["refused"]
            == refused[account]
            == len(lists.all(account, state="refused"))
        )
