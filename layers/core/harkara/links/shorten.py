"""Short links: made before a message batch is committed, and followed when somebody visits one.

The URLs behind a batch's links are one item, put once: no write per message. A visit reads it; a
code that is not ours costs no read.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from hashlib import blake2b
from typing import NamedTuple

from harkara.base.errors import ForeignReference, StoreUnavailable
from harkara.base.ids import mid_of, set_id_of
from harkara.base.time import Clock
from harkara.links.codec import (
    HEADER,
    Linked,
    LinkKey,
    LinkSet,
    LinkSigner,
    base_of,
    host_of,
    link_numbers,
    pack_links,
    unpack_links,
    with_header,
)
from harkara.model.accounts import Account
from harkara.model.events import ClickTask
from harkara.model.ledger import LedgerEntry, links_key
from harkara.model.messages import Message, MessageBatch
from harkara.model.tasks import QueueName
from harkara.ports import MessageStore, TaskQueues

_DAY_S = 86_400
# For this long after its end, a visitor is told that a link has ended, not that there is none.
ENDED_KNOWN_S = 30 * _DAY_S
_CACHED_SETS = 64
_ENQUEUES = 2
# A process enqueues this many clicks on one link in a minute, so that a client which follows it in
# a loop fills no queue.
CLICKS_A_MINUTE = 10
# The hash only has to tell apart texts to one number.
_TEXT_HASH_BYTES = 8


@dataclass(frozen=True, slots=True)
class LinkMaker:
    """Makes links for the function `send`. The signer is loaded once there is a link to make."""

    store: MessageStore
    signer: Callable[[], LinkSigner]

    def make(
        self, account: Account, batch: MessageBatch, linked: Sequence[Linked | None]
    ) -> tuple[MessageBatch, str]:
        """Return the batch with links in its texts, and its packed link set.

        `linked` is by index; messages beyond its end have no links.
        """
        base, host = base_of(account.short_domain), host_of(account.short_domain)
        set_id, signer = set_id_of(batch.id), self.signer()

        def with_links(index: int, message: Message, link: Linked) -> Message:
            own_base = with_header(base, message.sender_id)
            text = link.text(
                own_base, lambda number: signer.code(host, LinkKey(set_id, index, number))
            )
            return message._replace(text=text)

        messages = list(batch.messages)
        for index, link in enumerate(linked):
            if link:
                messages[index] = with_links(index, messages[index], link)
        expires_at_s = batch.due_at_ms // 1000 + account.link_days * _DAY_S
        headers = [each.sender_id for each in messages[: len(linked)]] if HEADER in base else ()
        links = LinkSet(account.id, batch.id, base, expires_at_s, *link_numbers(linked), headers)
        hashes = tuple(map(_text_hash, linked)) if batch.duplicate_window_s else ()
        return replace(batch, messages=messages, text_hashes=hashes), pack_links(links)

    def put(self, account: Account, batch: MessageBatch, packed: str) -> bool:
        """Store a batch's packed link set; False if another batch has the same set id.

        Raises StoreUnavailable.
        """
        partition, kind = links_key(set_id_of(batch.id))
        entry = LedgerEntry(partition, kind, batch.id, "", 0, {"links": packed})
        keep_s = account.link_days * _DAY_S + ENDED_KNOWN_S
        (existing,) = self.store.put_if_absent([entry], due_at_ms=batch.due_at_ms, keep_s=keep_s)
        return existing.task_id == batch.id


def _text_hash(link: Linked | None) -> str:
    if link is None:
        return ""
    return blake2b(link.original().encode(), digest_size=_TEXT_HASH_BYTES).hexdigest()


class Visit(StrEnum):
    """The outcome of a visit, as it is counted: only a person's visit is a click."""

    CLICKED = "clicks"
    CLICK_LOST = "clicks_lost"
    BY_BOT = "bots"
    ENDED = "links_ended"
    UNKNOWN = "links_unknown"


class Visited(NamedTuple):
    """The outcome of a visit, the URL behind the link, and its account; empty if unknown."""

    visit: Visit
    url: str = ""
    account_id: str = ""


@dataclass(frozen=True, slots=True)
class LinkService:
    """Serves visits for the function `link`. Sets never change, so this process caches some.

    Clicks beyond `CLICKS_A_MINUTE` on one link are left out. The first is reported all the same.
    """

    store: MessageStore
    queues: TaskQueues
    signer: LinkSigner
    clock: Clock
    _sets: OrderedDict[int, LinkSet] = field(default_factory=OrderedDict, init=False)
    # By minute, of the present minute only; those of machines apart.
    _visits: dict[int, Counter[tuple[LinkKey, bool]]] = field(default_factory=dict, init=False)

    def visit(self, host: str, path: str, code: str, *, is_person: bool) -> Visited:
        """Return the URL behind a code; report the visit. Raises StoreUnavailable.

        A person's visit is a click. Of a machine's, one a minute is reported, and may be lost.

        `path` is the part between host and code, empty if API Gateway has removed it.
        """
        try:
            key = self.signer.read(host, code)
        except ForeignReference:
            return Visited(Visit.UNKNOWN)
        links = self._find(key.set_id)
        url = links.url(key) if links else None
        base = links.base_for(key.message) if links and url else ""
        if links is None or url is None or not base.endswith(path):
            return Visited(Visit.UNKNOWN)
        if links.expires_at_s <= self.clock():
            return Visited(Visit.ENDED, "", links.account_id)
        mid, now_s = mid_of(links.batch_id, key.message), int(self.clock())
        click = ClickTask(mid, key.number, now_s, url, f"{base}/{code}", by_bot=not is_person)
        has_room = self._has_room(key, is_person=is_person)
        enqueued = has_room and self._enqueue(click, links.account_id)
        visit = Visit.CLICKED if enqueued else Visit.CLICK_LOST
        return Visited(visit if is_person else Visit.BY_BOT, url, links.account_id)

    def _find(self, set_id: int) -> LinkSet | None:
        cached = self._sets.get(set_id)
        if cached is not None:
            return cached
        (entry,) = self.store.get_entries([links_key(set_id)])
        if entry is None:
            return None
        links = self._sets[set_id] = unpack_links(entry.data["links"])
        if len(self._sets) > _CACHED_SETS:
            self._sets.popitem(last=False)
        return links

    def _has_room(self, key: LinkKey, *, is_person: bool) -> bool:
        """Count a visit; return whether it is one of the first to its link in this minute."""
        minute = int(self.clock() // 60)
        if minute not in self._visits:
            self._visits.clear()
        visits = self._visits.setdefault(minute, Counter())
        visits[key, is_person] += 1
        return visits[key, is_person] <= (CLICKS_A_MINUTE if is_person else 1)

    def _enqueue(self, click: ClickTask, account_id: str) -> bool:
        """Return whether a visit is in the queue. The person waits: there are only two attempts."""
        for _ in range(_ENQUEUES):
            try:
                (sent,) = self.queues.send(QueueName.CALLBACK, [click.encode()], account_id)
            except StoreUnavailable:
                continue
            if sent:
                return True
        return False
