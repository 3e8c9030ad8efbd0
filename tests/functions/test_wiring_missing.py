"""A function without a secret or a setting says what is missing."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from pydantic import ValidationError

from harkara.aws import clients
from harkara.base.errors import StoreUnavailable
from harkara.links.codec import LinkKey
from tests.functions.invoking import load
from tests.functions.test_wiring import ENVIRONMENT, FUNCTIONS, Session, wired


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


class Refusing:
    """Gives no secret."""

    def get_secret_value(self, SecretId: str) -> dict[str, str]:
        error: Any = {"Code": "AccessDeniedException", "Message": f"not {SecretId}"}
        raise ClientError({"Error": error}, "GetSecretValue")


@pytest.mark.parametrize(
    ("function", "first_use"),
    [
        ("send", lambda built: built.authenticator.pepper.all()),
        ("send", lambda built: built.accept.links.signer()),
        ("manage", lambda built: built.authenticator.pepper.all()),
        ("console", lambda built: built.people.tickets.keys.all()),
        ("receipt", lambda built: built.signer.pseudonyms("text")),
        ("inbound", lambda built: built.replies.signer.pseudonyms("text")),
        ("activity", lambda built: built.digests.of("numbers", "acme", ["919876543210"])),
        ("files", lambda built: built.exports.search.cursors._keys.all()),
        ("link", lambda built: built.signer.code("hk.example", LinkKey(7, 8, 1))),
    ],
)
def test_a_secret_that_cannot_be_read_is_unavailable_on_first_use(
    function: str, first_use: Callable[[Any], object], environment: pytest.MonkeyPatch
) -> None:
    module = load(function)
    environment.setattr(clients, "session", lambda: Session(Refusing()))
    built = module.services()
    with pytest.raises(StoreUnavailable, match="^AccessDeniedException$"):
        first_use(built)


def test_submit_reads_its_secret_before_it_claims_anything(
    environment: pytest.MonkeyPatch,
) -> None:
    module = load("submit")
    environment.setattr(clients, "session", lambda: Session(Refusing()))
    with pytest.raises(StoreUnavailable, match="^AccessDeniedException$"):
        module.services()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_without_its_environment_says_what_is_missing(
    function: str, environment: pytest.MonkeyPatch
) -> None:
    missing = {
        "send": "SUBMIT_QUEUE_URL",
        "inbound": "ACCOUNTS_TABLE",
        "link": "CALLBACK_QUEUE_URL",
        "activity": "ACTIVITY_FAILURES_URL",
        "files": "EXPORT_QUEUE_URL",
    }
    name = missing.get(function, "RECEIPT_QUEUE_URL")
    environment.delenv(name)
    with pytest.raises(ValidationError, match=name.lower()):
        wired(function, environment)
