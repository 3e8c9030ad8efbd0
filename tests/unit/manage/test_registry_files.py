"""Pages of what an account has, and files of its templates."""

import pytest

from harkara.base.errors import RequestRefused
from harkara.manage import registry
from harkara.manage.registry import RowResult, counts
from harkara.manage.template_csv import export
from harkara.model.accounts import Template
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.fields import name_of
from harkara.model.messages import Category
from tests.unit.manage.test_registry import World


@pytest.fixture
def world() -> World:
    return World()


def template(number: int, text: str = "x") -> Template:
    return Template(dlt_template_id=str(number), category=Category.OTP, text=text)


def test_pages_follow_each_other(world: World) -> None:
    world.registry.put_all("acme", [template(number) for number in range(10, 15)])
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page = world.service.page(world.account, Template, after, 2)
        seen += map(name_of, page.parts)
        after = page.next_name
    assert seen == ["10", "11", "12", "13", "14"]


def test_a_full_page_with_nothing_behind_it_is_the_last(world: World) -> None:
    page = world.service.page(world.account, CallbackEndpoint, "", 2)
    assert (len(page.parts), page.next_name) == (2, None)
    assert world.service.page(world.account, Template).next_name is None


def test_a_page_is_shorter_where_it_would_not_fit_in_an_answer(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "PAGE_LIMIT_BYTES", 1200)
    templates = [template(number, "x" * 400) for number in (10, 11, 12)]
    world.registry.put_all("acme", [*templates, template(13, "x" * 2000), template(14)])
    page = world.service.page(world.account, Template)
    assert ([each.dlt_template_id for each in page.parts], page.next_name) == (["10", "11"], "11")


def test_a_page_holds_at_least_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "PAGE_LIMIT_BYTES", 1)
    world.registry.put_all("acme", [template(10), template(11)])
    assert world.service.page(world.account, Template).next_name == "10"


def test_a_file_s_rows_are_reported_one_by_one(world: World) -> None:
    world.registry.put_all("acme", [template(1), template(2)])
    content = (
        b"Template ID,Content,Type,Status\n1,x,OTP,\n2,y,OTP,\n3,z,OTP,\n4,w,OTP,Pending\n5,,OTP,\n"
    )
    report = world.load(content)
    assert [(line.row, line.template_id, line.result) for line in report] == [
        (2, "1", RowResult.UNCHANGED),
        (3, "2", RowResult.CHANGED),
        (4, "3", RowResult.CREATED),
        (5, "4", RowResult.SKIPPED),
        (6, "5", RowResult.REFUSED),
    ]
    assert [bool(line.problem) for line in report] == [False, False, False, True, True]
    assert set(counts(report).values()) == {1}
    texts = {name: part.text for name, part in world.account.templates.items()}
    assert texts == {"1": "x", "2": "y", "3": "z"}


def test_what_a_file_does_not_hold_stays(world: World) -> None:
    world.registry.put_all("acme", [template(1)])
    world.load(b"Template ID,Content,Type\n2,x,OTP\n")
    assert set(world.account.templates) == {"1", "2"}


def test_what_is_exported_is_imported_as_unchanged(world: World) -> None:
    world.registry.put_all("acme", [template(1, "=1"), template(2, 'a"\n,b')])
    content = world.service.export_templates(world.account)
    assert content == export(world.account.templates.values())
    before = world.account
    assert {line.result for line in world.load(content)} == {RowResult.UNCHANGED}
    assert world.account is before


def test_an_import_makes_no_more_templates_than_an_account_may_have(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "TEMPLATE_COUNT_LIMIT", 2)
    world.registry.put_all("acme", [template(1)])
    with pytest.raises(RequestRefused, match="INVALID_REQUEST"):
        world.load(b"Template ID,Content,Type\n2,x,OTP\n3,x,OTP\n")
    assert set(world.account.templates) == {"1"}
    world.load(b"Template ID,Content,Type\n1,y,OTP\n2,x,OTP\n")
    monkeypatch.setattr(registry, "TEMPLATE_COUNT_LIMIT", 1)
    world.load(b"Template ID,Content,Type\n1,z,OTP\n2,z,OTP\n")
