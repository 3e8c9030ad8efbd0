"""Short links: their codes, and the URLs behind the links of a message batch.

    https://<short domain>/<code>      code: set, message, URL, tag in 14 letters and digits

A short domain may end with `/{header}`: the path of a message's links is then its header, which
India's operators require of registered short URLs.

A code itself says to which message of which batch it belongs, so no item has to be written for each
link: a batch has one *set* of links. The tag is an HMAC over the rest of the code and the host: a
code that is forged, or was issued for another domain, is refused without a read.
"""

import base64
import hashlib
import hmac
import ipaddress
import re
import string
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from harkara.base.errors import ForeignReference
from harkara.base.json import decode, encode
from harkara.base.keys import Keys, as_keys

CODE_LENGTH = 14
URLS_PER_MESSAGE = 8
# An HTTP API's answer has 10 KB for headers, and a URL becomes longer where it is not ASCII.
URL_LIMIT = 2_048
EXAMPLE_CODE = "x" * CODE_LENGTH
"""Stands in a text for a code that is not known yet: the same length and alphabet."""
HEADER = "{header}"
"""Stands in a short domain for the header of each message."""
_NO_PATH = re.compile("[^A-Za-z0-9_-]+")


_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]  # halves the divisions
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
_SET_BITS, _MESSAGE_BITS, _NUMBER_BITS, _TAG_BITS = 40, 10, 3, 30
_KEY_BYTES = -(-(_SET_BITS + _MESSAGE_BITS + _NUMBER_BITS) // 8)


class LinkKey(NamedTuple):
    """A link: its set, its message's index in the batch, and its URL's number in the message."""

    set_id: int
    message: int
    number: int


class LinkSigner:
    """Makes and reads codes."""

    def __init__(self, key: bytes | Keys) -> None:
        self._keys = as_keys(key)

    def code(self, host: str, key: LinkKey) -> str:
        """Return the code of a link on a host."""
        set_id, message, number = key
        named = (set_id << _MESSAGE_BITS | message) << _NUMBER_BITS | number
        rest = named << _TAG_BITS | _tag(self._keys.first(), host, named)
        code = ""
        for _ in range(CODE_LENGTH // 2):
            rest, pair = divmod(rest, len(_PAIRS))
            code = _PAIRS[pair] + code
        return code

    def read(self, host: str, code: str) -> LinkKey:
        """Return the link of a code. Raises ForeignReference if the code is not of this host."""
        if not is_code(code):
            raise ForeignReference("no code of a link")
        whole = 0
        for character in code:
            whole = whole * len(_ALPHABET) + _VALUES[character]
        named, tag = whole >> _TAG_BITS, whole & (1 << _TAG_BITS) - 1
        message = named >> _NUMBER_BITS & (1 << _MESSAGE_BITS) - 1
        set_id = named >> _NUMBER_BITS + _MESSAGE_BITS
        # 14 characters can hold a little more than any code does.
        if set_id >> _SET_BITS or not self._keys.any(lambda key: tag == _tag(key, host, named)):
            raise ForeignReference("the code's tag is not ours")
        return LinkKey(set_id, message, named & (1 << _NUMBER_BITS) - 1)


def _tag(key: bytes, host: str, named: int) -> int:
    signed = named.to_bytes(_KEY_BYTES, "big") + host.encode()
    digest = hmac.digest(key, signed, hashlib.sha256)
    return int.from_bytes(digest[:4], "big") >> 32 - _TAG_BITS


class Linked(NamedTuple):
    """A text whose links are not made yet: its parts, and the URL between each two of them."""

    parts: Sequence[str]
    urls: Sequence[str]

    def own_urls(self) -> list[str]:
        """Return the text's URLs, each once: the index of a URL here is its number."""
        return list(dict.fromkeys(self.urls))

    def original(self) -> str:
        """Return the text as it was written, with URLs in place of short links."""
        pairs = zip(self.parts, [*self.urls, ""], strict=True)
        return "".join(piece for pair in pairs for piece in pair)

    def text(self, base: str, code: Callable[[int], str]) -> str:
        """Return the text with a link in place of each URL; `code` gives a number's code."""
        links: dict[str, str] = {}
        pieces = [self.parts[0]]
        for url, part in zip(self.urls, self.parts[1:], strict=True):
            if url not in links:
                links[url] = f"{base}/{code(len(links))}"
            pieces += links[url], part
        return "".join(pieces)


class LinkSet(NamedTuple):
    """The URLs behind a batch's links: `urls[n]` for each n in `messages[index]`, by number.

    `base` is the part before a code, scheme included; where it holds `{header}`, `headers` are the
    messages' own. The links expire at `expires_at_s` (Unix seconds).
    """

    account_id: str
    batch_id: str
    base: str
    expires_at_s: int
    urls: Sequence[str]
    messages: Sequence[Sequence[int]]
    headers: Sequence[str] = ()

    def base_for(self, message: int) -> str:
        """Return the part before the codes of a message's links."""
        return with_header(self.base, self.headers[message]) if self.headers else self.base

    def url(self, key: LinkKey) -> str | None:
        """Return the URL behind a link; None if its message has no such link."""
        if key.message >= len(self.messages):
            return None
        numbers = self.messages[key.message]
        return self.urls[numbers[key.number]] if key.number < len(numbers) else None


def link_numbers(linked: Sequence[Linked | None]) -> tuple[list[str], list[list[int]]]:
    """Return a set's `urls` and `messages`; a URL that many messages share is in it once."""
    numbers: dict[str, int] = {}
    messages = [
        [numbers.setdefault(url, len(numbers)) for url in each.own_urls()] if each else []
        for each in linked
    ]
    return list(numbers), messages


def pack_links(links: LinkSet) -> str:
    """Pack a set as text: compressed JSON in base 64."""
    return base64.b64encode(zlib.compress(encode(links))).decode()


def unpack_links(packed: str) -> LinkSet:
    """Unpack the text that `pack_links` made."""
    return LinkSet(*decode(zlib.decompress(base64.b64decode(packed))))


def is_code(text: str) -> bool:
    """Whether a text has the form of a code."""
    return len(text) == CODE_LENGTH and _VALUES.keys() >= set(text)


def without_marks(text: str) -> str:
    """Return the code at the beginning of a text, or the text if there is none.

    Phones take a mark behind a link for a part of it: a full stop, a danda, a word of Hindi.
    """
    code, behind = text[:CODE_LENGTH], text[CODE_LENGTH : CODE_LENGTH + 1]
    return code if is_code(code) and behind not in _VALUES else text


def base_of(site: str) -> str:
    """Return the beginning of a site's links: https, but http for this machine's own addresses."""
    address = host_of(site).partition(":")[0]
    return f"{'http' if _is_loopback(address) else 'https'}://{site}"


def with_header(site: str, header: str) -> str:
    """Return a site with a header in place of `{header}`, but for marks that no path may have."""
    return site.replace(HEADER, _NO_PATH.sub("", header)).rstrip("/")


def bases_of(site: str, headers: Iterable[str]) -> tuple[str, ...]:
    """Return the beginnings of a site's links, one for each header if the site names it."""
    names = headers if HEADER in site else ("",)
    return tuple(dict.fromkeys(base_of(with_header(site, name)) for name in names))


def host_of(site: str) -> str:
    """Return a site's domain, with its port if it has one."""
    return site.partition("/")[0]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
