"""Count the stream of many accounts while `activity` dies at every call, and find every message.

The accounts' messages go through the whole pipeline; their tables' records come in shards that
end, in batches of any size, some of them again. `make activity` does it with 200,000 messages.
"""

import time
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from itertools import count
from random import Random
from typing import NamedTuple
from unittest.mock import patch

from harkara.accept.requests import Options, Record
from harkara.activity.filters import MessageFilter
from harkara.activity.search import SearchService
from harkara.aws import messages as aws_messages
from harkara.base.time import DAY_S, utc_text
from harkara.model.messages import Category, unpack
from tests.pipeline.callbacks import FAILED
from tests.pipeline.campaign import EXPECTED
from tests.pipeline.counting import RATES, Counted, but_names_of_campaigns, by_hand
from tests.support import streams
from tests.support.fakes import Faults
from tests.support.limits import INVOCATION_LIMIT_BYTES
from tests.support.streams import FIRST_SEQUENCE, record_of
from tests.support.wired import ACCOUNT, NOW
from tests.support.world import World

MESSAGES, ACCOUNTS = 200_000, 50
LINEAGES = 4
LISTED_S = 5 * DAY_S  # all has ended by then, nothing has expired
BATCH = 1_000
MOMENTS = ("kill_before", "kill_after", "lose_answer")
_SIZES = (1_000, 200, 20, 1, 1, 1)


class Tenant(World):
    """An account whose messages are of all kinds, accepted within a day."""

    def __init__(self, number: int, messages: int) -> None:
        fields = {"id": f"tenant{number}", "rates": RATES, "short_domain": "hk.example/ACMEBK"}
        super().__init__(account=ACCOUNT.model_copy(update=fields))
        self._random = count(number << 32)  # no two accounts make the same ids
        self._drawn = Random(number)  # noqa: S311
        self.trust()
        left = messages
        while left:
            size = min(left, self._drawn.choice(_SIZES))
            left -= size
            records = [self._record(f"ref-{left + at}") for at in range(size)]
            records[0] = records[0]._replace(to="919876500001")  # a request of refused ones is none
            self.at(self._drawn.randrange(DAY_S), partial(self.send, records))
        self.run(2 * DAY_S)
        self._click_and_park()

    def _record(self, client_ref: str) -> Record:
        drawn = self._drawn
        # All are of one series of India; some get several messages.
        number = f"9198765{drawn.randrange(10**5):05d}"
        if drawn.random() < 0.1:
            number = number[:-4] + drawn.choice([*EXPECTED])
        category = Category.OTP if drawn.random() < 0.1 else None
        options = Options(
            campaign_id=drawn.choice(("all year", "diwali", "a/b c", "#1")), category=category
        )
        to = "12" if drawn.random() < 0.02 else number
        return Record(to, drawn.choice(("ACMEBK", "ACMEFD")), "Hello", client_ref, options=options)

    def _click_and_park(self) -> None:
        """Follow a link, cancel a message, and refuse a callback until it is given up."""
        options = Options(campaign_id="clicks", shorten_urls=True)
        record = Record("919876500000", "ACMEBK", "See https://acme.in", "click", options=options)
        known = set(self.batches())
        self.send([record])
        ((_, batch),) = [each for each in self.batches().items() if each[0] not in known]
        code = batch.messages[0].text.rpartition("/")[2]
        visit = partial(self.link_service().visit, "hk.example", "/ACMEBK", code, is_person=True)
        self.at(600, visit)
        self.at(700, visit)
        soon = Options(campaign_id="all year", send_at_ms=int(self.now + 600) * 1000)
        later = self.send([record._replace(client_ref="cancel", options=soon)])
        self.cancel((later or [])[0].mid)
        self.run(3600)
        self.platform.script = [FAILED] * 9
        self.send([record._replace(client_ref="park", options=Options(campaign_id="all year"))])
        self.run()
        self.now = NOW + LISTED_S


class Shard(NamedTuple):
    """Records in order, and the shards that follow once all of them were read."""

    id: str
    records: Sequence[streams.Record]
    children: "Sequence[Shard]"


def shards_of(tenants: Sequence[Tenant], drawn: Random) -> list[Shard]:
    """Return all tables' streams as one, of shards that end and split.

    An item's later changes and its deletion have records too, which count nothing.
    """
    lineages: list[list[streams.Record]] = [[] for _ in range(LINEAGES)]
    numbers = count(FIRST_SEQUENCE)
    for tenant in tenants:
        for (partition, _), item in tenant.store.table.items.items():
            record = record_of(item, next(numbers), tenant.now)
            lineage = lineages[zlib.crc32(partition.encode()) % LINEAGES]
            lineage.append(record)
            if drawn.random() < 0.05:
                again = record_of(item, next(numbers), tenant.now)
                lineage.append({**again, "eventName": drawn.choice(["MODIFY", "REMOVE"])})
    ids = count()
    return [_shard(records, drawn, ids) for records in lineages]


def _shard(records: Sequence[streams.Record], drawn: Random, ids: Iterator[int]) -> Shard:
    shard_id, end = f"shardId-{next(ids):020d}-0a1b2c3d", drawn.choice((1, 40, 40, BATCH))
    own, rest = records[:end], records[end:]
    halves = [rest]
    if drawn.random() < 0.1:  # a shard that is busy splits in two
        halves = [[each for each in rest if _half_of(each) == half] for half in (0, 1)]
    return Shard(shard_id, own, [_shard(each, drawn, ids) for each in halves if each])


def _half_of(record: streams.Record) -> int:
    partition = record["dynamodb"]["Keys"]["pk"]["S"]
    return zlib.crc32(partition.encode()) // LINEAGES % 2


