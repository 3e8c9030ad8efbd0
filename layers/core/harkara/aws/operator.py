"""Create, change, list and remove records of the Accounts table, for the operator only.

Nothing is overwritten by accident: a new record must be absent, and a change is written only over
the record that it was made from.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from harkara.aws.accounts import PARTS, credential_index_item
from harkara.aws.carriers import SORT_KEY as ROUTING
from harkara.aws.carriers import partition_of as routing_of
from harkara.aws.clients import DynamoDBClient
from harkara.aws.suppressions import partitions_of as suppressions_of
from harkara.aws.table import Item, Table, Value, key, update_of, values
from harkara.base.errors import StoreUnavailable
from harkara.base.json import decode
from harkara.carriers.settings import CarrierSettings
from harkara.model.accounts import Account, Credential
from harkara.model.routing import AccountCarrier, Routing

R = TypeVar("R", bound=BaseModel)


class OperatorStore:
    """Accounts without their resources, carriers, routing and credentials, read without a cache.

    Every method raises StoreUnavailable.
    """

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._table = Table(client, table)

    def account(self, account_id: str) -> Account | None:
        """Return an account."""
        item = self._table.get(f"account#{account_id}", "account")
        return Account.model_validate_json(item["data"]["S"]) if item else None

    def create_account(self, account: Account) -> bool:
        """Store an account; return False, and store nothing, if its id is taken."""
        return self._create(f"account#{account.id}", "account", account)

    def change_account(
        self, account_id: str, change: Callable[[Account], Account]
    ) -> Account | None:
        """Replace an account by the result of `change` and return it; None if there is none."""
        return self._change(f"account#{account_id}", "account", Account, change)

    def accounts(self) -> list[Account]:
        """Return all accounts in the order of their ids. Reads the whole table."""
        return sorted(self._all("account", Account), key=lambda account: account.id)

    def carrier(self, name: str) -> CarrierSettings | None:
        """Return a carrier's settings."""
        item = self._table.get(f"carrier#{name}", "carrier")
        return CarrierSettings.model_validate_json(item["data"]["S"]) if item else None

    def create_carrier(self, carrier: CarrierSettings) -> bool:
        """Store a carrier; return False, and store nothing, if its name is taken."""
        return self._create(f"carrier#{carrier.name}", "carrier", carrier)

    def carriers(self) -> list[CarrierSettings]:
        """Return all carriers in the order of their names. Reads the whole table."""
        return sorted(self._all("carrier", CarrierSettings), key=lambda carrier: carrier.name)

    def change_carrier(
        self, name: str, change: Callable[[CarrierSettings], CarrierSettings]
    ) -> CarrierSettings | None:
        """Replace a carrier by the result of `change` and return it; None if there is none."""
        return self._change(f"carrier#{name}", "carrier", CarrierSettings, change)

    def routing(self, account_id: str) -> Routing:
        """Return an account's routing, or that of all accounts."""
        item = self._table.get(routing_of(account_id), ROUTING)
        return Routing.model_validate_json(item["data"]["S"]) if item else Routing()

    def change_routing(self, account_id: str, change: Callable[[Routing], Routing]) -> Routing:
        """Replace the routing of an account, or of all, by the result of `change`; return it."""
        self._create(routing_of(account_id), ROUTING, Routing())
        changed = self._change(routing_of(account_id), ROUTING, Routing, change)
        if changed is None:
            raise StoreUnavailable("it was removed meanwhile")
        return changed

    def credential(self, username: str) -> Credential | None:
        """Return a credential."""
        item = self._table.get(f"credential#{username}", "credential")
        return Credential.model_validate_json(item["data"]["S"]) if item else None

    def create_credential(self, credential: Credential) -> bool:
        """Store a credential; return False, and store nothing, if its user name is taken."""
        own = key(f"credential#{credential.username}", "credential")
        item = {**own, **values({"data": credential.model_dump_json(), "version": 1})}
        put = {"Item": item, "ConditionExpression": "attribute_not_exists(pk)"}
        return self._table.transact(
            {"Put": put}, {"Put": {"Item": credential_index_item(credential)}}
        )

    def change_credential(
        self, username: str, change: Callable[[Credential], Credential]
    ) -> Credential | None:
        """Replace a credential by the result of `change` and return it; None if there is none."""
        return self._change(f"credential#{username}", "credential", Credential, change)

    def remove_credential(self, username: str, check: Callable[[Credential], None]) -> bool:
        """Remove a credential unless `check` raises; return False if there is none."""

        def with_index_item(item: Item) -> list[Item]:
            credential = Credential.model_validate_json(item["data"]["S"])
            check(credential)
            return [{"Delete": {"Key": _key_of(credential_index_item(credential))}}]

        return self._remove(f"credential#{username}", "credential", with_index_item)

    def remove_carrier(self, name: str) -> bool:
        """Remove a carrier; return False if there is none."""
        return self._remove(f"carrier#{name}", "carrier")

    def remove_account(self, account_id: str) -> bool:
        """Remove an account with its resources, routing and suppressions.

        Return False if there is none. The account's own item goes last: the same call again removes
        what an interrupted one has left.
        """
        own = f"account#{account_id}"
        for partition in (*suppressions_of(account_id), routing_of(account_id), own):
            keys = map(_key_of, self._table.query(partition))
            others = [each for each in keys if each != key(own, "account")]
            self._table.write([{"DeleteRequest": {"Key": each}} for each in others])
        return self._remove(own, "account")

    def setup(self) -> tuple[list[CarrierSettings], list[AccountCarrier], dict[str, Routing]]:
        """Return all carriers, what accounts send by, and all routings, in order.

        Reads the whole table, once. Of hundreds of accounts no more is read than is asked for.
        """
        found: dict[str, list[tuple[str, str]]] = {"carrier": [], "account": [], ROUTING: []}
        for item in self._table.scan(*found):
            name = item["pk"]["S"].partition("#")[2]
            found[item["sk"]["S"]].append((name, item["data"]["S"]))
        carriers, accounts, routings = (sorted(each) for each in found.values())
        return (
            [CarrierSettings.model_validate_json(data) for _, data in carriers],
            [_account_carrier(name, decode(data)) for name, data in accounts],
            {name: Routing.model_validate_json(data) for name, data in routings},
        )

    def _remove(
        self,
        partition: str,
        sort_key: str,
        others: Callable[[Item], list[Item]] = lambda _: [],
    ) -> bool:
        """Remove a record, with the other actions that its item needs; return if it was there."""

        def remove(item: Item) -> bool | None:
            delete = {
                "Key": key(partition, sort_key),
                "ConditionExpression": "#data = :seen",
                "ExpressionAttributeNames": {"#data": "data"},
                "ExpressionAttributeValues": {":seen": item["data"]},
            }
            return self._table.transact({"Delete": delete}, *others(item)) or None

        return bool(self._table.change(partition, sort_key, remove))

    def _create(self, partition: str, sort_key: str, record: BaseModel) -> bool:
        return self._write(partition, sort_key, record)

    def _change(
        self, partition: str, sort_key: str, kind: type[R], change: Callable[[R], R]
    ) -> R | None:
        def write(item: Item) -> R | None:
            data = item["data"]["S"]
            changed = change(kind.model_validate_json(data))
            return changed if self._write(partition, sort_key, changed, data) else None

        return self._table.change(partition, sort_key, write)

    def _write(self, partition: str, sort_key: str, record: BaseModel, over: str = "") -> bool:
        """Store a record if the present one is still `over` ("": absent); return if it was."""
        parameters: dict[str, Value] = {":data": record.model_dump_json(exclude=PARTS), ":one": 1}
        condition = "#data = :over" if over else "attribute_not_exists(pk)"
        if over:
            parameters[":over"] = over
        update = "SET #data = :data ADD #version :one"
        written = update_of(partition, sort_key, update, condition, parameters)
        return self._table.update_if(written)[0]

    def _all(self, sort_key: str, kind: type[R]) -> list[R]:
        return [kind.model_validate_json(item["data"]["S"]) for item in self._table.scan(sort_key)]


def _account_carrier(account_id: str, fields: Mapping[str, Any]) -> AccountCarrier:
    return AccountCarrier(account_id, fields["carrier"], fields.get("dead_numbers", False))


def _key_of(item: Item) -> Item:
    return {"pk": item["pk"], "sk": item["sk"]}
