"""Take a person out of contents: message batches, tasks, link sets and ledger entries.

All of it can be done again, and then changes nothing.
"""

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harkara.base.ids import mid_of
from harkara.base.json import decode, encode_body
from harkara.links.codec import LinkSet
from harkara.model.activity import facts_of
from harkara.model.events import Click, Event, Reply, event_of, row_of
from harkara.model.messages import MessageBatch, unpack

# Without the country code, as people write it; a shorter number is found in other numbers.
_NATIONAL_DIGITS = 10


@dataclass(frozen=True, slots=True)
class Person:
    """A phone number to be erased, an msisdn. Refused records hold none."""

    number: str

    def without(self, text: str) -> str:
        """Return a text without the number's digits."""
        return re.sub(rf"{self.number}|{self.number[-_NATIONAL_DIGITS:]}", "", text)

    def without_all(self, value: Any) -> Any:
        """Return a JSON value with the number in none of its texts."""
        if isinstance(value, str):
            return self.without(value)
        if isinstance(value, Mapping):
            return {name: self.without_all(each) for name, each in value.items()}
        if isinstance(value, Sequence):
            return [self.without_all(each) for each in value]
        return value

    def out_of_batch(self, batch: MessageBatch, indexes: Iterable[int]) -> MessageBatch:
        """Return a batch without number and text of these messages; all else is as before.

        A `client_ref` that holds the number goes too.
        """
        messages, hashes = list(batch.messages), list(batch.text_hashes)
        erased = dict(batch.erased_facts())
        for index in indexes:
            message = messages[index]
            facts = facts_of(batch, index)
            erased[index] = facts.country, facts.prefix
            client_ref = "" if self._is_in(message.client_ref) else message.client_ref
            messages[index] = message._replace(to="", text="", client_ref=client_ref, rcs=None)
            if index < len(hashes):
                hashes[index] = ""
        return replace(
            batch,
            messages=messages,
            text_hashes=tuple(hashes),
            erased=tuple((index, *erased[index]) for index in sorted(erased)),
        )

    def out_of_task(self, body: str, mids: Iterable[str]) -> str | None:
        """Return a task's body without the person, who got these messages; None if nothing is left.

        Replies are the person's own words: they go as a whole.
        """
        known, fields = set(mids), decode(body)
        if "members" in fields:
            members = [self._out_of_event(event_of(row), known) for row in fields["members"]]
            fields["members"] = [row_of(each) for each in members if each]
            if not fields["members"]:
                return None
        if "event" in fields:
            event = self._out_of_event(event_of(fields["event"]), known)
            if event is None:
                return None
            fields["event"] = row_of(event)
        if fields["kind"] == "click" and fields["mid"] in known:
            fields["url"] = ""
        if "packed" in fields:
            batch = unpack(fields["batch"], base64.b64decode(fields["packed"]))
            if any(each.to == self.number for each in batch.messages):
                del fields["packed"]  # `submit` reads the batch then
        return encode_body(
            **{**fields, "last": self.without_all(fields["last"])} if "last" in fields else fields
        )

    def _out_of_event(self, event: Event, mids: set[str]) -> Event | None:
        if isinstance(event, Reply):
            return None if event.sender == self.number or event.mid in mids else event
        if event.to != self.number and event.mid not in mids:
            return event
        client_ref = "" if self._is_in(event.client_ref) else event.client_ref
        bare = event._replace(to="", client_ref=client_ref)
        return bare._replace(url="") if isinstance(bare, Click) else bare

    def _is_in(self, text: str) -> bool:
        return self.without(text) != text


def out_of_links(links: LinkSet, indexes: Iterable[int]) -> LinkSet:
    """Return a link set without the links of these messages; they lead nowhere from then on."""
    messages = list(links.messages)
    for index in indexes:
        if index < len(messages):
            messages[index] = []
    used = {number for numbers in messages for number in numbers}
    urls = [url if number in used else "" for number, url in enumerate(links.urls)]
    return links._replace(urls=urls, messages=messages)


def mids_of(found: Mapping[str, Iterable[int]]) -> set[str]:
    """Return the mids of messages by batch."""
    return {mid_of(batch_id, index) for batch_id, indexes in found.items() for index in indexes}
