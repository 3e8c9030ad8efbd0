"""Tell what an account's recent messages show of its headers and templates, for the audit."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from harkara.activity.counting import account_partition, hour_text
from harkara.activity.index import MESSAGES, partition_of, unpack_row
from harkara.activity.names import OTHER, split_name
from harkara.activity.store import ActivityReader, MessageReader
from harkara.base.time import DAY_S, Clock

IDLE_DAYS = 25
SUSPENDED_DAYS = 30
"""TRAI suspends a header that sent nothing for so many days."""

ROWS_READ = 200
BATCHES_READ = 40
TEXTS_READ = 10
"""What is read to find messages of templates, at most: index rows, batches, texts of a template."""

_DAY_LENGTH = len("2026-11-30")


class HeaderUse(NamedTuple):
    """When an idle header was last used: the day in India, or "" for none on or after `since`."""

    day: str
    since: str


@dataclass(frozen=True, slots=True)
class UsageService:
    """Reads counters and recent messages. Its methods raise StoreUnavailable."""

    store: ActivityReader
    messages: MessageReader
    clock: Clock

    def idle(self, account_id: str, headers: Collection[str]) -> dict[str, HeaderUse]:
        """Return the headers that no message was accepted by for IDLE_DAYS.

        Days are read from today back, until each header was seen. A header of which the counters
        cannot tell, since they are younger or have more names than they count, is left out.
        """
        now_s, unseen = int(self.clock()), set(headers)
        found: dict[str, HeaderUse] = {}
        first = self._first_day(account_id) if unseen else ""
        since = max(first, _day(now_s - SUSPENDED_DAYS * DAY_S))
        if not first or first > _day(now_s - IDLE_DAYS * DAY_S):
            return found
        for ago in range(SUSPENDED_DAYS + 1):
            day = _day(now_s - ago * DAY_S)
            used = self._senders(account_id, day)
            if OTHER in used and ago < IDLE_DAYS:
                return {}
            if ago >= IDLE_DAYS:
                found |= {each: HeaderUse(day, since) for each in unseen & used}
            unseen -= used
            if not unseen:
                return found
        return found | {each: HeaderUse("", since) for each in unseen}

    def texts(self, account_id: str, template_ids: Collection[str]) -> dict[str, list[str]]:
        """Return texts of recent messages by template, of a bounded number of messages."""
        batch_ids = list(islice(self._batches_of(account_id, template_ids), BATCHES_READ))
        if not batch_ids:
            return {}
        batches, _ = self.messages.read_messages([(each, 0) for each in batch_ids])
        texts: dict[str, list[str]] = {}
        for batch_id in batch_ids:
            batch = batches.get(batch_id)
            for message in batch.messages if batch and batch.account_id == account_id else ():
                own = texts.setdefault(message.dlt_template_id, [])
                if len(own) < TEXTS_READ and not message.refusal:
                    own.append(message.text)
        return {each: texts[each] for each in template_ids if texts.get(each)}

    def _first_day(self, account_id: str) -> str:
        """Return the first day of an account that has counters, "" for none."""
        for sort_key, _ in self.store.counters(
            account_partition(account_id), "names#", "names#~", 1
        ):
            return sort_key.removeprefix("names#")[:_DAY_LENGTH]
        return ""

    def _senders(self, account_id: str, day: str) -> set[str]:
        hours = self.store.counters(
            account_partition(account_id), f"names#{day}T", f"names#{day}T99"
        )
        return {name for _, counts in hours for name in _accepted(counts)}

    def _batches_of(self, account_id: str, template_ids: Collection[str]) -> Iterator[str]:
        """Yield the newest batches with messages of these templates, a few of each."""
        wanted = Counter(dict.fromkeys(template_ids, TEXTS_READ))
        for content in islice(self._rows(account_id), ROWS_READ):
            for batch in unpack_row(content):
                own = {common["template"] for common in batch.commons}
                found = [each for each in own if wanted[each] > 0]
                if found:
                    wanted.subtract(dict.fromkeys(found, batch.message_count))
                    yield batch.batch_id

    def _rows(self, account_id: str) -> Iterator[bytes]:
        for page in self.store.rows(partition_of(MESSAGES, account_id), "0", "~"):
            yield from (content for _, content in page)


def _accepted(counts: Mapping[str, int]) -> Iterator[str]:
    for attribute, count in counts.items():
        dimension, name, measure = split_name(attribute)
        if (dimension, measure) == ("sender", "accepted") and count:
            yield name


def _day(at_s: int) -> str:
    return hour_text(at_s * 1000)[:_DAY_LENGTH]
