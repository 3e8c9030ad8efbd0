"""Cursors of pages: signed, and good for the same account and the same filters only."""

import base64
import hmac
from collections.abc import Sequence
from typing import Any, NamedTuple

from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.base.json import decode, encode
from harkara.base.keys import Keys, as_keys

_TAG_BYTES = 12


class Cursor(NamedTuple):
    """The last message of a page: its row and its position there, and the range of the search."""

    from_ms: int
    to_ms: int
    sort_key: str
    position: int


class Cursors:
    """Writes and reads cursors, with keys that can be rotated."""

    def __init__(self, key: bytes | Keys) -> None:
        self._keys = as_keys(key)

    def write(self, account_id: str, asked: Sequence[Any], cursor: Cursor) -> str:
        """Return the cursor as text."""
        body = encode(cursor)
        tag = _tag(self._keys.first(), account_id, asked, body)
        return base64.urlsafe_b64encode(tag + body).rstrip(b"=").decode()

    def read(self, account_id: str, asked: Sequence[Any], text: str) -> Cursor:
        """Return the cursor in a text. Raises RequestRefused(INVALID_CURSOR)."""
        try:
            content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except ValueError:
            raise RequestRefused(Code.INVALID_CURSOR) from None
        tag, body = content[:_TAG_BYTES], content[_TAG_BYTES:]
        if not self._keys.any(
            lambda key: hmac.compare_digest(tag, _tag(key, account_id, asked, body))
        ):
            raise RequestRefused(Code.INVALID_CURSOR)
        return Cursor(*decode(body))


def _tag(key: bytes, account_id: str, asked: Sequence[Any], body: bytes) -> bytes:
    signed = encode(["cursor", account_id, asked]) + body
    return hmac.digest(key, signed, "sha256")[:_TAG_BYTES]
