"""After an erasure nothing holds the number or the texts, and all else is as before."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harkara.accept.requests import Options
from harkara.activity.filters import MessageFilter
from harkara.base.errors import StoreUnavailable
from harkara.base.ids import mid_of
from harkara.manage.erasure import counts_of
from harkara.model.events import Dlr
from harkara.model.messages import Category
from harkara.model.people import AuditEntry
from harkara.model.suppressions import Source, opt_out
from tests.pipeline import campaign
from tests.pipeline.persons import NATIONAL, NUMBER, SHARED, Case, Erased
from tests.support.erasing import erasure_of, unpacked
from tests.support.wired import NOW
from tests.support.world import World

cases = st.builds(
    Case,
    hours=st.lists(st.sampled_from([0, 0, 1, 2, 30, 80]), min_size=1, max_size=2),
    failures=st.sampled_from([0, 0, 3, 40, 200]),
    options=st.sampled_from(
        [Options(), campaign.SOON, campaign.PROMOTION, Options(category=Category.OTP)]
    ),
    has_opted_out=st.booleans(),
    has_consented=st.booleans(),
)


def unchanged(before: Any, after: Any, mids: set[str]) -> None:
    """Assert that items differ only where they held the person."""
    for key in before.keys() | after.keys():
        if before.get(key) == after.get(key):
            continue
        _, partition, sort_key = key
        if key not in before:
            assert partition.startswith("cancels#"), key
        elif sort_key == "batch":
            old, new = before[key]["packed"], after[key]["packed"]
            for index, (was, now) in enumerate(zip(old["messages"], new["messages"], strict=True)):
                assert (was == now) == (mid_of(partition, index) not in mids)
            for name in old.keys() | new.keys() - {"messages", "text_hashes", "erased"}:
                assert name in ("messages", "text_hashes") or old[name] == new[name]
        else:
            kinds = ("duplicate#", "last#", "links#", "numbers#", "refs#", "blocked#")
            is_known = NATIONAL in str(before[key]) or partition.startswith(kinds)
            assert is_known or sort_key.startswith(("click#", "bot#")), key


def of_person(world: World) -> set[str]:
    return {
        batch.mid(index)
        for batch in world.batches().values()
        for index, message in enumerate(batch.messages)
        if message.to == NUMBER
    }


@settings(max_examples=12, deadline=None)
@given(case=cases)
def test_nothing_holds_the_person_after_an_erasure(case: Case) -> None:
    world = Erased(case)
    for hours in case.hours:
        world.run(hours * 3600 + 1)
        world.count()
        counters, before, mids = world.counters(), unpacked(world), of_person(world)
        world.erase()
        assert world.holding() == []
        unchanged(before, unpacked(world), mids)
        world.count_changes()
        assert world.counters() == counters
    world.run()
    world.erase()
    assert world.holding() == []
    kept, _ = world.suppressions.records("acme", [NUMBER])
    assert [each.source for each in kept] == [Source.OPT_OUT] * case.has_opted_out
    assert ("blocked#" in str(unpacked(world).keys())) == case.has_opted_out


def test_an_erasure_that_dies_at_any_change_is_finished_by_the_next() -> None:
    world = after(Case([30], 200, Options(), has_opted_out=True))
    changes = world.plan()
    before = {name: dict(table.items) for name, table in world.store.dynamo.tables.items()}
    for number in range(len(changes)):
        for name, table in world.store.dynamo.tables.items():
            for key in [*table.items]:
                del table.items[key]
            for key, item in before[name].items():
                table.items[key] = item
        for change in changes[:number]:
            change.do()
            change.do()  # the answer to the first was lost
        world.erase()
        assert world.holding() == [], number
        assert counts_of(world.erase()) == {}
    assert len(changes) > 15


def after(case: Case) -> Erased:
    world = Erased(case)
    world.run(case.hours[0] * 3600 + 1)
    world.count()
    return world


def test_what_no_carrier_has_is_cancelled_and_what_one_has_ends_without_its_number() -> None:
    for options, state in ((campaign.SOON, "cancelled"), (Options(), "delivered")):
        world = Erased(Case([0], 0, options))
        world.run(0.2)  # the carrier has them, its receipts have not come
        mids = of_person(world)
        world.erase()
        world.run()
        finals, told = world.finals(), {dlr.mid: dlr for dlr in world.platform.dlrs}
        assert {finals[mid] for mid in mids} == {state}
        assert {told[mid].to for mid in mids} == {""}
        assert {told[mid].client_ref for mid in mids} == {"ref-1", "ref-2", "", "alone"}
        others = finals.keys() - mids
        assert {finals[mid] for mid in others} > {"delivered", "failed"}
        assert sum(not told[mid].to for mid in others) == 1, "the refused record"


def test_a_number_goes_from_the_lists_unless_it_has_opted_out() -> None:
    world = after(Case([0], 0, Options(), has_consented=False))
    lists = world.suppressions
    lists.put("acme", opt_out(NUMBER, int(NOW)))
    lists.remove("acme", NUMBER, Source.OPT_OUT, int(NOW) + 1)
    assert "blocked#" in str(unpacked(world).keys()), "the times of changes are there"
    changes = world.plan()
    assert counts_of(changes)["list_items"] == 1
    lists.put("acme", opt_out(NUMBER, int(NOW) + 2))  # meanwhile
    erasure_of(world).erase(world.account, world.person, changes, "dpo@acme.in")
    assert [each.number for each in lists.entries("acme", [NUMBER])] == [NUMBER]
    lists.remove("acme", NUMBER, Source.OPT_OUT, int(NOW) + 3)
    world.erase()
    assert "blocked#" not in str(unpacked(world).keys())


def test_an_erased_message_says_so_and_is_found_by_what_stays() -> None:
    world = after(Case([2], 0, Options(campaign_id="diwali")))
    world.erase()
    manage = world.manage_services()
    (mid,) = (mid for mid, dlr in taken(world).items() if dlr.client_ref == "alone")
    page = manage.history.message(world.account, mid)
    assert (page["erased"], page["to"], page["country"], page["encoding"]) == (True, "", "IN", None)
    assert page["state"] == "delivered"
    searches = {
        name: manage.search.page(world.account, MessageFilter.model_validate({name: value}))
        for name, value in (("number", NUMBER), ("client_ref", "alone"), ("campaign", "diwali"))
    }
    assert searches["number"]["messages"] == []
    (found,) = searches["client_ref"]["messages"]
    assert (found["mid"], found["to"], found["erased"]) == (mid, "", True)
    listed = searches["campaign"]["messages"]
    assert sum(each.get("erased", False) for each in listed) == 4
    assert len(listed) == 4 + 2 + len(campaign.EXPECTED)


def taken(world: World) -> dict[str, Dlr]:
    return {dlr.mid: dlr for dlr in world.platform.dlrs}


def test_the_links_of_an_erased_message_lead_nowhere_and_those_of_others_do() -> None:
    world = after(Case([2], 0, Options()))
    codes = {
        message.client_ref: message.text.split("/")[-1].split()[0]
        for batch in world.batches().values()
        for message in batch.messages
        if "hk.example" in message.text
    }
    follow = world.link_service().visit
    for ref, code in codes.items():
        assert follow("hk.example", "/ACMEBK", code, is_person=True).url == SHARED, ref
    world.run(60)
    world.erase()
    follow = world.link_service().visit
    urls = {
        ref: follow("hk.example", "/ACMEBK", code, is_person=True).url
        for ref, code in codes.items()
    }
    assert urls == {"ref-2": "", "other link": SHARED}
    clicks = [
        item["data"]["url"]
        for (_, _, kind), item in unpacked(world).items()
        if kind.startswith("click#")
    ]
    assert set(clicks) == {"", SHARED}


def test_the_log_says_who_erased_and_what_before_anything_is_erased() -> None:
    world = after(Case([2], 0, Options()))
    changes = world.plan()
    deaf = StoreUnavailable("no answer")
    service = erasure_of(world)

    def fail(entry: AuditEntry) -> None:
        raise deaf

    with pytest.raises(StoreUnavailable):
        replace(service, record=fail).erase(world.account, world.person, changes, "dpo@acme.in")
    assert counts_of(world.plan()) == counts_of(changes)
    world.erase()
    world.erase()
    first, second = world.audited
    assert (first.account_id, first.email, first.action) == ("acme", "dpo@acme.in", "person.erase")
    assert "messages 4" in first.subject
    assert second.subject == f"{first.subject.split(':')[0]}: nothing found"
    assert NATIONAL not in first.subject
