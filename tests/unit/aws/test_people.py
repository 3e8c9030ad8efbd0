"""Users and the audit log in DynamoDB: the shapes of calls, lost races, pages and what remains."""

from collections.abc import Callable
from typing import Any

import pytest

from harkara.aws.people import DynamoUserStore, KmsUserCipher
from harkara.base.errors import FieldRefused, StoreUnavailable
from harkara.base.time import DAY_S
from harkara.model.people import AuditEntry, OneTime, Purpose, Role, User, user_id_of
from tests.support.dynamo import ACCOUNTS, Dynamo
from tests.support.tables import Table
from tests.unit.scripted_aws import LOST, Refusal, ScriptedAws

NOW_S = 1_767_258_000
EMAIL = "asha@acme.example"
ASHA = User(
    email=EMAIL,
    account_id="acme",
    role=Role.ADMIN,
    created_at_s=NOW_S,
    totp_secret=b"\x00\xff",
    one_time=OneTime(id="x", purpose=Purpose.INVITATION, expires_at_s=NOW_S + 1),
)


class Users:
    """A store on a table in memory, in pages of two items."""

    def __init__(self, **options: Any) -> None:
        self.now_s = float(NOW_S)
        self.table = Table(clock=lambda: self.now_s)
        self.aws = ScriptedAws("dynamodb", self.table)
        self.drawn = 0
        self.store = DynamoUserStore(
            self.aws.client, "Accounts", lambda: self.now_s, self.random, **options
        )

    def random(self, count: int) -> bytes:
        self.drawn += 1
        return self.drawn.to_bytes(count, "big")

    def entry(self, action: str = "user.invite", account: str | None = "acme") -> AuditEntry:
        return AuditEntry(int(self.now_s * 1000), account, "olga", action, "s", "192.0.2.1")

    def actions(self, account: str | None = "acme") -> list[str]:
        return [entry.action for entry in self.store.audit(account, "", 100).entries]


def renamed(role: Role) -> Callable[[User], User]:
    return lambda user: user.model_copy(update={"role": role})


def test_what_was_stored_is_what_is_read() -> None:
    users = Users()
    assert users.store.create(ASHA, users.entry())
    assert users.store.get(ASHA.id) == ASHA
    assert users.store.get("gone") is None
    assert users.store.users("acme") == [ASHA]
    assert [*users.table.items] == [
        (f"user#{user_id_of(EMAIL)}", "user"),
        ("users#acme", EMAIL),
        ("audit#acme", f"{10**13 - 1 - NOW_S * 1000:013d}#{'1'.zfill(16)}"),
    ]


def test_a_taken_address_stores_nothing() -> None:
    users = Users()
    users.store.create(ASHA, users.entry())
    before = dict(users.table.items)
    other = ASHA.model_copy(update={"account_id": "other"})
    assert not users.store.create(other, users.entry(account="other"))
    assert users.table.items == before


def test_a_change_and_its_entry_are_one_transaction() -> None:
    users = Users()
    users.store.create(ASHA, users.entry())
    users.aws.requests.clear()
    changed = users.store.change(
        ASHA.id, renamed(Role.VIEWER), lambda user: users.entry(f"user.{user.role}")
    )
    assert changed == ASHA.model_copy(update={"role": Role.VIEWER})
    assert users.store.get(ASHA.id) == changed
    assert users.aws.operations[:2] == ["GetItem", "TransactWriteItems"]
    assert {*users.actions()} == {"user.invite", "user.viewer"}


def test_what_changes_nothing_writes_nothing() -> None:
    users = Users()
    users.store.create(ASHA, users.entry())
    users.aws.requests.clear()
    assert users.store.change(ASHA.id, lambda user: user, lambda _: users.entry()) == ASHA
    assert users.store.change("gone", lambda user: user) is None
    assert users.aws.operations == ["GetItem", "GetItem"]


def test_a_change_that_another_overtook_is_made_of_what_the_other_left() -> None:
    users, seen = Users(), list[Role]()
    users.store.create(ASHA, users.entry())

    def change(user: User) -> User:
        seen.append(user.role)
        if len(seen) == 1:
            users.store.change(ASHA.id, renamed(Role.MARKETER), lambda _: users.entry("first"))
        return user.model_copy(update={"disabled": True})

    changed = users.store.change(ASHA.id, change, lambda _: users.entry("second"))
    assert changed is not None
    assert (changed.role, changed.disabled) == (Role.MARKETER, True)
    assert seen == [Role.ADMIN, Role.MARKETER]
    assert sorted(users.actions()) == ["first", "second", "user.invite"]


def test_who_keeps_losing_gives_up() -> None:
    users = Users()
    users.store.create(ASHA, users.entry())

    def overtaken(user: User) -> User:
        users.store.change(
            ASHA.id, lambda user: user.model_copy(update={"totp_step": user.totp_step + 1})
        )
        return user.model_copy(update={"disabled": True})

    with pytest.raises(StoreUnavailable):
        users.store.change(ASHA.id, overtaken)
    found = users.store.get(ASHA.id)
    assert found is not None
    assert not found.disabled