class Run:
    """Delivers shards to the function, which dies at each call of each delivery."""

    def __init__(self, drawn: Random) -> None:
        self.counted = Counted(lambda: NOW)
        self.counts: Counter[str] = Counter()
        self._drawn = drawn

    def deliver(self, shards: Sequence[Shard]) -> None:
        """Deliver shards in turn, each after its parent, until all were read."""
        opened = [(shard, 0) for shard in shards]
        while opened:
            shard, reached = opened.pop(self._drawn.randrange(len(opened)))
            if reached < len(shard.records):
                opened.append((shard, self._deliver_some(shard, reached)))
            else:
                self.counts["shards"] += 1
                self._invoke([], shard.id, Faults())  # the last event of a window
                opened += [(child, 0) for child in shard.children]

    def _deliver_some(self, shard: Shard, reached: int) -> int:
        """Deliver the next records of a shard; return up to where they go."""
        drawn = self._drawn
        begin = max(0, reached - drawn.choice((0, 0, 3, BATCH // 2)))
        size = reached - begin + drawn.choice((1, 40, BATCH // 2))
        batch = _of_one_event(shard.records[begin : begin + size], reached - begin + 1)
        self.counts["repeated"] += reached - begin
        for number in count():
            for moment in MOMENTS:
                faults = Faults()
                setattr(faults, moment, {number})
                if drawn.random() < 0.05:
                    faults.on_call = partial(self._beside, batch, shard.id)
                if self._invoke(batch, shard.id, faults):
                    return begin + len(batch)
                self.counts["deaths"] += 1
                if drawn.random() < 0.05:  # Lambda bisects what failed
                    self.counts["bisected"] += 1
                    batch = batch[: max(reached - begin + 1, len(batch) // 2)]
        raise AssertionError("a delivery does not come to its end")

    def _beside(self, batch: Sequence[streams.Record], shard_id: str, _: int, name: str) -> None:
        """Let another execution count a batch before the first one's transaction."""
        if name == "transact_write_items":
            self.counts["beside"] += 1
            self._invoke(batch, shard_id, Faults())

    def _invoke(self, records: Sequence[streams.Record], shard_id: str, faults: Faults) -> bool:
        self.counts["invocations"] += 1
        self.counted.start(faults)
        return self.counted.count(records, shard_id)


def _of_one_event(records: Sequence[streams.Record], least: int) -> Sequence[streams.Record]:
    """Return as many records as Lambda delivers in an event of 6 MB."""
    left = INVOCATION_LIMIT_BYTES
    for number, record in enumerate(records):
        left -= record["dynamodb"]["SizeBytes"]
        if left < 0 and number >= least:
            return records[:number]
    return records


def check_counters(tenants: Sequence[Tenant], counted: Counted) -> int:
    """Compare every counter with a count by hand; return how many numbers were compared."""
    items = {key: item for each in tenants for key, item in each.store.table.items.items()}
    expected, found = by_hand(items), but_names_of_campaigns(counted.totals())
    assert found == expected
    assert counted.reports.sent == []
    return sum(map(len, found.values()))


def check_lists(tenant: Tenant, counted: Counted) -> int:
    """Find every message by each of its names, exactly once; return how many searches it took."""
    tenant.ports = replace(tenant.ports, activity=counted.activity())
    services = tenant.manage_services()
    wanted: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for batch in tenant.batches().values():
        for index, message in enumerate(batch.messages):
            named = message.client_ref + ("" if message.refusal else batch.mid(index))
            if not message.refusal:
                wanted["number", message.to][named] += 1
                mid = batch.mid(index)
                assert services.history.message(tenant.account, mid)["mid"] == mid
            wanted["client_ref", message.client_ref][named] += 1
            for campaign_id in {message.campaign_id, ""}:  # "" filters nothing
                wanted["campaign", campaign_id][named] += 1
    for (name, value), expected in wanted.items():
        found = listed(services.search, tenant, {name: value})
        assert found == expected, (name, value, found - expected, expected - found)
    return len(wanted)


def listed(search: SearchService, tenant: Tenant, query: Mapping[str, str]) -> Counter[str]:
    """Return the messages of all pages of a query: client_ref and mid of each."""
    since = utc_text(int(NOW) * 1000)
    asked = MessageFilter.model_validate({**query, "limit": 100, "from": since})
    found: Counter[str] = Counter()
    while True:
        page = search.page(tenant.account, asked)
        found.update(each["client_ref"] + (each["mid"] or "") for each in page["messages"])
        if page["next"] is None:
            return found
        asked = asked.model_copy(update={"after": page["next"]})


def run(messages: int, accounts: int, seed: int = 1) -> Mapping[str, int]:
    """Do all of it; return what was done, and how often."""
    drawn = Random(seed)  # noqa: S311
    tenants = [Tenant(number, messages // accounts) for number in range(accounts)]
    run = Run(drawn)
    run.deliver(shards_of(tenants, drawn))
    counts = run.counts
    counts["counters compared"] = check_counters(tenants, run.counted)
    with patch.object(aws_messages, "unpack", cache(unpack)):  # else most of the time
        counts["searches"] = sum(check_lists(each, run.counted) for each in tenants)
    counts["messages"] = sum(len(b.messages) for each in tenants for b in each.batches().values())
    return counts


def main() -> None:
    began_s = time.process_time()
    for name, number in sorted(run(MESSAGES, ACCOUNTS).items()):
        print(f"{name:20}{number:>12,}")
    print(f"{'seconds of CPU':20}{time.process_time() - began_s:>12,.0f}")


if __name__ == "__main__":
    main()
