"""Suppressed numbers: the messages that entries block, their format, and the entry that counts."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.aws.suppressions import SHARDS, DynamoSuppressionList
from harkara.base.errors import FieldRefused, StoreUnavailable
from harkara.manage.number_lists import SuppressionService
from harkara.model.accounts import Account
from harkara.model.messages import Category
from harkara.model.suppressions import Source, Suppression, fields_of, opt_out, suppression_of
from harkara.ports import SuppressionList
from tests.support.fakes import Faults
from tests.support.ports import FakeSuppressionList
from tests.support.tables import Table
from tests.unit.scripted_aws import LOST, Answer, ScriptedAws

NUMBER = "919876543210"
NOW_S = 1_767_258_000
OTP, TRANSACTIONAL, IMPLICIT, EXPLICIT, PROMOTIONAL, _ = Category


def dnd(*preferences: int, since_s: int = NOW_S) -> Suppression:
    return Suppression(number=NUMBER, source=Source.DND, preferences=preferences, since_s=since_s)


def on_dynamo(*answers: Answer) -> DynamoSuppressionList:
    aws = ScriptedAws("dynamodb", *(answers or (Table(),)))
    return DynamoSuppressionList(aws.client, "Accounts", lambda pause_s: None)


LISTS: list[Any] = [
    pytest.param(on_dynamo, id="dynamodb"),
    pytest.param(lambda: FakeSuppressionList(Faults()), id="fake"),
]


@pytest.mark.parametrize(
    ("entry", "promotion", "blocked"),
    [
        pytest.param(opt_out(NUMBER, 0), 0, {IMPLICIT, EXPLICIT, PROMOTIONAL}, id="plain opt-out"),
        pytest.param(
            suppression_of({"number": NUMBER, "categories": ["*"]}, NOW_S),
            0,
            {*Category},
            id="opt-out of all",
        ),
        pytest.param(
            suppression_of({"number": NUMBER, "categories": ["otp"]}, NOW_S), 0, {OTP}, id="of one"
        ),
        pytest.param(dnd(0), 3, {PROMOTIONAL}, id="dnd, all"),
        pytest.param(dnd(1, 3), 3, {PROMOTIONAL}, id="dnd, the account's"),
        pytest.param(dnd(1, 3), 2, set(), id="dnd, not the account's"),
        pytest.param(dnd(1, 3), 0, {PROMOTIONAL}, id="dnd, the account's is not known"),
        pytest.param(dnd(), 0, set(), id="dnd of nothing"),
    ],
)
def test_an_entry_blocks_what_it_names(
    entry: Suppression, promotion: int, blocked: set[Category]
) -> None:
    assert {category for category in Category if entry.blocks(category, promotion)} == blocked


@given(
    st.builds(
        Suppression,
        number=st.just(NUMBER),
        source=st.just(Source.OPT_OUT),
        categories=st.lists(st.sampled_from(Category), unique=True, min_size=1).map(tuple),
        since_s=st.integers(1, NOW_S),
    )
    | st.builds(
        Suppression,
        number=st.just(NUMBER),
        source=st.just(Source.DND),
        preferences=st.lists(st.integers(0, 8), unique=True, min_size=1).map(tuple),
        since_s=st.integers(1, NOW_S),
    )
)
def test_an_entry_is_made_of_its_own_fields_again(entry: Suppression) -> None:
    assert suppression_of(fields_of(entry), NOW_S) == entry


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        pytest.param({}, "number", id="no number"),
        pytest.param({"number": "12"}, "number", id="not a number"),
        pytest.param({"number": 919876543210}, "number", id="digits as a number"),
        pytest.param({"number": NUMBER, "source": "x"}, "source", id="source"),
        pytest.param({"number": NUMBER, "preferences": [1]}, "preferences", id="of the other"),
        pytest.param(
            {"number": NUMBER, "source": "dnd", "categories": ["otp"]}, "categories", id="and back"
        ),
        pytest.param({"number": NUMBER, "categories": ["x"]}, "categories", id="category"),
        pytest.param({"number": NUMBER, "categories": "otp"}, "categories", id="no list"),
        pytest.param({"number": NUMBER, "categories": ["*", "otp"]}, "categories", id="* and more"),
        pytest.param(
            {"number": NUMBER, "source": "dnd", "preferences": [9]}, "preferences", id="9"
        ),
        pytest.param(
            {"number": NUMBER, "source": "dnd", "preferences": [True]}, "preferences", id="true"
        ),
        pytest.param({"number": NUMBER, "since": "2026-01-01"}, "since", id="no offset"),
        pytest.param({"number": NUMBER, "since": "2026-01-01T09:00:01Z"}, "since", id="to come"),
        pytest.param({"number": NUMBER, "since": 7}, "since", id="no text"),
        pytest.param({"number": NUMBER, "sinse": "x"}, "unknown field", id="unknown"),
    ],
)
def test_a_field_that_is_wrong_is_named(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(FieldRefused) as refused:
        suppression_of(fields, NOW_S)
    assert refused.value.field == field
    assert NUMBER not in str(refused.value)


@pytest.mark.parametrize("make", LISTS)
@given(
    changes=st.lists(
        st.tuples(st.sampled_from(Source), st.booleans(), st.integers(1, 9)), max_size=12
    )
)
def test_the_later_change_stands_in_whatever_order_they_come(
    make: Callable[[], SuppressionList], changes: list[tuple[Source, bool, int]]
) -> None:
    lists, last = make(), dict[Source, tuple[int, bool]]()
    for source, put, at_s in changes:
        before_s, there = last.get(source, (0, False))
        entry = Suppression(number=NUMBER, source=source, since_s=at_s)
        counts = before_s <= at_s if put else there and before_s < at_s
        done = lists.put("acme", entry) if put else lists.remove("acme", NUMBER, source, at_s)
        assert done is counts
        if counts:
            last[source] = (at_s, put)
    existing = {entry.source: entry.since_s for entry in lists.entries("acme", [NUMBER])}
    assert existing == {source: at_s for source, (at_s, put) in last.items() if put}


@pytest.mark.parametrize("make", LISTS)
@given(
    changes=st.lists(
        st.tuples(st.sampled_from(["add", "stop", "remove"]), st.floats(0, 0.6)), max_size=12
    )
)
def test_what_comes_later_stands_however_soon_it_comes(
    make: Callable[[], SuppressionList], changes: list[tuple[str, float]]
) -> None:
    """Carriers' times and stored times are whole seconds."""
    account, now_s, there = Account(id="acme", name="Acme", carrier="sim"), NOW_S + 0.0, False
    lists = make()
    service = SuppressionService(lists, lambda: now_s)
    for change, pause_s in changes:
        now_s += pause_s
        if change == "add":
            service.add(account, {"number": NUMBER})
        elif change == "stop":
            assert lists.put("acme", opt_out(NUMBER, int(now_s)))
        elif there:
            service.remove(account, NUMBER, [*Source])
        there = change != "remove"
        assert bool(lists.entries("acme", [NUMBER])) is there


