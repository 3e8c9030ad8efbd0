"""Whatever is asked on whatever route: nothing of another account is in the answer."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harkara.accept.requests import Options, Record
from harkara.activity.filters import GROUPS
from harkara.activity.happenings import EVENTS
from harkara.callbacks.dead_letters import dead_letter_entry
from harkara.model.accounts import Account
from harkara.model.activity import facts_of
from harkara.model.ledger import Lease
from harkara.model.messages import Category, Endpoint, MessageBatch, unpack
from harkara.model.tasks import Attempt, CallbackTask
from tests.functions.handlers import SANDBOX
from tests.functions.invoking import NOW, SECRET, Context
from tests.functions.listing import OTHER, Lists
from tests.functions.sending import MESSAGE, post

ACCOUNTS = {"sandbox": SANDBOX, "other": OTHER}
MARKS = {"sandbox": "MINE", "other": "THEIRS"}
NUMBERS = {"sandbox": "9198100", "other": "9199200"}


def record(account: str, number: int) -> Record:
    mark = MARKS[account]
    return Record(
        to=f"{NUMBERS[account]}{number:05d}",
        sender_id=mark,
        text=f"Hello {mark}",
        client_ref=f"{mark}-{number}",
        dlt_template_id=f"1107{NUMBERS[account]}",
        options=Options(
            campaign_id=f"{mark}/1", category=Category.OTP if number % 2 else Category.PROMOTIONAL
        ),
    )


def happen(lists: Lists, account: Account, batch: MessageBatch) -> None:
    """Let all that may happen to messages happen to those of a batch."""
    lease, at_s, mark = Lease("task", "worker", 0), int(NOW), MARKS[account.id]
    for index in range(len(batch.messages)):
        of = facts_of(batch, index, f"carrier-{mark}")
        ended = {"state": "failed", "code": "UNDELIVERED", "at": at_s, "operator": f"OP-{mark}"}
        kinds = f"click#{index:04d}#0", f"bot#{index:04d}#0"
        lists.store.put_if_absent(
            [
                lease.entry(batch.id, f"final#{index:04d}", carrier_code="", of=of, **ended),
                lease.entry(batch.id, f"corrected#{index:04d}", of=of, at=at_s, was="failed"),
                *(lease.entry(batch.id, each, of=of, at=at_s, url=mark) for each in kinds),
            ]
        )
    dead = CallbackTask("task", 0, 9, account.id, Endpoint("https://acme.example", "generic"), ())
    last = Attempt(int(NOW * 1000), 410, "")
    lists.store.put_if_absent([dead_letter_entry(lease, dead, last, [f"{mark}/1"])])


@pytest.fixture(scope="module")
def lists() -> Lists:
    lists = Lists()
    for account in ACCOUNTS.values():
        lists.send(account, *(record(account.id, number) for number in range(6)))
    for batch in [unpack(*row) for row in lists.store.packed.items()]:
        happen(lists, ACCOUNTS[batch.account_id], batch)
    for name, mark in MARKS.items():
        bad = {**MESSAGE, "to": "12", "client_ref": f"refused {mark}"}
        event = post("/v1/messages", bad, x_api_key=f"{name}.{SECRET}")
        lists.app("send").handler(event, Context())
    lists.now += 1
    lists.settle()
    return lists


VALUES = {
    "number": [f"{prefix}0000{at}" for prefix in NUMBERS.values() for at in (0, 1)],
    "client_ref": [f"{mark}-{at}" for mark in MARKS.values() for at in (0, 1)],
    "campaign": [f"{mark}/1" for mark in MARKS.values()],
    "state": ["failed", "refused", "pending"],
    "code": ["UNDELIVERED", "INVALID_NUMBER"],
    "sender": list(MARKS.values()),
    "template": [f"1107{prefix}" for prefix in NUMBERS.values()],
    "category": ["otp", "promotional"],
    "country": ["IN"],
    "event": list(EVENTS),
    "limit": ["1", "50"],
}
filters = st.fixed_dictionaries({}, optional={k: st.sampled_from(v) for k, v in VALUES.items()})


@st.composite
def questions(draw: Any, lists: Lists) -> tuple[str, dict[str, str]]:
    """Return a path and a query that name things of either account."""
    batches = [unpack(*row) for row in lists.store.packed.items()]
    mids = [mid for batch in batches for mid in batch.mids()]
    campaigns = [mark + "%2F1" for mark in MARKS.values()]
    path = draw(
        st.sampled_from(["/v1/messages", "/v1/stats", "/v1/reports", "/v1/campaigns"])
        | st.sampled_from([f"/v1/campaigns/{each}" for each in campaigns])
        | st.sampled_from([f"/v1/messages/{mid}" for mid in mids])
    )
    if path == "/v1/messages":
        return path, draw(filters)
    if path == "/v1/stats":
        return path, {"by": draw(st.sampled_from(GROUPS))}
    after = draw(st.sampled_from(["", *(f"{mark}/0" for mark in MARKS.values())]))
    return path, {"after": after} if path == "/v1/campaigns" and after else {}


@settings(max_examples=100, deadline=None)
@given(data=st.data(), account=st.sampled_from(sorted(ACCOUNTS)))
def test_an_answer_holds_nothing_of_another_account(
    data: st.DataObject, account: str, lists: Lists
) -> None:
    path, query = data.draw(questions(lists))
    (other,) = ACCOUNTS.keys() - {account}
    status, answer = lists.get(path, account, **query)
    text = json.dumps(answer)
    assert MARKS[other] not in text
    assert NUMBERS[other] not in text
    assert status in (200, 404)
    if status == 404:
        assert path.startswith(("/v1/campaigns/", "/v1/messages/"))


@pytest.mark.parametrize("account", ACCOUNTS)
@pytest.mark.parametrize("by", GROUPS)
def test_each_account_finds_its_own_counts_and_no_more(by: str, account: str, lists: Lists) -> None:
    _, stats = lists.get("/v1/stats", account, by=by)
    expected = {"accepted": 6, "refused": 1, "failed": 6, "corrected": 6}
    expected |= {"clicks": 6, "bots": 6, "parked": 1}
    assert {name: stats["totals"][name] for name in expected} == expected
    assert stats["as_of"]
