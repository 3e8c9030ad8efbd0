"""Prove who somebody is: passwords by scrypt, one-time codes (TOTP), and signed tickets."""

import base64
import hashlib
import hmac
import re
import unicodedata
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote

from harkara.base.errors import FieldRefused
from harkara.base.ids import Randomness
from harkara.base.keys import Keys
from harkara.model.people import Purpose

PASSWORD_LEAST, PASSWORD_MOST = 12, 1_000
# Fewer different characters than this are a pattern, as in "aaaaaaaaaaaa".
_DISTINCT_LEAST = 5
_PASSWORD_RULE = (
    f"{PASSWORD_LEAST} to {PASSWORD_MOST:,} characters, {_DISTINCT_LEAST} of them different, no"
    " control characters, and not the address"
)
_SALT_BYTES, _HASH_BYTES = 16, 32
# OpenSSL counts what scrypt needs beside its 128 * n * r bytes, too.
_MEMORY_LIMIT_BYTES = 128 * 1024 * 1024
_STORED = re.compile(
    r"\$scrypt\$ln=([0-9]{1,2}),r=([0-9]{1,2}),p=([0-9]{1,2})\$([0-9a-f]+)\$([0-9a-f]+)"
)

STEP_S = 30
TOTP_SECRET_BYTES = 20
_DIGITS = 6
_CODE = re.compile(r"[0-9]{6}")

_TICKET = re.compile(r"([a-z2-7]{26})\.([A-Za-z0-9_-]{22})\.([0-9]{1,11})\.([A-Za-z0-9_-]{43})")
_ID_BYTES = 16


class _Cost(NamedTuple):
    log_n: int
    r: int
    p: int


@dataclass(frozen=True, slots=True)
class Passwords:
    """Hashes and verifies passwords by scrypt, in 16 MB and a quarter of a second of one core.

    The default is one of the equal settings of OWASP's "Password Storage Cheat Sheet", the one
    that leaves a small function its memory.
    """

    log_n: int = 14
    r: int = 8
    p: int = 5

    def hash(self, password: str, salt: bytes) -> str:
        """Return a password's hash with its salt and parameters, as it is stored."""
        digest = _scrypt(password, salt, _Cost(self.log_n, self.r, self.p))
        return f"$scrypt$ln={self.log_n},r={self.r},p={self.p}${salt.hex()}${digest.hex()}"

    def verify(self, password: str, stored: str) -> bool:
        """Return whether a password has this hash. Takes as long for no hash ("")."""
        match = _STORED.fullmatch(stored)
        cost = _Cost(*map(int, match.groups()[:3])) if match else _Cost(self.log_n, self.r, self.p)
        salt = bytes.fromhex(match[4]) if match else bytes(_SALT_BYTES)
        existing = bytes.fromhex(match[5]) if match else bytes(_HASH_BYTES)
        same = hmac.compare_digest(_scrypt(password, salt, cost), existing)
        return same and match is not None

    def is_current(self, stored: str) -> bool:
        """Return whether a hash was made with the present parameters."""
        return stored.startswith(f"$scrypt$ln={self.log_n},r={self.r},p={self.p}$")


def _scrypt(password: str, salt: bytes, cost: _Cost) -> bytes:
    # A longer password than one may set is just wrong, and must not cost more. So is one with a
    # lone surrogate, which must not raise an error.
    given = _normal(password[: PASSWORD_MOST + 1]).encode(errors="surrogatepass")
    return hashlib.scrypt(
        given,
        salt=salt,
        n=1 << cost.log_n,
        r=cost.r,
        p=cost.p,
        maxmem=_MEMORY_LIMIT_BYTES,
        dklen=_HASH_BYTES,
    )


def _normal(password: str) -> str:
    """Return a password as it is hashed.

    Keyboards type the same letters as different characters. NIST SP 800-63B-4, 3.1.1.2: "the
    verifier SHOULD apply the normalization process for stabilized strings using either the NFKC or
    NFKD normalization".
    """
    return unicodedata.normalize("NFKC", password)


def new_salt(randomness: Randomness) -> bytes:
    """Return a salt for a password."""
    return randomness(_SALT_BYTES)


def check_password(password: str, email: str) -> None:
    """Raise FieldRefused for a password that may not be set; it is never repeated."""
    given = _normal(password[: PASSWORD_MOST + 1])
    if (
        # One character may become eighteen by normalising, and several one.
        min(len(password), len(given)) < PASSWORD_LEAST
        or len(password) > PASSWORD_MOST
        or len(set(given)) < _DISTINCT_LEAST
        or any(unicodedata.category(each) in ("Cc", "Cs") for each in given)
        or given.casefold() == email.casefold()
    ):
        raise FieldRefused("password", _PASSWORD_RULE)


def totp(secret: bytes, step: int, digits: int = _DIGITS, algorithm: str = "sha1") -> str:
    """Return the code of a time step (RFC 6238, 4.2; RFC 4226, 5.3)."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), algorithm)
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**digits:0{digits}d}"


def totp_step_of(secret: bytes, code: str, now_s: float, after: int) -> int | None:
    """Return the time step of a code, None for a wrong one.

    A clock may be a step early or late. A code counts once (RFC 6238, 5.2): only steps beyond
    `after`, the last one taken, are looked at.
    """
    digits = code.replace(" ", "")
    if not _CODE.fullmatch(digits):
        return None
    now = int(now_s) // STEP_S
    fitting = [
        step
        for step in (now - 1, now, now + 1)
        if hmac.compare_digest(digits, totp(secret, step)) and step > after
    ]
    return fitting[0] if fitting else None


def totp_uri(secret: bytes, email: str) -> str:
    """Return the URI that authenticator apps read (Google Authenticator, "Key Uri Format")."""
    written = base64.b32encode(secret).decode()
    return f"otpauth://totp/Harkara:{quote(email)}?secret={written}&issuer=Harkara"


class Ticket(NamedTuple):
    """What a cookie or a one-time link says: whose it is, its id, and its end (Unix seconds)."""

    user_id: str
    id: str
    expires_at_s: int


@dataclass(frozen=True, slots=True)
class Tickets:
    """Signs and reads tickets, so that a forged or altered one is refused without a read.

    They are of letters, digits, `.`, `_` and `-`. Those of each purpose have keys of their
    own, derived from `keys`.
    """

    keys: Keys

    def sign(self, purpose: Purpose, ticket: Ticket) -> str:
        """Return the signed text of a ticket."""
        signed = f"{ticket.user_id}.{ticket.id}.{ticket.expires_at_s}"
        return f"{signed}.{_tag(self.keys.first(), purpose, signed)}"

    def read(self, purpose: Purpose, text: str, now_s: float) -> Ticket | None:
        """Return the ticket in a text; None if it is over, of another purpose or not ours."""
        match = _TICKET.fullmatch(text)
        if match is None:
            return None
        signed, _, given = text.rpartition(".")
        if not self.keys.any(
            lambda key: hmac.compare_digest(given, _tag(key, purpose, signed))
        ) or now_s >= int(match[3]):
            return None
        return Ticket(match[1], match[2], int(match[3]))


def _tag(key: bytes, purpose: Purpose, signed: str) -> str:
    # A key of its own for each purpose: the pepper also hashes the secrets of credentials.
    own = hmac.digest(key, f"harkara console {purpose}".encode(), "sha256")
    return _written(hmac.digest(own, signed.encode(), "sha256"))


def new_id(randomness: Randomness) -> str:
    """Return a random id for a ticket."""
    return _written(randomness(_ID_BYTES))


def _written(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
