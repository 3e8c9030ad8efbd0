"""Limit the OTPs of an account: to a number, and to all numbers with a prefix.

A number gets one each so many seconds, and so many a day in IST. An OTP's text differs each time,
so the duplicate window cannot see it. Each number of an account has an item of its own with two
timelines, which all processes extend together or not at all:

    sent    when the last OTP was accepted (Unix microseconds)
    day     the day, and how many were accepted on it

A lowered or raised limit counts at once. The number stands there as a keyed hash.

A prefix has quotas of a minute, an hour or a day (`harkara.state.quotas`). Each limit holds: an OTP
to 4479... counts for the prefixes 44 and 447. A prefix that is known to be exhausted refuses before
the number is counted; otherwise the number goes first, so that OTPs to a number that has enough use
up no prefix.
"""

import hashlib
import hmac
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from harkara.base.codes import Code
from harkara.base.keys import Keys, as_keys
from harkara.base.time import DAY_S, IST_OFFSET_S, Clock, Threads
from harkara.model.accounts import Account
from harkara.state.quotas import Exhausted, Quota, Quotas
from harkara.state.refusals import Refusals
from harkara.state.stores import Extension, LineStore

_SECOND_US = 1_000_000
_THREADS = 16
_ONE_BY_ONE = 4
_SENT, _DAY = "sent", "day"
# More OTPs than any day has, so that each day has its own part of one line.
_DAY_UNITS = 10**9


class OtpRefusal(NamedTuple):
    """Why an OTP is refused, and the seconds until one may pass."""

    code: Code
    wait_s: int


@dataclass(frozen=True, slots=True)
class OtpGuard:
    """Counts OTPs. Keep one for the life of the process: it remembers refusals."""

    store: LineStore
    clock: Clock
    pepper: bytes | Keys
    quotas: Quotas
    _refused: Refusals = field(default_factory=Refusals, init=False)

    def take(self, account: Account, numbers: Mapping[int, str]) -> dict[int, OtpRefusal]:
        """Count an OTP to each number; return the refusals.

        The keys are the caller's. A refused OTP counts nothing, but that a number's may be counted
        when a prefix refuses it for the first time in this process. An account without these limits
        costs no call. Raises StoreUnavailable; OTPs may then be counted.
        """
        refused = dict[int, OtpRefusal]()
        prefixes, begun_s = list(_prefixes(account)), self.clock()
        for prefix, name, quotas in prefixes:
            full = self.quotas.exhausted(name, quotas, 1)
            refused |= _beyond(full, _keys(numbers, prefix, refused))
        left = {key: number for key, number in numbers.items() if key not in refused}
        waits_s = self._take_of_numbers(account, left)
        refused |= {key: OtpRefusal(Code.OTP_LIMITED, wait) for key, wait in waits_s.items()}
        taken = list[tuple[str, Sequence[Quota], Sequence[int]]]()
        for prefix, name, quotas in prefixes:
            keys = _keys(numbers, prefix, refused)
            passed, full = self.quotas.take_most(name, quotas, len(keys))
            refused |= _beyond(full, keys[passed:])
            taken.append((name, quotas, keys[:passed]))
        for name, quotas, keys in taken:
            if unused := sum(key in refused for key in keys):
                self.quotas.give_back(name, quotas, unused, begun_s)
        return dict(sorted(refused.items()))

    def _take_of_numbers(self, account: Account, numbers: Mapping[int, str]) -> dict[int, int]:
        """Count an OTP to each number; return those refused, with the seconds to wait."""
        now_us = int(self.clock() * _SECOND_US)
        lines = _lines(account, now_us)
        if not lines:
            return {}
        names = {each: self._name(account, each) for each in dict.fromkeys(numbers.values())}
        until_us = dict[int, int]()
        asked = dict[str, list[int]]()
        for key, number in numbers.items():
            known_us = self._refused.until_us(_memory(names[number], account))
            if known_us > now_us:
                until_us[key] = known_us
            else:
                asked.setdefault(names[number], []).append(key)

        def extend(name: str) -> dict[int, int]:
            return {key: self._extend(name, lines, now_us) for key in asked[name]}

        if len(asked) <= _ONE_BY_ONE:
            answers = [extend(name) for name in asked]
        else:
            with Threads(_THREADS) as pool:
                answers = list(pool.map(extend, asked))
        for name, answered in zip(asked, answers, strict=True):
            refused = {key: until for key, until in answered.items() if until}
            if refused:
                self._refused.remember(_memory(name, account), max(refused.values()))
            until_us |= refused
        return {key: math.ceil((until_us[key] - now_us) / _SECOND_US) for key in until_us}

    def _extend(self, name: str, lines: Mapping[str, Extension], now_us: int) -> int:
        """Count an OTP; return 0, or until when the number is refused (Unix microseconds)."""
        cooldown_us = lines[_SENT].width_us if _SENT in lines else 0
        expires_at_s = (now_us + cooldown_us) // _SECOND_US + 2 * DAY_S
        begins, ends = self.store.extend_all(name, lines, expires_at_s)
        if begins:
            return 0
        until_us = max(ends.get(_SENT, 0) + cooldown_us, now_us + 1)
        if _DAY in lines and ends.get(_DAY, 0) > lines[_DAY].limit_us:
            midnight_s = (_today(now_us) + 1) * DAY_S - IST_OFFSET_S
            until_us = max(until_us, midnight_s * _SECOND_US)
        return until_us

    def _name(self, account: Account, number: str) -> str:
        key = as_keys(self.pepper).first()
        digest = hmac.digest(key, f"otp {account.id} {number}".encode(), hashlib.sha256)
        return f"rate#otp#{account.id}#{digest[:16].hex()}"


