"""Each function builds its service from its environment, on first use and once."""

import asyncio
from types import ModuleType
from typing import Any

import pytest
from aiohttp import ClientSession

from harkara.aws import clients
from harkara.links.codec import LinkKey
from harkara.model.callbacks import UrlRules
from harkara.model.tasks import QueueName
from harkara.net import callback_poster, sns
from tests.functions.invoking import load

FUNCTIONS = (
    "send",
    "manage",
    "submit",
    "receipt",
    "inbound",
    "link",
    "dlr",
    "sweep",
    "activity",
    "files",
)
ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "ap-south-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "ACCOUNTS_TABLE": "accounts",
    "MESSAGES_TABLE": "messages",
    "DUE_TABLE": "due",
    "ACTIVITY_TABLE": "activity",
    "ACTIVITY_FAILURES_URL": "https://sqs/failures",
    "SUBMIT_QUEUE_URL": "https://sqs/submit",
    "SUBMIT_PRIORITY_QUEUE_URL": "https://sqs/submit_priority",
    "RECEIPT_QUEUE_URL": "https://sqs/receipt",
    "CALLBACK_QUEUE_URL": "https://sqs/callback",
    "EXPORT_QUEUE_URL": "https://sqs/export",
    **{
        f"{name}_DEAD_LETTERS_URL": f"https://sqs/{name.lower()}_dead"
        for name in ("SUBMIT", "SUBMIT_PRIORITY", "RECEIPT", "CALLBACK", "EXPORT")
    },
    "FILES_BUCKET": "files",
    "PEPPER_SECRET_ID": "pepper-id",
    "TAG_SECRET_ID": "tag-id",
    "SECRETS_KEY_ID": "key-id",
    "LINK_SECRET_ID": "link-id",
    "RECEIPT_WAIT_S": "7",
    "RETENTION_S": "8",
    "CALLBACK_RETRY_DELAYS_S": "5,30",
    "CALLBACK_PORTS": "443,9443",
    "CALLBACK_TIMEOUT_S": "4",
    "CALLBACK_CONNECT_TIMEOUT_S": "1.5",
    "CALLBACK_CONCURRENCY": "40",
    "ALLOW_PRIVATE_CALLBACKS": "false",
    "STAGE": "test",
}
URLS = {queue: f"https://sqs/{queue}" for queue in QueueName}
OF_MESSAGES = {queue: url for queue, url in URLS.items() if queue is not QueueName.EXPORT}


class SecretsManager:
    """Has a secret under every name."""

    def get_secret_value(self, SecretId: str) -> dict[str, str]:
        return {"SecretString": f"secret-of-{SecretId}"}


class Session:
    """Makes the same client of every service."""

    def __init__(self, client: object) -> None:
        self._client = client

    def client(self, *_: object, **__: object) -> object:
        return self._client


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def wired(function: str, environment: pytest.MonkeyPatch) -> tuple[ModuleType, Any]:
    """Load a function with known secrets, and build its service."""
    module = load(function)
    environment.setattr(clients, "session", lambda: Session(SecretsManager()))
    service = module.services()
    assert module.services() is service
    return module, service


@pytest.mark.parametrize("function", FUNCTIONS)
def test_loading_a_function_reads_no_environment(function: str) -> None:
    assert load(function).handler


def test_send_is_wired(environment: pytest.MonkeyPatch) -> None:
    _, (authenticator, service, idempotency, refused) = wired("send", environment)
    assert authenticator.pepper.all() == (b"secret-of-pepper-id",)
    assert service.callback_urls == UrlRules((443, 9443))
    assert service.queues._urls == {
        queue: URLS[queue] for queue in (QueueName.SUBMIT, QueueName.SUBMIT_PRIORITY)
    }
    assert (authenticator.accounts._table.name, service.batches._table.name) == (
        "accounts",
        "messages",
    )
    assert service.batches._retention_s == 8
    assert service.queues._due._table.name == "due"
    assert service.names.new(0, "") != service.names.new(0, "")
    assert service.limits.store._table.name == "messages"
    assert idempotency.store is refused.batches is service.batches


