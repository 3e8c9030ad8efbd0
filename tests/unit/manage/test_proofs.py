"""Passwords, one-time codes and signed tickets."""

import hashlib
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.base.errors import FieldRefused
from harkara.base.keys import CONFIRMED_S, Keys
from harkara.manage.proofs import (
    Passwords,
    Ticket,
    Tickets,
    check_password,
    totp,
    totp_step_of,
    totp_uri,
)
from harkara.model.people import Purpose

CHEAP = Passwords(log_n=1, r=1, p=1)
SALT = bytes(range(16))
EMAIL = "asha@acme.example"
SECRET = b"12345678901234567890"
TICKET = Ticket("a" * 26, "B" * 22, 2_000)
NOW_S = 1_000.0


def tickets(*keys: bytes) -> Tickets:
    held = Keys(lambda: keys, lambda: NOW_S)
    return Tickets(held)


# Passwords


def test_the_default_cost_is_what_owasp_asks_for_and_fits_into_a_small_function() -> None:
    cost = Passwords()
    assert (cost.log_n, cost.r, cost.p) == (14, 8, 5)
    assert 128 * cost.r << cost.log_n == 16 * 1024 * 1024
    stored = cost.hash("correct horse battery", SALT)
    assert stored.startswith(f"$scrypt$ln=14,r=8,p=5${SALT.hex()}$")
    assert cost.verify("correct horse battery", stored)
    assert not cost.verify("correct horse batterz", stored)


def test_a_hash_is_scrypts_own() -> None:
    expected = hashlib.scrypt(b"correct horse", salt=SALT, n=4, r=2, p=3, dklen=32)
    stored = Passwords(2, 2, 3).hash("correct horse", SALT)
    assert stored == f"$scrypt$ln=2,r=2,p=3${SALT.hex()}${expected.hex()}"
    # By the parameters in the hash, whatever the present ones are.
    assert CHEAP.verify("correct horse", stored)
    assert not CHEAP.is_current(stored)
    assert CHEAP.is_current(CHEAP.hash("correct horse", SALT))


def test_without_a_hash_the_work_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[dict[str, Any]] = []
    scrypt = hashlib.scrypt

    def noting(password: bytes, **cost: Any) -> bytes:
        done.append({**cost, "salt": len(cost["salt"])})
        return scrypt(password, **cost)

    stored = CHEAP.hash("correct horse battery", SALT)
    monkeypatch.setattr(hashlib, "scrypt", noting)
    assert not CHEAP.verify("correct horse battery", "")
    assert CHEAP.verify("correct horse battery", stored)
    assert done[0] == done[1]


@pytest.mark.parametrize("stored", ["", "x", "$scrypt$", "$scrypt$ln=1,r=1,p=1$00$zz", "\0"])
@pytest.mark.parametrize("password", ["", "\0", "\ud800", "x" * 10_000, "correct horse battery"])
def test_no_password_fits_what_is_no_hash(password: str, stored: str) -> None:
    assert not CHEAP.verify(password, stored)


@pytest.mark.parametrize(
    ("password", "same"),
    [
        ("caf\u00e9 au lait, please", "cafe\u0301 au lait, please"),  # composed or not
        ("\uff43orrect horse battery", "correct horse battery"),  # full width
        ("correct\u00a0horse\u3000battery", "correct horse battery"),  # other spaces
        ("\u0928\u093c\u092e\u0938\u094d\u0924\u0947 \u0926\u0941\u0928\u093f\u092f\u093e 1",
         "\u0929\u092e\u0938\u094d\u0924\u0947 \u0926\u0941\u0928\u093f\u092f\u093e 1"),
    ],
)  # fmt: skip
def test_the_same_letters_are_one_password_however_a_keyboard_writes_them(
    password: str, same: str
) -> None:
    assert password != same
    assert CHEAP.verify(same, CHEAP.hash(password, SALT))


@pytest.mark.parametrize("other", ["Correct horse battery", " correct horse battery", "korrect"])
def test_case_and_blanks_count(other: str) -> None:
    assert not CHEAP.verify(other, CHEAP.hash("correct horse battery", SALT))


@pytest.mark.parametrize(
    ("password", "good"),
    [
        ("abcdefghijk", False),  # 11
        ("abcdefghijkl", True),
        ("abcdefghij" * 100, True),  # 1,000
        ("abcdefghij" * 100 + "k", False),
        ("", False),
        ("aaaaaaaaaaaaaaaa", False),
        ("abababababababab", False),
        ("abcdefghijkl\0", False),
        ("abcdefghijkl\n", False),
        ("abcdefghijkl\x7f", False),
        ("abcdefghijkl\ud800", False),
        ("\ufdfa", False),  # one character, eighteen once it is normalised
        ("cafe\u0301 au l", False),  # eleven on paper is ten composed
        ("\u092a\u093e\u0938\u0935\u0930\u094d\u0921 \u0932\u0902\u092c\u093e", True),
        ("\U0001f600\U0001f601\U0001f602\U0001f603\U0001f604" * 3, True),
        (EMAIL, False),
        (EMAIL.upper(), False),
        (EMAIL + "!", True),
        ("Bobby'); DROP TABLE users;--", True),
    ],
)
def test_which_passwords_may_be_set(password: str, good: bool) -> None:
    if good:
        check_password(password, EMAIL)
        return
    with pytest.raises(FieldRefused) as refusal:
        check_password(password, EMAIL)
    assert refusal.value.field == "password"
    assert not password or password not in str(refusal.value)


