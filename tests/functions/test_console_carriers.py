"""The operators' carriers: what happened over all accounts, doubts, pauses and circuit breakers."""

import gzip
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.screens.carriers import MINUTES
from harkara.activity.doubts import Doubt
from harkara.carriers.settings import CarrierSettings, hash_token
from harkara.model.messages import Lane
from harkara.model.people import Role
from harkara.model.routing import EVERYONE, Route, Routing, Weighted
from harkara.model.tasks import QueueName
from harkara.state.circuit_breaker import RETURN_S, CircuitBreakers
from harkara.state.rates_shards import shards_of
from harkara.state.stores import Timeline
from tests.functions.handlers import SANDBOX, SIM, Gateway
from tests.functions.invoking import NOW, sqs_event
from tests.functions.test_console_activity import OTHER, count, record, send
from tests.functions.test_console_today import end, take
from tests.functions.visiting_console import (
    OPERATOR,
    count_at,
    numbers,
    operating,
    put_carriers,
    signed_in,
    visit,
)
from tests.support.people import changes

LIST, PATH = "/console/carriers", "/console/carriers/sim"
HTML_BYTES = 20_000


@pytest.fixture
def cookies(gateway: Gateway) -> dict[str, str]:
    gateway.accounts.accounts["other"] = OTHER
    return operating(gateway)


def show(gateway: Gateway, cookies: dict[str, str], path: str = PATH) -> str:
    answer = visit(gateway, "GET", path, cookie=cookies)
    assert answer["statusCode"] == 200, answer["body"]
    return str(answer["body"])


def act(gateway: Gateway, cookies: dict[str, str], name: str, **fields: str) -> Any:
    """Return the answer to an act that is confirmed."""
    given_fields = {"act": name, "sure": name, "account": "sandbox", "minutes": "15", **fields}
    return visit(gateway, "POST", PATH, fields=given_fields, cookie=cookies)


@pytest.mark.parametrize("role", [each for each in Role if each is not Role.OPERATOR])
def test_to_others_there_is_no_such_page(role: Role, gateway: Gateway) -> None:
    cookie, before = signed_in(gateway, role), dict(gateway.accounts.carriers)
    for method, path in (("GET", LIST), ("GET", PATH), ("POST", PATH)):
        fields = {"act": "pause", "sure": "pause", "account": "sandbox"}
        answer = visit(gateway, method, path, fields=fields, cookie=cookie)
        assert answer["statusCode"] == 404
        entry = changes(gateway.people)[-1]
        assert (entry.action, entry.subject) == ("refused.not_found", path)
    assert LIST not in visit(gateway, "GET", "/console/templates", cookie=cookie)["body"]
    assert gateway.accounts.carriers == before


def test_counts_are_those_of_all_accounts(gateway: Gateway, cookies: dict[str, str]) -> None:
    for ago_h, account in ((0, SANDBOX), (23, OTHER), (24, OTHER)):
        gateway.now = NOW - ago_h * 3600
        mids = send(gateway, account, *(record(each) for each in range(10)))
        take(gateway, mids)
        end(gateway, mids[:5], "delivered")
        end(gateway, mids[5:7], "failed", "DND")
        end(gateway, mids[7:8], "expired", "EXPIRED")
        end(gateway, mids[8:9], "unknown", "NO_RECEIPT")
    gateway.now = NOW
    count(gateway)
    expected = {"submitted": 20, "delivered": 10, "failed": 4, "expired": 2, "unknown": 2}
    page = show(gateway, cookies)
    assert numbers(page) == {name: (n, "") for name, n in {**expected, "waiting": 2}.items()}
    assert "Half within 6.0 s; 95 of 100 within 7.8 s" in page
    reasons = re.findall(r"<li><b>(\d+)</b> <span>([A-Z_]+)<span class=\"hint\">(.)", page)
    assert [(n, code) for n, code, _ in reasons] == [
        ("4", "DND"),
        ("2", "EXPIRED"),
        ("2", "NO_RECEIPT"),
    ]
    assert page.count("<g>") == 2
    assert marks(page) == set()
    listed = re.search(r'carriers/sim".*?</tr>', show(gateway, cookies, LIST), re.DOTALL)
    assert listed
    assert re.findall(r'">(\d+)</td>', listed[0])[:6] == ["20", "10", "4", "2", "2", "2"]
    assert "Counted up to" in page


