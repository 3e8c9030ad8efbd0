"""The Accounts table: what operators set, read through a cache of a minute."""

import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer
from pydantic import BaseModel

from harkara.accounts import Account, CarrierSettings, Credential
from harkara.aws.clients import aws_errors

CACHE_S = 60
CACHE_LIMIT = 1_000
NAME_LIMIT = 256

_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize
T = TypeVar("T")


class DynamoAccountStore:
    """Accounts, credentials and carriers in DynamoDB. What is absent is remembered too."""

    def __init__(
        self, client: Any, table: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._table = table
        self._clock = clock
        self._cache: dict[tuple[str, str], tuple[float, Any]] = {}

    def credential(self, username: str) -> Credential | None:
        """Return the credential of a user name. Raises StoreUnavailable."""
        return self._cached("credential", username, self._read_credential)

    def account(self, account_id: str) -> Account | None:
        """Return an account with its senders and templates. Raises StoreUnavailable."""
        return self._cached("account", account_id, self._read_account)

    def carrier(self, name: str) -> CarrierSettings | None:
        """Return a carrier's settings; its secret stays encrypted. Raises StoreUnavailable."""
        return self._cached("carrier", name, self._read_carrier)

    def put_credential(self, credential: Credential) -> None:
        """Store a credential."""
        self._put(f"credential#{credential.username}", "credential", credential)

    def put_account(self, account: Account) -> None:
        """Store an account; its senders and templates become items beside it."""
        partition = f"account#{account.id}"
        self._put(partition, "account", account)
        for sender in account.senders.values():
            self._put(partition, f"sender#{sender.header}", sender)
        for template in account.templates.values():
            self._put(partition, f"template#{template.dlt_template_id}", template)

    def put_carrier(self, carrier: CarrierSettings) -> None:
        """Store a carrier's settings, the secret encrypted by `encrypt_secret`."""
        self._put(f"carrier#{carrier.name}", "carrier", carrier)

    def _read_credential(self, username: str) -> Credential | None:
        item = self._get(f"credential#{username}", "credential")
        return Credential.model_validate(item) if item else None

    def _read_carrier(self, name: str) -> CarrierSettings | None:
        item = self._get(f"carrier#{name}", "carrier")
        return CarrierSettings.model_validate(item) if item else None

    def _read_account(self, account_id: str) -> Account | None:
        query = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": f"account#{account_id}"}},
        }
        fields: dict[str, Any] = {}
        senders: dict[str, Any] = {}
        templates: dict[str, Any] = {}
        with aws_errors():
            for page in self._client.get_paginator("query").paginate(**query):
                for item in map(_plain, page["Items"]):
                    kind, _, name = item["sk"].partition("#")
                    if kind == "account":
                        fields = item
                    else:
                        (senders if kind == "sender" else templates)[name] = item
        if not fields:
            return None
        return Account.model_validate({**fields, "senders": senders, "templates": templates})

    def _get(self, partition: str, sort_key: str) -> dict[str, Any] | None:
        with aws_errors():
            answer = self._client.get_item(
                TableName=self._table, Key={"pk": {"S": partition}, "sk": {"S": sort_key}}
            )
        return _plain(answer["Item"]) if "Item" in answer else None

    def _put(self, partition: str, sort_key: str, record: BaseModel) -> None:
        # An account's senders and templates are items of their own.
        own = record.model_dump(exclude={"senders", "templates"})
        fields = {"pk": partition, "sk": sort_key, **own}
        item = {name: _serialize(_storable(value)) for name, value in fields.items()}
        with aws_errors():
            self._client.put_item(TableName=self._table, Item=item)

    def _cached(self, kind: str, name: str, read: Callable[[str], T | None]) -> T | None:
        if len(name) > NAME_LIMIT:  # longer than a key may be, and than any name of ours
            return None
        key, now = (kind, name), self._clock()
        expires, value = self._cache.get(key, (0.0, None))
        if now < expires:
            return value  # type: ignore[no-any-return]  # what `read` returned, of its type
        fresh = read(name)
        if len(self._cache) >= CACHE_LIMIT:
            self._cache.clear()
        self._cache[key] = (now + CACHE_S, fresh)
        return fresh


def encrypt_secret(kms: Any, key_id: str, carrier: str, secret: str) -> bytes:
    """Return a carrier's secret as KMS ciphertext, bound to the carrier's name."""
    with aws_errors():
        answer = kms.encrypt(
            KeyId=key_id, Plaintext=secret.encode(), EncryptionContext={"carrier": carrier}
        )
    return bytes(answer["CiphertextBlob"])


def decrypt_secret(kms: Any, carrier: CarrierSettings) -> str:
    """Return a carrier's secret in clear. Raises StoreUnavailable."""
    with aws_errors():
        answer = kms.decrypt(
            CiphertextBlob=carrier.secret, EncryptionContext={"carrier": carrier.name}
        )
    return str(answer["Plaintext"], "utf-8")


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    values = {name: _deserialize(value) for name, value in item.items()}
    return {
        name: bytes(value) if isinstance(value, Binary) else value for name, value in values.items()
    }


def _storable(value: Any) -> Any:
    """DynamoDB's serializer knows no tuples and wants decimals for fractions."""
    if isinstance(value, tuple):
        return list(value)
    return Decimal(str(value)) if isinstance(value, float) else value
