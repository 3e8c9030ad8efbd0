"""Accounts with all limits and look-ups in use, and carriers that sign or want a login."""

from typing import Any

from harkara.aws.carriers import DynamoCarrierStore, encrypt_secret
from harkara.aws.operator import OperatorStore
from harkara.carriers.settings import CarrierSettings, hash_token
from harkara.model.accounts import (
    Account,
    Credential,
    Enforcement,
    Limits,
    Secret,
    Sender,
    hash_secret,
)
from harkara.model.answers import Keyword, KeywordAnswer
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.events import EventKind
from harkara.model.messages import Category
from harkara.model.routing import Routing
from tests.functions.deployment import Deployment
from tests.support.dynamo import ACCOUNTS
from tests.support.fakes import calling_back
from tests.support.rcs import RCS

BUSY_ROUTING = {
    "suppression": True,
    "routes": [{"prefix": "44", "carriers": [{"carrier": "busy"}], "rcs": {"carrier": "rcs"}}],
}


OWN: dict[str, Any] = {
    "json_body": {"to": "{to}", "text": "{text}", "token": "{token}"},
    "login": {"url": "https://carrier.example/login", "json_body": {}, "token": "/token"},
    "answer": {"id": "/id", "error": "/code", "failures": {"21610": "OPTED_OUT"}},
    "receipts": {"id": "/id", "state": "/state", "states": {"ok": "delivered"}},
}


def add_busy_account(deployment: Deployment) -> None:
    """Add an account with all limits and look-ups in use, and a carrier that signs.

    Also add an account whose carrier returns no references.
    """
    store = DynamoCarrierStore(deployment.dynamo, ACCOUNTS)
    kms = deployment.client("kms")
    busy = Account(
        id="busy",
        name="Busy",
        carrier="busy",
        two_way=True,
        countries=("*",),
        dlt=Enforcement.OFF,
        senders={
            header: Sender(header=header, categories=(category,))
            for header, category in (
                ("BUSYSI", Category.SERVICE_IMPLICIT),
                ("BUSYTX", Category.TRANSACTIONAL),
            )
        },
        answers={
            keyword: KeywordAnswer(keyword=keyword, header=header, category=category, text="Done.")
            for keyword, header, category in (
                (Keyword.STOP, "BUSYSI", Category.SERVICE_IMPLICIT),
                (Keyword.HELP, "BUSYTX", Category.TRANSACTIONAL),
            )
        },
        limits=Limits(requests_per_s=100),
        **calling_back("https://busy.clevertap.com/dlr"),
    )
    asking = CallbackEndpoint(
        id="main", url="https://own.example/dlr", format="generic", events=(*EventKind,)
    )
    for account_id, changes in (("busy", {}), ("own", {"callbacks": {"main": asking}})):
        existing = {"id": account_id, "carrier": account_id, **changes}
        store.put_account(busy.model_copy(update=existing))
        secret = Secret(hash=hash_secret(b"PepperSecret", f"{account_id}-secret"))
        store.put_credential(
            Credential(username=account_id, account_id=account_id, secrets=(secret,))
        )
    signed: dict[str, Any] = {
        "receipt_token_hashes": (hash_token("token"),),
        "url": "https://carrier.example",
    }
    store.put_carrier(
        CarrierSettings(name="busy", kind="datasend", rate_segments_per_s=100, **signed)
    )
    store.put_carrier(
        CarrierSettings.model_validate(
            {"name": "own", "kind": "http", "http": OWN, "echoes_reference": False, **signed}
        )
    )
    store.put_carrier(RCS.model_copy(update={"receipt_token_hashes": (hash_token("token"),)}))
    store.put_carrier(
        CarrierSettings(
            name="signed",
            kind="datasend",
            receipt_signature_header="x-signature",
            inbound={"56161": "busy"},
            receipt_secret=encrypt_secret(kms, "SecretsKey", "signed", "key"),
            **signed,
        )
    )
    operator = OperatorStore(deployment.dynamo, ACCOUNTS)
    operator.change_routing("busy", lambda _: Routing.model_validate(BUSY_ROUTING))
