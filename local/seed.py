"""Seed the local stack with accounts, senders, templates and the carrier."""

import math
import time
from collections.abc import Mapping
from typing import Any

from harkara.aws.carriers import DynamoCarrierStore, encrypt_secret
from harkara.aws.clients import values_of
from harkara.aws.destinations import KmsCipher
from harkara.aws.messages import DynamoMessageStore
from harkara.aws.operator import OperatorStore
from harkara.aws.registry import DynamoRegistry
from harkara.aws.suppressions import DynamoSuppressionList
from harkara.base.time import DAY_S, Deadline
from harkara.callbacks.formats import FORMATS
from harkara.carriers.settings import CarrierSettings, hash_token
from harkara.model.accounts import (
    ANY_COUNTRY,
    Account,
    Credential,
    Enforcement,
    Secret,
    Sender,
    Template,
    hash_secret,
)
from harkara.model.callbacks import CallbackEndpoint, CallbackSecrets, SigningSecret
from harkara.model.messages import Category, pack
from harkara.model.routing import Routing
from local import rcs, samples
from local.deploy import client
from local.settings import (
    CARRIER_PASSWORD,
    CARRIER_USER,
    HOST,
    LINK_SECRET,
    RECEIPT_TOKEN,
    SIGNING_SECRET,
    TAG_SECRET,
    WEBENGAGE_TOKEN,
    Ports,
)

CARRIER = "sim"
PE_ID = "1101172974420810001"
# Secrets that platforms check in a callback; the others check none.
CALLBACK_SECRETS = {
    "webengage": CallbackSecrets(token=WEBENGAGE_TOKEN),
    "standard": CallbackSecrets(signing=(SigningSecret(secret=SIGNING_SECRET),)),
}
SAMPLES_KEPT_S = 30 * DAY_S
PASSWORDS = {"demo": "demo-secret", "sandbox": "sandbox-secret"}

SENDERS = (
    Sender(header="HARKAR", categories=(Category.SERVICE_IMPLICIT,), pe_id=PE_ID),
    Sender(header="HKROTP", categories=(Category.OTP,), pe_id=PE_ID),
    Sender(header="HKRBNK", categories=(Category.TRANSACTIONAL,), pe_id=PE_ID),
    Sender(header="561234", categories=(Category.PROMOTIONAL,), pe_id=PE_ID),
)
TEMPLATES = (
    Template(
        dlt_template_id="1107161234567890001",
        name="Order dispatched",
        headers=("HARKAR",),
        category=Category.SERVICE_IMPLICIT,
        text="Dear {#var#}, your order {#var#} is on its way and arrives on {#var#}. HARKARA",
    ),
    Template(
        dlt_template_id="1107161234567890002",
        name="One-time password",
        headers=("HKROTP",),
        category=Category.OTP,
        text="{#numeric#} is your one-time password. Tell it to nobody. HARKARA",
    ),
    Template(
        dlt_template_id="1107161234567890003",
        name="Account debited",
        headers=("HKRBNK",),
        category=Category.TRANSACTIONAL,
        text="Rs {#numeric#} was debited from account {#alphanumeric#} on {#var#}. HARKARA",
    ),
    Template(
        dlt_template_id="1107161234567890004",
        name="Festival offer",
        headers=("561234",),
        category=Category.PROMOTIONAL,
        text="{#var#}, {#numeric#} percent off everything until {#var#}. HARKARA",
    ),
)


