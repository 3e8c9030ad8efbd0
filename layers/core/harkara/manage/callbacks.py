"""Renew a callback's signing secret, test the callback, and list and replay its dead letters.

The API calls dead letters parked callbacks.
"""

import base64
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ParamSpec, TypeVar

from pydantic import Field
from typing_extensions import TypedDict

from harkara.base.codes import Code
from harkara.base.errors import FieldRefused, RequestRefused
from harkara.base.ids import Randomness
from harkara.base.json import encode
from harkara.base.time import ANSWER_S, Clock, Deadline, left_s, utc_text
from harkara.callbacks.dead_letters import UNREGISTERED, DeadLetterService
from harkara.callbacks.posting import SECRET_PREFIX, CallbackPoster
from harkara.callbacks.registration import RenewSecret
from harkara.manage.dead_letter_fields import (
    CallbackResult,
    DeadLetterQuery,
    ParkedCallback,
    ParkedPage,
    fields_of,
    selection_of,
)
from harkara.manage.registry import PAGE_LIMIT_BYTES, RegistryService
from harkara.manage.resources import secrets_in, with_secrets
from harkara.model.accounts import Account
from harkara.model.callbacks import CallbackEndpoint, Destination
from harkara.model.events import Dlr
from harkara.model.fields import Fields, read
from harkara.model.messages import Endpoint, State
from harkara.model.tasks import CallbackTask
from harkara.state.endpoint_health_record import HealthRecord

A = ParamSpec("A")
T = TypeVar("T")

SECRET_BYTES = 32
SAMPLE = "test"
# No phone has this number: mobile numbers of India begin with 6 to 9.
SAMPLE_TO = "910000000000"
_ID_BYTES = 8
# The error code of a sample in each state.
_CODES = {
    State.FAILED: Code.UNDELIVERED,
    State.EXPIRED: Code.EXPIRED,
    State.UNKNOWN: Code.NO_RECEIPT,
    State.CANCELLED: Code.CANCELLED,
}


class RenewedSecret(TypedDict):
    """The new secret, which is shown only once."""

    secret: Annotated[
        str,
        Field(
            pattern="^whsec_[A-Za-z0-9+/]{43}=$",
            description="The key with which the receiver checks signatures.",
        ),
    ]
    overlap_s: Annotated[int, Field(ge=0, description="How long the secret before it stays valid.")]


class Replayed(TypedDict):
    """The callbacks will be posted."""

    replayed: Annotated[int, Field(ge=0, description="How many.")]
    complete: Annotated[
        bool,
        Field(description="Whether those are all; if not, the same request replays the rest."),
    ]


