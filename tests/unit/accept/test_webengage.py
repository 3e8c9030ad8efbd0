"""WebEngage's private SSP: the request, and answers in its own form and codes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import from_json, to_json

from harkara.accept.formats import webengage
from harkara.accept.requests import NO_OPTIONS, Record
from harkara.base.codes import MEANINGS, Code
from harkara.base.errors import RequestRefused
from harkara.model.messages import Category
from tests.unit.json_values import json_values

# The example of WebEngage's specification of a private SSP.
EXAMPLE: dict[str, Any] = {
    "version": "2.0",
    "smsData": {"toNumber": "919999999999", "fromNumber": "PAXXXN", "body": "Text"},
    "metadata": {
        "campaignType": "PROMOTIONAL",
        "timestamp": "2018-01-25T10:24:16+0000",
        "messageId": "webengage-message-id",
        "custom": {"k": "v"},
        "indiaDLT": {
            "contentTemplateId": "xyz",
            "principalEntityId": "abc",
            "telemarketerId": "tm1",
        },
    },
}
READ = Record(
    to="919999999999",
    sender_id="PAXXXN",
    text="Text",
    client_ref="webengage-message-id",
    pe_id="abc",
    dlt_template_id="xyz",
    options=NO_OPTIONS._replace(category=Category.PROMOTIONAL),
)


def test_the_specifications_example_is_read() -> None:
    request = webengage.parse(to_json(EXAMPLE))
    assert request.records == [READ]
    assert request.single


@pytest.mark.parametrize(
    ("changed", "record"),
    [
        pytest.param({"version": "1.0"}, READ, id="version 1.0"),
        pytest.param(
            {"metadata": {"campaignType": "TRANSACTIONAL", "messageId": "m"}},
            Record("919999999999", "PAXXXN", "Text", "m"),
            id="transactional leaves the category to the header",
        ),
        pytest.param(
            {"metadata": None}, Record("919999999999", "PAXXXN", "Text"), id="no metadata"
        ),
        pytest.param(
            {"metadata": {"campaignType": ["x"]}},
            Record("919999999999", "PAXXXN", "Text", problem=Code.INVALID_CATEGORY),
            id="a campaign type that is none",
        ),
        pytest.param(
            {"smsData": {"toNumber": 1, "body": {}}, "metadata": {}},
            Record("1", problem=Code.INVALID_RECORD),
            id="a body that is an object",
        ),
        pytest.param({"smsData": {}, "metadata": {}}, Record(), id="nothing"),
    ],
)
def test_a_message_is_read(changed: dict[str, Any], record: Record) -> None:
    assert webengage.parse(to_json({**EXAMPLE, **changed})).records == [record]


@pytest.mark.parametrize(
    ("changed", "code", "detail"),
    [
        pytest.param({"version": "3.0"}, Code.UNSUPPORTED_VERSION, "", id="version 3.0"),
        pytest.param({"version": None}, Code.UNSUPPORTED_VERSION, "", id="no version"),
        pytest.param({"version": 2.0}, Code.UNSUPPORTED_VERSION, "", id="a number as version"),
        pytest.param({"version": ["2.0"]}, Code.UNSUPPORTED_VERSION, "", id="a list as version"),
        pytest.param({"smsData": []}, Code.INVALID_REQUEST, "(smsData: an object)", id="smsData"),
        pytest.param(
            {"metadata": "x"}, Code.INVALID_REQUEST, "(metadata: an object)", id="metadata"
        ),
        pytest.param(
            {"metadata": {"indiaDLT": "x"}},
            Code.INVALID_REQUEST,
            "(indiaDLT: an object)",
            id="indiaDLT",
        ),
    ],
)
def test_a_request_without_the_shape_is_refused(
    changed: dict[str, Any], code: Code, detail: str
) -> None:
    with pytest.raises(RequestRefused) as refused:
        webengage.parse(to_json({**EXAMPLE, **changed}))
    assert refused.value.code is code
    assert refused.value.message == f"{MEANINGS[code].advice} {detail}".strip()


members = st.dictionaries(
    st.sampled_from(["toNumber", "body", "campaignType", "messageId", "indiaDLT"]), json_values
)


@given(
    st.binary()
    | json_values.map(to_json)
    | st.builds(
        lambda data, metadata: to_json({"version": "2.0", "smsData": data, "metadata": metadata}),
        members | json_values,
        members | json_values,
    )
)
def test_no_body_fails_otherwise_than_by_a_refusal(body: bytes) -> None:
    try:
        request = webengage.parse(body)
    except RequestRefused:
        return
    assert all(isinstance(field, str) for record in request.records for field in record[:7])


def test_an_accepted_message_is_told_so() -> None:
    assert from_json(webengage.ACCEPTED) == {"status": "sms_accepted"}


@pytest.mark.parametrize("code", Code)
def test_a_refusal_has_webengages_code_and_shape(code: Code) -> None:
    status, body = webengage.refusal(RequestRefused(code, "(detail)"))
    assert from_json(body) == {
        "status": "sms_rejected",
        "statusCode": MEANINGS[code].webengage,
        "message": f"{MEANINGS[code].advice} (detail)",
    }
    assert status in (
        webengage.HTTP_STATUSES[MEANINGS[code].webengage],
        MEANINGS[code].http_status,
    )


@pytest.mark.parametrize(
    ("code", "status"),
    [
        (Code.INVALID_NUMBER, 400),
        (Code.TEXT_TOO_LONG, 413),
        (Code.TEMPLATE_MISMATCH, 403),
        (Code.ADDRESS_NOT_ALLOWED, 401),
        (Code.RATE_LIMITED, 429),
        (Code.MALFORMED_JSON, 200),
        (Code.INVALID_RECORD, 200),
        (Code.BODY_TOO_LARGE, 413),
        (Code.METHOD_NOT_ALLOWED, 405),
        (Code.REQUEST_IN_PROGRESS, 409),
        (Code.INTERNAL_ERROR, 500),
        (Code.TRY_AGAIN, 503),
    ],
)
def test_a_status_is_that_of_webengages_table_unless_ours_says_more(
    code: Code, status: int
) -> None:
    assert webengage.refusal(RequestRefused(code))[0] == status
