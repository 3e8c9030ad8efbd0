"""Lists, statistics and campaigns over HTTP: all of an account is found, nothing of others."""

import time
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harkara.accept.requests import Options, Record
from harkara.base.codes import Code
from harkara.callbacks.dead_letters import dead_letter_entry
from harkara.model.activity import facts_of
from harkara.model.ledger import Lease
from harkara.model.messages import Category, Endpoint, unpack
from harkara.model.tasks import Attempt, CallbackTask
from tests.functions.handlers import SANDBOX
from tests.functions.invoking import NOW
from tests.functions.listing import OTHER, Lists
from tests.functions.managing import request

SENDERS = ("ACMEBK", "ACMEFD")
CAMPAIGNS = ("", "diwali", "a/b c")
STATES = ("accepted", "pending", "refused", "failed", "delivered")


def record(number: int) -> Record:
    """Return one of a hundred records that differ in what filters ask for."""
    category = Category.OTP if number % 3 else Category.SERVICE_IMPLICIT
    options = Options(campaign_id=CAMPAIGNS[number % 3], category=category)
    to = "12" if number % 10 == 9 else f"9198765{number % 20:05d}"
    return Record(to, SENDERS[number % 2], f"Text {number}", f"ref-{number}", options=options)


@pytest.fixture(scope="module")
def lists() -> Lists:
    lists = Lists()
    for number in range(60):
        lists.send(SANDBOX if number % 4 else OTHER, record(number if number % 10 != 9 else 1))
    lists.send(SANDBOX, *map(record, range(100)))
    lists.send(OTHER, *map(record, range(50)))
    lists.now += 1
    lists.settle()
    return lists


def test_every_message_is_found_once_newest_first(lists: Lists) -> None:
    for account, count in (("sandbox", 45 + 100), ("other", 15 + 50)):
        for limit in ("100", "7"):
            found = lists.all(account, limit=limit)
            assert len(found) == count
            mids = [each["mid"] for each in found if each["mid"]]
            assert len(set(mids)) == len(mids)
            times = [each["accepted_at"] for each in found]
            assert times == sorted(times, reverse=True)


FILTERS: Mapping[str, tuple[str, ...]] = {
    "number": ("919876500003", "+91 98765 00003", "09876500003", "919876500019", "919999999999"),
    "client_ref": ("ref-3", "ref-99", "nothing"),
    "campaign": ("diwali", "a/b c", "none"),
    "state": STATES,
    "code": ("INVALID_NUMBER", "DND"),
    "sender": (*SENDERS, "NOBODY"),
    "template": ("1107160000000000007",),
    "category": ("otp", "service_implicit", "promotional"),
    "country": ("IN", "US"),
    "limit": ("7", "50", "100"),
}
drawn = st.fixed_dictionaries({}, optional={k: st.sampled_from(v) for k, v in FILTERS.items()})


