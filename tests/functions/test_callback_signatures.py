"""Sent callbacks verify with the official package of Standard Webhooks."""

import asyncio
import runpy
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from harkara.model.callbacks import (
    CallbackSecrets,
    Destination,
    SigningSecret,
    UrlRules,
    unregistered,
)
from harkara.model.events import Dlr
from harkara.model.messages import Endpoint, State
from harkara.model.tasks import CallbackTask
from harkara.net.callback_poster import HttpCallbackPoster
from harkara.net.client import HttpClient
from tests.functions.exchanges import answering
from tests.functions.pages import blocks, page
from tests.functions.servers import answer, serving

OLD = "whsec_b2xkIHNlY3JldCBvZiAyNCBieXRlcyAhISEh"
NEW = "whsec_bmV3IHNlY3JldCBvZiAyNCBieXRlcyAhISEh"
DLR = Dlr("M1", "नमस्ते 😀", State.DELIVERED, 1_700_000_000, to="919876543210", segment_count=1)


def posted(secrets: Sequence[SigningSecret], now_s: float) -> tuple[bytes, dict[str, str]]:
    """Post a callback to a server of this machine; return the received body and headers."""
    requests: list[bytes] = []

    async def main() -> None:
        async with (
            serving(answering(answer(), requests)) as url,
            HttpClient(1) as client,
        ):
            endpoint = Endpoint(f"{url}/dlr", "standard")
            task = CallbackTask("task_id", 0, 0, "acme", endpoint, (DLR,))
            settings, _ = unregistered(endpoint)
            poster = HttpCallbackPoster(client, UrlRules(loopback=True), lambda: now_s)
            secret = CallbackSecrets(signing=tuple(secrets))
            result = await poster.post(task, Destination(settings, secret))
            assert result.acknowledged

    asyncio.run(main())
    (request,) = requests
    head, _, body = request.partition(b"\r\n\r\n")
    lines = [line.split(": ", 1) for line in head.decode().split("\r\n")[1:]]
    return body, {name.lower(): value for name, value in lines}


def verifies(secret: str, body: bytes, headers: dict[str, str]) -> bool:
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


def test_a_callback_verifies() -> None:
    body, headers = posted([SigningSecret(secret=NEW)], time.time())
    assert verifies(NEW, body, headers)
    assert Webhook(NEW).verify(body, headers)["type"] == "message.delivered"


def test_during_a_rotation_both_secrets_verify_and_afterwards_only_the_new_one() -> None:
    now_s = time.time()
    rotated = [SigningSecret(secret=OLD, expires_at_s=int(now_s) + 60), SigningSecret(secret=NEW)]
    during = posted(rotated, now_s)
    assert [verifies(secret, *during) for secret in (OLD, NEW)] == [True, True]
    after = posted(rotated, now_s + 60)
    assert [verifies(secret, *after) for secret in (OLD, NEW)] == [False, True]


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "body"])
def test_what_was_changed_on_the_way_does_not_verify(name: str) -> None:
    body, headers = posted([SigningSecret(secret=NEW)], time.time())
    if name == "body":
        body = body.replace(b"delivered", b"expired")
    else:
        headers = {**headers, name: f"{headers[name][:-1]}{(int(headers[name][-1]) + 1) % 10}"}
    assert not verifies(NEW, body, headers)


def test_a_retry_is_signed_at_its_own_time_under_the_same_id() -> None:
    now_s = time.time()
    first, again = (posted([SigningSecret(secret=NEW)], at_s) for at_s in (now_s - 200, now_s))
    assert first[0] == again[0]
    assert first[1]["webhook-id"] == again[1]["webhook-id"]
    assert first[1]["webhook-signature"] != again[1]["webhook-signature"]
    assert verifies(NEW, *first)
    assert verifies(NEW, *again)


def test_the_pages_program_verifies_a_callback(tmp_path: Path) -> None:
    (program,) = blocks(page("http"), "python")
    (tmp_path / "verify.py").write_text(program.replace("whsec_...", NEW))
    body, headers = posted([SigningSecret(secret=NEW)], time.time())
    given = {"body": body, "headers": headers}
    runpy.run_path(str(tmp_path / "verify.py"), given)
    with pytest.raises(WebhookVerificationError):
        runpy.run_path(str(tmp_path / "verify.py"), {**given, "body": body + b" "})
