"""Which records of several messages a carrier of kind `http` may be configured with."""

from typing import Any

import pytest
from pydantic import ValidationError

from harkara.carriers.settings import CarrierSettings
from tests.unit.carriers.test_http_records import ALONE, JSON_RECORD, XML_BODY, settings_of


@pytest.mark.parametrize(
    ("http", "says"),
    [
        pytest.param({"record": None}, "record", id="no record"),
        pytest.param({"json_body": {"m": "x"}}, "records", id="no place for records"),
        pytest.param({"record": {**JSON_RECORD, "m": "{records}"}}, "records", id="in itself"),
        pytest.param({"form": {"m": "{records}"}}, "records", id="in a form"),
        pytest.param({"headers": {"m": "{records}"}}, "records", id="in a header"),
        pytest.param(
            {"json_body": None, "xml_body": XML_BODY, "record": {}}, "element", id="no element"
        ),
        pytest.param(
            {"json_body": None, "xml_body": XML_BODY, "record": "<SMS>"}, "no XML", id="no XML"
        ),
        pytest.param(
            {"record": None, "json_body": {**ALONE, "n": "{index}"}, "answer": {"id": "/id"}},
            "index",
            id="an index without a record",
        ),
        pytest.param(
            {"record": None, "json_body": ALONE},
            "entries",
            id="entries without a record",
        ),
    ],
)
def test_records_that_cannot_work_are_refused_when_they_are_saved(
    http: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValidationError, match=says):
        settings_of(1, **http)


def test_several_records_take_a_template_of_one() -> None:
    http = {"record": None, "json_body": ALONE, "answer": {"id": "/id"}}
    assert settings_of(1, **http).records_per_request == 1
    with pytest.raises(ValidationError, match="records_per_request"):
        settings_of(2, **http)
    with pytest.raises(ValidationError, match="url"):
        CarrierSettings.model_validate(
            {**settings_of().model_dump(), "url": "https://batch.example/{index}"}
        )