@pytest.mark.parametrize(
    ("counts", "doubts"),
    [
        ({"otp:0": 50, "otp:2": 30, "otp:3": 20}, {Doubt.QUICK}),
        ({"otp:0": 49, "otp:2": 30, "otp:3": 20}, set()),
        ({"otp:3": 98, "otp:2": 2}, {Doubt.EQUAL}),
        ({"delay:0": 1_000}, set()),
    ],
)
def test_doubts_stand_on_the_list_and_on_the_carriers_page(
    counts: dict[str, int], doubts: set[Doubt], gateway: Gateway, cookies: dict[str, str]
) -> None:
    store = gateway.ports.activity
    count_at(store, gateway.now, "sim", 3, counts)
    count_at(store, gateway.now, "aws", 25, {"otp:0": 1_000})
    assert marks(show(gateway, cookies, LIST)) == marks(show(gateway, cookies)) == doubts
    assert ("Why its receipts are doubtful" in show(gateway, cookies)) is bool(doubts)


def marks(page: str) -> set[str]:
    names = {
        "quick receipts": Doubt.QUICK,
        "equal delays": Doubt.EQUAL,
        "delivers to dead numbers": Doubt.DEAD,
    }
    return {names[each] for each in re.findall(r'<span class="mark warn">Doubtful: ([^<]+)', page)}


def test_a_delivery_to_a_dead_number_is_doubted(gateway: Gateway, cookies: dict[str, str]) -> None:
    mids = send(gateway, OTHER, record(1), record(2))
    end(gateway, mids[:1], "failed", "ABSENT_SUBSCRIBER")
    gateway.accounts.accounts["other"] = OTHER.model_copy(update={"dead_numbers": True})
    count(gateway)
    assert marks(show(gateway, cookies)) == set()
    end(gateway, mids[1:], "delivered")
    count(gateway)
    assert marks(show(gateway, cookies)) == marks(show(gateway, cookies, LIST)) == {Doubt.DEAD}


def test_a_carrier_is_paused_and_resumed_in_the_operators_log(
    gateway: Gateway, cookies: dict[str, str]
) -> None:
    for name, is_paused in (("pause", True), ("resume", False)):
        assert act(gateway, cookies, name)["headers"]["Location"] == f"{PATH}?done=changed"
        assert gateway.accounts.carriers["sim"] == SIM.model_copy(update={"paused": is_paused})
        assert ("Paused" in show(gateway, cookies)) is is_paused
        assert ("Paused" in show(gateway, cookies, LIST)) is is_paused
        entry, *_ = gateway.people.audit(None).entries
        assert (entry.action, entry.subject, entry.email) == (f"carrier.{name}", "sim", OPERATOR)
    assert changes(gateway.people) == changes(gateway.people, "other") == []


@pytest.mark.parametrize("minutes", MINUTES)
def test_a_breaker_is_opened_and_closed_for_all_processes(
    minutes: str, gateway: Gateway, cookies: dict[str, str]
) -> None:
    submit = CircuitBreakers(gateway.counted, gateway.clock, lambda: 0.5, lambda _: None)
    assert "Circuit closed" in show(gateway, cookies)
    assert act(gateway, cookies, "open", minutes=minutes)["statusCode"] == 303
    assert submit.wait_s("sim") == int(minutes) * 60
    assert "Circuit open" in show(gateway, cookies, LIST)
    # A shorter time does not end it earlier.
    gateway.now += 1
    assert act(gateway, cookies, "open", minutes="5")["statusCode"] == 303
    gateway.now += int(minutes) * 60
    assert submit.state("sim").share(int(gateway.now * 1000)) < 1
    assert "Circuit half-open" in show(gateway, cookies) or minutes == "5"
    assert act(gateway, cookies, "close")["statusCode"] == 303
    gateway.now += 5
    assert submit.wait_s("sim") == 0
    assert "Circuit closed" in show(gateway, cookies)
    actions = [each.action for each in gateway.people.audit(None).entries]
    assert actions[:3] == ["carrier.close", "carrier.open", "carrier.open"]
    gateway.now += RETURN_S
    assert submit.state("sim").phase(int(gateway.now * 1000)) == "closed"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"act": "pause", "sure": ""}, "tick the box"),
        ({"act": "pause", "sure": "open"}, "tick the box"),
        ({"act": "open", "minutes": "0"}, "one of 5, 15, 60, 240"),
        ({"act": "open", "minutes": "1e9"}, "one of 5, 15, 60, 240"),
        ({"act": "open", "minutes": ""}, "one of 5, 15, 60, 240"),
        ({"act": "remove"}, "one of pause, resume, open, close"),
        ({"act": ""}, "one of pause, resume, open, close"),
    ],
)
def test_what_is_not_confirmed_or_wrong_changes_nothing_and_says_so(
    fields: dict[str, str], words: str, gateway: Gateway, cookies: dict[str, str]
) -> None:
    answer = act(gateway, cookies, fields["act"], **fields)
    assert answer["statusCode"] == 400
    assert words in answer["body"]
    assert gateway.accounts.carriers["sim"] == SIM
    assert "breaker#sim" not in gateway.counted.existing
    actions = [each.action for each in gateway.people.audit(None).entries]
    assert not any(each.startswith("carrier.") for each in actions)


