"""Exports over HTTP and the queue: the file holds what the list lists, for its account alone."""

import csv
import io
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harkara.activity.exports import KEPT_S, RUNNING_LIMIT, STALLED_S
from harkara.base.codes import Code
from harkara.manage.erased import Person
from harkara.manage.erasure import counts_of
from harkara.manage.erasure_plan import plan
from harkara.model.tasks import QueueName
from tests.functions.handlers import SANDBOX
from tests.functions.invoking import SECRET, Logs, sqs_event
from tests.functions.listing import OTHER, Lists
from tests.functions.managing import request
from tests.functions.test_lists import FILTERS, record
from tests.support.erasing import erasure_of


class Exports(Lists):
    """Two accounts that export what they sent."""

    def begin(self, account: str = "sandbox", body: Any = "{}") -> tuple[int, dict[str, Any]]:
        event = request("POST", "/v1/exports", body, key=f"{account}.{SECRET}")
        answer = self.call("manage", event)
        return answer["statusCode"], json.loads(answer["body"])

    def work_off(self) -> None:
        """Deliver what is in the export queue; what fails comes again."""
        while self.queues.waiting:
            message = self.queues.waiting.pop(0)
            assert message.queue is QueueName.EXPORT
            if self.call("files", sqs_event(message.body))["batchItemFailures"]:
                self.queues.waiting.append(message)

    def rows(self, account: str, body: Mapping[str, str]) -> list[dict[str, str]]:
        """Return the rows of an export's file."""
        status, begun = self.begin(account, dict(body))
        assert (status, begun["state"], begun["link"]) == (202, "queued", None)
        self.work_off()
        status, export = self.get(f"/v1/exports/{begun['id']}", account)
        assert (status, export["state"], export["progress"]) == (200, "done", 100)
        assert "X-Amz-Expires=3600" in export["link"]
        content = self.bucket.opened(export["link"]).decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(content, newline=""), strict=True))
        assert export["messages"] == len(rows)
        return rows


def sent() -> Exports:
    exports = Exports()
    exports.send(SANDBOX, *map(record, range(60)))
    exports.send(OTHER, *map(record, range(30)))
    for text in ('=HYPERLINK("x")', "+1", "-1", "@x", "\tx", "'=x"):
        exports.send(SANDBOX, record(1), record(1)._replace(to=text, client_ref=text))
    exports.queues.waiting.clear()
    exports.now += 1
    exports.settle()
    return exports


@pytest.fixture(scope="module")
def exports() -> Exports:
    return sent()


def cells_of(message: Mapping[str, Any]) -> dict[str, str]:
    """Return a message of the list as the cells of a row, in which no cell is a formula."""
    fields = {"erased": "", **message}
    cells = {name: "" if value is None else str(value) for name, value in fields.items()}
    return {
        name: f"'{cell}" if cell.lstrip("'")[:1] in "=+-@\t" and cell.strip("'") else cell
        for name, cell in cells.items()
    }


asked = st.fixed_dictionaries(
    {}, optional={k: st.sampled_from(v) for k, v in FILTERS.items() if k != "limit"}
)


@settings(max_examples=30, deadline=None)
@given(filters=asked, account=st.sampled_from(["sandbox", "other"]))
def test_a_file_holds_what_the_list_lists(
    filters: dict[str, str], account: str, exports: Exports
) -> None:
    assert exports.rows(account, filters) == [
        cells_of(each) for each in exports.all(account, limit="100", **filters)
    ]


def test_no_cell_is_a_formula_and_refused_records_are_there(exports: Exports) -> None:
    rows = exports.rows("sandbox", {"state": "refused"})
    assert {'\'=HYPERLINK("x")', "'+1", "'-1", "'@x", "'\tx", "''=x"} <= {
        row["client_ref"] for row in rows
    }
    assert all(row["mid"] == "" and row["code"] for row in rows)
    assert not any(cell[:1] in ("=", "+", "-", "@", "\t") for row in rows for cell in row.values())


def test_nothing_but_a_header_row_is_in_a_file_of_nothing(exports: Exports) -> None:
    assert exports.rows("sandbox", {"from": "2025-01-01", "to": "2025-01-02"}) == []


@pytest.mark.parametrize("body", [None, "", {}, {"from": None}])
def test_a_body_without_filters_asks_for_the_last_day(body: Any, exports: Exports) -> None:
    status, begun = exports.begin("other", body)
    exports.work_off()
    assert status == 202
    assert exports.get(f"/v1/exports/{begun['id']}", "other")[1]["messages"] == 30


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"colour": "red"}, 400, Code.UNKNOWN_FILTER),
        ({"limit": "7"}, 400, Code.UNKNOWN_FILTER),
        ({"after": "x"}, 400, Code.UNKNOWN_FILTER),
        ({"state": "gone"}, 400, Code.UNKNOWN_FILTER),
        ({"from": "2026-01-01", "to": "2026-03-01"}, 400, Code.RANGE_TOO_LONG),
        ({"from": "2026-01-02", "to": "2025-12-01"}, 400, Code.RANGE_TOO_LONG),
        ({"from": "yesterday"}, 400, Code.INVALID_REQUEST),
        ({"from": {"a": 1}}, 400, Code.INVALID_REQUEST),
        ({"number": 919876543210}, 400, Code.INVALID_REQUEST),
        ({"number": "12345"}, 400, Code.INVALID_NUMBER),
        ({"sender": ["ACMEBK"]}, 400, Code.INVALID_REQUEST),
        ({"client_ref": "x" * 513}, 400, Code.INVALID_REQUEST),
        ([], 400, Code.INVALID_REQUEST),
        ("{", 400, Code.MALFORMED_JSON),
        ("null", 400, Code.INVALID_REQUEST),
    ],
)
def test_a_bad_request_begins_nothing(body: Any, status: int, code: Code, exports: Exports) -> None:
    answered, answer = exports.begin("sandbox", body)
    assert (answered, answer["Error"]) == (status, code)
    assert exports.queues.waiting == []