@dataclass(frozen=True, slots=True)
class EndpointService:
    """Manages registered callbacks.

    Its methods raise RequestRefused (NOT_FOUND and others that they name) and StoreUnavailable.
    """

    registry: RegistryService
    dead_letters: DeadLetterService
    poster: CallbackPoster
    clock: Clock
    randomness: Randomness
    read_health: Callable[[str, Endpoint], HealthRecord]

    def health(self, account: Account, name: str) -> dict[str, Any]:
        """Return what the posts to a callback's endpoint came to lately.

        `state` is `healthy` (it acknowledged lately), `unproven`, `failing` (the circuit is open
        for `open_s`), `paused` (it asked for that) or `gone` (it answered 410). `acked_at` and
        `failed_at` are None if there was no such answer.
        """
        callback = self.registry.get(account, CallbackEndpoint, name)
        found, now_ms = self.read_health(account.id, callback.endpoint), int(self.clock() * 1000)
        open_s = found.open_for_s(now_ms)
        states = {
            "gone": found.gone,
            "paused": open_s and found.throttled,
            "failing": open_s,
            "healthy": found.is_trusted(now_ms),
        }
        return {
            "state": next((state for state, holds in states.items() if holds), "unproven"),
            "failures": found.failures,
            "open_s": math.ceil(open_s),
            "acked_at": utc_text(found.acked_ms) if found.acked_ms else None,
            "failed_at": utc_text(found.failed_ms) if found.failed_ms else None,
        }

    def renew_secret(self, account: Account, name: str, fields: Fields) -> RenewedSecret:
        """Give a callback a new secret to sign with (Standard Webhooks), and return it.

        The present one stays valid for the field `overlap_s`. Raises INVALID_REQUEST.
        """
        overlap_s = _checked(read, RenewSecret, fields).overlap_s
        secret = f"{SECRET_PREFIX}{base64.b64encode(self.randomness(SECRET_BYTES)).decode()}"
        now_s = int(self.clock())

        def renew(callback: CallbackEndpoint) -> CallbackEndpoint:
            return with_secrets(
                self.registry.cipher,
                account.id,
                callback,
                lambda secrets: secrets.rotated(secret, now_s, overlap_s),
            )

        self.registry.change(account, CallbackEndpoint, name, renew)
        return {"secret": secret, "overlap_s": overlap_s}

    def stop_signing(self, account: Account, name: str) -> None:
        """Remove a callback's signing secrets: its posts have no signature from now on."""

        def stop(callback: CallbackEndpoint) -> CallbackEndpoint:
            return with_secrets(
                self.registry.cipher,
                account.id,
                callback,
                lambda secrets: secrets.model_copy(update={"signing": ()}),
            )

        self.registry.change(account, CallbackEndpoint, name, stop)

    async def test(self, account: Account, name: str) -> CallbackResult:
        """Post a sample and return the endpoint's answer; a success closes the endpoint's circuit.

        The sample is the final state of a message called `test`, in a state that the callback
        wants. It waits as long as for any callback, while this invocation can still answer.
        """
        callback = self.registry.get(account, CallbackEndpoint, name)
        state = callback.states[0] if callback.states else State.DELIVERED
        at_s = int(self.clock())
        task = CallbackTask(
            group_task_id=f"{SAMPLE}-{self.randomness(_ID_BYTES).hex()}",
            group=0,
            attempt=0,
            account_id=account.id,
            endpoint=callback.endpoint,
            members=(Dlr(SAMPLE, SAMPLE, state, at_s, _CODES.get(state, ""), SAMPLE_TO, 1),),
        )
        secrets = secrets_in(self.registry.cipher, account.id, callback)
        result = await self.poster.post(task, Destination(callback, secrets), left_s() - ANSWER_S)
        if result.acknowledged:
            self.registry.reset_health(account.id, callback.endpoint)
        return {
            "status": result.status,
            "reason": result.reason,
            "duration_ms": result.duration_ms,
            "answer": result.answer,
        }

    def dead_letter_page(
        self, account: Account, name: str, fields: Fields, limit: int
    ) -> ParkedPage:
        """Return a page of dead letters, oldest first; fewer than `limit` if they would not fit.

        The fields `from` and `to` bound their time; `after`, set to the `next` of a page, reads the
        following page. The name `-` stands for URLs that no callback registers. Raises
        INVALID_REQUEST.
        """
        self._check(account, name)
        query = _checked(read, DeadLetterQuery, fields)
        page = self.dead_letters.page(
            account.id, name, query.from_ms, query.to_ms, query.after, limit
        )
        rows, size = list[ParkedCallback](), 0
        for dead_letter in page.dead_letters:
            row = fields_of(dead_letter)
            size += len(encode(row))
            if rows and size > PAGE_LIMIT_BYTES:
                return {"parked": rows, "next": rows[-1]["id"]}
            rows.append(row)
        return {"parked": rows, "next": page.next_id}

    def replay(self, account: Account, name: str, fields: Fields, deadline: Deadline) -> Replayed:
        """Post the dead letters that the fields select again; return how many.

        If time runs out first, the answer is not `complete`, and the same request replays the rest.
        Raises INVALID_REQUEST.
        """
        self._check(account, name)
        selection = _checked(selection_of, fields)
        done = self.dead_letters.replay(account.id, name, deadline, *selection)
        return {"replayed": done.callback_count, "complete": done.complete}

    def _check(self, account: Account, name: str) -> None:
        if name != UNREGISTERED:
            self.registry.get(account, CallbackEndpoint, name)


def _checked(reader: Callable[A, T], *arguments: A.args, **named: A.kwargs) -> T:
    try:
        return reader(*arguments, **named)
    except FieldRefused as error:
        raise RequestRefused(Code.INVALID_REQUEST, f"({error})") from error
