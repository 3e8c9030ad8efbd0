"""A file of 5,000 rows, sent by the real functions from tabs that close, repeat and overlap."""

import json
from collections import Counter
from typing import Any

import pytest

from harkara.model.messages import RECORD_LIMIT
from harkara.model.people import Role
from tests.functions.deployment import Deployment
from tests.functions.visiting_console import request
from tests.support.people import cookie_of, quick

SLICES = 5
KEY = "cd" * 32


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch) -> Deployment:
    return Deployment(monkeypatch)


def test_each_row_goes_out_once(deployment: Deployment) -> None:
    """A tab is closed after two slices, then two send all of it, and one presses again."""
    deployment.call("console", request("GET", "/console"))
    people = quick(deployment.services("console").people)
    cookie = cookie_of(people, "admin@sandbox.example", "sandbox", Role.ADMIN)
    every = [*range(SLICES)]
    accepted = Counter[int]()
    for number in [0, 1, *sorted([*every, *every]), *every]:
        report = post(deployment, cookie, number)
        assert report["refused"] == 0
        accepted[number] = report["accepted"]
    assert accepted == dict.fromkeys(every, RECORD_LIMIT)
    deployment.work_off()
    sent = Counter(row["to"] for _, each in deployment.requests for row in each["smstosend"])
    assert sent == {str(number_of(row)): 1 for row in range(SLICES * RECORD_LIMIT)}


def post(deployment: Deployment, cookie: str, number: int) -> Any:
    rows = range(number * RECORD_LIMIT, (number + 1) * RECORD_LIMIT)
    fields = {
        "action": "send",
        "key": f"{KEY}-{number}",
        "first": str(rows.start + 2),
        "rows": "\n".join(["to,text", *(f"{number_of(row)},Hello {row}" for row in rows)]),
        "from": "HARKAR",
    }
    answer = deployment.call("console", request("POST", "/console/send/slice", fields, cookie))
    assert answer["statusCode"] == 200, answer
    return json.loads(answer["body"])


def number_of(row: int) -> int:
    return 919_870_000_000 + row
