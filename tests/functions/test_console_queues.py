"""Queues in the console: for operators alone, without what a task holds, and moved back once."""

import re
from typing import Any

import pytest

from harkara.activity.exports import ExportTask
from harkara.model.messages import State
from harkara.model.submit_tasks import SubmitTask
from harkara.model.tasks import QueueName, Receipt, ReceiptsTask
from local.samples import BATCH
from tests.functions.handlers import Gateway
from tests.functions.invoking import BATCH_ID, MSISDN, NOW, TEXT, sqs_event
from tests.functions.visiting_console import MID, Page, operating, visit
from tests.support.dead_letters import QUEUE_URLS

BASE = "/console/queues"
SUBMIT = f"{BASE}/submit"


@pytest.fixture
def cookies(gateway: Gateway) -> dict[str, str]:
    gateway.put_samples()
    return operating(gateway)


def post(gateway: Gateway, cookies: dict[str, str], path: str, **fields: str) -> Any:
    form = {"account": "sandbox", "sure": "redrive", **fields}
    return visit(gateway, "POST", path, fields=form, cookie=cookies)


def page(gateway: Gateway, cookies: dict[str, str], path: str) -> str:
    answer = visit(gateway, "GET", path, cookie=cookies)
    assert answer["statusCode"] == 200
    return str(answer["body"])


def counted(html: str) -> dict[str, int]:
    found = re.findall(r'<b data-count="(\w+)">([\d,]+)', html)
    return {name: int(number.replace(",", "")) for name, number in found}


def acts(gateway: Gateway) -> list[tuple[str, str]]:
    """Return what was done with queues, by the operators' log."""
    entries = reversed(gateway.people.audit(None).entries)
    return [(each.action, each.subject) for each in entries if each.action.startswith("queue.")]


def die(gateway: Gateway, body: str = SubmitTask(BATCH.id, "sandbox").encode()) -> None:
    gateway.dead_letters.put("SubmitDeadLetters", body, NOW - 3600)


def test_all_queues_are_counted(gateway: Gateway, cookies: dict[str, str]) -> None:
    gateway.dead_letters.depths = {"SubmitQueue": (1_234, 2, 3), "ReceiptDeadLetters": (5, 1, 0)}
    html = page(gateway, cookies, BASE)
    rows = re.findall(r"<tr>.*?</tr>", html, re.DOTALL)[1:]
    assert [re.findall(r'href="/console/queues/(\w+)"', row)[0] for row in rows] == [*QUEUE_URLS]
    shown = [[word.strip() for word in Page(row).words if word.strip()] for row in rows]
    assert shown[0][1:] == ["1,234", "2", "3", "0"]
    assert shown[2][1:] == ["0", "0", "0", "6"]
    assert shown[-1][1:] == ["–", "–", "–", "0"]
    assert 'aria-current="page">Queues' in html
    assert counted(page(gateway, cookies, SUBMIT)) == {
        **{"waiting": 1234, "taken": 2, "delayed": 3},
        "dead": 0,
    }


def test_a_dead_letter_is_shown_by_its_ids_and_stays(
    gateway: Gateway, cookies: dict[str, str]
) -> None:
    receipt = Receipt(MID, 1, State.FAILED, int(NOW), words="their words about " + MSISDN)
    gateway.dead_letters.put("ReceiptDeadLetters", ReceiptsTask((receipt,)).encode(), NOW - 7200)
    gateway.dead_letters.put("ReceiptDeadLetters", f'{{"kind": "{TEXT} {MSISDN}"}}', NOW - 60)
    for looks in (1, 2):
        html = page(gateway, cookies, f"{BASE}/receipt")
        assert counted(html)["dead"] == 2
        assert f'<a class="id" href="/console/messages/{MID}">{MID}</a>' in html
        # The task names no account: it is that of the message's batch.
        assert '<td data-label="Account">sandbox</td>' in html
        assert html.index('"name">Receipts<') < html.index('"name">Cannot be read<')
        assert f">{21 + looks}</td>" in html
        assert MSISDN not in html
        assert TEXT not in html
        assert "their words" not in html


def test_messages_of_another_account_are_no_links(
    gateway: Gateway, cookies: dict[str, str]
) -> None:
    die(gateway, SubmitTask(BATCH_ID, "other", indexes=(1,), attempt=2).encode())
    html = page(gateway, cookies, SUBMIT)
    assert f'<span class="id">{BATCH_ID}01</span>' in html
    (choose,) = re.findall('<form[^>]*action="/console/accounts">.*?</form>', html)
    assert f'name="next" value="{SUBMIT}"' in choose
    assert 'name="id" value="other"' in choose
    assert "/console/messages/" not in html.partition("<main")[2]


def test_a_look_shows_ten_at_most(gateway: Gateway, cookies: dict[str, str]) -> None:
    for _ in range(25):
        die(gateway)
    html = page(gateway, cookies, SUBMIT)
    assert "10 of 25, without what they hold" in html
    assert html.count(BATCH.id) == 10


