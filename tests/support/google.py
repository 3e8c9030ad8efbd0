"""Google's RCS for Business in tests: tokens for a service account's key, messages, events.

It verifies each login by the key's public half, and refuses what its documents do not allow.
"""

import base64
import hashlib
import hmac
import re
import uuid
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic_core import from_json, to_json

from cli.preset_files import carrier_fields
from harkara.base.errors import ExchangeOutcomeUnknown, ExchangeUnreachable, HttpAnswer, Outside
from harkara.base.ids import uuid_of
from harkara.carriers import kinds
from harkara.carriers.contract import Connected
from harkara.carriers.receipts import ReceiptRequest
from harkara.carriers.settings import CarrierSecrets, CarrierSettings, hash_token
from tests.support.fakes import no_texts
from tests.support.rcs import RcsProvider
from tests.support.tokens import tokens
from tests.support.wired import TOKEN

if TYPE_CHECKING:
    from tests.support.rcs import RcsWorld

AGENT, CLIENT_TOKEN = "acme_agent", "cl1ent-t0ken"
TOKEN_URL = "https://oauth2.googleapis.com/token"
SCOPE = "https://www.googleapis.com/auth/rcsbusinessmessaging"
LIFETIME_S = 3599
EVENTS = {"delivered": "DELIVERED", "read": "READ", "expired": "TTL_EXPIRATION_REVOKED"}
_MESSAGES = re.compile(
    r"https://rcsbusinessmessaging\.googleapis\.com/v1/phones/\+([0-9]+)/agentMessages(?:/([^/?]+))?"
)


class Key(NamedTuple):
    """A service account's key: the file that Google gives, and the public half."""

    file: str
    public: RSAPublicKey


@cache
def service_account() -> Key:
    """Return the key of the account that these tests use."""
    private = generate_private_key(65537, 2048)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    fields = {
        "type": "service_account",
        "client_email": "rbm@acme.example",
        "private_key_id": "k1",
        "private_key": pem.decode(),
        "token_uri": "https://attacker.example/token",
    }
    return Key(to_json(fields).decode(), private.public_key())


def claims_of(assertion: str) -> dict[str, Any]:
    """Return the claims of a JWT that the key signed. Raises InvalidSignature."""
    head, claims, signature = assertion.split(".")
    signed = f"{head}.{claims}".encode()
    service_account().public.verify(_from(signature), signed, PKCS1v15(), SHA256())
    assert from_json(_from(head)) == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    found: dict[str, Any] = from_json(_from(claims))
    return found


def google_settings(name: str) -> CarrierSettings:
    """Return a carrier of the preset."""
    fields = {
        **carrier_fields("google-rbm", {"agent": AGENT}),
        "name": name,
        "receipt_token_hashes": (hash_token(TOKEN),),
        "receipt_secret": CLIENT_TOKEN.encode(),
    }
    return CarrierSettings.model_validate(fields)


def signed_event(
    client_token: str = CLIENT_TOKEN, data: bytes | None = None, **fields: Any
) -> ReceiptRequest:
    """Return what Google posts to a webhook, signed: an event with these fields, or other data."""
    data = to_json(fields) if data is None else data
    body = {"message": {"data": base64.b64encode(data).decode(), "messageId": "1"}}
    signature = hmac.digest(client_token.encode(), data, hashlib.sha512)
    headers = {"x-goog-signature": base64.b64encode(signature).decode()}
    return ReceiptRequest("POST", headers, {}, to_json({**body, "subscription": "s"}))


