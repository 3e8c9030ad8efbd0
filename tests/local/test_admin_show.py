"""Each thing is shown, removed while nothing uses it, and removed only after a question."""

import io
import sys

import pytest

from harkara.aws.messages import DynamoMessageStore, item_of
from harkara.base.time import DAY_S
from harkara.model.ledger import LedgerEntry, final_kind
from harkara.model.messages import pack
from tests.local.operators import CARRIER, NOW, Operator
from tests.unit.dispatching import BATCH

MID = BATCH.mid(3)


@pytest.fixture
def operator() -> Operator:
    operator = Operator().with_account(callback_hosts=("acme.in",))
    for line in (
        "callback add acme main --url https://hooks.acme.in/dlr?key=not-a-real-key",
        "sender add acme ACMEBK --categories otp",
        "credential create acme user --scopes send",
        "user invite acme asha@acme.example --role viewer",
    ):
        assert operator(line).status == 0
    assert operator("template import acme -", TEMPLATES).status == 0
    return operator


TEMPLATES = "Template ID,Content,Type\n1107,Code {#numeric#},OTP\n"


@pytest.mark.parametrize(
    ("line", "facts"),
    [
        ("carrier show sim", {"carrier": "sim", "kind": "datasend", "connections": 64}),
        ("callback show acme main", {"id": "main", "url": "https://hooks.acme.in/dlr?..."}),
        ("sender show acme ACMEBK", {"header": "ACMEBK", "categories": ["otp"]}),
        ("template show acme 1107", {"template_id": "1107", "text": "Code {#numeric#}"}),
        ("credential show user", {"account": "acme", "username": "user", "scopes": ["send"]}),
        ("user show asha@acme.example", {"account": "acme", "state": "invited"}),
        ("suppression show acme", {"account": "acme", "suppression": False, "promotion": 0}),
    ],
)
def test_a_thing_is_shown(line: str, facts: dict[str, object], operator: Operator) -> None:
    shown = operator(f"{line} --json").json()
    assert facts.items() <= shown.items()
    assert operator(line).status == 0


@pytest.mark.parametrize(
    "line",
    [
        *("carrier show gone", "callback show acme gone", "sender show acme GONE"),
        *("template show acme 1", "credential show gone", "user show gone@acme.example"),
        *("suppression show gone", f"message show {MID}", "message show no-mid"),
        *("carrier remove gone --yes", "account remove gone --yes"),
    ],
)
def test_what_is_not_there_is_refused_in_a_line(line: str, operator: Operator) -> None:
    done = operator(line)
    assert (done.status, done.out) == (1, "")
    assert done.err.count("\n") == 1
    assert line.removesuffix(" --yes").split()[-1] in done.err


@pytest.mark.parametrize(
    "noun",
    ["account", "carrier", "callback acme", "sender acme", "template acme", "credential acme"],
)
def test_a_table_of_any_noun_has_80_columns(noun: str, operator: Operator) -> None:
    name, *account = noun.split()
    lines = operator(" ".join([name, "list", *account])).out.splitlines()
    assert len(lines) == 2
    assert max(map(len, lines)) <= 80


def test_a_message_is_shown_with_its_timeline(operator: Operator) -> None:
    store = DynamoMessageStore(
        operator.client("dynamodb"), "Messages", retention_s=DAY_S, clock=operator.clock
    )
    store.put_batch(BATCH.id, pack(BATCH), BATCH.due_at_ms)
    data = {"state": "failed", "at": NOW, "code": "DND", "carrier_code": "650"}
    final = LedgerEntry(BATCH.id, final_kind(3), "task", "", 0, data)
    operator.messages.items[final.key] = dict(item_of(final, {"N": str(NOW + DAY_S)}))
    history = operator(f"message show {MID} --json").json()
    assert (history["account"], history["mid"], history["state"]) == ("acme", MID, "failed")
    assert [step["step"] for step in history["timeline"]] == ["accepted", "failed"]
    shown = operator(f"message show {MID}").out
    assert "Hello" not in shown
    assert "2026-01-01T09:00:00.000Z  failed    code: DND, carrier_code: 650" in shown
    assert operator(f"message show {BATCH.mid(30)}").status == 1


def test_a_carrier_is_removed_once_nothing_leads_to_it(operator: Operator) -> None:
    operator.store.put_carrier(CARRIER.model_copy(update={"name": "other"}))
    operator("route set * --prefix 44 --carriers sim other")
    for line, says in (
        ("account set acme --carrier other", "acme send by sim"),
        ("route set * --prefix 44 --carriers other", "routes of * lead to sim"),
    ):
        refused = operator("carrier remove sim --yes")
        assert (refused.status, says in refused.err) == (1, True)
        assert operator(line).status == 0
    assert operator("carrier remove sim --yes --json").json() == {"removed": "sim"}
    assert operator.store.carrier("sim") is None


def test_an_account_is_removed_once_nothing_uses_it(operator: Operator) -> None:
    operator("carrier put sim --inbound 56161=acme")
    operator("suppression add acme 9876543210")
    operator("pause campaign acme spring --yes")
    for line, says in (
        ("account drain acme --yes", "account drain acme"),
        ("resume campaign acme spring", "paused messages would go out"),
        ("credential revoke user --yes", "revoke its credentials, user"),
        ("user erase acme --yes", "user erase acme"),
        ("carrier put sim --inbound", "--inbound of sim"),
    ):
        refused = operator("account remove acme --yes")
        assert (refused.status, says in refused.err) == (1, True)
        assert operator(line).status == 0
    assert operator("account remove acme --yes --json").json() == {"removed": "acme"}
    left = {partition for partition, _ in operator.table.items}
    assert left == {"carrier#sim", "audit#*"}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stdin", "status", "says"),
    [
        (io.StringIO("y\n"), 1, "give --yes"),
        (Terminal("n\n"), 1, "nothing was changed"),
        (Terminal("\n"), 1, "nothing was changed"),
        (Terminal(""), 1, "nothing was changed"),
        (Terminal("y\n"), 0, ""),
    ],
    ids=["no terminal", "no", "the default", "its end", "yes"],
)
def test_what_drops_something_asks_first(
    stdin: io.StringIO,
    status: int,
    says: str,
    operator: Operator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", stdin)
    done = operator("credential revoke user")
    assert (done.status, done.out.strip()) == (status, "" if status else "revoked  user")
    assert says in done.err
    assert (operator.store.credential("user") is None) is (status == 0)