def test_a_removal_that_a_change_overtook_looks_again() -> None:
    users, seen = Users(), list[Role]()
    users.store.create(ASHA, users.entry())

    def check(user: User) -> None:
        seen.append(user.role)
        if len(seen) == 1:
            users.store.change(ASHA.id, renamed(Role.MARKETER))

    assert users.store.remove(ASHA.id, check, lambda user: users.entry(f"gone.{user.role}"))
    assert seen == [Role.ADMIN, Role.MARKETER]
    assert {*users.actions()} == {"user.invite", "gone.marketer"}
    assert users.store.users("acme") == []
    assert users.store.get(ASHA.id) is None
    assert not users.store.remove(ASHA.id, check, lambda _: users.entry())


def test_the_log_is_read_newest_first_in_pages_without_what_has_expired(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    users = Users(audit_kept_s=DAY_S)
    for number in range(7):
        users.now_s = NOW_S + number
        users.store.record(users.entry(str(number)))
    first = users.store.audit("acme", "", 3)
    assert first.cursor is not None
    second = users.store.audit("acme", first.cursor, 4)
    assert [entry.action for entry in first.entries] == ["6", "5", "4"]
    assert [entry.action for entry in second.entries] == ["3", "2", "1", "0"]
    assert second.cursor is None
    assert first.entries[0] == AuditEntry((NOW_S + 6) * 1000, "acme", "olga", "6", "s", "192.0.2.1")
    monkeypatch.setattr(users.table.caprices, "late_s", lambda _: 10 * DAY_S)
    users.now_s = NOW_S + DAY_S + 4
    assert users.actions() == ["6", "5", "4"]
    assert users.actions("other") == users.actions(None) == []


def test_a_cursor_is_checked_before_it_is_used() -> None:
    users = Users()
    with pytest.raises(FieldRefused):
        users.store.audit("acme", "user#x", 3)
    assert users.aws.operations == []


def test_an_account_is_erased_in_batches() -> None:
    dynamo = Dynamo(lambda: NOW_S, seed=1)
    store = DynamoUserStore(dynamo, ACCOUNTS, lambda: NOW_S, pause=lambda _: None)
    for number in range(60):
        user = ASHA.model_copy(update={"email": f"u{number}@acme.example"})
        store.create(user, AuditEntry(NOW_S * 1000 + number, "acme", "olga", "user.invite"))
    kept = ASHA.model_copy(update={"account_id": "other"})
    store.create(kept, AuditEntry(NOW_S * 1000, "other", "olga", "user.invite"))
    assert len(store.users("acme")) == 60
    assert store.erase("acme") == 60
    assert {pk.partition("#")[2] for pk, _ in dynamo.tables[ACCOUNTS].items} == {
        *(kept.id, "other"),
    }


@pytest.mark.parametrize("answer", [LOST, Refusal("ProvisionedThroughputExceededException")])
def test_aws_in_trouble_is_one_error(answer: Exception) -> None:
    store = DynamoUserStore(
        ScriptedAws("dynamodb", answer).client, "Accounts", pause=lambda _: None
    )
    entry = AuditEntry(0, "acme", "olga", "user.invite")
    for call in (
        lambda: store.get(ASHA.id),
        lambda: store.create(ASHA, entry),
        lambda: store.change(ASHA.id, renamed(Role.VIEWER)),
        lambda: store.remove(ASHA.id, lambda _: None, lambda _: entry),
        lambda: store.users("acme"),
        lambda: store.record(entry),
        lambda: store.audit("acme", "", 1),
        lambda: store.erase("acme"),
    ):
        with pytest.raises(StoreUnavailable):
            call()


def test_a_secret_is_encrypted_for_its_user_alone() -> None:
    def kms(operation: str, params: dict[str, Any]) -> dict[str, Any]:
        assert params["EncryptionContext"] == {"user": ASHA.id}
        if operation == "Decrypt":
            return {"Plaintext": params["CiphertextBlob"][::-1]}
        assert params["KeyId"] == "key"
        return {"CiphertextBlob": params["Plaintext"][::-1]}

    cipher = KmsUserCipher(ScriptedAws("kms", kms).client, "key")
    encrypted = cipher.encrypt(ASHA.id, b"secret")
    assert encrypted == b"terces"
    assert cipher.decrypt(ASHA.id, encrypted) == b"secret"
    away = KmsUserCipher(ScriptedAws("kms", LOST).client, "key")
    with pytest.raises(StoreUnavailable):
        away.encrypt(ASHA.id, b"secret")
    with pytest.raises(StoreUnavailable):
        away.decrypt(ASHA.id, encrypted)