@pytest.mark.parametrize(("private", "allowed"), [("false", False), ("true", True)])
def test_manage_is_wired(private: str, allowed: bool, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ALLOW_PRIVATE_CALLBACKS", private)
    _, services = wired("manage", environment)
    assert services.authenticator.pepper.all() == (b"secret-of-pepper-id",)
    assert services.authenticator.accounts._table.name == "accounts"
    assert not services.authenticator.accounts._templates
    assert services.registry.registry._table.name == "accounts"
    rules = UrlRules((443, 9443), allowed)
    assert services.registry.callback_urls == rules
    assert services.registry.cipher._key_id == "key-id"
    assert services.endpoints.registry is services.registry
    assert services.endpoints.poster._urls == rules
    assert services.endpoints.randomness(8) != services.endpoints.randomness(8)
    for service in (services.history, services.cancel):
        assert (service.store._table.name, service.store._retention_s) == ("messages", 8)
    assert services.search.messages is services.history.store
    assert services.search.store is services.stats.store
    assert services.search.store._table.name == "activity"
    assert services.search.cursors._keys is services.search.digests._keys
    dead_letters = services.endpoints.dead_letters
    made = (QueueName.RECEIPT, QueueName.CALLBACK, QueueName.EXPORT)
    queues = {queue: URLS[queue] for queue in made}
    assert services.exports.jobs._table.name == "activity"
    assert services.exports.files._bucket == "files"
    assert services.exports.queues is services.cancel.queues
    assert services.cancel.queues._urls == dead_letters.queues._urls == queues
    assert (dead_letters.store._table.name, dead_letters.store._messages) == (
        "messages",
        services.history.store,
    )
    assert dead_letters.reset_health == services.registry.reset_health
    assert dead_letters.reset_health.__self__.store._table.name == "messages"


def test_submit_is_wired(environment: pytest.MonkeyPatch) -> None:
    _, service = wired("submit", environment)
    mid = "1" + "0" * 28
    assert service.attempts.dispatch.signer.sign(mid, 1) != ""
    assert service.receipt_wait_s == 7
    assert service.queues._urls == OF_MESSAGES
    assert service.queues._due._table.name == "due"
    assert service.store._table.name == "messages"
    assert service.attempts.dispatch.store is service.store
    assert service.planner.store._table.name == "accounts"
    assert service.planner.carrier._accounts._table.name == "accounts"
    assert service.planner.rate_limiter.store._table.name == "messages"
    # Dispatch records outcomes in the breakers that the router reads.
    assert service.planner.circuit_breakers is service.attempts.dispatch.circuit_breakers
    assert service.planner.circuit_breakers.store is service.planner.rate_limiter.store


def test_receipt_checks_what_submit_signed(environment: pytest.MonkeyPatch) -> None:
    _, submit = wired("submit", environment)
    _, receipt = wired("receipt", environment)
    mid = "1" + "0" * 28
    assert receipt.signer.verify(submit.attempts.dispatch.signer.sign(mid, 3)) == (mid, 3)
    assert receipt.queues._urls == {QueueName.RECEIPT: URLS[QueueName.RECEIPT]}
    assert receipt.authenticator.accounts._table.name == "accounts"
    assert receipt.confirm is sns.confirm


def test_link_reads_what_send_signed(environment: pytest.MonkeyPatch) -> None:
    _, (_, accept, *_) = wired("send", environment)
    _, service = wired("link", environment)
    index = LinkKey(7, 8, 1)
    assert accept.links.store is accept.batches
    assert service.signer.read("hk.example", accept.links.signer().code("hk.example", index)) == (
        index
    )
    assert accept.links.signer() is accept.links.signer()
    assert service.store._table.name == "messages"
    assert service.queues._urls == {QueueName.CALLBACK: URLS[QueueName.CALLBACK]}


def test_inbound_is_wired(environment: pytest.MonkeyPatch) -> None:
    _, service = wired("inbound", environment)
    assert service.accounts is service.authenticator.accounts
    assert service.accounts._table.name == service.lists._table.name == "accounts"
    assert service.confirm is sns.confirm
    _, submit = wired("submit", environment)
    replies = service.replies
    to = (QueueName.CALLBACK, QueueName.SUBMIT, QueueName.SUBMIT_PRIORITY)
    assert replies.queues._urls == {each: URLS[each] for each in to}
    answers = service.answers
    assert answers.acceptance.queues is replies.queues
    assert answers.registry._table.name == "accounts"
    assert replies.store._table.name == replies.last._table.name == "messages"
    # `submit` writes the keys that `inbound` reads.
    assert submit.follow_up.last._partitions("acme", "919876543210") == replies.last._partitions(
        "acme", "919876543210"
    )
    assert submit.follow_up.last._table.name == "messages"


@pytest.mark.parametrize(("private", "allowed"), [("false", False), ("true", True)])
def test_dlr_is_wired(private: str, allowed: bool, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ALLOW_PRIVATE_CALLBACKS", private)
    made: list[UrlRules] = []
    rules = UrlRules((443, 9443), allowed)
    guard = callback_poster.GuardedResolver

    def guarded(urls: UrlRules) -> callback_poster.GuardedResolver:
        made.append(urls)
        return guard(urls)

    environment.setattr("harkara.wiring.dlr.GuardedResolver", guarded)
    deliver, posting, check, clicks, coalesce = load("dlr").services()
    # The same rules check the literal addresses and the names.
    assert made == [rules]
    assert deliver.callbacks is clicks.callbacks is posting
    assert clicks.destinations is posting.destinations
    assert clicks.store is posting.attempts.store
    assert posting.poster._urls == rules
    assert posting.poster.timeout_s == 4
    exchange = posting.poster._exchange
    assert (exchange._connect_timeout_s, exchange._body_limit_bytes) == (1.5, 65_536)
    assert posting.attempts.retry_delays_s == check.retry_delays_s == (5, 30)
    assert check.receipt_wait_s == 7
    assert deliver.queues is posting.attempts.queues is coalesce.queues
    others = {queue: url for queue, url in URLS.items() if queue is not QueueName.EXPORT}
    assert deliver.queues._urls == others
    assert posting.endpoint_health.store._table.name == "messages"
    assert posting.endpoint_health.concurrency == 40
    assert deliver.queues._due._table.name == "due"


def test_sweep_is_wired(environment: pytest.MonkeyPatch) -> None:
    _, service = wired("sweep", environment)
    assert service.queues._urls == OF_MESSAGES
    assert service.due._table.name == "due"


def test_activity_is_wired(environment: pytest.MonkeyPatch) -> None:
    _, service = wired("activity", environment)
    assert (service.store._table.name, service.store._retention_s) == ("activity", 8)
    assert service.failed._queue_url == "https://sqs/failures"
    assert service.digests._keys.all() == (b"secret-of-pepper-id",)


def test_files_is_wired(environment: pytest.MonkeyPatch) -> None:
    _, (exports, *_) = wired("files", environment)
    assert exports.jobs._table.name == exports.search.store._table.name == "activity"
    assert exports.search.messages._table.name == "messages"
    assert exports.search.digests._keys.all() == (b"secret-of-pepper-id",)
    assert exports.files._bucket == "files"
    assert exports.queues._urls == {QueueName.EXPORT: URLS[QueueName.EXPORT]}


def test_a_client_that_was_never_used_closes(environment: pytest.MonkeyPatch) -> None:
    _, (_, posting, *_) = wired("dlr", environment)
    asyncio.run(posting.poster._exchange.close())
    assert not isinstance(posting.poster._exchange._transport.client, ClientSession)