def test_another_accounts_export_is_not_found(exports: Exports) -> None:
    _, begun = exports.begin("other")
    exports.work_off()
    for export_id in (begun["id"], "0", "", "~", "x" * 2000, "a%2Fb", "%00"):
        status, answer = exports.get(f"/v1/exports/{export_id}")
        assert (status, answer["Error"]) == (404, Code.NOT_FOUND)


def test_an_account_has_three_exports_under_way() -> None:
    exports = sent()
    begun = [exports.begin()[1]["id"] for _ in range(RUNNING_LIMIT)]
    event = request("POST", "/v1/exports", {})
    refused = exports.call("manage", event)
    assert refused["statusCode"] == 409
    assert json.loads(refused["body"])["Error"] == Code.TOO_MANY_EXPORTS
    assert refused["headers"]["Retry-After"] == "60"
    assert exports.begin("other")[0] == 202
    exports.work_off()
    assert exports.begin()[0] == 202
    exports.queues.waiting.clear()
    assert {exports.get(f"/v1/exports/{each}")[1]["state"] for each in begun} == {"done"}


def test_two_requests_at_once_do_not_pass_the_limit() -> None:
    exports = sent()
    for _ in range(RUNNING_LIMIT - 1):
        exports.begin()
    service = exports.manage_services().exports
    jobs = exports.ports.jobs

    class Meanwhile:
        def __getattr__(self, name: str) -> Any:
            if name == "begin":  # the other request was quicker
                service.create(SANDBOX, {})
            return getattr(jobs, name)

    racing = exports.manage_services().exports
    object.__setattr__(racing, "jobs", Meanwhile())
    with pytest.raises(Exception, match=Code.TOO_MANY_EXPORTS):
        racing.create(SANDBOX, {})
    assert len(exports.queues.waiting) == RUNNING_LIMIT


def test_an_export_whose_task_is_lost_fails_and_makes_room() -> None:
    exports = sent()
    for _ in range(RUNNING_LIMIT):
        _, begun = exports.begin()
    waiting = [*exports.queues.waiting]
    exports.queues.waiting.clear()
    exports.now += STALLED_S + 1
    assert exports.get(f"/v1/exports/{begun['id']}")[1]["state"] == "failed"
    assert exports.begin()[0] == 202
    # An operator redrives the dead letters: it goes on.
    exports.queues.waiting += waiting
    exports.work_off()
    assert exports.get(f"/v1/exports/{begun['id']}")[1]["state"] == "done"


def test_an_export_is_kept_as_long_as_its_file() -> None:
    exports = sent()
    _, begun = exports.begin()
    exports.work_off()
    exports.now += KEPT_S
    assert exports.get(f"/v1/exports/{begun['id']}")[0] == 200
    exports.now += 1
    assert exports.get(f"/v1/exports/{begun['id']}")[0] == 404


def test_what_s3_refuses_is_tried_again_and_logged_without_numbers(logs: Logs) -> None:
    exports = sent()
    _, begun = exports.begin("sandbox", {"number": "919876500003"})
    exports.bucket.refusals = 2
    exports.work_off()
    assert exports.get(f"/v1/exports/{begun['id']}")[1]["messages"] == 3
    assert [line["error"] for line in logs.lines("task comes back")] == ["StoreUnavailable"] * 2
    assert exports.queues.put_back_s
    assert "9876500003" not in logs.own.getvalue() + logs.other.getvalue()


def test_a_credential_without_the_scope_exports_nothing() -> None:
    exports = sent()
    credential = exports.accounts.credentials["sandbox"].model_copy(update={"scopes": ("send",)})
    exports.accounts.credentials["sandbox"] = credential
    assert exports.begin()[1]["Error"] == Code.SCOPE_MISSING
    assert exports.get("/v1/exports/x")[1]["Error"] == Code.SCOPE_MISSING


def test_an_erasure_removes_the_exports_that_may_have_the_person_and_no_others() -> None:
    exports = sent()
    exports.rows("sandbox", {})
    exports.rows("sandbox", {"from": "2025-12-01", "to": "2025-12-05"})
    exports.rows("sandbox", {"number": "9876500003", "from": "2025-12-01", "to": "2025-12-05"})
    exports.rows("other", {})
    kept = {key for key in exports.bucket.objects if key.startswith("exports/other/")}
    _, jobs = erasure_of(exports).exports.jobs("sandbox")
    assert len(jobs) == 3
    person = Person("919876500003")
    changes = plan(erasure_of(exports), SANDBOX, person)
    assert counts_of(changes)["exports"] == 2
    erasure_of(exports).erase(SANDBOX, person, changes, "dpo@acme.in")
    (left,) = (job for job in jobs if not job.message_count and "number" not in job.filters)
    assert [job.id for job in erasure_of(exports).exports.jobs("sandbox")[1]] == [left.id]
    of_left = {key for key in exports.bucket.objects if key.startswith(left.prefix)}
    assert exports.bucket.objects.keys() == kept | of_left
    for job in jobs:
        status, _ = exports.get(f"/v1/exports/{job.id}")
        assert status == (200 if job is left else 404)
    exports.queues.waiting.clear()
    rows = exports.rows("sandbox", {})
    assert [row["to"] for row in rows if row["erased"]] == ["", "", ""]
    numbers = Counter(row["to"] for row in rows)
    assert (numbers["919876500003"], numbers["919876500004"]) == (0, 3)