@settings(max_examples=30, deadline=None)
@given(filters=drawn, account=st.sampled_from(["sandbox", "other"]))
def test_filters_find_what_fits_and_nothing_of_another_account(
    filters: dict[str, str], account: str, lists: Lists
) -> None:
    found = lists.all(account, **filters)
    wanted = {k: v for k, v in filters.items() if k != "limit"}
    if number := wanted.pop("number", ""):
        wanted["to"] = "91" + "".join(filter(str.isdigit, number))[-10:]
    everything = lists.all(account, limit="100")
    is_any = wanted.get("state") == "accepted" and wanted.pop("state")
    expected = [each for each in everything if all(each[k] == v for k, v in wanted.items())]
    if is_any:
        expected = [each for each in expected if each["state"] != "refused"]
    assert found == expected
    stored = (unpack(*row) for row in lists.store.packed.items())
    own = {batch.id for batch in stored if batch.account_id == account}
    assert all(each["mid"] is None or each["mid"][:27] in own for each in everything)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"colour": "red"}, Code.UNKNOWN_FILTER),
        ({"state": "gone"}, Code.UNKNOWN_FILTER),
        ({"category": "news"}, Code.UNKNOWN_FILTER),
        ({"from": "2026-01-01", "to": "2026-03-01"}, Code.RANGE_TOO_LONG),
        ({"from": "2026-01-02", "to": "2025-12-01"}, Code.RANGE_TOO_LONG),
        ({"from": "yesterday"}, Code.INVALID_REQUEST),
        ({"limit": "0"}, Code.INVALID_REQUEST),
        ({"limit": "many"}, Code.INVALID_REQUEST),
        ({"number": "12345"}, Code.INVALID_NUMBER),
        ({"after": "AAAA"}, Code.INVALID_CURSOR),
        ({"after": "€"}, Code.INVALID_CURSOR),
    ],
)
def test_a_bad_query_has_a_code_that_says_what_to_do(
    query: dict[str, str], code: Code, lists: Lists
) -> None:
    status, answer = lists.get("/v1/messages", **query)
    assert (status, answer["Error"]) == (400, code)
    assert not any(value in answer["message"] for value in query.values() if len(value) > 4)


def test_a_cursor_is_good_for_its_account_and_its_filters_alone(lists: Lists) -> None:
    _, page = lists.get("/v1/messages", limit="1", sender="ACMEBK")
    cursor = {"after": page["next"]}
    assert lists.get("/v1/messages", sender="ACMEBK", limit="2", **cursor)[0] == 200
    for account, query in (("other", {"sender": "ACMEBK"}), ("sandbox", {"sender": "ACMEFD"})):
        status, answer = lists.get("/v1/messages", account, **query, **cursor)
        assert (status, answer["Error"]) == (400, Code.INVALID_CURSOR)


def test_a_day_is_indias_and_a_range_is_exact(lists: Lists) -> None:
    # NOW is 14:30 in India on 1 January 2026.
    assert time.gmtime(NOW)[:5] == (2026, 1, 1, 9, 0)
    assert len(lists.all(**{"from": "2026-01-01", "to": "2026-01-01"})) == 145
    assert lists.all(**{"from": "2025-12-31", "to": "2025-12-31"}) == []
    assert len(lists.all(**{"from": "2026-01-01T14:30:00 05:30", "to": "2026-01-02"})) == 145
    assert lists.all(**{"from": "2026-01-01", "to": "2026-01-01T09:00:00Z"}) == []


@pytest.mark.parametrize(
    "by", ["category", "sender", "template", "country", "campaign", "hour", "day"]
)
def test_groups_add_up_to_the_messages_that_are_listed(by: str, lists: Lists) -> None:
    everything = lists.all(limit="100")
    refused = sum(each["state"] == "refused" for each in everything)
    status, stats = lists.get("/v1/stats", by=by)
    assert status == 200
    for group in ([stats["totals"]], stats["groups"]):
        assert sum(each["accepted"] for each in group) == len(everything) - refused
        assert sum(each["refused"] for each in group) == refused
    if by in ("hour", "day"):
        (group,) = stats["groups"]
        assert group["key"] == {"hour": "2026-01-01T14", "day": "2026-01-01"}[by]
        return
    for group in stats["groups"]:
        own = [each for each in everything if each[by] == group["key"]]
        assert group["accepted"] + group["refused"] == len(own)


def test_refused_records_count_by_code(lists: Lists) -> None:
    _, stats = lists.get("/v1/stats", by="code")
    assert stats["groups"] == [{"key": "INVALID_NUMBER", "messages": 10}]
    assert stats["totals"]["codes"] == {"INVALID_NUMBER": 10}