def test_a_redrive_is_asked_for_then_followed_and_stopped(
    gateway: Gateway, cookies: dict[str, str]
) -> None:
    for _ in range(3):
        die(gateway)
    assert f'action="{SUBMIT}/redrive"' in page(gateway, cookies, SUBMIT)
    unsure = post(gateway, cookies, f"{SUBMIT}/redrive", rate="1", sure="on")
    assert (unsure["statusCode"], 'id="sure-redrive-problem"' in unsure["body"]) == (400, True)
    assert gateway.dead_letters.tasks == []
    done = post(gateway, cookies, f"{SUBMIT}/redrive", rate="1")
    assert done["headers"]["Location"] == f"{SUBMIT}?done=redriven"
    gateway.dead_letters.move(1)
    html = page(gateway, cookies, SUBMIT)
    assert "1 of 3 moved back." in html
    assert 'hx-trigger="every 5s"' in html
    assert '<noscript><meta http-equiv="refresh" content="5">' in html
    assert "00000000-" not in html, "somebody looked while SQS moves them"
    assert f'action="{SUBMIT}/redrive"' not in html
    again = post(gateway, cookies, f"{SUBMIT}/redrive")
    assert (again["statusCode"], "(a redrive)" in again["body"]) == (409, True)
    stopped = post(gateway, cookies, f"{SUBMIT}/cancel")
    assert stopped["headers"]["Location"] == f"{SUBMIT}?done=stopped"
    gateway.dead_letters.move()
    html = page(gateway, cookies, SUBMIT)
    assert counted(html)["dead"] == 2
    assert "stopped</span>" in html
    assert post(gateway, cookies, f"{SUBMIT}/cancel")["statusCode"] == 404
    assert len([each for each in gateway.queues.waiting if each.queue is QueueName.SUBMIT]) == 1
    assert acts(gateway) == [("queue.redrive", "submit"), ("queue.cancel", "submit")]


@pytest.mark.parametrize("rate", ["0", "501", "-1", "1.5", "many", "١", "9" * 40, "1e2"])
def test_another_rate_is_refused_beside_its_field(
    rate: str, gateway: Gateway, cookies: dict[str, str]
) -> None:
    die(gateway)
    answer = post(gateway, cookies, f"{SUBMIT}/redrive", rate=rate)
    assert answer["statusCode"] == 400
    assert 'id="rate-problem">a whole number from 1 to 500' in answer["body"]
    assert gateway.dead_letters.tasks == []
    assert acts(gateway) == []


@pytest.mark.parametrize("rate", ["", "1", "500"])
def test_a_rate_reaches_sqs(rate: str, gateway: Gateway, cookies: dict[str, str]) -> None:
    assert post(gateway, cookies, f"{SUBMIT}/redrive", rate=rate)["statusCode"] == 303
    (task,) = gateway.dead_letters.tasks
    assert task.rate == (int(rate) if rate else None)


def test_what_was_not_counted_has_no_way_back(gateway: Gateway, cookies: dict[str, str]) -> None:
    path = f"{BASE}/activity_failures"
    gateway.dead_letters.put("ActivityFailures", '{"shardId": "s", "sequenceNumber": "1"}')
    html = page(gateway, cookies, path)
    assert "nothing can be moved back" in html
    assert "<form" not in html.partition("<main")[2]
    assert post(gateway, cookies, f"{path}/redrive")["statusCode"] == 400
    assert gateway.dead_letters.tasks == []


@pytest.mark.parametrize("act", ["", "/redrive"])
@pytest.mark.parametrize("name", ["other", "Submit", "submit_dead_letters", "%2e%2e", "x" * 300])
def test_there_is_no_other_queue(
    act: str, name: str, gateway: Gateway, cookies: dict[str, str]
) -> None:
    path = f"{BASE}/{name}{act}"
    assert visit(gateway, "GET", path, cookie=cookies)["statusCode"] == 404
    assert post(gateway, cookies, path)["statusCode"] in (404, 405)


def test_what_is_moved_back_is_done_by_its_function(
    gateway: Gateway, cookies: dict[str, str]
) -> None:
    """An export, whose task no process of the pipeline's tests takes."""
    created = visit(
        gateway,
        "POST",
        "/console/exports",
        fields={"account": "sandbox"},
        cookie=cookies,
    )
    path = created["headers"]["Location"]
    (message,) = gateway.queues.waiting
    gateway.queues.waiting.clear()
    gateway.dead_letters.put("ExportDeadLetters", message.body)
    assert message.body == ExportTask("sandbox", path.rpartition("/")[2]).encode()
    assert post(gateway, cookies, f"{BASE}/export/redrive")["statusCode"] == 303
    gateway.dead_letters.move()
    for _ in range(2):  # and once more, as SQS may deliver it
        (redriven,) = gateway.queues.waiting
        answer = gateway.call("files", sqs_event(redriven.body, queue="ExportQueue"))
        assert answer == {"batchItemFailures": []}
    assert "Download the file" in page(gateway, cookies, path)
