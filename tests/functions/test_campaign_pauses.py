"""POST /v1/campaigns/{campaign}/pause and /resume: rights, refusals, the audit log."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from harkara.base.codes import Code
from harkara.manage.campaigns import PAUSED_LIMIT
from harkara.model.accounts import Scope
from harkara.model.people import AuditEntry
from harkara.model.routing import EVERYONE, Routing
from tests.functions.answers import assert_refused
from tests.functions.handlers import CREDENTIAL, Gateway
from tests.functions.invoking import NOW
from tests.functions.managing import request
from tests.functions.visiting_console import CAMPAIGN, put_counters

VERBS = ("pause", "resume")


def call(gateway: Gateway, verb: str, campaign: str = CAMPAIGN) -> Any:
    path = f"/v1/campaigns/{quote(campaign, safe='')}/{verb}"
    return gateway.call("manage", request("POST", path))


def may(gateway: Gateway, scope: Scope, account_id: str = "sandbox") -> None:
    changed = {"scopes": (scope,), "account_id": account_id}
    gateway.accounts.credentials["sandbox"] = CREDENTIAL.model_copy(update=changed)


@pytest.fixture
def counted(gateway: Gateway) -> Gateway:
    """Return the gateway with messages of a campaign, and a credential that may only send."""
    put_counters(gateway.ports.activity, gateway.now, 8)
    may(gateway, Scope.SEND)
    return gateway


def test_a_campaign_waits_and_goes_on_and_nothing_else_of_the_routing_changes(
    counted: Gateway,
) -> None:
    counted.routing.routing["sandbox"] = before = Routing(paused_campaigns=("spring",), promotion=3)
    for verb in VERBS:
        for _ in range(2):
            answer = call(counted, verb)
            assert answer["statusCode"] == 200
            assert json.loads(answer["body"]) == {"campaign": CAMPAIGN, "paused": verb == "pause"}
            assert counted.routing.rules("sandbox").pauses(CAMPAIGN) is (verb == "pause")
    assert counted.routing.routing["sandbox"] == before
    at_ms, address = int(NOW * 1000), "203.0.113.10"
    assert counted.audited == [
        AuditEntry(at_ms, "sandbox", "sandbox", f"campaign.{verb}", CAMPAIGN, address)
        for verb in ("pause", "pause", "resume", "resume")
    ]


def test_what_the_operator_lets_wait_still_waits(counted: Gateway) -> None:
    counted.routing.routing[EVERYONE] = general = Routing(paused_campaigns=(CAMPAIGN,))
    assert call(counted, "resume")["statusCode"] == 200
    assert counted.routing.rules("sandbox").pauses(CAMPAIGN)
    assert counted.routing.routing[EVERYONE] == general


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("scope", "account_id", "campaign", "code"),
    [
        (Scope.READ, "sandbox", CAMPAIGN, Code.SCOPE_MISSING),
        (Scope.ADMIN, "sandbox", CAMPAIGN, Code.SCOPE_MISSING),
        (Scope.SEND, "sandbox", "unknown", Code.NOT_FOUND),
        (Scope.SEND, "other", CAMPAIGN, Code.NOT_FOUND),
    ],
)
def test_a_refusal_changes_nothing(
    scope: Scope, account_id: str, campaign: str, code: Code, verb: str, counted: Gateway
) -> None:
    other = counted.accounts.accounts["sandbox"].model_copy(update={"id": "other"})
    counted.accounts.accounts["other"] = other
    may(counted, scope, account_id)
    assert_refused(call(counted, verb, campaign), code)
    assert (len(counted.routing.routing), counted.audited) == (0, [])


def test_a_hundred_campaigns_may_be_paused_at_a_time(counted: Gateway) -> None:
    names = tuple(f"c{each}" for each in range(PAUSED_LIMIT))
    counted.routing.routing["sandbox"] = Routing(paused_campaigns=names)
    assert_refused(call(counted, "pause"), Code.INVALID_REQUEST)
    assert counted.routing.routing["sandbox"].paused_campaigns == names
    # One that is older than its counters can go on all the same.
    assert call(counted, "resume", "c0")["statusCode"] == 200
    assert call(counted, "pause")["statusCode"] == 200
