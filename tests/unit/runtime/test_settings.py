"""Settings from the environment: invalid variables are named, their values never shown."""

from typing import Any, get_args

import pytest
from pydantic import ValidationError

from harkara.model.callbacks import UrlRules
from harkara.runtime import settings
from harkara.runtime.settings import (
    ActivitySettings,
    ConsoleSettings,
    DlrSettings,
    FilesSettings,
    InboundSettings,
    LinkSettings,
    ManageSettings,
    ReceiptSettings,
    SendSettings,
    SubmitSettings,
    SweepSettings,
)

ALL = {
    "ACCOUNTS_TABLE": "accounts",
    "MESSAGES_TABLE": "messages",
    "DUE_TABLE": "due",
    "ACTIVITY_TABLE": "activity",
    "ACTIVITY_FAILURES_URL": "https://sqs/failures",
    "SUBMIT_QUEUE_URL": "https://sqs/submit",
    "SUBMIT_PRIORITY_QUEUE_URL": "https://sqs/priority",
    "RECEIPT_QUEUE_URL": "https://sqs/receipt",
    "CALLBACK_QUEUE_URL": "https://sqs/callback",
    "EXPORT_QUEUE_URL": "https://sqs/export",
    "SUBMIT_DEAD_LETTERS_URL": "https://sqs/submit-dead",
    "SUBMIT_PRIORITY_DEAD_LETTERS_URL": "https://sqs/priority-dead",
    "RECEIPT_DEAD_LETTERS_URL": "https://sqs/receipt-dead",
    "CALLBACK_DEAD_LETTERS_URL": "https://sqs/callback-dead",
    "EXPORT_DEAD_LETTERS_URL": "https://sqs/export-dead",
    "FILES_BUCKET": "files",
    "PEPPER_SECRET_ID": "pepper",
    "TAG_SECRET_ID": "tag",
    "SECRETS_KEY_ID": "key",
    "LINK_SECRET_ID": "link",
    "RECEIPT_WAIT_S": "259200",
    "RETENTION_S": "2592000",
    "CALLBACK_RETRY_DELAYS_S": "5,30,300",
    "CALLBACK_PORTS": "443,8443",
    "CALLBACK_TIMEOUT_S": "10",
    "CALLBACK_CONNECT_TIMEOUT_S": "5",
    "CALLBACK_CONCURRENCY": "10",
    "ALLOW_PRIVATE_CALLBACKS": "false",
    "PROXY_SECRET_ID": "",
    "STAGE": "test",
}
Model = type[
    SendSettings
    | ConsoleSettings
    | ManageSettings
    | SubmitSettings
    | ReceiptSettings
    | InboundSettings
    | LinkSettings
    | DlrSettings
    | SweepSettings
    | ActivitySettings
    | FilesSettings
    | ConsoleSettings
]
MODELS: tuple[Any, ...] = (
    SendSettings,
    ConsoleSettings,
    ManageSettings,
    SubmitSettings,
    ReceiptSettings,
    InboundSettings,
    LinkSettings,
    DlrSettings,
    SweepSettings,
    ActivitySettings,
    FilesSettings,
    ConsoleSettings,
)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in ALL.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_every_model_is_tested() -> None:
    models = {model for name, model in vars(settings).items() if name.endswith("Settings")}
    # Functions without settings of their own, and shared settings, which are tested with each
    # model.
    shared = {settings._Settings, settings.ProxySettings}
    assert models - shared == set(MODELS)
    assert set(MODELS) == set(get_args(get_args(Model)[0]))


@pytest.mark.parametrize("model", MODELS)
def test_a_function_reads_its_variables(model: Model, environment: pytest.MonkeyPatch) -> None:
    read = model.from_environment().model_dump()
    assert {name.upper() for name in read} <= ALL.keys()
    for name, value in read.items():
        if isinstance(value, str):
            assert value == ALL[name.upper()]


@pytest.mark.parametrize("model", MODELS)
def test_a_missing_variable_is_named(model: Model, environment: pytest.MonkeyPatch) -> None:
    for name in (name for name, field in model.model_fields.items() if field.is_required()):
        with environment.context() as without:
            without.delenv(name.upper())
            with pytest.raises(ValidationError, match=name):
                model.from_environment()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("RECEIPT_WAIT_S", "s3cret", id="no number"),
        pytest.param("RETENTION_S", "", id="empty"),
        pytest.param("CALLBACK_RETRY_DELAYS_S", "5,s3cret", id="no number among them"),
        pytest.param("CALLBACK_RETRY_DELAYS_S", "", id="no delays"),
        pytest.param("CALLBACK_PORTS", "443,s3cret", id="no port among them"),
        pytest.param("ALLOW_PRIVATE_CALLBACKS", "s3cret", id="neither true nor false"),
    ],
)
def test_a_wrong_value_is_named_and_not_shown(
    name: str, value: str, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv(name, value)
    with pytest.raises(ValidationError) as error:
        DlrSettings.from_environment()
    assert name.lower() in str(error.value)
    assert "s3cret" not in str(error.value)


def test_values_get_their_types(environment: pytest.MonkeyPatch) -> None:
    read = DlrSettings.from_environment()
    assert read.callback_retry_delays_s == (5, 30, 300)
    assert read.receipt_wait_s == 259_200
    assert read.callback_urls == UrlRules((443, 8443), loopback=False)
    environment.setenv("ALLOW_PRIVATE_CALLBACKS", "true")
    assert DlrSettings.from_environment().callback_urls == UrlRules((443, 8443), loopback=True)


def test_settings_do_not_change(environment: pytest.MonkeyPatch) -> None:
    read = SweepSettings.from_environment()
    with pytest.raises(ValidationError, match="frozen"):
        read.due_table = "other"
