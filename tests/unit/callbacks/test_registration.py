"""The secrets of a callback: input, storage, renewal and limits."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from harkara.base.errors import FieldRefused
from harkara.callbacks.registration import (
    DAY_S,
    HEADERS_LIMIT,
    OVERLAP_LIMIT_S,
    SECRET_LIMIT,
    RenewSecret,
    callback_of,
    secrets_of,
)
from harkara.manage.resources import fields_of
from harkara.model.callbacks import SIGNING_SECRETS, CallbackSecrets, SigningSecret
from harkara.model.fields import read

CALLBACK = {"id": "main", "url": "https://api.clevertap.com/dlr"}
SECRETS = CallbackSecrets(
    headers={"x-key": "not-a-real-key"},
    token="not-a-real-token",
    signing=(SigningSecret(secret="whsec_a"),),
)
# The most that KMS encrypts in one call.
KMS_LIMIT_BYTES = 4096
SIGNING = "whsec_" + "x" * 44


@pytest.mark.parametrize(
    ("fields", "update"),
    [
        pytest.param({}, {}, id="nothing"),
        pytest.param({"headers": None, "token": None}, {}, id="nulls"),
        pytest.param({"token": "other"}, {"token": "other"}, id="a token"),
        pytest.param({"token": ""}, {"token": ""}, id="no token"),
        pytest.param({"headers": {"X-A": "b"}}, {"headers": {"x-a": "b"}}, id="headers"),
        pytest.param({"headers": {}}, {"headers": {}}, id="no headers"),
        pytest.param(
            {"headers": {"Authorization": "Key b"}, "token": ""},
            {"headers": {"authorization": "Key b"}, "token": ""},
            id="an authorization in place of the token",
        ),
    ],
)
def test_what_is_given_takes_the_place_of_what_was(
    fields: dict[str, Any], update: dict[str, Any]
) -> None:
    assert secrets_of(fields).over(SECRETS) == SECRETS.model_copy(update=update)


def test_a_callback_holds_and_shows_nothing_that_is_secret() -> None:
    callback = callback_of({**CALLBACK, "headers": {"x-key": "s3cret"}, "token": "s3cret"})
    assert "s3cret" not in callback.model_dump_json()
    encrypted = callback.model_copy(update={"encrypted": b"s3cret"})
    assert not {"encrypted", "token", "headers"} & fields_of(encrypted).keys()


def test_a_header_of_the_token_s_name_is_refused_beside_it() -> None:
    for fields in ({"headers": {"Authorization": "Key b"}}, {"headers": {"authorization": "b"}}):
        with pytest.raises(FieldRefused, match="^headers: no authorization"):
            secrets_of(fields).over(SECRETS)


def test_as_many_headers_as_there_may_be() -> None:
    headers = {f"x-{number}": "y" for number in range(HEADERS_LIMIT)}
    assert secrets_of({"headers": headers}).headers == headers
    with pytest.raises(FieldRefused, match="headers"):
        secrets_of({"headers": {**headers, "x": "y"}})


@pytest.mark.parametrize("field", ["token", "headers"])
def test_values_have_their_limit(field: str) -> None:
    def given(size: int) -> dict[str, Any]:
        value = "x" * size
        return {field: value if field == "token" else {"x-key": value}}

    assert secrets_of(given(SECRET_LIMIT))
    with pytest.raises(FieldRefused, match=field):
        secrets_of(given(SECRET_LIMIT + 1))


def test_what_is_given_can_always_be_encrypted_with_two_signing_secrets() -> None:
    two = tuple(SigningSecret(secret=SIGNING, expires_at_s=2**40) for _ in range(SIGNING_SECRETS))

    def size(length: int) -> int:
        # Each of these takes two bytes of JSON.
        given = secrets_of({"headers": {"x-a": '"' * length}, "token": "\\" * SECRET_LIMIT})
        return len(given.over(CallbackSecrets(signing=two)).model_dump_json())

    most = max(length for length in range(1, SECRET_LIMIT) if fits(partial(size, length)))
    assert KMS_LIMIT_BYTES - 200 < size(most) <= KMS_LIMIT_BYTES
    with pytest.raises(FieldRefused, match="^headers: with the token up to"):
        size(most + 1)


def fits(make: Callable[[], int]) -> bool:
    try:
        make()
    except FieldRefused:
        return False
    return True


NOW_S = 1_000


def test_the_secret_before_stays_valid_until_the_overlap_ends() -> None:
    first = CallbackSecrets(token="t").rotated("a", NOW_S, DAY_S)
    assert first == CallbackSecrets(token="t", signing=(SigningSecret(secret="a"),))
    second = first.rotated("b", NOW_S, DAY_S)
    previous = SigningSecret(secret="a", expires_at_s=NOW_S + DAY_S)
    assert second.signing == (SigningSecret(secret="b"), previous)


def test_two_secrets_are_valid_at_the_most() -> None:
    secrets = CallbackSecrets()
    for secret in "abc":
        secrets = secrets.rotated(secret, NOW_S, DAY_S)
    assert [each.secret for each in secrets.signing] == ["c", "b"]


@pytest.mark.parametrize(
    ("ends_s", "overlap_s", "kept_until_s"),
    [
        pytest.param(0, 0, None, id="no overlap"),
        pytest.param(NOW_S, DAY_S, None, id="it has ended"),
        pytest.param(NOW_S + 1, DAY_S, NOW_S + 1, id="it ends before"),
        pytest.param(NOW_S + 2 * DAY_S, DAY_S, NOW_S + DAY_S, id="it ended later"),
    ],
)
def test_no_secret_lives_longer_than_it_would(
    ends_s: int, overlap_s: int, kept_until_s: int | None
) -> None:
    existing = CallbackSecrets(signing=(SigningSecret(secret="a", expires_at_s=ends_s),))
    _, *older = existing.rotated("b", NOW_S, overlap_s).signing
    assert [each.expires_at_s for each in older] == ([] if kept_until_s is None else [kept_until_s])


@pytest.mark.parametrize(
    ("fields", "overlap_s"),
    [
        ({}, DAY_S),
        ({"overlap_s": None}, DAY_S),
        ({"overlap_s": 0}, 0),
        ({"overlap_s": OVERLAP_LIMIT_S}, OVERLAP_LIMIT_S),
    ],
)
def test_an_overlap_is_a_day_or_what_is_given(fields: dict[str, Any], overlap_s: int) -> None:
    assert read(RenewSecret, fields).overlap_s == overlap_s


@pytest.mark.parametrize(
    "fields",
    [{"overlap_s": -1}, {"overlap_s": OVERLAP_LIMIT_S + 1}, {"overlap_s": "1"}, {"overlap": 1}],
)
def test_another_overlap_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(FieldRefused):
        read(RenewSecret, fields)
