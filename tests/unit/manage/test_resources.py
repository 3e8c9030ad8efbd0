"""Resources of an account: from fields to a checked resource, and back to its fields."""

from typing import Any

import pytest

from harkara.base.errors import FieldRefused
from harkara.manage.resources import (
    advice_on,
    fields_of,
    make,
)
from harkara.model.accounts import Sender, Template
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.fields import HEADER_COUNT_LIMIT, TEXT_LIMIT, Part, name_of, read
from harkara.model.messages import Category
from tests.cases.reading import rows

COLLECTIONS: dict[str, type[Part]] = {
    "senders": Sender,
    "templates": Template,
    "callbacks": CallbackEndpoint,
}
TEMPLATE = {"template_id": "1107", "category": "otp", "text": "{#var#}"}


@pytest.mark.parametrize("case", rows("parts"))
def test_a_part_is_made_of_good_fields_alone(case: tuple[str, dict[str, Any], str | None]) -> None:
    collection, fields, wrong = case
    kind = COLLECTIONS[collection]
    if wrong is None:
        part = make(kind, fields)
        assert make(kind, fields_of(part)) == part
        given = {name: value for name, value in fields.items() if value is not None}
        assert fields_of(part) == fields_of(part) | given
        assert name_of(part) == fields[kind.name_field]
        return
    with pytest.raises(FieldRefused) as error:
        make(kind, fields)
    assert error.value.field == wrong
    assert str(error.value) == f"{wrong}: {error.value.rule}"


def test_a_refusal_does_not_repeat_what_it_refuses() -> None:
    for field in TEMPLATE:
        with pytest.raises(FieldRefused) as error:
            read(Template, {**TEMPLATE, field: "s3cret\x00"})
        assert "s3cret" not in str(error.value)
    with pytest.raises(FieldRefused) as error:
        read(Template, {**TEMPLATE, "s3cret": ""})
    assert "s3cret" not in str(error.value)


def test_white_space_around_a_name_goes_and_within_a_text_stays() -> None:
    template = read(
        Template,
        {**TEMPLATE, "template_id": " 1107 ", "headers": [" ACMEBK"], "text": " a \r\nb\r"},
    )
    assert template.dlt_template_id == "1107"
    assert template.headers == ("ACMEBK",)
    assert template.text == " a \nb\n"


def test_what_is_given_twice_counts_once() -> None:
    template = read(Template, {**TEMPLATE, "headers": ["B1B", "A1A", "B1B"]})
    assert template.headers == ("B1B", "A1A")
    sender = read(Sender, {"header": "B1B", "categories": ["otp", "otp"]})
    assert sender.categories == (Category.OTP,)


@pytest.mark.parametrize(
    ("field", "good", "bad"),
    [
        ("text", "x" * TEXT_LIMIT, "x" * (TEXT_LIMIT + 1)),
        ("text", " " * (TEXT_LIMIT - 1) + "x", " " * TEXT_LIMIT + "x"),
        ("headers", [f"H{at}X" for at in range(HEADER_COUNT_LIMIT)], ["A1A"] * 101),
        ("name", "x" * 200, "x" * 201),
    ],
)
def test_lengths_have_their_limits(field: str, good: object, bad: object) -> None:
    assert read(Template, {**TEMPLATE, field: good})
    with pytest.raises(FieldRefused, match=field):
        read(Template, {**TEMPLATE, field: bad})


@pytest.mark.parametrize(("category", "warns"), [("service_explicit", True), ("government", False)])
def test_a_category_that_is_registered_no_more_is_advised_against(
    category: str, warns: bool
) -> None:
    template = read(Template, {**TEMPLATE, "category": category})
    sender = read(Sender, {"header": "ACMEBK", "categories": ["otp", category]})
    for part in (template, sender):
        assert any("Service Explicit" in each for each in advice_on(part)) is warns