def test_a_carrier_that_is_none_is_not_found(gateway: Gateway, cookies: dict[str, str]) -> None:
    for method in ("GET", "POST"):
        for name in ("pause", "open", "close"):
            fields = {"act": name, "sure": name, "minutes": "5", "account": "sandbox"}
            path = f"{LIST}/nobody"
            answer = visit(gateway, method, path, fields=fields, cookie=cookies)
            assert answer["statusCode"] == 404
            entry, *_ = gateway.people.audit(None).entries
            assert (entry.action, entry.subject) == ("refused.not_found", path)
    assert changes(gateway.people) == []


secrets = st.text("abcdefghijklmnopqrstuvwxyz", min_size=12, max_size=20).map("sec".__add__)


@settings(max_examples=10, deadline=None)
@given(secrets, st.booleans())
def test_no_secret_stands_on_a_page(secret: str, is_http: bool) -> None:
    gateway = Gateway()
    fields: dict[str, Any] = {
        "name": "sim",
        "kind": "datasend",
        "url": f"https://carrier.example/{secret}/x?key={secret}",
        "username": secret,
        "secret": secret.encode(),
        "receipt_url": secret.encode(),
        "receipt_secret": secret.encode(),
        "receipt_token_hashes": (hash_token(secret),),
    }
    if is_http:
        fields |= {
            "kind": "http",
            "http": {
                "headers": {"x-key": secret},
                "json_body": {"to": "{to}", "text": "{text}", "ref": "{reference}", "key": secret},
                "answer": {"id": "/id"},
                "receipts": {"reference": "/id", "state": "/s", "states": {"ok": "delivered"}},
            },
        }
    gateway.accounts.carriers["sim"] = CarrierSettings.model_validate(fields)
    cookies = operating(gateway)
    page = show(gateway, cookies)
    for text in (page, show(gateway, cookies, LIST)):
        assert secret not in text
        assert hash_token(secret) not in text
    assert len(re.findall(r"</dt><dd>Set</dd>", page)) == 3
    assert "<dd>carrier.example</dd>" in page


def test_accounts_and_routes_that_use_it_are_named(
    gateway: Gateway, cookies: dict[str, str]
) -> None:
    gateway.accounts.accounts["other"] = OTHER.model_copy(update={"carrier": "aws"})
    route = Route(carriers=(Weighted(carrier="sim"),))
    gateway.routing.routing["other"] = gateway.routing.routing[EVERYONE] = Routing(routes=(route,))
    page = show(gateway, cookies)
    assert "<dt>Accounts that send by it</dt><dd>sandbox</dd>" in page
    assert "<dt>Accounts whose routes lead to it</dt><dd>all accounts, other</dd>" in page
    used = re.findall(r"Accounts: (\d+) · routings: (\d+)", show(gateway, cookies, LIST))
    assert used == [("1", "0"), ("1", "2")]


def test_the_use_of_a_rate_is_shown_by_lane(gateway: Gateway, cookies: dict[str, str]) -> None:
    limited = SIM.model_copy(update={"rate_segments_per_s": 50.0})
    gateway.accounts.carriers["sim"] = limited
    assert show(gateway, cookies).count("free now") == 2
    (bulk,) = shards_of(limited, Lane.BULK)
    until_us = int((gateway.now + 90) * 1_000_000)
    gateway.counted._put(bulk.name, Timeline(until_us), 0)
    page = show(gateway, cookies)
    assert "<dt>All others</dt><dd>40.0 segments a second, taken for the next 90.0 s</dd>" in page
    assert "<dt>OTP and transactional</dt><dd>10.0 segments a second, free now</dd>" in page


def test_an_operator_goes_from_an_attempt_to_its_carrier(
    gateway: Gateway, cookies: dict[str, str]
) -> None:
    (mid,) = send(gateway, SANDBOX, record(1))
    (body,) = gateway.bodies(QueueName.SUBMIT)
    gateway.call("submit", sqs_event(body))
    path = f"/console/messages/{mid}"
    assert f'<a href="{PATH}">sim</a>' in show(gateway, cookies, path)
    assert PATH not in visit(gateway, "GET", path, cookie=signed_in(gateway))["body"]


def test_pages_stay_small_with_500_accounts_and_busy_carriers(
    gateway: Gateway, cookies: dict[str, str]
) -> None:
    put_carriers(gateway)
    for path in (LIST, f"{LIST}/carrier-00", PATH):
        page = show(gateway, cookies, path)
        assert len(gzip.compress(page.encode())) <= HTML_BYTES
    assert "and 482 more" in page
