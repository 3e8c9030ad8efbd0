"""What an account does with a registered callback: renew its signing secret, and try it."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harkara.accounts import Account
from harkara.callback_fields import overlap_s_of
from harkara.callback_settings import CallbackEndpoint, Destination
from harkara.callbacks.headers import SECRET_PREFIX
from harkara.codes import Code
from harkara.errors import FieldRefused, RequestRefused
from harkara.events import Dlr
from harkara.messages import Endpoint, State
from harkara.ports import CallbackPoster, Clock, Randomness
from harkara.services.registry import RegistryService
from harkara.services.sealing import secrets_in, with_secrets
from harkara.tasks import CallbackTask

SECRET_BYTES = 32
SAMPLE = "test"
# No phone has it: mobile numbers of India begin with 6 to 9.
SAMPLE_TO = "910000000000"
TRIED = ("status", "reason", "duration_ms", "answer")
_ID_BYTES = 8
# Why a message comes to such an end.
_CODES = {
    State.FAILED: Code.UNDELIVERED,
    State.EXPIRED: Code.EXPIRED,
    State.UNKNOWN: Code.NO_RECEIPT,
    State.CANCELLED: Code.CANCELLED,
}


@dataclass(frozen=True, slots=True)
class EndpointService:
    """Its methods raise RequestRefused (NOT_FOUND) and StoreUnavailable."""

    registry: RegistryService
    poster: CallbackPoster
    clock: Clock
    randomness: Randomness

    def renew_secret(
        self, account: Account, name: str, fields: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Give a callback another secret to sign with (Standard Webhooks), and return it.

        The present one stays valid for `overlap_s` of the fields. INVALID_REQUEST.
        """
        try:
            overlap_s = overlap_s_of(fields)
        except FieldRefused as error:
            raise RequestRefused(Code.INVALID_REQUEST, f"({error})") from error
        secret = f"{SECRET_PREFIX}{base64.b64encode(self.randomness(SECRET_BYTES)).decode()}"
        now_s = int(self.clock())

        def renew(callback: CallbackEndpoint) -> CallbackEndpoint:
            return with_secrets(
                self.registry.vault,
                account.id,
                callback,
                lambda secrets: secrets.rotated(secret, now_s, overlap_s),
            )

        self.registry.change(account, CallbackEndpoint, name, renew)
        return {"secret": secret, "overlap_s": overlap_s}

    async def test(self, account: Account, name: str) -> dict[str, Any]:
        """Post a sample, and return what came back.

        It is the end of a message called `test`, one that the callback wants.
        """
        callback = self.registry.get(account, CallbackEndpoint, name)
        state = callback.states[0] if callback.states else State.DELIVERED
        at_s = int(self.clock())
        task = CallbackTask(
            group_owner=f"{SAMPLE}-{self.randomness(_ID_BYTES).hex()}",
            group=0,
            attempt=0,
            account_id=account.id,
            endpoint=Endpoint(callback.url, callback.format, callback.id),
            members=(Dlr(SAMPLE, SAMPLE, state, at_s, _CODES.get(state, ""), SAMPLE_TO, 1),),
        )
        secrets = secrets_in(self.registry.vault, account.id, callback)
        result = await self.poster.post(task, Destination(callback, secrets))
        return {name: getattr(result, name) for name in TRIED}
