"""Rows of cases for tests of carriers, and a scripted exchange.

The rows are in tests/cases/carriers: a file for each kind, and `every.json` with the rows of all
kinds. `$REF` and `$REF1` stand for our references of a message's second and first submit attempt,
`$FORGED` for one with another message's tag.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from _pytest.mark import ParameterSet

from harkara.base.codes import Code
from harkara.base.errors import HttpAnswer
from harkara.base.ids import ReferenceSigner, mid_of, new_batch_id
from harkara.carriers.contract import InDoubt, NotTaken, Outcome, Refused, Taken
from harkara.carriers.settings import CarrierSecrets, CarrierSettings, hash_token
from harkara.model.messages import Message

FOLDER = Path(__file__).parent.parent / "cases" / "carriers"
SIGNER = ReferenceSigner(b"tag key")
MID = mid_of(new_batch_id(1_767_258_000_000, bytes(10)), 3)
REFERENCE = SIGNER.sign(MID, 2)
NAMES = {
    "$REF1": SIGNER.sign(MID, 1),
    "$REF": REFERENCE,
    "$FORGED": ReferenceSigner(b"another key").sign(MID, 2),
}
PASSWORD = 'pä"ss word'
RECEIPT_URL = "https://api.example/receipts/c/t0ken"
SECRETS = CarrierSecrets(PASSWORD, RECEIPT_URL)
MESSAGE = Message("919876543210", "ACMEBK", "नमस्ते & {}\n", "their ref", 0, 1, "1101", "1107")
KINDS_OF_OUTCOME: dict[str, Callable[..., Outcome]] = {
    "taken": Taken,
    "refused": lambda code, *own: Refused(Code(code), *own),
    "not taken": NotTaken,
    "failed": lambda wait_s: NotTaken(wait_s, failed=True),
    "in doubt": InDoubt,
}


def load(name: str) -> dict[str, Any]:
    text = (FOLDER / f"{name}.json").read_text()
    for placeholder, reference in NAMES.items():
        text = text.replace(placeholder, reference)
    cases: dict[str, Any] = json.loads(text)
    return cases


CASES = {path.stem: load(path.stem) for path in FOLDER.glob("*.json")}
EVERY = CASES.pop("every")
# Kinds that use no HTTP exchange have their own tests of requests.
REQUESTING = [kind for kind, cases in CASES.items() if "sent" in cases]


def settings_of(kind: str, **fields: Any) -> CarrierSettings:
    given: dict[str, Any] = {"name": "sim", "kind": kind, "username": "harkara"}
    given["receipt_url"] = b"ciphertext"
    given |= {"receipt_token_hashes": [hash_token("token")], **CASES[kind]["carrier"], **fields}
    return CarrierSettings.model_validate(given)


def rows(kinds: list[str] | Mapping[str, Any], section: str) -> list[ParameterSet]:
    """Return (kind, row) for each row of a section, including those of all kinds."""
    return [
        pytest.param(kind, row, id=f"{kind}: {name}")
        for kind in kinds
        for name, row in {**EVERY.get(section, {}), **CASES[kind].get(section, {})}.items()
    ]


class ScriptedExchange:
    """Returns one of the given answers for each request, and records the requests."""

    def __init__(self, *answers: HttpAnswer | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[dict[str, Any]] = []
        self.open = self.most_open = 0
        self.gate: asyncio.Event | None = None

    async def __call__(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes, timeout_s: float
    ) -> HttpAnswer:
        request = {"method": method, "url": url, "headers": dict(headers)}
        self.requests.append({**request, "body": content.decode(), "timeout_s": timeout_s})
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        if self.gate:
            await self.gate.wait()
        self.open -= 1
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer
