"""Erase a person from tables in memory, and search all of their items, unpacked."""

import base64
import binascii
import json
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from harkara.activity.index import Digests
from harkara.aws.contents import DynamoContents
from harkara.aws.exports import DynamoExportStore
from harkara.aws.messages import DynamoLastMessages
from harkara.aws.suppressions import DynamoSuppressionList
from harkara.base.ids import ReferenceSigner
from harkara.manage.cancels import CancelService
from harkara.manage.erasure import ErasureService
from harkara.model.messages import pack, unpack
from tests.support.bucket import new_files
from tests.support.dynamo import ACCOUNTS, ACTIVITY, DUE, MESSAGES
from tests.support.fakes import no_pause
from tests.support.wired import RETENTION_S, Wired

Key = tuple[str, str, str]


def erasure_of(world: Wired) -> ErasureService:
    """Return the service on a world's tables."""
    dynamo, clock, signer = world.store.dynamo, world.clock, ReferenceSigner(b"")
    return ErasureService(
        batches=DynamoContents(dynamo, MESSAGES, "packed", no_pause),
        entries=DynamoContents(dynamo, MESSAGES, "data", no_pause),
        rows=DynamoContents(dynamo, ACTIVITY, "packed", no_pause),
        tasks=DynamoContents(dynamo, DUE, "body", no_pause),
        cancels=CancelService(world.store, world.queues, clock),
        lists=DynamoSuppressionList(dynamo, ACCOUNTS, no_pause),
        last=DynamoLastMessages(dynamo, MESSAGES, signer, RETENTION_S, clock, no_pause),
        exports=DynamoExportStore(dynamo, ACTIVITY, clock, no_pause),
        files=new_files(world.bucket),
        digests=Digests(b"pepper"),
        signer=signer,
        record=world.audited.append,
        clock=clock,
    )


def unpacked(world: Wired) -> Mapping[Key, Any]:
    """Return all items of all tables as plain values, with what is packed in them unpacked."""
    return {
        (name, *key): {attribute: _plain(key[0], *value.popitem()) for attribute, value in item}
        for name, table in world.store.dynamo.tables.items()
        for key, item in (
            (key, [(each, {**value}) for each, value in item.items()])
            for key, item in table.items.items()
        )
    }


def texts_of(value: Any) -> Iterator[str]:
    """Yield all texts in a value, names included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from texts_of(name)
            yield from texts_of(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from texts_of(each)


def _plain(partition: str, kind: str, value: Any) -> Any:
    """Return an attribute's value; a text that is JSON or packed as what it holds."""
    if kind == "B":
        with suppress(ValueError, zlib.error):
            return json.loads(zlib.decompress(value))
        with suppress(ValueError, KeyError, zlib.error):
            return json.loads(zlib.decompress(pack(unpack(partition, value))[1:]))
        return value
    return _read(value)


def _read(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _read(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_read(each) for each in value]
    if not isinstance(value, str) or value.isdecimal():
        return value
    with suppress(ValueError):
        return _read(json.loads(value))
    with suppress(binascii.Error, ValueError, zlib.error):
        content = base64.b64decode(value, validate=True)
        return _read(json.loads(zlib.decompress(content[content[:1] == b"\x02" :])))
    return value
