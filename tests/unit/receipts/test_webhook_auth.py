"""The cost of a forged receipt: no read beyond the carrier's settings, which are cached."""

from typing import Any

import pytest
from pydantic_core import to_json

from harkara.aws.carriers import DynamoCarrierStore, ReceiptSecrets
from harkara.base.errors import RequestRefused, StoreUnavailable
from harkara.base.ids import ReferenceSigner, mid_of, new_batch_id
from harkara.carriers.receipts import ReceiptRequest
from harkara.carriers.settings import CarrierSettings, hash_token
from harkara.receipts.service import ReceiveService
from harkara.receipts.webhook_auth import WebhookAuthenticator
from tests.support.fakes import Faults
from tests.support.queues import FakeTaskQueues
from tests.unit.scripted_aws import LOST, ScriptedAws

CARRIER = CarrierSettings(
    name="sim",
    kind="datasend",
    url="https://carrier.example/datasend",
    receipt_token_hashes=(hash_token("token"),),
)
MID = mid_of(new_batch_id(1_767_258_000_000, bytes(10)), 3)
FORGED = ReferenceSigner(b"another key").sign(MID, 1)


def item(carrier: CarrierSettings) -> dict[str, Any]:
    keys = {"pk": {"S": f"carrier#{carrier.name}"}, "sk": {"S": "carrier"}}
    return {"Item": {**keys, "data": {"S": carrier.model_dump_json()}}}


def service(dynamodb: ScriptedAws, queues: FakeTaskQueues) -> ReceiveService:
    accounts = DynamoCarrierStore(dynamodb.client, "accounts", clock=lambda: 0.0)
    return ReceiveService(
        authenticator=WebhookAuthenticator(
            accounts, lambda settings: settings.receipt_secret, lambda event: None
        ),
        queues=queues,
        signer=ReferenceSigner(b"tag key"),
        clock=lambda: 1_767_258_000.0,
        confirm=lambda url: None,
    )


@pytest.mark.parametrize(
    ("token", "reference"),
    [
        pytest.param("token", FORGED, id="a wrong tag"),
        pytest.param("guessed", FORGED, id="a wrong token"),
    ],
)
def test_a_hundred_forged_receipts_cost_one_read_of_the_carrier(token: str, reference: str) -> None:
    dynamodb = ScriptedAws("dynamodb", item(CARRIER))
    queues = FakeTaskQueues(Faults(), lambda: 0.0)
    receive = service(dynamodb, queues).receive
    body = to_json([{"smsgid": reference, "status": "DELIVRD"}] * 10)
    for _ in range(100):
        with pytest.raises(RequestRefused):
            receive("sim", token, ReceiptRequest("POST", {}, {}, body))
    assert dynamodb.operations == ["GetItem"]
    assert queues.waiting == []


# The secrets of carriers' signatures


def signed(ciphertext: bytes) -> CarrierSettings:
    fields = {"receipt_signature_header": "x-signature", "receipt_secret": ciphertext}
    return CARRIER.model_copy(update=fields)


def test_a_secret_is_decrypted_once_and_again_when_it_is_another() -> None:
    kms = ScriptedAws("kms", {"Plaintext": b"first"}, {"Plaintext": b"second"})
    secrets = ReceiptSecrets(kms.client)
    assert [secrets(signed(b"1")), secrets(signed(b"1")), secrets(signed(b"2"))] == [
        b"first",
        b"first",
        b"second",
    ]
    assert [request["CiphertextBlob"] for _, request in kms.requests] == [b"1", b"2"]
    assert {request["EncryptionContext"]["carrier"] for _, request in kms.requests} == {"sim"}


def test_a_secret_that_cannot_be_decrypted_is_asked_for_again() -> None:
    kms = ScriptedAws("kms", LOST, {"Plaintext": b"secret"})
    secrets = ReceiptSecrets(kms.client)
    with pytest.raises(StoreUnavailable):
        secrets(signed(b"1"))
    assert secrets(signed(b"1")) == b"secret"


def test_a_signature_needs_a_secret() -> None:
    with pytest.raises(ValueError, match="receipt_secret"):
        CarrierSettings.model_validate(
            CARRIER.model_dump() | {"receipt_signature_header": "x-signature"}
        )


@pytest.mark.parametrize("name", ["X-Signature", "x signature", "x\n"])
def test_a_signatures_header_is_named_in_lower_case(name: str) -> None:
    fields = {"receipt_signature_header": name, "receipt_secret": b"x"}
    with pytest.raises(ValueError, match="receipt_signature_header"):
        CarrierSettings.model_validate(CARRIER.model_dump() | fields)