class Google(RcsProvider):
    """The API for one agent, which decides by the last four digits as other RCS providers here."""

    def __init__(self, world: "RcsWorld") -> None:
        super().__init__(world)
        self.logins = 0
        self.tokens: dict[str, float] = {}
        self.sent: list[dict[str, Any]] = []
        self._of_process: tuple[object, Connected] | None = None

    @property
    def settings(self) -> CarrierSettings:
        """The settings that the preset makes."""
        return google_settings("rcs")

    def connect(self) -> Connected:
        """Return the connection of a process, which remembers its token."""
        world = self.world
        if self._of_process is None or self._of_process[0] is not world.submit:
            counted = world.ports.of("submit").counted
            issued = tokens(counted, world.clock, world.note, world.sleep)
            secrets = CarrierSecrets(service_account().file)
            outside = Outside(self.exchange, no_texts, issued)
            self._of_process = (
                world.submit,
                Connected(self.settings, kinds.connect(self.settings, secrets, outside)),
            )
        return self._of_process[1]

    def receipt(self, reference: str, event: str) -> ReceiptRequest:
        """Return what Google posts."""
        return signed_event(eventType=EVENTS[event], messageId=reference, agentId=AGENT)

    async def exchange(
        self, method: str, url: str, headers: Any, content: bytes, timeout_s: float
    ) -> HttpAnswer:
        if self.dead:
            raise ExchangeUnreachable("nobody listens")
        number = self.world.faults.before("login" if url == TOKEN_URL else "rcs")
        if url == TOKEN_URL:
            found: HttpAnswer | None = self._log_in(parse_qs(content.decode()))
        elif self.tokens.get(headers["authorization"].removeprefix("Bearer "), 0) <= self.world.now:
            found = refusal(401, "UNAUTHENTICATED")
        else:
            found = self._asked(method, url, content)
        self.world.faults.after(number)
        if found is None:
            raise ExchangeOutcomeUnknown("no answer")
        return found

    def _log_in(self, form: dict[str, list[str]]) -> HttpAnswer:
        claims = claims_of(form.pop("assertion")[0])
        assert form == {"grant_type": ["urn:ietf:params:oauth:grant-type:jwt-bearer"]}
        assert claims.pop("iat") <= self.world.now < claims.pop("exp")
        assert claims == {"iss": "rbm@acme.example", "aud": TOKEN_URL, "scope": SCOPE}
        self.logins += 1
        token = f"ya29.t0ken-{self.logins}"
        self.tokens[token] = self.world.now + LIFETIME_S
        return HttpAnswer(200, {}, to_json({"access_token": token, "expires_in": LIFETIME_S}))

    def _asked(self, method: str, url: str, content: bytes) -> HttpAnswer | None:
        found, query = _MESSAGES.fullmatch(url.partition("?")[0]), parse_qs(urlsplit(url).query)
        assert found
        assert query.pop("agentId") == [AGENT]
        message_id = found[2] or query.pop("messageId")[0]
        assert str(uuid.UUID(message_id)) == message_id
        assert (query, method) == ({}, "DELETE" if found[2] else "POST")
        mid, magic = self._mid_of(message_id), found[1][-4:]
        if found[2]:
            return _in_googles_words(self._revoke(mid, message_id, magic), found[1])
        message = from_json(content)
        assert message.keys() == {"contentMessage", "messageTrafficType", "ttl"}
        assert re.fullmatch(r"[1-9][0-9]*s", message["ttl"])
        self.sent.append(message)
        return _in_googles_words(self._take(mid, message_id, magic), found[1])

    def _mid_of(self, message_id: str) -> str:
        mids = (b.mid(i) for b in self.world.batches().values() for i in range(len(b.messages)))
        return next(mid for mid in mids if uuid_of(self.world.signer.sign(mid, 1)) == message_id)


def _in_googles_words(answer: HttpAnswer | None, number: str) -> HttpAnswer | None:
    if answer is None:
        return None
    if answer.status != 200:
        return refusal(
            answer.status,
            {404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED"}.get(answer.status, "INVALID_ARGUMENT"),
        )
    name = f"phones/+{number}/agentMessages/{from_json(answer.body)['id']}"
    return HttpAnswer(200, {}, to_json({"name": name}))


def refusal(status: int, word: str, message: str = "") -> HttpAnswer:
    """Return an error in Google's shape."""
    error = {"code": status, "message": message, "status": word}
    return HttpAnswer(status, {}, to_json({"error": error}))


def _from(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
