"""Parse the settings of each function from its environment, once, on first use.

A field's variable is its name in upper case. Errors name the variable, never its value.
"""

import os
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict

from harkara.model.callbacks import UrlRules


def _split(value: Any) -> Any:
    return value.split(",") if isinstance(value, str) else value


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    @classmethod
    def from_environment(cls) -> Self:
        """Return the settings in this process's environment."""
        return cls.model_validate(
            {
                name: os.environ[name.upper()]
                for name in cls.model_fields
                if name.upper() in os.environ
            }
        )


class ProxySettings(_Settings):
    """Settings of functions of the API, which may be behind a proxy; "" means none."""

    proxy_secret_id: str = ""


class _Callbacks(_Settings):
    """Settings of functions that check the URLs of callbacks."""

    callback_ports: Annotated[tuple[int, ...], BeforeValidator(_split)]
    allow_private_callbacks: bool

    @property
    def callback_urls(self) -> UrlRules:
        """Return the rules for callback URLs in this deployment."""
        return UrlRules(self.callback_ports, self.allow_private_callbacks)


class SendSettings(_Callbacks, ProxySettings):
    """Settings of `send`."""

    accounts_table: str
    messages_table: str
    due_table: str
    submit_queue_url: str
    submit_priority_queue_url: str
    pepper_secret_id: str
    link_secret_id: str
    retention_s: int


class _CallbackPosts(_Callbacks):
    callback_timeout_s: float
    callback_connect_timeout_s: float


class ManageSettings(_CallbackPosts, ProxySettings):
    """Settings of `manage`."""

    accounts_table: str
    messages_table: str
    activity_table: str
    receipt_queue_url: str
    callback_queue_url: str
    export_queue_url: str
    files_bucket: str
    pepper_secret_id: str
    secrets_key_id: str
    retention_s: int


class ConsoleSettings(SendSettings, ManageSettings):
    """Settings of `console`, which runs the services of both, and shows the queues."""

    stage: str
    submit_dead_letters_url: str
    submit_priority_dead_letters_url: str
    receipt_dead_letters_url: str
    callback_dead_letters_url: str
    export_dead_letters_url: str
    activity_failures_url: str

    @property
    def is_local(self) -> bool:
        """Whether this is the stack on one machine, whose links sign in without a password."""
        return self.stage == "local"


class SubmitSettings(_Settings):
    """Settings of `submit`."""

    accounts_table: str
    messages_table: str
    due_table: str
    submit_queue_url: str
    submit_priority_queue_url: str
    receipt_queue_url: str
    callback_queue_url: str
    tag_secret_id: str
    secrets_key_id: str
    receipt_wait_s: int
    retention_s: int


class ReceiptSettings(ProxySettings):
    """Settings of `receipt`."""

    accounts_table: str
    receipt_queue_url: str
    tag_secret_id: str


class InboundSettings(ProxySettings):
    """Settings of `inbound`."""

    accounts_table: str
    messages_table: str
    callback_queue_url: str
    submit_queue_url: str
    submit_priority_queue_url: str
    tag_secret_id: str
    retention_s: int


class DlrSettings(_CallbackPosts):
    """Settings of `dlr`."""

    accounts_table: str
    messages_table: str
    due_table: str
    submit_queue_url: str
    submit_priority_queue_url: str
    receipt_queue_url: str
    callback_queue_url: str
    receipt_wait_s: int
    retention_s: int
    callback_retry_delays_s: Annotated[tuple[int, ...], BeforeValidator(_split)]
    callback_concurrency: int


class LinkSettings(ProxySettings):
    """Settings of `link`."""

    messages_table: str
    callback_queue_url: str
    link_secret_id: str


class ActivitySettings(_Settings):
    """Settings of `activity`."""

    activity_table: str
    activity_failures_url: str
    pepper_secret_id: str
    retention_s: int


class FilesSettings(_Settings):
    """Settings of `files`."""

    messages_table: str
    activity_table: str
    export_queue_url: str
    files_bucket: str
    pepper_secret_id: str


class SweepSettings(_Settings):
    """Settings of `sweep`."""

    due_table: str
    submit_queue_url: str
    submit_priority_queue_url: str
    receipt_queue_url: str
    callback_queue_url: str