def test_what_happens_to_messages_later_is_counted_by_what_they_have_in_common() -> None:
    lists = Lists()
    lists.send(SANDBOX, record(1))
    lists.send(OTHER, record(1))
    (packed, *_) = (unpack(*row) for row in lists.store.packed.items())
    of, lease, at_ms = facts_of(packed, 0, "sim"), Lease("task", "worker", 0), int(NOW * 1000)
    ended = {"state": "failed", "code": "UNDELIVERED", "at": int(NOW), "operator": "BSNL: east"}
    delivered = {"at": int(NOW), "was": "failed", "operator": "AIRTEL"}
    dead = CallbackTask("task", 0, 9, "sandbox", Endpoint("https://acme.example", "generic"), ())
    lists.store.put_if_absent(
        [
            lease.entry(packed.id, "final#0000", of=of, **ended),
            lease.entry(packed.id, "corrected#0000", of=of, **delivered),
            lease.entry(packed.id, "click#0000#0", of=of),
            lease.entry(packed.id, "bot#0000#0", of=of),
            lease.entry(
                "replies#1", "reply", of=of, account="sandbox", mid="", accepted=NOW * 1000
            ),
            lease.entry("replies#2", "reply", account="sandbox", at=NOW * 1000),
            dead_letter_entry(lease, dead, Attempt(at_ms, 410, ""), ["diwali"]),
        ]
    )
    lists.settle()
    events = {"corrected": 1, "clicks": 1, "bots": 1, "replies": 1}
    _, stats = lists.get("/v1/stats", by="campaign")
    expected = {**events, "replies": 2, "parked": 1}
    assert {name: stats["totals"][name] for name in expected} == expected
    assert stats["totals"]["corrected_by_state"] == {"failed": 1}
    (group,) = stats["groups"]
    assert group["key"] == "diwali"
    assert {name: group[name] for name in {*events, "parked"}} == {**events, "parked": 1}
    _, own = lists.get("/v1/campaigns/diwali")
    assert {name: own[name] for name in {*events, "parked"}} == {**events, "parked": 1}
    _, stats = lists.get("/v1/stats", by="operator")
    assert [(each["key"], each["failed"], each["corrected"]) for each in stats["groups"]] == [
        ("AIRTEL", 0, 1),
        ("BSNL: east", 1, 0),
    ]
    _, stats = lists.get("/v1/stats", "other", by="operator")
    assert (stats["groups"], stats["totals"]["clicks"]) == ([], 0)


def test_delays_of_otps_are_told_by_carrier_operator_and_series() -> None:
    lists = Lists()
    lists.send(SANDBOX, *(record(1)._replace(to=f"9198100{at:05d}") for at in range(20)))
    lists.send(SANDBOX, record(3))
    for batch in (unpack(*row) for row in lists.store.packed.items()):
        lease, at_s = Lease("task", "worker", 0), batch.due_at_ms // 1000
        ended = {"state": "delivered", "code": "", "operator": "AIRTEL"}
        finals = [
            lease.entry(batch.id, f"final#{at:04d}", **ended, at=at_s + at, of=of)
            for at, of in enumerate(facts_of(batch, at, "sim") for at in range(len(batch.messages)))
        ]
        lists.store.put_if_absent(finals)
    lists.settle()
    # Of 0 to 19 s the tenth is 9 s, the 19th 18 s.
    counts = {"1": 1, "2": 1, "4": 2, "8": 4, "16": 8, "32": 4}
    expected = {"p50": 10.0, "p95": 28.0, "counts": counts}
    for by, key in (("carrier", "sim"), ("operator", "AIRTEL"), ("series", "Airtel")):
        _, stats = lists.get("/v1/stats", by=by)
        (group,) = stats["groups"]
        assert (group["key"], group["otp_delay"]) == (key, expected)
        assert stats["totals"]["otp_delay"] == expected
        assert group["delivered"] == (20 if by == "series" else 21)
    _, stats = lists.get("/v1/stats", by="sender")
    assert not any("otp_delay" in group for group in stats["groups"])


