"""Checks on the answer of any function."""

import json
from typing import Any

from harkara.base.codes import MEANINGS, Code


def assert_refused(answer: dict[str, Any], code: Code) -> str:
    """Check the one shape that errors have; return the message."""
    meaning = MEANINGS[code]
    assert answer["statusCode"] == meaning.http_status
    assert answer["headers"]["Content-Type"] == "application/json"
    body = json.loads(answer["body"])
    assert body.keys() == {"status", "Error", "message"}
    assert (body["status"], body["Error"]) == (False, code)
    assert body["message"].startswith(meaning.advice)
    return str(body["message"])