@pytest.mark.parametrize("make", LISTS)
def test_what_was_asked_for_before_a_removal_does_not_come_back(
    make: Callable[[], SuppressionList],
) -> None:
    """A carrier repeats a request that got no answer."""
    lists = make()
    lists.put("acme", opt_out(NUMBER, NOW_S - 1))
    account = Account(id="acme", name="Acme", carrier="sim")
    SuppressionService(lists, lambda: NOW_S).remove(account, NUMBER, [*Source])
    assert not lists.put("acme", opt_out(NUMBER, NOW_S - 1))
    assert lists.entries("acme", [NUMBER]) == []


@pytest.mark.parametrize("make", LISTS)
def test_numbers_are_listed_page_by_page_without_those_taken_out(
    make: Callable[[], SuppressionList],
) -> None:
    lists = make()
    numbers = [str(919876543200 + number) for number in range(40)]
    for number in numbers:
        lists.put("acme", opt_out(number, 7))
        lists.put("other", opt_out(number, 7))
    lists.put("acme", Suppression(number=numbers[3], source=Source.DND, since_s=7))
    lists.remove("acme", numbers[5], Source.OPT_OUT, 8)
    account = Account(id="acme", name="Acme", carrier="sim")
    service, found, after = SuppressionService(lists, lambda: NOW_S), [], ""
    while True:
        page = service.page(account, after, 7)
        assert len({entry.number for entry in page.entries}) <= 7
        found += [(entry.number, entry.source) for entry in page.entries]
        if page.next_number is None:
            break
        after = page.next_number
    there = [(number, Source.OPT_OUT) for number in numbers if number != numbers[5]]
    assert sorted(found) == sorted([*there, (numbers[3], Source.DND)])
    assert len(lists.find("acme")) == 40


def test_a_number_is_read_consistently_and_spread_over_partitions() -> None:
    table = Table()
    aws = ScriptedAws("dynamodb", table)
    lists = DynamoSuppressionList(aws.client, "Accounts")
    numbers = [str(919876543000 + number) for number in range(150)]
    for number in numbers:
        lists.put("acme", opt_out(number, 7))
    assert len({partition for partition, _ in table.items}) == SHARDS
    aws.requests.clear()
    assert len(lists.entries("acme", numbers + numbers)) == 150
    reads = [params["RequestItems"]["Accounts"] for _, params in aws.requests]
    assert [(len(read["Keys"]), read["ConsistentRead"]) for read in reads] == [
        (100, True),
        (50, True),
    ]


def test_what_the_table_left_out_is_read_again_and_not_for_ever() -> None:
    keys = {"Accounts": {"Keys": [{"pk": {"S": "x"}, "sk": {"S": NUMBER}}]}}
    item = {"pk": {"S": "x"}, "sk": {"S": NUMBER}}
    entry = {"opt_out": {"S": opt_out(NUMBER, 7).model_dump_json()}}
    late = {"Responses": {"Accounts": [{**item, **entry}]}}
    busy = {"Responses": {}, "UnprocessedKeys": keys}
    assert on_dynamo(busy, late).entries("acme", [NUMBER]) == [opt_out(NUMBER, 7)]
    with pytest.raises(StoreUnavailable):
        on_dynamo(busy).entries("acme", [NUMBER])


def test_a_table_that_is_away_is_no_empty_list() -> None:
    with pytest.raises(StoreUnavailable):
        on_dynamo(LOST).entries("acme", [NUMBER])
    with pytest.raises(StoreUnavailable):
        on_dynamo(LOST).put("acme", opt_out(NUMBER, 7))
