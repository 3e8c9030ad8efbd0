"""Renew a callback's signing secret, test the callback, and list and replay its dead letters.

The API calls dead letters parked callbacks.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from harkara.base.codes import Code
from harkara.base.deadline import Deadline
from harkara.base.errors import FieldRefused, RequestRefused
from harkara.base.ids import Randomness
from harkara.base.json import encode
from harkara.base.time import Clock
from harkara.callbacks.dead_letters import DeadLetterService
from harkara.callbacks.posting import CallbackPoster
from harkara.callbacks.registration import RenewSecret
from harkara.callbacks.signing import SECRET_PREFIX
from harkara.manage.callback_secrets import secrets_in, with_secrets
from harkara.manage.dead_letter_fields import ParkedQuery, fields_of, selection_of
from harkara.manage.registry import PAGE_LIMIT_BYTES, RegistryService
from harkara.model.accounts import Account
from harkara.model.callbacks import CallbackEndpoint, Destination
from harkara.model.dead_letters import UNREGISTERED
from harkara.model.events import Dlr
from harkara.model.fields import Fields, read
from harkara.model.messages import State
from harkara.model.tasks import CallbackTask

A = ParamSpec("A")
T = TypeVar("T")

SECRET_BYTES = 32
SAMPLE = "test"
# No phone has this number: mobile numbers of India begin with 6 to 9.
SAMPLE_TO = "910000000000"
TRIED = ("status", "reason", "duration_ms", "answer")
_ID_BYTES = 8
# The error code of a sample in each state.
_CODES = {
    State.FAILED: Code.UNDELIVERED,
    State.EXPIRED: Code.EXPIRED,
    State.UNKNOWN: Code.NO_RECEIPT,
    State.CANCELLED: Code.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class EndpointService:
    """Manages registered callbacks.

    Its methods raise RequestRefused (NOT_FOUND and others that they name) and StoreUnavailable.
    """

    registry: RegistryService
    parked: DeadLetterService
    poster: CallbackPoster
    clock: Clock
    randomness: Randomness

    def renew_secret(self, account: Account, name: str, fields: Fields) -> dict[str, Any]:
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

    async def test(self, account: Account, name: str) -> dict[str, Any]:
        """Post a sample and return the endpoint's answer; a success closes the endpoint's circuit.

        The sample is the final state of a message called `test`, in a state that the callback
        wants.
        """
        callback = self.registry.get(account, CallbackEndpoint, name)
        state = callback.states[0] if callback.states else State.DELIVERED
        at_s = int(self.clock())
        task = CallbackTask(
            group_owner=f"{SAMPLE}-{self.randomness(_ID_BYTES).hex()}",
            group=0,
            attempt=0,
            account_id=account.id,
            endpoint=callback.endpoint,
            members=(Dlr(SAMPLE, SAMPLE, state, at_s, _CODES.get(state, ""), SAMPLE_TO, 1),),
        )
        secrets = secrets_in(self.registry.cipher, account.id, callback)
        result = await self.poster.post(task, Destination(callback, secrets))
        if result.acknowledged:
            self.registry.open_door(account.id, callback.endpoint)
        return {name: getattr(result, name) for name in TRIED}

    def parked_page(
        self, account: Account, name: str, fields: Fields, limit: int
    ) -> dict[str, Any]:
        """Return a page of dead letters, oldest first; fewer than `limit` if they would not fit.

        The fields `from` and `to` bound their time; `after`, set to the `next` of a page, reads the
        following page. The name `-` stands for URLs that no callback registers. Raises
        INVALID_REQUEST.
        """
        self._check(account, name)
        query = _checked(read, ParkedQuery, fields)
        page = self.parked.page(account.id, name, query.from_ms, query.to_ms, query.after, limit)
        rows, size = list[dict[str, Any]](), 0
        for parked in page.parked:
            row = fields_of(parked)
            size += len(encode(row))
            if rows and size > PAGE_LIMIT_BYTES:
                return {"parked": rows, "next": rows[-1]["id"]}
            rows.append(row)
        return {"parked": rows, "next": page.next_id}

    def replay(
        self, account: Account, name: str, fields: Fields, deadline: Deadline
    ) -> dict[str, Any]:
        """Post the dead letters that the fields select again; return how many.

        If time runs out first, the answer is not `complete`, and the same request replays the rest.
        Raises INVALID_REQUEST.
        """
        self._check(account, name)
        selection = _checked(selection_of, fields)
        done = self.parked.replay(account.id, name, deadline, *selection)
        return {"replayed": done.callback_count, "complete": done.complete}

    def _check(self, account: Account, name: str) -> None:
        if name != UNREGISTERED:
            self.registry.get(account, CallbackEndpoint, name)


def _checked(reader: Callable[A, T], *arguments: A.args, **named: A.kwargs) -> T:
    try:
        return reader(*arguments, **named)
    except FieldRefused as error:
        raise RequestRefused(Code.INVALID_REQUEST, f"({error})") from error
