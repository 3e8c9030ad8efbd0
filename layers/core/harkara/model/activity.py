"""Facts in ledger entries by which messages are counted, so that no message batch is read for them.

The function `activity` reads them in the stream of the Messages table (`harkara.activity`).
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from harkara.base.time import IST_OFFSET_S
from harkara.model.messages import Category, Message, MessageBatch
from harkara.text.phone_numbers import PREFIX_DIGITS, country_of

HOUR_MS = 3_600_000
PRICE_SCALE = 1_000_000
"""Prices are counted in millionths: whole numbers, so that sums are exact."""


class Facts(NamedTuple):
    """The facts of a message that counters are split by.

    `country` is an ISO code, "" for a number that was refused; `price` is in millionths; `prefix`
    is the first digits of an OTP's number, "" for other categories.
    """

    account_id: str
    carrier: str
    category: str
    sender_id: str
    dlt_template_id: str
    country: str
    campaign_id: str
    segment_count: int
    price: int
    due_at_ms: int
    prefix: str = ""


def price_text(price: int) -> str | None:
    """Return a price in the unit of the rate card; None if there is none."""
    return f"{(Decimal(price) / PRICE_SCALE).normalize():f}" if price else None


def facts_of(batch: MessageBatch, index: int, carrier: str = "", channel: str = "") -> Facts:
    """Return the facts of a message; `carrier` is the one that has it, "" for none.

    The price is that of the channel, `rcs` or "" for SMS.
    """
    message = batch.messages[index]
    erased = batch.erased_facts() if batch.erased else {}
    country, prefix = erased.get(index) or _of_number(message, batch.category)
    return Facts(
        batch.account_id,
        carrier,
        batch.category,
        message.sender_id,
        message.dlt_template_id,
        country,
        message.campaign_id,
        message.segment_count,
        batch.price(index, channel),
        batch.due_at_ms,
        prefix,
    )


def _of_number(message: Message, category: Category) -> tuple[str, str]:
    """Return a number's country, and its prefix for an OTP."""
    country = "" if message.refusal else country_of(message.to) or ""
    return country, message.to[:PREFIX_DIGITS] if category is Category.OTP else ""


class Submitted(NamedTuple):
    """Messages of an account, accepted in one hour, that a carrier took."""

    account_id: str
    carrier: str
    category: str
    campaign_id: str
    hour_ms: int
    message_count: int


def merged(submitted: Iterable[Submitted]) -> list[Submitted]:
    """Return counts with those that differ in nothing else added up."""
    counts = Counter[tuple[str, str, str, str, int]]()
    for account_id, carrier, category, campaign_id, hour_ms, count in submitted:
        counts[account_id, carrier, category, campaign_id, hour_ms] += count
    return [Submitted(*of, count) for of, count in counts.items()]


def submitted_of(
    batch: MessageBatch, at: Mapping[int, str], taken: Iterable[int]
) -> list[Submitted]:
    """Return the counts of a batch's taken messages; `at` has the carrier of each."""
    of, category, hour_ms = batch.account_id, batch.category, hour_of(batch.accepted_at_ms)
    return merged(
        [
            Submitted(of, at[index], category, batch.messages[index].campaign_id, hour_ms, 1)
            for index in taken
        ]
    )


def hour_of(at_ms: int) -> int:
    """Return the start of the hour of a time, by the clocks of India: all days here are in IST."""
    return at_ms - (at_ms + IST_OFFSET_S * 1000) % HOUR_MS


def entry_facts(data: Any) -> Facts | None:
    """Return the facts in a ledger entry's data, None if it has none."""
    return Facts(*data["of"]) if "of" in data else None
