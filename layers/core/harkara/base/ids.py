"""The ids of message batches and messages, and the references that carriers get.

    batch id   1 + ULID                      27 characters, a message batch; sorts by time
    mid        batch id + index              29 characters, a message; contains its batch's id
    reference  mid . attempt . tag           given to a carrier, and returned in its receipts

The leading `1` is the version of the format. Alphabet: Crockford's base 32, upper case.
"""

import base64
import hashlib
import hmac
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from harkara.base.errors import ForeignReference
from harkara.base.json import encode
from harkara.base.keys import Keys, as_keys
from harkara.base.time import Clock

RandomFraction = Callable[[], float]
"""Returns a random number, uniform in [0, 1)."""
Randomness = Callable[[int], bytes]
"""Returns this many random bytes, as `os.urandom` does."""

VERSION = "1"
BATCH_ID_LENGTH = 27
MID_LENGTH = BATCH_ID_LENGTH + 2
RANDOM_BYTES = 10
MESSAGES_PER_BATCH = 1024

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
INDEX_NAMES = tuple(a + b for a in _ALPHABET for b in _ALPHABET)
"""The last two characters of a mid, by the message's index."""

_REFERENCES = uuid.UUID("5c1c3f1e-0f3b-4f0e-9b1a-6d2f7a9c4e10")


def new_batch_id(now_ms: int, randomness: bytes) -> str:
    """Return a batch id from Unix milliseconds and ten bytes of `os.urandom`.

    Draw the random bytes inside the handler: bytes drawn while a function initialises are the same
    in every instance that SnapStart restores.
    """
    number = now_ms << 80 | int.from_bytes(randomness, "big")
    return VERSION + "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


@dataclass(frozen=True, slots=True)
class RandomIds:
    """Source of unpredictable batch ids, for requests at any time."""

    clock: Clock
    randomness: Randomness

    def now_ms(self) -> int:
        """Return the present time."""
        return int(self.clock() * 1000)

    def new(self, now_ms: int, batch_key: str) -> str:
        """Return a new random id; `batch_key` does not matter."""
        return new_batch_id(now_ms, self.randomness(RANDOM_BYTES))

    def first_outcome(
        self, name: str, produce: Callable[[], Mapping[str, int]]
    ) -> Mapping[str, int]:
        """Return the outcome of `produce`: nothing tells whether the request is repeated."""
        return produce()


def mid_of(batch_id: str, index: int) -> str:
    """Return the mid of the batch's message `index` (0 to 1023)."""
    return batch_id + INDEX_NAMES[index]


def split_mid(mid: str) -> tuple[str, int]:
    """Return (batch id, index). Raises ForeignReference if the text is not a mid of ours."""
    if len(mid) != MID_LENGTH or mid[0] != VERSION or not _VALUES.keys() >= set(mid):
        raise ForeignReference("not a message id of this gateway")
    return mid[:BATCH_ID_LENGTH], _VALUES[mid[-2]] << 5 | _VALUES[mid[-1]]


def accepted_at_ms(mid: str) -> int:
    """Return when the message was accepted, in Unix milliseconds: the first part of its ULID."""
    number = 0
    for character in mid[1:11]:
        number = number << 5 | _VALUES[character]
    return number


def set_id_of(batch_id: str) -> int:
    """Return the id of a batch's set of short links: the last 40 random bits of the batch's id."""
    number = 0
    for character in batch_id[-8:]:
        number = number << 5 | _VALUES[character]
    return number


class ReferenceSigner:
    """Signs and verifies references, so that a forged receipt is refused without a read."""

    def __init__(self, key: bytes | Keys) -> None:
        self._keys = as_keys(key)

    def sign(self, mid: str, attempt: int) -> str:
        """Return `mid.attempt.tag` for a submit attempt (1, 2, ...)."""
        signed = f"{mid}.{attempt}"
        return f"{signed}.{self._keys.tag(signed)}"

    def verify(self, reference: str) -> tuple[str, int]:
        """Return (mid, attempt). Raises ForeignReference for a reference that we did not issue."""
        signed, _, tag = reference.rpartition(".")
        mid, _, attempt = signed.partition(".")
        if not self._keys.verify(signed, tag):
            raise ForeignReference("the reference's tag is not ours")
        return mid, int(attempt)

    def pseudonyms(self, *texts: str) -> list[str]:
        """Return pseudonyms of these texts (as one list), one for each key, newest key first.

        They replace the texts where nobody may read those. The last pseudonym stays the same for as
        long as the oldest key is kept.
        """
        # Signed references begin with a digit, JSON lists do not: the two cannot be confused.
        named = encode(["pseudonym", *texts])
        digests = (hmac.digest(key, named, hashlib.sha256) for key in self._keys.all())
        return [base64.b32encode(digest[:20]).decode() for digest in digests]


def uuid_of(reference: str) -> str:
    """Return the UUID of a reference, for carriers whose message ids are UUIDs (RFC 9562, 5.5)."""
    return str(uuid.uuid5(_REFERENCES, reference))