# One-time codes

VECTORS = {
    59: ("94287082", "46119246", "90693936"),
    1111111109: ("07081804", "68084774", "25091201"),
    1111111111: ("14050471", "67062674", "99943326"),
    1234567890: ("89005924", "91819424", "93441116"),
    2000000000: ("69279037", "90698825", "38618901"),
    20000000000: ("65353130", "77737706", "47863826"),
}


@pytest.mark.parametrize(("at_s", "codes"), VECTORS.items())
def test_codes_are_those_of_rfc_6238_appendix_b(at_s: int, codes: Sequence[str]) -> None:
    for algorithm, length, code in zip(
        ("sha1", "sha256", "sha512"), (20, 32, 64), codes, strict=True
    ):
        secret = (SECRET * 4)[:length]
        assert totp(secret, at_s // 30, digits=8, algorithm=algorithm) == code
    assert totp(SECRET, at_s // 30) == codes[0][-6:]


@pytest.mark.parametrize(
    ("steps", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_a_clock_may_be_a_step_off(steps: int, taken: bool) -> None:
    step = int(NOW_S) // 30 + steps
    found = totp_step_of(SECRET, totp(SECRET, step), NOW_S, after=0)
    assert found == (step if taken else None)


def test_a_code_and_those_before_it_count_once() -> None:
    now = int(NOW_S) // 30
    codes = {step: totp(SECRET, step) for step in (now - 1, now, now + 1)}
    for step, code in codes.items():
        for after in codes:
            expected = step if step > after else None
            assert totp_step_of(SECRET, code, NOW_S, after) == expected


@pytest.mark.parametrize(
    "code", ["", "12345", "1234567", "\u0661" * 6, "-12345", "1e3456", "\0" * 6]
)
def test_what_is_no_code_is_wrong(code: str) -> None:
    assert totp_step_of(SECRET, code, NOW_S, 0) is None


def test_a_code_may_be_written_as_apps_show_it() -> None:
    code = totp(SECRET, int(NOW_S) // 30)
    assert totp_step_of(SECRET, f" {code[:3]} {code[3:]} ", NOW_S, 0) is not None


def test_the_uri_is_what_apps_read() -> None:
    assert totp_uri(b"12345678901234567890", "a+b@acme.example") == (
        "otpauth://totp/Harkara:a%2Bb%40acme.example"
        "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Harkara"
    )


# Tickets


def test_a_ticket_is_read_for_its_purpose_until_its_end_and_by_any_kept_key() -> None:
    text = tickets(b"old").sign(Purpose.COOKIE, TICKET)
    for keys in ((b"old",), (b"new", b"old")):
        assert tickets(*keys).read(Purpose.COOKIE, text, 1_999.9) == TICKET
    assert tickets(b"old").read(Purpose.COOKIE, text, 2_000) is None
    assert tickets(b"new").read(Purpose.COOKIE, text, NOW_S) is None
    for purpose in (Purpose.INVITATION, Purpose.LINK):
        assert tickets(b"old").read(purpose, text, NOW_S) is None


def test_a_ticket_of_a_key_that_another_process_has_just_made_is_read() -> None:
    values, now_s = [b"old"], NOW_S
    keys = Keys(lambda: list(values), lambda: now_s)
    text = tickets(b"new").sign(Purpose.COOKIE, TICKET)
    values.insert(0, b"new")
    now_s += CONFIRMED_S
    assert Tickets(keys).read(Purpose.COOKIE, text, NOW_S) == TICKET


@given(index=st.integers(min_value=0), character=st.characters())
def test_an_altered_ticket_is_refused(index: int, character: str) -> None:
    signer = tickets(b"key")
    text = signer.sign(Purpose.COOKIE, TICKET)
    index %= len(text)
    altered = text[:index] + character + text[index + 1 :]
    assert (signer.read(Purpose.COOKIE, altered, NOW_S) is None) == (altered != text)


@given(text=st.text() | st.from_regex(r"[a-z2-7]{26}\.\w{22}\.[0-9]{1,20}\.\w{43}", fullmatch=True))
def test_whatever_else_is_no_ticket(text: str) -> None:
    assert tickets(b"key").read(Purpose.COOKIE, text, 0) is None


@pytest.mark.parametrize("end", ["\n", " ", "=", "\0", ".", "x"])
def test_nothing_may_follow_a_ticket(end: str) -> None:
    signer = tickets(b"key")
    text = signer.sign(Purpose.COOKIE, TICKET)
    assert signer.read(Purpose.COOKIE, text + end, NOW_S) is None
    assert signer.read(Purpose.COOKIE, end + text, NOW_S) is None