def test_otps_are_counted_by_prefix_with_their_feedback() -> None:
    lists = Lists()
    abroad = record(1)._replace(to="+447400123456")
    account = SANDBOX.model_copy(update={"countries": ("*",)})
    lists.accounts.accounts["sandbox"] = account
    lists.send(account, record(1), record(2), record(3), record(29), abroad)
    lists.send(OTHER, record(1))
    batches = [unpack(*row) for row in lists.store.packed.items()]
    (otps,) = (each for each in batches if each.category == "otp" and each.account_id == "sandbox")
    for index, verified in enumerate((True, False)):
        path = f"/v1/messages/{otps.mid(index)}/feedback"
        told = lists.call("manage", request("POST", path, {"verified": verified}))
        assert told["statusCode"] == 200
    lists.settle()
    _, stats = lists.get("/v1/stats", by="prefix")
    assert stats["groups"] == [
        {"key": "+4474", "accepted": 1, "verified": 0, "unverified": 0},
        {"key": "+9198", "accepted": 2, "verified": 1, "unverified": 1},
    ]
    _, stats = lists.get("/v1/stats", by="category")
    assert [(each["key"], each["verified"], each["unverified"]) for each in stats["groups"]] == [
        ("otp", 1, 1),
        ("service_implicit", 0, 0),
    ]
    assert (stats["totals"]["verified"], stats["totals"]["unverified"]) == (1, 1)


def test_campaigns_are_listed_by_id_and_read_alone(lists: Lists) -> None:
    status, first = lists.get("/v1/campaigns", limit="1")
    assert (status, first["next"]) == (200, "a/b c")
    _, second = lists.get("/v1/campaigns", limit="1", after=first["next"])
    assert [each["campaign"] for each in second["campaigns"]] == ["diwali"]
    assert second["next"] is None
    _, newest = lists.get("/v1/campaigns", order="newest")
    both = [*first["campaigns"], *second["campaigns"]]
    assert (newest["campaigns"], newest["next"]) == (both, None)
    status, own = lists.get("/v1/campaigns/a%2Fb%20c")
    whole = {name: first[name] for name in ("as_of", "currency")}
    assert (status, own) == (200, {**first["campaigns"][0], **whole})
    status, answer = lists.get("/v1/campaigns/unknown")
    assert (status, answer["Error"]) == (404, Code.NOT_FOUND)


def test_the_newest_campaigns_are_those_of_a_week_with_the_last_messages() -> None:
    lists = Lists()
    for name in ("z old", "b", "c", "a", "c"):
        options = Options(campaign_id=name, category=Category.SERVICE_IMPLICIT)
        lists.send(SANDBOX, record(1)._replace(options=options))
        lists.now += 2 * 24 * 3600
    lists.settle()
    _, page = lists.get("/v1/campaigns", order="newest")
    found = {each["campaign"]: each["accepted"] for each in page["campaigns"]}
    assert list(found.items()) == [("c", 2), ("a", 1)]
    _, page = lists.get("/v1/campaigns", order="newest", limit="1")
    assert [each["campaign"] for each in page["campaigns"]] == ["c"]
    status, answer = lists.get("/v1/campaigns", order="oldest")
    assert (status, answer["Error"]) == (400, Code.INVALID_REQUEST)


def test_an_answer_says_up_to_when_it_is_complete(lists: Lists) -> None:
    for each, as_of in ((lists, "2026-01-01T09:00:01.000Z"), (Lists(), None)):
        for path in ("/v1/messages", "/v1/stats", "/v1/campaigns"):
            assert each.get(path)[1]["as_of"] == as_of


def test_a_credential_without_the_scope_reads_nothing() -> None:
    lists = Lists()
    credential = lists.accounts.credentials["sandbox"].model_copy(update={"scopes": ("send",)})
    lists.accounts.credentials["sandbox"] = credential
    for path in ("/v1/messages", "/v1/stats", "/v1/campaigns", "/v1/campaigns/diwali"):
        status, answer = lists.get(path)
        assert (status, answer["Error"]) == (403, Code.SCOPE_MISSING)
