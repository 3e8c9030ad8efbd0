"""Record a person's click on a short link, and post it to the message's callback.

The ledger entry `click#` is the first click of a person on a link; the task that owns it posts the
click. Any further click is posted only if the callback wants every one. `bot#` is the first visit
of a machine, which is counted and not posted.

Only a person's visit is a click, not that of a machine that previews or scans the link. A person's
browser calls itself Mozilla or Opera, or is one of the old ones of Java phones. Programs
with any other name, or none, are machines: previews of chat apps, HTTP libraries, scanners.
Machines that pretend to be a browser but still identify themselves name a URL, or are in the list
of crawler-user-agents (MIT), which `make crawlers` renews. A complete imitation cannot be told from
a person.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from harkara.base.errors import LeaseHeld
from harkara.base.ids import split_mid
from harkara.base.log_events import EventSink, LogEvent
from harkara.base.time import Clock, Deadline
from harkara.callbacks.posting import Destinations
from harkara.callbacks.service import CallbackService
from harkara.model.activity import facts_of
from harkara.model.events import Click, ClickTask, EventTask
from harkara.model.ledger import Lease, Relation, bot_kind, click_kind
from harkara.model.messages import Endpoint, MessageBatch
from harkara.ports import MessageStore


@dataclass(frozen=True, slots=True)
class ClickService:
    """Processes clicks for the function `dlr`."""

    store: MessageStore
    destinations: Destinations
    callbacks: CallbackService
    clock: Clock
    emit: EventSink

    async def click(self, task: ClickTask, lease: Lease, deadline: Deadline) -> Counter[str]:
        """Record a click, and post it if its callback wants it; return the counts by outcome.

        Raises LeaseHeld, OutOfTime and StoreUnavailable; the queue message then comes back.
        """
        deadline.require(self.callbacks.post_s)
        batch_id, index = split_mid(task.mid)
        batch = await asyncio.to_thread(self.store.get_batch, batch_id)
        if batch is None:  # links may last longer than messages are kept
            return Counter(batch_missing=1)
        kind = bot_kind if task.by_bot else click_kind
        entry = lease.entry(
            batch_id,
            kind(index, task.number),
            at=task.at_s * 1000,
            url=task.url,
            of=facts_of(batch, index),
        )
        (existing,) = await asyncio.to_thread(
            self.store.put_if_absent, [entry], due_at_ms=batch.due_at_ms
        )
        if task.by_bot:
            return Counter(bots=1)
        relation = lease.relation(existing, int(self.clock() * 1000))
        if relation is Relation.BUSY:
            raise LeaseHeld("an earlier delivery may still be posting this")
        if relation is Relation.OURS:
            about = {"account_id": batch.account_id, "task": lease.task_id}
            self.emit(LogEvent("first click on a link", about, {"first_clicks": 1}))
        message = batch.messages[index]
        if message.endpoint is None:
            return Counter(clicks=1)
        endpoint = batch.endpoints[message.endpoint]
        if relation is Relation.FOREIGN and not await self._wants_every_click(batch, endpoint):
            return Counter(repeated=1)
        click = Click(task.mid, message.client_ref, task.at_s, message.to, task.url, task.short_url)
        event = EventTask(batch.account_id, endpoint, click, batch.due_at_ms)
        return await self.callbacks.post_event(event, lease, deadline)

    async def _wants_every_click(self, batch: MessageBatch, endpoint: Endpoint) -> bool:
        destination = await asyncio.to_thread(self.destinations.find, batch.account_id, endpoint)
        return destination is not None and destination.settings.every_click


# These apps have browsers of their own, whose visitors are people; their link previews do not call
# themselves a browser.
_APPS = ("WhatsApp", "Viber")
_BROWSER = re.compile(r"(?:Mozilla|Opera)/|.*(?:UCWEB|UC ?Browser|MIDP)", re.DOTALL)
# "compatible" is used by Internet Explorer, and by machines.
_NAMES_ITSELF = re.compile(r"https?://|\bcompatible;(?! ?MSIE)")
# Scanners of mail and messages, and words of machines that are not in the list.
_SCANNER = re.compile(
    r"barracuda|google-safety|mimecast|netcraft|proofpoint|safe ?browsing|safelinks|sophos"
    r"|symantec|trend ?micro|urlscan|virustotal|zscaler|cardyb|googlemessages"
    r"|\b(?:bot|crawler|spider|fetcher|preview)\b|(?<!cu)bot/[0-9]|headless",
    re.IGNORECASE,
)
# MDN "Sec-Purpose"; before it browsers sent Purpose or X-Purpose, and Firefox X-Moz.
_AHEAD = ("sec-purpose", "purpose", "x-purpose", "x-moz")
_FETCHES_AHEAD = re.compile(r"prefetch|prerender|preview")
# `make crawlers` writes it.
LIST = Path(__file__).with_name("crawlers.txt")
# One expression for all would take three times as long.
_BATCH = 25


def read_list(text: str) -> list[str]:
    """Return the patterns of a list: one per line, without comments."""
    return [line for line in text.splitlines() if not line.startswith("#")]


def _compiled() -> list[re.Pattern[str]]:
    patterns = [pattern for pattern in read_list(LIST.read_text()) if pattern not in _APPS]
    batches = (patterns[at : at + _BATCH] for at in range(0, len(patterns), _BATCH))
    return [re.compile("|".join(batch)) for batch in batches]


# Compiled on import, so that a function's snapshot has them: it takes a tenth of a second.
_LISTED = _compiled()


def is_person(method: str, headers: Mapping[str, str]) -> bool:
    """Whether the visitor is a person, as far as can be told; header names are in lower case."""
    if method != "GET":
        return False
    if any(_FETCHES_AHEAD.search(headers.get(name, "").lower()) for name in _AHEAD):
        return False
    return _is_browser(headers.get("user-agent", ""))


# Phones of one model and browser share an agent, so most visits repeat one.
@lru_cache(maxsize=1_000)
def _is_browser(agent: str) -> bool:
    if not _BROWSER.match(agent) or _NAMES_ITSELF.search(agent) or _SCANNER.search(agent):
        return False
    return not any(pattern.search(agent) for pattern in _LISTED)
