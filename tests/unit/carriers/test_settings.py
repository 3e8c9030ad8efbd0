"""Valid settings of a carrier, and the messages about invalid ones."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harkara.base.errors import Outside
from harkara.carriers.http_options import normal_id
from harkara.carriers.http_placeholders import pieces_of
from harkara.carriers.kinds import KINDS, connect
from harkara.carriers.settings import CarrierSecrets, CarrierSettings
from tests.support.fakes import no_texts
from tests.unit.carrier_cases import CASES, ScriptedExchange, settings_of

SECRET = "s3cret-value"


def http_with(**changes: Any) -> dict[str, Any]:
    """Return the options of kind http with some replaced: `answer__id="/x"`."""
    options: dict[str, Any] = json.loads(json.dumps(CASES["http"]["carrier"]["http"]))
    for path, value in changes.items():
        *parents, name = path.split("__")
        index = options
        for parent in parents:
            index = index[parent]
        index[name] = value
    return options


def without(section: str, name: str) -> dict[str, Any]:
    options = http_with()
    del options[section][name]
    return options


COUNTING = http_with(
    receipts__id="/id", receipts__counts_segments=True, receipts__part="", receipts__parts=""
)


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_kind_needs_is_enough(kind: str) -> None:
    settings = settings_of(kind)
    assert CarrierSettings.model_validate_json(settings.model_dump_json()) == settings
    outside = Outside(ScriptedExchange(), no_texts)
    assert connect(settings, CarrierSecrets(), outside).timeout_s == 30


@pytest.mark.parametrize(
    ("kind", "fields", "says"),
    [
        ("kannel", {"kannel": None}, "takes the options of its kind"),
        ("http", {"http": None}, "takes the options of its kind"),
        ("aws", {"aws": None}, "takes the options of its kind"),
        ("datasend", {"url": ""}, "url: it is missing"),
        ("kannel", {"receipt_url": b""}, "receipt_url"),
        ("http", {"receipt_url": b""}, "receipt_url"),
        ("kannel", {"records_per_request": 2}, "records_per_request"),
        ("kannel", {"echoes_reference": False}, "echoes_reference"),
        ("kannel", {"kannel": {"dlr_mask": 28}}, "1, 2 and 16"),
        ("kannel", {"kannel": {"dlr_mask": 99}}, "dlr_mask"),
        ("kannel", {"kannel": {"parameters": {"to": SECRET}}}, "alt-dcs, binfo"),
        ("kannel", {"kannel": {"parameters": {"smsc": f"{SECRET}\r\nx: y"}}}, "one line of ASCII"),
        ("kannel", {"receipt_networks": [SECRET]}, "network 0"),
        ("kannel", {"receipt_token_hashes": []}, "receipt_token_hashes"),
        ("kannel", {"receipt_token_hashes": ["1", "2", "3"]}, "receipt_token_hashes"),
        ("http", {"http": http_with(headers={"X": "{to}"})}, "{to} cannot stand in a header"),
        ("http", {"http": http_with(headers={"X": f"{SECRET}\n"})}, "one printable line"),
        ("http", {"http": http_with(headers={"X:": SECRET})}, "a header's name"),
        ("http", {"http": http_with(json_body={"x": ["{too}"]})}, "no placeholder {too}"),
        ("http", {"http": http_with(json_body={"x": "{to.text}"})}, "a brace"),
        ("http", {"http": http_with(query={"x": f"{SECRET}}}"})}, "a brace"),
        ("http", {"http": http_with(form={"x": "{to!r}"})}, "a brace"),
        ("http", {"http": http_with(xml_body="<a>\n<b></a>")}, "it is no XML in line 2"),
        ("http", {"http": http_with(xml_body="<a>{to}</a>")}, "one of them"),
        ("http", {"http": http_with(form={"x": "y"})}, "form or json_body or xml_body"),
        ("http", {"http": http_with(json_body={"x": "{to}{reference}"})}, "{to} and {text}"),
        ("http", {"http": http_with(json_body={"x": "{to}{text}"})}, "send {reference}"),
        ("http", {"http": without("receipts", "reference")}, "name it in receipts"),
        ("http", {"http": without("answer", "id")}, "answer takes id, or status"),
        ("http", {"http": without("receipts", "states")}, "states"),
        ("http", {"http": http_with(receipts__states={"ok": "gone"})}, "states.ok"),
        ("http", {"http": http_with(receipts__failures={"1": "NO_SUCH"})}, "failures"),
        ("http", {"http": http_with(receipts__state="status")}, "state"),
        ("http", {"http": http_with(answer__id="/a~2")}, "answer.id"),
        ("http", {"http": http_with(answer__code=SECRET)}, "answer.code"),
        ("http", {"http": http_with(method="PATCH")}, "method"),
        ("http", {"http": http_with(receipts__counts_segments=True)}, "name reference and id"),
        (
            "http",
            {"http": COUNTING, "echoes_reference": False},
            "segments are counted where receipts name our reference",
        ),
        ("http", {"url": "https://{from}.example/"}, "its host is no placeholder"),
        ("http", {"url": "https://api.example/{who}"}, "url: there is no placeholder {who}"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_never_shown(
    kind: str, fields: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValidationError) as error:
        settings_of(kind, **fields)
    assert says in str(error.value)
    assert SECRET not in str(error.value)


@given(st.text(), st.sampled_from(["to", "text", "reference"]))
def test_a_template_is_its_text_and_its_placeholders(text: str, name: str) -> None:
    template = text.replace("{", "{{").replace("}", "}}")
    pieces = pieces_of(f"{template}{{{name}}}{template}")
    assert "".join(text for text, _ in pieces) == text * 2
    assert [name for _, name in pieces if name] == [name]


@given(st.integers(min_value=0, max_value=2**64))
def test_a_number_has_one_normal_form_in_whatever_base_it_is_written(number: int) -> None:
    forms = [normal_id(f"{number:x}", "hex"), normal_id(f"{number:X}", "hex")]
    forms += [normal_id(f"{number:020X}", "hex"), normal_id(f"{number:030d}", "decimal")]
    assert set(forms) == {str(number)}


@pytest.mark.parametrize(
    ("given_id", "base", "normal"),
    [("  Ab-9 ", "text", "Ab-9"), ("007", "text", "007"), ("Ab-9", "hex", "Ab-9"), ("", "hex", "")],
)
def test_what_is_no_number_is_compared_as_text(given_id: str, base: Any, normal: str) -> None:
    assert normal_id(given_id, base) == normal


def test_secrets_in_clear_do_not_show() -> None:
    secrets = CarrierSecrets(SECRET, SECRET)
    assert SECRET not in f"{secrets!r} {secrets}"
