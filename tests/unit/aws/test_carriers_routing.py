"""Routing in DynamoDB, and the number of its reads."""

from typing import Any

import pytest

from harkara.aws.accounts import CACHE_LIMIT
from harkara.aws.carriers import ROUTING_CACHE_S, DynamoRoutingStore
from harkara.base.errors import StoreUnavailable
from harkara.model.routing import Route, Routing, Rules, Weighted
from tests.unit.scripted_aws import LOST, Refusal, ScriptedAws

OWN = Routing(paused=True)
GENERAL = Routing(routes=(Route(prefix="44", carriers=(Weighted(carrier="a"),)),))


def store(**items: Routing) -> tuple[ScriptedAws, DynamoRoutingStore, list[float]]:
    """Return a store with these items, and its clock."""
    now = [0.0]

    def answer(_: str, params: dict[str, Any]) -> dict[str, Any]:
        assert params["Key"]["sk"] == {"S": "routing"}
        name = params["Key"]["pk"]["S"].removeprefix("routing#")
        found = items.get({"*": "everyone"}.get(name, name))
        return {"Item": {"data": {"S": found.model_dump_json()}}} if found else {}

    aws = ScriptedAws("dynamodb", answer)
    return aws, DynamoRoutingStore(aws.client, "Accounts", lambda: now[0]), now


def test_an_accounts_routing_comes_with_that_of_all() -> None:
    _, routing, _ = store(acme=OWN, everyone=GENERAL)
    assert routing.rules("acme") == Rules(OWN, GENERAL)
    assert routing.rules("other") == Rules(Routing(), GENERAL)


def test_an_account_without_routing_costs_one_read_in_half_a_minute() -> None:
    aws, routing, now = store()
    for _ in range(100):
        assert routing.rules("acme") == Rules()
    assert aws.operations == ["GetItem"] * 2, "its own, and that of all"
    for _ in range(100):
        routing.rules("other")
    assert len(aws.operations) == 3
    now[0] = ROUTING_CACHE_S - 0.1
    routing.rules("acme")
    assert len(aws.operations) == 3
    now[0] = ROUTING_CACHE_S
    routing.rules("acme")
    assert len(aws.operations) == 5


def test_what_it_remembers_is_bounded() -> None:
    _, routing, _ = store()
    for number in range(2 * CACHE_LIMIT):
        routing.rules(str(number))
    assert len(routing._cache) <= CACHE_LIMIT


@pytest.mark.parametrize("answer", [Refusal("ThrottlingException"), LOST])
def test_a_table_that_fails_is_unavailable(answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    aws = ScriptedAws("dynamodb", answer)
    with pytest.raises(StoreUnavailable):
        DynamoRoutingStore(aws.client, "Accounts").rules("acme")
