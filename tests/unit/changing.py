"""A deployment that an operator changes while a warm process has older records cached."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from harkara.accept.requests import Record, RecordResult, SendRequest
from harkara.accept.service import AcceptService
from harkara.api.authentication import Authenticator, Presented
from harkara.aws.carriers import CarrierDirectory, DynamoCarrierStore, DynamoRoutingStore
from harkara.aws.operator import OperatorStore
from harkara.aws.registry import DynamoRegistry
from harkara.base.errors import CarrierUnreachable, Outside, RequestRefused
from harkara.base.ids import RandomIds, ReferenceSigner
from harkara.carriers.receipts import ReceiptRequest
from harkara.carriers.settings import CarrierSettings, hash_token
from harkara.links.codec import LinkSigner
from harkara.links.shorten import LinkMaker
from harkara.model.accounts import (
    Account,
    Caller,
    Credential,
    Scope,
    Secret,
    Sender,
    Template,
    hash_secret,
)
from harkara.model.callbacks import CallbackEndpoint, UrlRules
from harkara.model.fields import Part
from harkara.model.messages import Category
from harkara.receipts.webhook_auth import WebhookAuthenticator
from tests.support.fakes import FakeMessageStore, Faults, no_texts
from tests.support.queues import FakeTaskQueues
from tests.support.tables import Table
from tests.unit.aws.test_carriers import unused_exchange
from tests.unit.scripted_aws import ScriptedAws

PEPPER = b"pepper"
SIGNER = ReferenceSigner(b"tag key")
SOURCE = "203.0.113.10"
HEADER = Sender(header="ACMEBK", categories=(Category.OTP,))
TEMPLATE = Template(
    dlt_template_id="1107160000000000001",
    name="otp",
    headers=("ACMEBK",),
    category=Category.OTP,
    text="Your code is {#var#}",
)
MAIN = CallbackEndpoint(id="main", url="https://hooks.acme.in/main")
SPARE = CallbackEndpoint(id="spare", url="https://hooks.acme.in/spare")
ACCOUNT = Account(
    id="acme", name="Acme", carrier="sim", callbacks={"main": MAIN}, default_callback="main"
)
CARRIER = CarrierSettings(
    name="sim",
    kind="datasend",
    url="https://carrier.example/datasend",
    receipt_token_hashes=(hash_token("token"),),
)
CREDENTIAL = Credential(
    username="user",
    account_id="acme",
    secrets=(Secret(hash=hash_secret(PEPPER, "old")),),
    scopes=(Scope.SEND,),
    networks=("203.0.113.0/24",),
)
RECORD = Record(to="919876543210", sender_id="ACMEBK", text="Your code is 42", client_ref="r")


class Deployment:
    """The Accounts table, an operator, and a warm process that has read the records."""

    def __init__(self) -> None:
        self.now_s = 1_767_258_000.0
        aws = ScriptedAws("dynamodb", Table(page=1_000))
        self.client = aws.client
        self.aws = aws
        self.operator = OperatorStore(self.client, "Accounts")
        self.registry = DynamoRegistry(self.client, "Accounts")
        self.store = DynamoCarrierStore(self.client, "Accounts", self.clock)
        self.routing = DynamoRoutingStore(self.client, "Accounts", self.clock)
        self.operator.create_account(ACCOUNT)
        self.registry.create("acme", MAIN)
        self.operator.create_credential(CREDENTIAL)
        self.store.put_carrier(CARRIER)

    def clock(self) -> float:
        return self.now_s

    def warm(self, ask: Callable[[], object]) -> None:
        """Make a request that is refused, so that the refusal is cached, and let a moment pass."""
        for _ in range(3):
            with pytest.raises((RequestRefused, CarrierUnreachable)):
                ask()
            self.now_s += 5

    # Changes

    def set_account(self, **fields: Any) -> None:
        self.operator.change_account("acme", lambda existing: existing.model_copy(update=fields))

    def set_credential(self, **fields: Any) -> None:
        self.operator.change_credential("user", lambda existing: existing.model_copy(update=fields))

    def set_carrier(self, **fields: Any) -> None:
        self.operator.change_carrier("sim", lambda existing: existing.model_copy(update=fields))

    def register(self, *parts: Part) -> None:
        for part in parts:
            assert self.registry.create("acme", part)

    # Requests to a warm process

    def authenticate(self, username: str = "user", **request: Any) -> Caller:
        service = Authenticator(self.store, PEPPER, self.clock)
        presented = Presented(username, request.get("secret", "old"))
        scope, source = request.get("scope", Scope.SEND), request.get("source", SOURCE)
        return service.authenticate(presented, scope, source)

    def send(self, record: Record = RECORD, callback_url: str = "") -> list[RecordResult]:
        messages = FakeMessageStore(Faults())
        service = AcceptService(
            batches=messages,
            queues=FakeTaskQueues(Faults(), self.clock),
            names=RandomIds(self.clock, lambda size: bytes(size)),
            links=LinkMaker(messages, lambda: LinkSigner(b"link key")),
            callback_urls=UrlRules(),
            accounts=self.store,
        )
        return service.accept(self.authenticate(), SendRequest([record], callback_url))

    def receipt(self, **fields: Any) -> CarrierSettings:
        request = ReceiptRequest("POST", fields.get("headers", {}), {}, b"{}", SOURCE)
        authenticator = WebhookAuthenticator(
            self.store, lambda existing: existing.receipt_secret, lambda _: None
        )
        return authenticator.admit("sim", fields.get("token", "token"), request)

    def connect(self, name: str = "spare") -> None:
        kms = ScriptedAws("kms", {"Plaintext": b"password"})
        directory = CarrierDirectory(self.store, kms.client, Outside(unused_exchange, no_texts))
        connected = asyncio.run(directory(name))
        if connected.settings.paused:
            raise CarrierUnreachable("paused")
