"""An answer that says what was accepted is never larger than Lambda's 6 MB."""

import pytest

from harkara.accounts import Account
from harkara.codes import MEANINGS, Code
from harkara.jsons import encode
from harkara.platforms import ics, native
from harkara.requests import RECORD_LIMIT, Record, RecordResult, SendRequest

# AWS Lambda Developer Guide, "Lambda quotas": 6 MB a synchronous answer.
ANSWER_LIMIT_BYTES = 6_291_556
ACCOUNT = Account(id="acme", name="Acme", carrier="sim")
WORDIEST = max(Code, key=lambda code: len(MEANINGS[code].advice))


@pytest.mark.parametrize("character", ["x", "\x00", '"', "\\", "न", "😀"])
@pytest.mark.parametrize("form", ["ics", "native"])
def test_the_answer_to_a_thousand_records_of_any_length(character: str, form: str) -> None:
    long = character * 5_000
    record = Record(long, long, "Hello", long, long, long)
    request = SendRequest([record] * RECORD_LIMIT)
    results = [RecordResult("", WORDIEST)] * (RECORD_LIMIT - 1) + [RecordResult("M" * 29)]
    if form == "ics":
        body = ics.answer(request, results)
    else:
        body = native.answer(ACCOUNT, request, results)
    event = encode({"statusCode": 200, "headers": {}, "body": body.decode()})
    assert len(event) < ANSWER_LIMIT_BYTES