def _prefixes(account: Account) -> Iterator[tuple[str, str, Sequence[Quota]]]:
    """Yield the prefixes, the longest first, each with the name of its item and its quotas."""
    prefixes = {limit.prefix for limit in account.otp_limits}
    for prefix in sorted(prefixes, key=lambda each: (-len(each), each)):
        own = [limit for limit in account.otp_limits if limit.prefix == prefix]
        quotas = [Quota(limit.every, limit.count) for limit in own]
        yield prefix, f"rate#{account.id}#otp#{prefix}", quotas


def _beyond(full: Exhausted | None, keys: Sequence[int]) -> dict[int, OtpRefusal]:
    """Return the refusals of OTPs that a prefix has no room for."""
    return dict.fromkeys(keys, OtpRefusal(Code.OTP_PREFIX_LIMITED, full.wait_s)) if full else {}


def _keys(
    numbers: Mapping[int, str], prefix: str, refused: Mapping[int, OtpRefusal]
) -> Sequence[int]:
    """Return the keys of the numbers with a prefix that are not refused, in order."""
    return [
        key
        for key, number in sorted(numbers.items())
        if number.startswith(prefix) and key not in refused
    ]


def _lines(account: Account, now_us: int) -> dict[str, Extension]:
    """Return how to extend the timelines of a number by one OTP."""
    lines = {}
    if account.otp_cooldown_s:
        cooldown_us = account.otp_cooldown_s * _SECOND_US
        before_us = now_us - cooldown_us
        lines[_SENT] = Extension(before_us, cooldown_us, cooldown_us, before_us)
    if account.otp_per_day:
        begins = _today(now_us) * _DAY_UNITS
        lines[_DAY] = Extension(begins, 1, 1, begins + account.otp_per_day - 1)
    return lines


def _today(now_us: int) -> int:
    return (now_us // _SECOND_US + IST_OFFSET_S) // DAY_S


def _memory(name: str, account: Account) -> str:
    """Return the name of a refusal, which holds only while the limits are the same."""
    return f"{name} {account.otp_cooldown_s} {account.otp_per_day}"