def seed(
    aws_url: str, outputs: Mapping[str, str], ports: Ports, carrier_fields: Mapping[str, Any]
) -> None:
    """Put the accounts `demo` and `sandbox` and the carrier `sim`; repeating this is harmless."""
    store = DynamoCarrierStore(client("dynamodb", aws_url), outputs["AccountsTableName"])
    secrets = client("secretsmanager", aws_url)
    secrets.put_secret_value(SecretId=outputs["TagSecretId"], SecretString=TAG_SECRET)
    secrets.put_secret_value(SecretId=outputs["LinkSecretId"], SecretString=LINK_SECRET)
    answer = secrets.get_secret_value(SecretId=outputs["PepperSecretId"])
    pepper = values_of(answer["SecretString"])[0]
    kms, key_id = client("kms", aws_url), outputs["SecretsKeyId"]
    cipher = KmsCipher(kms, key_id)
    encrypted = {
        name: cipher.encrypt("sandbox", name, each) for name, each in CALLBACK_SECRETS.items()
    }
    for account in _accounts(ports, encrypted):
        store.put_account(account)
        secret_hash = hash_secret(pepper, PASSWORDS[account.id])
        store.put_credential(
            Credential(
                username=account.id, account_id=account.id, secrets=(Secret(hash=secret_hash),)
            )
        )
    registry = DynamoRegistry(client("dynamodb", aws_url), outputs["AccountsTableName"])
    registry.put_all(samples.ACCOUNT_ID, samples.PARTS, Deadline(lambda: math.inf))
    lists = DynamoSuppressionList(client("dynamodb", aws_url), outputs["AccountsTableName"])
    for entry in samples.LISTED:
        lists.put(samples.ACCOUNT_ID, entry)
    messages = DynamoMessageStore(
        client("dynamodb", aws_url), outputs["MessagesTableName"], SAMPLES_KEPT_S, time.time
    )
    for batch in (samples.BATCH, samples.OTP_BATCH):
        messages.put_batch(batch.id, pack(batch), batch.due_at_ms)
    messages.put_if_absent([samples.DEAD_LETTER, *samples.LINKS], due_at_ms=samples.BATCH.due_at_ms)
    receipt_url = f"{ports.url('gateway')}/receipts/{CARRIER}/{RECEIPT_TOKEN}"
    secret, encrypted_url = (
        encrypt_secret(kms, key_id, CARRIER, each) for each in (CARRIER_PASSWORD, receipt_url)
    )
    fields: dict[str, Any] = {
        "name": CARRIER,
        "kind": "datasend",
        "url": f"{ports.url('carrier')}/datasend",
        "username": CARRIER_USER,
        "secret": secret,
        "receipt_url": encrypted_url,
        "receipt_token_hashes": [hash_token(RECEIPT_TOKEN)],
        "inbound": {samples.NUMBER: samples.ACCOUNT_ID},
        **carrier_fields,
    }
    store.put_carrier(CarrierSettings(**fields))
    store.put_carrier(samples.AWS_CARRIER)
    rcs_secret = encrypt_secret(kms, key_id, rcs.CARRIER, CARRIER_PASSWORD)
    store.put_carrier(rcs.settings_at(ports.url("carrier"), rcs_secret))
    operator = OperatorStore(client("dynamodb", aws_url), outputs["AccountsTableName"])
    operator.change_routing("sandbox", lambda _: Routing.model_validate({"routes": [rcs.ROUTE]}))


def _accounts(ports: Ports, encrypted: Mapping[str, bytes]) -> tuple[Account, Account]:
    demo = Account(
        id="demo",
        name="Demo: DLT is enforced",
        carrier=CARRIER,
        default_callback="platform",
        callbacks={
            "platform": CallbackEndpoint(
                id="platform", url=f"{ports.url('platform')}/clevertap/demo"
            )
        },
        callback_hosts=(HOST,),
        senders={sender.header: sender for sender in SENDERS},
        templates={template.dlt_template_id: template for template in TEMPLATES},
    )
    sandbox = Account(
        id="sandbox",
        name="Sandbox: any header, text and country",
        carrier=CARRIER,
        default_callback="platform",
        callbacks={each.id: each for each in _callbacks(ports, encrypted)},
        callback_hosts=(HOST,),
        countries=(ANY_COUNTRY,),
        two_way=True,
        dlt=Enforcement.OFF,
        # A link in a text leads to the gateway on this machine.
        short_domain=f"{HOST}:{ports.gateway}",
    )
    return demo, sandbox


def _callbacks(ports: Ports, encrypted: Mapping[str, bytes]) -> list[CallbackEndpoint]:
    """Return a callback for each format: a request's `dlrurl` chooses among them."""
    return [
        CallbackEndpoint.model_validate(
            {
                "id": "platform" if name == "clevertap" else name,
                "url": f"{ports.url('platform')}/{name}/sandbox",
                "format": name,
                "has_token": name == "webengage",
                "signed": name == "standard",
                "encrypted": encrypted.get(name, b""),
            }
        )
        for name in FORMATS
    ]
