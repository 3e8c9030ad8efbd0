"""`harkara callback`: all operations on a callback; its secrets are never shown."""

from pathlib import Path

import pytest

from harkara.aws.destinations import decrypt
from harkara.aws.limits import DynamoLimitStore
from harkara.callbacks.formats.clevertap import RETRY_DELAYS_S
from harkara.manage.dead_letter_fields import PAGE_LIMIT
from harkara.model.callbacks import CallbackEndpoint, CallbackSecrets, PostResult
from harkara.model.messages import State
from harkara.model.tasks import CallbackTask, decode_dlr
from harkara.state.endpoint_health import EndpointHealth, Verdict
from harkara.state.rates import RateLimiter
from tests.local.operators import Operator

ADD = "callback add acme main --url https://hooks.acme.in/dlr"
TOKEN = "not-a-real-token"


@pytest.fixture
def operator() -> Operator:
    return Operator().with_account(callback_hosts=("acme.in",))


def callback_of(operator: Operator) -> CallbackEndpoint:
    account = operator.store.account("acme")
    assert account is not None
    return account.callbacks["main"]


def secrets_of(operator: Operator) -> CallbackSecrets:
    return decrypt(operator.client("kms"), "acme", "main", callback_of(operator).encrypted)


def test_every_field_can_be_given(operator: Operator) -> None:
    line = f"{ADD} --name Ours --states delivered failed --events status --concurrency 5 --rate 2.5"
    assert operator(f"{line} --every-click --json").json() == {"added": "main"}
    callback = callback_of(operator)
    assert (callback.name, callback.concurrency, callback.rate_per_s) == ("Ours", 5, 2.5)
    assert callback.states == (State.DELIVERED, State.FAILED)
    assert callback.every_click
    (row,) = operator("callback list acme --json").json()
    assert row["states"] == ["delivered", "failed"]
    assert "encrypted" not in row


def test_the_generic_format_has_names_of_the_customers_own(operator: Operator) -> None:
    assert operator(f"{ADD} --format generic --fields mid=id status=state --as-array").status == 0
    callback = callback_of(operator)
    assert callback.fields == {"mid": "id", "status": "state"}
    assert callback.as_array


def test_secrets_are_given_kept_and_taken_out(operator: Operator, tmp_path: Path) -> None:
    (tmp_path / "headers").write_text('{"X-Key": "not-a-real-key"}')
    (tmp_path / "none").write_text("{}")
    operator(f"{ADD} --token-file - --headers {tmp_path}/headers", f"{TOKEN}\n")
    kept = CallbackSecrets(headers={"x-key": "not-a-real-key"}, token=TOKEN)
    assert secrets_of(operator) == kept
    operator(f"{ADD} --name Changed")
    assert secrets_of(operator) == kept
    listed = operator("callback list acme --json").out
    assert "not-a-real" not in listed
    assert '"has_token": true' in listed
    operator(f"{ADD} --no-token")
    assert secrets_of(operator) == kept.model_copy(update={"token": ""})
    operator(f"{ADD} --headers {tmp_path}/none")
    assert callback_of(operator).encrypted == b""


def test_a_signing_secret_is_shown_once(operator: Operator) -> None:
    operator(ADD)
    first = operator("callback secret acme main --json").json()["secret"]
    second = operator("callback secret acme main --overlap 2h --json").json()["secret"]
    valid = [(each.secret, each.expires_at_s) for each in secrets_of(operator).signing]
    assert valid == [(second, 0), (first, operator.clock.now_s + 7200)]
    assert second not in operator("callback list acme --json").out


def test_signing_is_turned_off(operator: Operator) -> None:
    operator(ADD)
    operator("callback secret acme main")
    assert operator("callback secret acme main --off --json").json()["signed"] is False
    assert callback_of(operator).encrypted == b""
    assert operator("callback secret acme gone --off").status == 1


def test_a_schedule_of_its_own(operator: Operator) -> None:
    operator(f"{ADD} --retry-delays 60 600")
    assert callback_of(operator).retry_delays_s == (60, 600)
    operator(f"{ADD} --retry-delays 0")
    assert callback_of(operator).retry_delays_s == ()
    operator(ADD)
    assert callback_of(operator).retry_delays_s == RETRY_DELAYS_S


def test_a_sample_is_posted(operator: Operator) -> None:
    operator(ADD)
    operator.platform.script = [503]
    answer = operator("callback test acme main --json").json()
    assert (answer["status"], answer["reason"]) == (503, "HTTP 503")
    ((webhook_id, _, _),) = operator.platform.posts
    assert webhook_id.startswith("test-")


