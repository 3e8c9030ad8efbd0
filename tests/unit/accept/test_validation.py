"""The checks of a record: accepted records, and refusals with their codes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.accept.requests import Record
from harkara.accept.validation import CheckedRecords, RecordChecker
from harkara.base.codes import Code
from harkara.model.accounts import Account, Enforcement, Sender, Template
from harkara.model.callbacks import UrlRules
from harkara.model.messages import Category, Lane, Message, lane_of
from tests.support.fakes import caller_of, calling_back

NOW_MS = 1_767_258_000_000  # 14:30 IST
URL = "https://api.clevertap.com/dlr"
OTHER_URL = "https://api.moengage.com/dlr"
EVIL_URL = "https://evil.example/dlr"
HEADERS = {
    "ACMEBK": (Category.SERVICE_IMPLICIT, "1101"),
    "ACMOTP": (Category.OTP, "1102"),
    "ACMTXN": (Category.TRANSACTIONAL, ""),
    "123456": (Category.PROMOTIONAL, "1101"),
}
ACCOUNT = Account(
    id="acme",
    name="Acme",
    carrier="sim",
    **calling_back(URL),
    countries=("IN", "SG"),
    segment_limit=2,
    senders={
        header: Sender(header=header, categories=(category,), pe_id=pe_id)
        for header, (category, pe_id) in HEADERS.items()
    },
    templates={
        "1107": Template(
            dlt_template_id="1107",
            name="otp",
            headers=("ACMEBK",),
            category=Category.OTP,
            text="{#var#}",
        )
    },
)
LAX = ACCOUNT.model_copy(update={"dlt": Enforcement.OFF})
# Without templates, or with an unregistered id, texts are not compared (test_validation_dlt).
PLAIN = ACCOUNT.model_copy(update={"templates": {}})
RECORD = Record(
    to="9876543210", sender_id="ACMEBK", text="Hello", client_ref="ref", dlt_template_id="1999"
)


def checker_of(account: Account, url: str = "", *, private: bool = False) -> RecordChecker:
    return RecordChecker(caller_of(account), url, NOW_MS, UrlRules(loopback=private))


def check(record: Record, account: Account = ACCOUNT, url: str = "") -> CheckedRecords:
    return checker_of(account, url).check([record])


def urls(checker: RecordChecker) -> list[str]:
    return [endpoint.url for endpoint in checker.policy.endpoints]


def accepted(record: Record, account: Account = ACCOUNT) -> tuple[Lane, Message]:
    ((key, indexes, (message,)),) = check(record, account).accepted
    assert indexes == [0]
    return lane_of(key.category), message


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        pytest.param({"problem": Code.INVALID_RECORD}, Code.INVALID_RECORD, id="wrong types"),
        pytest.param({"client_ref": "x" * 513}, Code.INVALID_RECORD, id="a long smsgid"),
        pytest.param({"pe_id": "1" * 65}, Code.INVALID_RECORD, id="a long entity id"),
        pytest.param({"dlt_template_id": "1" * 65}, Code.INVALID_RECORD, id="a long template id"),
        pytest.param({"to": ""}, Code.INVALID_NUMBER, id="no number"),
        pytest.param({"to": "12345"}, Code.INVALID_NUMBER, id="a short number"),
        pytest.param({"to": "+12125551234"}, Code.COUNTRY_NOT_ALLOWED, id="a closed country"),
        pytest.param({"sender_id": ""}, Code.INVALID_HEADER, id="no header"),
        pytest.param({"sender_id": "AB"}, Code.INVALID_HEADER, id="a short header"),
        pytest.param({"sender_id": "ACMEBKS"}, Code.INVALID_HEADER, id="a long header"),
        pytest.param({"sender_id": "AX-ACMEBK"}, Code.INVALID_HEADER, id="a header with route"),
        pytest.param({"sender_id": "ACMEBK\n"}, Code.INVALID_HEADER, id="a line feed"),
        pytest.param({"sender_id": "ĀCMEBK"}, Code.INVALID_HEADER, id="beyond ascii"),
        pytest.param({"sender_id": "acmebk"}, Code.HEADER_NOT_REGISTERED, id="another case"),
        pytest.param({"sender_id": "OTHERS"}, Code.HEADER_NOT_REGISTERED, id="someone's header"),
        pytest.param({"text": ""}, Code.EMPTY_TEXT, id="no text"),
        pytest.param({"text": " \n\u00a0"}, Code.EMPTY_TEXT, id="spaces only"),
        pytest.param({"text": "a" * 307}, Code.TEXT_TOO_LONG, id="three segments"),
        pytest.param({"text": "अ" * 135}, Code.TEXT_TOO_LONG, id="three segments of UCS-2"),
        pytest.param({"callback_url": EVIL_URL}, Code.INVALID_CALLBACK_URL, id="a foreign URL"),
    ],
)
def test_a_wrong_record_is_refused_with_its_code(changes: dict[str, Any], code: Code) -> None:
    accepted, ((index, message),) = check(RECORD._replace(**changes))
    assert accepted == []
    assert index == 0
    assert message.refusal == code


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="plain"),
        pytest.param({"client_ref": ""}, id="no smsgid"),
        pytest.param({"client_ref": "x" * 512}, id="the longest smsgid"),
        pytest.param({"client_ref": "😀" * 128}, id="the longest in emoji"),
        pytest.param({"text": "a" * 306}, id="as many segments as allowed"),
        pytest.param({"text": "."}, id="one character"),
        pytest.param({"sender_id": "123456"}, id="a numeric header"),
        pytest.param({"dlt_template_id": "1" * 19}, id="the longest id of DLT"),
        pytest.param({"to": "+6581234567", "sender_id": "Acme Bank"}, id="an alphanumeric abroad"),
        pytest.param({"to": "+6581234567", "sender_id": "+6591234567"}, id="a number abroad"),
        *(
            pytest.param({"to": "+6581234567", "sender_id": sender_id}, id=f"{sender_id} abroad")
            for sender_id in ("B&Q", "AT&T Shop", "Ä", "¡Olé!", "A/B:C;D", "€uro sale", "_~_")
        ),
        pytest.param({"to": "+6581234567", "sender_id": "UNKNOWN"}, id="unregistered abroad"),
    ],
)
def test_a_sound_record_is_accepted(changes: dict[str, Any]) -> None:
    record = RECORD._replace(**changes)
    _, message = accepted(record)
    assert message.refusal == ""
    assert (message.text, message.sender_id, message.client_ref) == (
        record.text,
        record.sender_id,
        record.client_ref,
    )


@pytest.mark.parametrize(
    "sender_id", ["Acme Bank Ltd", "Ācme", "", "1" * 16, "+12", "12", "€" * 6, "A\nB", " "]
)
def test_a_header_abroad_has_a_form_too(sender_id: str) -> None:
    _, ((_, message),) = check(RECORD._replace(to="+6581234567", sender_id=sender_id))
    assert message.refusal == Code.INVALID_HEADER


def test_an_accepted_message_is_complete() -> None:
    lane, message = accepted(RECORD._replace(to="+91 98765-43210", text="a" * 161))
    assert lane is Lane.BULK
    assert message == Message(
        to="919876543210",
        sender_id="ACMEBK",
        text="a" * 161,
        client_ref="ref",
        endpoint=0,
        segment_count=2,
        pe_id="1101",
        dlt_template_id="1999",
    )


def test_a_refused_record_keeps_neither_number_nor_text() -> None:
    record = RECORD._replace(to="12345", client_ref="x" * 600, pe_id="p", dlt_template_id="t")
    _, ((_, message),) = check(record)
    assert message == Message("", "", "", "x" * 512, 0, refusal=Code.INVALID_RECORD)


@pytest.mark.parametrize("client_ref", ["x" * 513, "न" * 171, "😀" * 129])
@pytest.mark.parametrize("count", [1, 2])
def test_a_client_ref_is_bounded_in_bytes_and_the_refusal_says_so(
    client_ref: str, count: int
) -> None:
    checker = checker_of(ACCOUNT)
    accepted, refused = checker.check([RECORD._replace(client_ref=client_ref)] * count)
    assert accepted == []
    assert [message.refusal for _, message in refused] == [Code.INVALID_RECORD] * count
    assert "512 bytes" in checker.details[0]
    # The cut reference still names the message in its `failed` callback, without half a character.
    assert all(client_ref.startswith(m.client_ref) and m.client_ref for _, m in refused)


def test_the_first_thing_wrong_is_what_is_told() -> None:
    _, ((_, message),) = check(Record(problem=Code.INVALID_RECORD, to="1", callback_url=EVIL_URL))
    assert message.refusal == Code.INVALID_RECORD


@pytest.mark.parametrize(
    ("account", "sender_id", "dlt_template_id", "lane", "pe_id"),
    [
        pytest.param(PLAIN, "ACMEBK", "", Lane.BULK, "1101", id="a service header"),
        pytest.param(PLAIN, "123456", "", Lane.BULK, "1101", id="a promotional header"),
        pytest.param(PLAIN, "ACMOTP", "", Lane.PRIORITY, "1102", id="an OTP header"),
        pytest.param(PLAIN, "ACMTXN", "", Lane.PRIORITY, "", id="a transactional header"),
        pytest.param(ACCOUNT, "ACMEBK", "1107", Lane.PRIORITY, "1101", id="a template decides"),
        pytest.param(ACCOUNT, "ACMEBK", "9", Lane.BULK, "1101", id="an unknown template does not"),
        pytest.param(LAX, "OTHERS", "", Lane.BULK, "", id="an unregistered header"),
        pytest.param(
            LAX.model_copy(update={"default_category": Category.OTP}),
            "OTHERS", "", Lane.PRIORITY, "", id="the account's own category",
        ),
    ],
)  # fmt: skip
def test_header_and_template_decide_lane_and_entity(
    account: Account, sender_id: str, dlt_template_id: str, lane: Lane, pe_id: str
) -> None:
    record = RECORD._replace(sender_id=sender_id, dlt_template_id=dlt_template_id)
    chosen, message = accepted(record, account)
    assert (chosen, message.pe_id) == (lane, pe_id)


def test_a_record_may_name_the_entity_of_a_header_that_has_none() -> None:
    _, message = accepted(RECORD._replace(pe_id="1999", sender_id="ACMTXN"))
    assert message.pe_id == "1999"


def test_a_record_of_another_entity_than_its_headers_is_refused() -> None:
    _, ((_, message),) = check(RECORD._replace(pe_id="1999"))
    assert message.refusal == Code.ENTITY_MISMATCH


def test_records_keep_their_places() -> None:
    wrong = RECORD._replace(text="")
    otp = RECORD._replace(sender_id="ACMOTP")
    rows = [wrong, otp, RECORD, wrong, RECORD, otp]
    accepted, refused = checker_of(ACCOUNT).check(rows)
    assert {key.category: indexes for key, indexes, _ in accepted} == {
        Category.OTP: [1, 5],
        Category.SERVICE_IMPLICIT: [2, 4],
    }
    assert [index for index, _ in refused] == [0, 3]


records = st.builds(
    Record,
    to=st.text(max_size=20) | st.just("9876543210"),
    sender_id=st.text(max_size=12) | st.just("ACMEBK"),
    text=st.text(max_size=400),
    client_ref=st.text(max_size=20),
    pe_id=st.text(max_size=20),
    dlt_template_id=st.text(max_size=20),
    callback_url=st.text(max_size=40) | st.just(OTHER_URL),
    problem=st.none() | st.just(Code.INVALID_RECORD),
)


@given(st.lists(records, max_size=6))
def test_every_record_is_accepted_or_refused_and_nothing_is_raised(rows: list[Record]) -> None:
    checker = checker_of(ACCOUNT)
    accepted, refused = checker.check(rows)
    indexes = [index for rows in accepted for index in rows.indexes]
    assert sorted(indexes + [index for index, _ in refused]) == list(range(len(rows)))
    for rows_ in accepted:
        for message in rows_.messages:
            assert message.to.isdecimal()
            assert 1 <= message.segment_count <= 2
            assert message.endpoint is not None
            assert message.endpoint < len(checker.policy.endpoints)
