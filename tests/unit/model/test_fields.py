"""The fields of resources: what a request may give, what is stored, and what is described."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.base.errors import FieldRefused
from harkara.base.json import encode
from harkara.callbacks.registration import CallbackRequest
from harkara.model.accounts import Sender, Template
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.fields import Part, names_of, read
from tests.unit.json_values import json_values

MODELS: list[type[Part]] = [Sender, Template, CallbackRequest]
SECRET = "s3cret"
GOOD: dict[str, Any] = {
    "header": "ACMEBK",
    "categories": ["otp"],
    "template_id": "1107",
    "category": "otp",
    "text": "{#var#}",
    "id": "main",
    "url": "https://hooks.example/dlr",
}
# Stored when rules were others.
OLD: list[tuple[type[Part], dict[str, Any]]] = [
    (Sender, {"header": "A/B", "categories": ["otp", "otp"], "pe_id": "1", "callback": "-"}),
    (Template, {"template_id": "x", "category": "otp", "text": "{#x#}\x00", "headers": ["A/B"]}),
    (CallbackEndpoint, {"id": "a b", "url": "", "fields": {"to": "to"}, "states": ["failed"] * 2}),
]


@pytest.mark.parametrize("model", MODELS)
@given(data=st.data())
def test_any_value_is_read_or_refused_by_the_name_of_its_field(
    model: type[Part], data: st.DataObject
) -> None:
    names = [*names_of(model)]
    good = {name: GOOD[name] for name in names if name in GOOD}
    changes = {data.draw(st.sampled_from([*names, SECRET])): data.draw(json_values)}
    result = part_or_refusal(model, {**good, **changes})
    if isinstance(result, Part):
        assert model.model_validate_json(result.model_dump_json()) == result
    else:
        assert result.field in {*changes, "unknown field", "a value"} - {SECRET}
        assert result.rule
        assert SECRET not in str(result)


def part_or_refusal(model: type[Part], fields: dict[str, Any]) -> Part | FieldRefused:
    try:
        return read(model, fields)
    except FieldRefused as refused:
        return refused


@pytest.mark.parametrize(("model", "stored"), OLD, ids=["sender", "template", "callback"])
def test_what_is_stored_is_read_by_whatever_rules_it_was_registered(
    model: type[Part], stored: dict[str, Any]
) -> None:
    part = model.model_validate_json(encode(stored))
    assert part.model_dump(mode="json") == part.model_dump(mode="json") | stored
    with pytest.raises(FieldRefused):
        read(model, stored)


def test_a_request_has_no_names_but_those_of_the_description() -> None:
    fields = {"dlt_template_id": "1107", "category": "otp", "text": "x"}
    with pytest.raises(FieldRefused, match="^unknown field: there are template_id, name, "):
        read(Template, fields)


@pytest.mark.parametrize("model", MODELS)
def test_every_field_is_described(model: type[Part]) -> None:
    assert all(field.description for field in names_of(model).values())