@pytest.mark.parametrize(
    "line", [ADD, "callback test acme main", "callback replay acme main --all"]
)
def test_an_endpoint_that_was_gone_is_posted_to_again(line: str, operator: Operator) -> None:
    operator(ADD)
    operator.park(1)
    endpoint, settings = callback_of(operator).endpoint, callback_of(operator)

    def endpoint_health() -> EndpointHealth:
        counted = DynamoLimitStore(operator.client("dynamodb"), "Messages")
        return EndpointHealth(
            counted, RateLimiter(counted, operator.clock, lambda: 0.5), operator.clock
        )

    seen = endpoint_health()
    admission = seen.acquire("acme", endpoint, settings, "lease", 10)
    seen.report("acme", endpoint, admission, PostResult(410, "HTTP 410"))
    assert (
        endpoint_health().acquire("acme", endpoint, settings, "other", 10).verdict is Verdict.GONE
    )
    assert operator(line).status == 0
    assert (
        endpoint_health().acquire("acme", endpoint, settings, "another", 10).verdict is Verdict.POST
    )


def test_what_was_not_taken_is_listed(operator: Operator) -> None:
    operator(ADD)
    ids = [operator.park(number) for number in range(PAGE_LIMIT + 2)]
    listed = operator("callback parked acme main --json --limit 101").json()
    assert [row["id"] for row in listed] == ids[:101]
    assert listed[0]["messages"] == [{"mid": "M", "client_ref": "ref"}]
    times = "--from 2026-01-01T09:00:01Z --to 2026-01-01T14:30:03+05:30"
    assert operator(f"callback parked acme main {times}").out.splitlines() == [
        "id                  status  reason    answer",
        "1767258001000.q1.0  503     HTTP 503  busy",
        "1767258002000.q2.0  503     HTTP 503  busy",
    ]
    assert operator("callback parked acme -").out == "none\n"


def test_what_was_not_taken_is_replayed(operator: Operator) -> None:
    operator(ADD)
    first, *_ = (operator.park(number) for number in range(4))
    for line, count in (
        (f"--ids {first} {first}", 1),
        ("--to 2026-01-01T09:00:02Z", 1),
        ("--all", 2),
        ("--all", 0),
    ):
        answer = operator(f"callback replay acme main {line} --json").json()
        assert answer == {"replayed": count, "complete": True}
    assert operator.messages.items == {}
    bodies = [
        entry["MessageBody"]
        for _, sent in operator.services["sqs"].requests
        for entry in sent["Entries"]
    ]
    tasks = map(decode_dlr, bodies)
    task_ids = [task.group_task_id for task in tasks if isinstance(task, CallbackTask)]
    assert task_ids == ["q0", "q1", "q2", "q3"]


@pytest.mark.parametrize(
    ("line", "status", "says"),
    [
        (f"{ADD} --concurrency 1001", 1, "harkara: --concurrency: a whole number from 0 to 1,000"),
        (f"{ADD} --rate -1", 1, "harkara: --rate: "),
        (f"{ADD} --states sent", 2, "'--states': 'sent' is not one of"),
        (f"{ADD} --format xml", 2, "use one of clevertap"),
        (f"{ADD} --format generic --fields mid", 2, "write it as smsgid=reference"),
        (f"{ADD} --format generic --fields price=cost", 1, "--fields: an object of event, mid"),
        (f"{ADD} --headers gone.json", 2, "gone.json cannot be read"),
        (f"{ADD} --token-file gone", 1, "gone cannot be read"),
        (f"{ADD} --token-file -", 1, "the secret is empty"),
        (f"{ADD} --no-token --token-file -", 2, "--no-token and --token-file contradict"),
        ("callback secret acme gone", 1, "the account acme has no gone"),
        ("callback secret acme gone --overlap 8d", 1, "harkara: --overlap: "),
        ("callback test acme gone", 1, "the account acme has no gone"),
        ("callback test gone main", 1, "there is no account gone"),
        ("callback parked acme gone", 1, "the account acme has no gone"),
        ("callback parked acme - --from 2026-01-01", 1, "harkara: --from: a time with its offset"),
        ("callback replay acme gone --all", 1, "the account acme has no gone"),
        ("callback replay acme -", 2, "say which: --ids, --from, --to, or --all"),
        ("callback replay acme - --ids x", 1, "harkara: --ids: 1 to 1,000 ids"),
    ],
)
def test_what_cannot_be_done_says_why_and_changes_nothing(
    line: str, status: int, says: str, operator: Operator
) -> None:
    before = dict(operator.table.items)
    done = operator(line)
    assert (done.status, done.out) == (status, "")
    assert says in done.err
    assert done.err.count("\n") == 1
    assert operator.table.items == before
