"""An account's rate limit on the real table, and requests that are sent again."""

import httpx
import pytest

from harkara.aws.limits import DynamoLimitStore
from harkara.model.accounts import Account, Enforcement, Limits
from tests.stack.campaigns import Lab, metas_of, record, wait_until
from tests.support.fakes import calling_back

pytestmark = pytest.mark.stack

CALLED_BACK_WITHIN_S = 180
PASSES_AGAIN_WITHIN_S = 180
EXPIRES_AT_S = 4_102_444_800


@pytest.fixture(scope="module")
def limited(lab: Lab) -> str:
    """Return an account that may send one request in ten seconds."""
    lab.add_account(
        Account(
            id="limited",
            name="A request in ten seconds",
            carrier="sim",
            **calling_back(lab.callback_url("limited")),
            callback_hosts=("127.0.0.1",),
            dlt=Enforcement.OFF,
            limits=Limits(requests_per_s=0.1),
        )
    )
    return "limited"


def test_a_text_is_swapped_only_for_the_one_that_was_seen(lab: Lab) -> None:
    store = DynamoLimitStore(lab.stack.client("dynamodb"), lab.stack.outputs["MessagesTableName"])
    name = "rate#nobody#0"
    assert store.swap(name, "", "one", EXPIRES_AT_S) is None
    assert store.swap(name, "", "two", EXPIRES_AT_S) == "one"
    assert store.swap(name, "other", "two", EXPIRES_AT_S) == "one"
    assert store.swap(name, "one", "two", EXPIRES_AT_S) is None
    assert store.swap("rate#nobody#1", "gone", "one", EXPIRES_AT_S) == ""


def test_who_sends_too_fast_is_told_when_to_send_again(lab: Lab, limited: str) -> None:
    answers: list[httpx.Response] = []

    def send() -> httpx.Response:
        answers.append(lab.send([record(f"limited-{len(answers)}")], limited))
        return answers[-1]

    assert send().status_code == 200
    refused = send()
    assert refused.status_code == 429
    assert refused.json()["Error"] == "RATE_LIMITED"
    assert 1 <= int(refused.headers["retry-after"]) <= 10
    assert wait_until(lambda: send().status_code == 200, PASSES_AGAIN_WITHIN_S)
    assert {answer.status_code for answer in answers} == {200, 429}


def test_a_request_sent_again_under_its_key_is_answered_the_same_and_goes_out_once(
    lab: Lab,
) -> None:
    rows = [record(f"again-{number}") for number in range(3)]
    first, second = (lab.send(rows, key="stack-again") for _ in range(2))
    assert first.status_code == 200
    assert second.content == first.content
    other = lab.send(rows[:1], key="stack-again")
    assert (other.status_code, other.json()["Error"]) == (409, "IDEMPOTENCY_CONFLICT")

    refs = {row["smsgid"] for row in rows}

    def all_called_back() -> bool:
        return refs <= {ref for post in lab.callbacks() for ref in metas_of(post)}

    assert wait_until(all_called_back, CALLED_BACK_WITHIN_S)
    taken = lab.submissions()["by_mid"]
    assert [taken.get(row["mid"]) for row in first.json()] == [1] * 3
