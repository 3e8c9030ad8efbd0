"""A provider that issues tokens, and carriers that log in at it."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import from_json, to_json

from harkara.base.errors import HttpAnswer
from harkara.base.log_events import EventSink
from harkara.base.time import Clock
from harkara.carriers.settings import CarrierSettings, hash_token
from harkara.state.tokens import CarrierTokens
from tests.support.fakes import FakeLimitStore, Faults
from tests.support.wired import TOKEN

LOGIN_URL = "https://batch.example/login"
LIFETIME_S = 3600
PASSWORD = "p4ss"


class FakeTokenCipher:
    """Encrypts a token by reversing it, with the carrier's name in front."""

    def encrypt(self, carrier: str, token: str) -> bytes:
        return f"{carrier}|{token[::-1]}".encode()

    def decrypt(self, carrier: str, encrypted: bytes) -> str:
        name, _, text = encrypted.decode().partition("|")
        assert name == carrier or not encrypted
        return text[::-1]


def tokens(
    store: FakeLimitStore | None = None,
    clock: Clock = time.time,
    emit: EventSink = lambda event: None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> CarrierTokens:
    """Return the tokens of a process that just started."""
    store = store or FakeLimitStore(Faults())
    return CarrierTokens(store, FakeTokenCipher(), clock, os.urandom, emit, sleep)


def token_carrier(*, records_per_request: int = 3, **login: Any) -> CarrierSettings:
    """Return a carrier that takes a token and several records in a request."""
    return CarrierSettings.model_validate(
        {
            "name": "batch",
            "kind": "http",
            "url": "https://batch.example/send",
            "username": "harkara",
            "secret": b"ciphertext",
            "receipt_token_hashes": [hash_token(TOKEN)],
            "records_per_request": records_per_request,
            "timeout_s": 8,
            "http": {
                "headers": {"Authorization": "Bearer {token}"},
                "json_body": {"from": "{from}", "messages": "{records}"},
                "record": {
                    "n": "{index:number}",
                    "to": "{to}",
                    "text": "{text}",
                    "ref": "{reference}",
                },
                "login": {
                    "url": LOGIN_URL,
                    "json_body": {"user": "{username}", "secret": "{password}", "old": "{token}"},
                    "token": "/token",
                    "expires_in": "/expires_in",
                    **login,
                },
                "answer": {
                    "entries": "/results",
                    "record": "/ref",
                    "id": "/id",
                    "error": "/error",
                    "whole_error": "/error",
                    "throttles": ["BUSY"],
                },
                "receipts": {
                    "reference": "/ref",
                    "state": "/state",
                    "states": {"ok": "delivered", "no": "failed"},
                },
            },
        }
    )


@dataclass(repr=False)
class TokenProvider:
    """Takes messages with its last token, while that has not expired.

    `login_answers` are given before its own. It counts what it took, by reference.
    """

    clock: Callable[[], float]
    faults: Faults = field(default_factory=Faults)
    lifetime_s: int = LIFETIME_S
    login_answers: list[HttpAnswer | Exception] = field(default_factory=list)
    logins: int = 0
    submits: int = 0
    token: str = ""
    expires_at_s: float = 0.0
    previous: list[str] = field(default_factory=list)
    taken: Counter[str] = field(default_factory=Counter)

    async def __call__(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes, timeout_s: float
    ) -> HttpAnswer:
        """Answer a login or a submit."""
        assert timeout_s > 0
        sent = from_json(content)
        number = self.faults.before("login" if url == LOGIN_URL else "carrier")
        if url == LOGIN_URL:
            answer = self._log_in(sent)
        else:
            self.submits += 1
            answer = self._take(headers, sent)
        self.faults.after(number)
        return answer

    def _log_in(self, sent: Mapping[str, str]) -> HttpAnswer:
        assert (sent["user"], sent["secret"]) == ("harkara", PASSWORD)
        self.logins += 1
        self.previous.append(sent.get("old", ""))
        if self.login_answers:
            answer = self.login_answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        self.token = f"t0ken-{self.logins}"
        self.expires_at_s = self.clock() + self.lifetime_s
        body = {"token": self.token, "expires_in": self.lifetime_s}
        return HttpAnswer(200, {}, to_json(body))

    def _take(self, headers: Mapping[str, str], sent: Mapping[str, Any]) -> HttpAnswer:
        valid = bool(self.token) and self.clock() < self.expires_at_s
        if not valid or headers["authorization"] != f"Bearer {self.token}":
            return HttpAnswer(401, {}, b"")
        results = [
            {"ref": each["ref"], "error": "BAD"}
            if each["to"].endswith("9005")
            else {"ref": each["ref"], "id": f"id-{each['ref']}"}
            for each in sent["messages"]
        ]
        self.taken.update(each["ref"] for each in results if "id" in each)
        return HttpAnswer(200, {}, to_json({"results": results[::-1]}))
