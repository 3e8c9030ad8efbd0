"""Management by API on the real template: `send` goes by the registered resources."""

import ast
import gzip
from pathlib import Path
from typing import Any

import httpx
import pytest

from harkara.base.codes import Code
from harkara.manage.template_csv import ROW_LIMIT, export, parse
from harkara.model.accounts import Account, Sender, Template
from harkara.model.messages import Category
from local.settings import HOME
from tests.faults.faults import AT_LENGTH
from tests.stack.campaigns import Lab, record, wait_until
from tests.support.events import sample_events

pytestmark = pytest.mark.stack

# The most rows of a file, or enough for several pages of a query.
COUNT = ROW_LIMIT if AT_LENGTH else 4_000
# The emulator reads 20,000 items in seconds, and Lambda gives a request 29 s.
MANAGED_WITHIN_S = 180


class Owner:
    """An owner who manages an account by API; no function has read that account yet."""

    def __init__(self, lab: Lab, account_id: str) -> None:
        self.lab = lab
        self.account_id = account_id
        sender = Sender(header="MANAGE", categories=(Category.SERVICE_IMPLICIT,))
        lab.add_account(
            Account(
                id=account_id,
                name="Managed by its owner",
                carrier="sim",
                senders={sender.header: sender},
            )
        )

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {
            "X-Api-Key": f"{self.account_id}.{self.account_id}-secret",
            **options.pop("headers", {}),
        }
        url = f"{self.lab.stack.endpoint}{path}"
        return httpx.request(method, url, headers=headers, timeout=60, **options)

    def until_done(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Repeat a request that ran out of time, as its answer advises."""
        answers: list[httpx.Response] = []

        def is_done() -> bool:
            answers.append(self.call(method, path, **options))
            return answers[-1].status_code < 500

        wait_until(is_done, MANAGED_WITHIN_S)
        return answers[-1]


@pytest.mark.parametrize(
    "name", [sample.name for sample in sample_events() if sample.function == "manage"]
)
def test_a_sample_request_gets_its_answer(name: str, managed: dict[str, list[str]]) -> None:
    assert managed[name] == []


def test_what_is_sent_is_listed_and_counted(lab: Lab, magic: dict[str, str]) -> None:
    """The emulator's stream has what the functions put by PartiQL (local/emulator_program.py)."""

    def get(path: str) -> Any:
        headers = {"X-Api-Key": "sandbox.sandbox-secret"}
        return httpx.get(f"{lab.stack.endpoint}{path}", headers=headers, timeout=60).json()

    def states() -> list[str]:
        found = get(f"/v1/messages?client_ref={magic['9008']}")["messages"]
        return [each["state"] for each in found]

    wait_until(lambda: states() == ["delivered"], MANAGED_WITHIN_S)
    wait_until(lambda: get("/v1/stats")["totals"]["delivered"] > 0, MANAGED_WITHIN_S)


def test_the_emulators_streams_still_need_what_the_program_adds() -> None:
    """If this fails, a newer ministack emits these by itself: take the additions out."""
    services = next(HOME.glob("emulator/lib/python*/site-packages/ministack/services"))
    insert = function_in(services / "dynamodb.py", "_partiql_insert")
    poll = function_in(services / "lambda_svc.py", "_poll_dynamodb_streams")
    assert "_emit_stream_event" not in insert
    assert "shardId" not in poll


def function_in(module: Path, name: str) -> str:
    """Return the source of a function of a module."""
    text = module.read_text()
    (found,) = (
        each
        for each in ast.parse(text).body
        if isinstance(each, ast.FunctionDef) and each.name == name
    )
    return ast.get_source_segment(text, found) or ""


def test_a_text_matches_a_template_that_was_just_created(lab: Lab) -> None:
    task_id = Owner(lab, "creates")
    fields = {"category": "service_implicit", "text": "Parcel {#numeric#} is at your door."}
    for number in range(2):
        created = task_id.call(
            "POST",
            "/v1/templates",
            json={"template_id": str(1107 + number), **fields, "headers": ["MANAGE"]},
        )
        assert created.status_code == 201
        fields["text"] = "Parcel {#numeric#} was returned."
    rows = [
        record(f"creates-{at}", smstext=text, **{"from": "MANAGE"})
        for at, text in enumerate(("Parcel 7 is at your door.", "Parcel X is at your door."))
    ]
    accepted, refused = lab.send(rows, "creates").json()
    assert accepted["mid"]
    assert refused["Error"] == Code.TEMPLATE_NOT_FOUND
    assert "variable 1 takes" in refused["message"]


def many() -> list[Template]:
    """Return the templates of a large file."""
    return [
        Template(
            dlt_template_id=str(1107000000000000000 + number),
            name=f"Campaign {number}",
            headers=("MANAGE",),
            category=Category.SERVICE_IMPLICIT,
            text=f'Dear {{#var#}}, "offer" {number}\nends on {{#var#}}. HARKARA',
        )
        for number in range(COUNT)
    ]


def test_many_templates_go_in_and_come_out_as_they_were(lab: Lab) -> None:
    task_id = Owner(lab, "imports")
    templates = many()
    file = gzip.compress(export(templates))

    def load() -> dict[str, int]:
        sent = {"Content-Type": "application/gzip"}
        answer = task_id.until_done("POST", "/v1/templates", content=file, headers=sent)
        assert answer.status_code == 200
        assert len(answer.json()["rows"]) == COUNT
        rest = answer.json().keys() - {"rows", "left_out"}
        return {name: answer.json()[name] for name in rest}

    first = load()
    # After an import that ran out of time, the next one finds some templates unchanged.
    assert first["created"] + first["unchanged"] == COUNT
    assert load() == {
        "created": 0,
        "changed": 0,
        "unchanged": COUNT,
        "skipped": 0,
        "refused": 0,
    }
    answer = task_id.until_done("GET", "/v1/templates", headers={"Accept": "text/csv"})
    assert answer.headers["content-encoding"] == "gzip"
    assert [row.template for row in parse(answer.content)] == templates


def test_an_export_ends_with_a_link_that_opens(lab: Lab) -> None:
    owner = Owner(lab, "exporting")
    begun = owner.call("POST", "/v1/exports", json={}).json()
    assert begun["state"] == "queued"
    shown: dict[str, Any] = {}

    def is_done() -> bool:
        shown.update(owner.call("GET", f"/v1/exports/{begun['id']}").json())
        return bool(shown["state"] == "done")

    wait_until(is_done, MANAGED_WITHIN_S)
    answer = httpx.get(shown["link"], timeout=60)
    assert answer.status_code == 200
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.content.decode("utf-8-sig").startswith("mid,client_ref,to,")
