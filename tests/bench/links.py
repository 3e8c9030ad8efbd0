"""The cost of a visit to a short link: the handler of `link`, warm, on one core.

The real adapters and SDK run; only the network below them is stubbed. The reference for a click, in
alternation, is the SDK's call to the queue alone, which every click needs.
"""

import os
import time
from itertools import cycle, islice
from typing import Any

import orjson
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from harkara.aws.clients import session
from harkara.aws.queues import SqsTaskQueues
from harkara.links.codec import LinkKey, LinkSet, LinkSigner, pack_links
from harkara.model.events import ClickTask
from harkara.model.ledger import LedgerEntry, links_key
from harkara.model.tasks import QueueName
from harkara.wiring import link
from tests.bench.accept import ACCOUNT, FAKE_AWS, RECORDS, Accept, Body, campaign
from tests.bench.cpu import ROUNDS, Work, ratio
from tests.bench.logs import caught_log
from tests.bench.report import Row
from tests.functions.invoking import Context, http_event, load
from tests.support.fakes import FakeMessageStore, Faults

VISITS = 50
HOST = "hk.example"
BATCH_ID = "1" + "0" * 26
SET_ID = 7
MESSAGES = 1_000
BROWSER = (
    "Mozilla/5.0 (Linux; Android 14; SM-A146B) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/120.0.0.0 Mobile Safari/537.36"
)
URL = "https://www.acme.example/track/{:010d}?utm_source=sms"


def measure() -> list[Row]:
    """Return the rows of this part."""
    os.environ.update(FAKE_AWS)
    queues = _stubbed_queues()
    handler, signer = _link(queues)
    codes = [signer.code(HOST, LinkKey(SET_ID, number, 0)) for number in range(MESSAGES)]
    code = codes[500]
    click = ClickTask(f"{BATCH_ID}00", 0, 1_767_258_000, URL.format(500), f"https://{HOST}/{code}")

    def visit(agent: str, *visible: str) -> Work:
        headers = {"host": HOST, "user-agent": agent}
        # Links in turn: of many clicks on the same link most are left out.
        events = cycle([http_event("GET", f"/{each}", None, headers) for each in visible])

        def work() -> None:
            for event in islice(events, VISITS):
                handler(event, Context())

        return work

    def enqueue() -> None:
        for _ in range(VISITS):
            queues.send(QueueName.CALLBACK, [click.encode()], "demo")

    visits = {
        "a click": visit(BROWSER, *codes),
        "a preview, which is redirected only": visit("WhatsApp/2.23.20.0", code),
        "a forged code": visit(BROWSER, "0" * 14),
    }
    with caught_log():
        beside_us, *costs_us = _cpu_us(enqueue, *visits.values())
    rows = [
        Row(f"CPU of {name}", cost_us, "us", note=f"{1e6 / cost_us:,.0f} a second and core")
        for name, cost_us in zip(visits, costs_us, strict=True)
    ]
    beside = costs_us[0] / beside_us
    body = campaign()
    linking = ACCOUNT.model_copy(update={"short_domain": HOST, "shorten_urls": True})
    with_links, without = Accept(body, linking), Accept(body, ACCOUNT)
    return [
        Row("CPU of a click / of the SDK's call to the queue alone", beside, "x", 2),
        *rows,
        Row(
            f"CPU of accepting {RECORDS:,} records, each with its own link / without",
            ratio(with_links.run, without.run),
            "x",
        ),
        Row("AWS calls for it", with_links.warm_calls, "calls", 4),
    ]


def _link(queues: SqsTaskQueues) -> tuple[Any, LinkSigner]:
    """Return the handler, which has a thousand links, each to a URL of its own."""
    store, signer = FakeMessageStore(Faults()), LinkSigner(b"link key")
    urls = [URL.format(number) for number in range(MESSAGES)]
    numbers = [[number] for number in range(MESSAGES)]
    links = LinkSet("demo", BATCH_ID, f"https://{HOST}", 2**33, urls, numbers)
    store.put_if_absent(
        [LedgerEntry(*links_key(SET_ID), BATCH_ID, "", 0, {"links": pack_links(links)})]
    )
    service = link.wire(store=store, queues=queues, signer=signer, clock=time.time)
    module = load("link")
    module.services = lambda: service  # type: ignore[attr-defined]
    return module.handler, signer


def _stubbed_queues() -> SqsTaskQueues:
    sqs = session().client("sqs")

    def answer(request: Any, **_: Any) -> Any:
        asked: dict[str, Any] = orjson.loads(request.body)
        sent = {"Successful": [{"Id": entry["Id"]} for entry in asked["Entries"]]}
        return AWSResponse(request.url, 200, HTTPHeaders(), Body(orjson.dumps(sent)))

    sqs.meta.events.register("before-send", answer)
    return SqsTaskQueues(sqs, {QueueName.CALLBACK: "https://sqs.ap-south-1.amazonaws.com/1/queue"})


def _cpu_us(*works: Work) -> list[float]:
    """Return the CPU time of one visit of each: the minimum of alternating rounds."""
    costs: list[list[float]] = [[] for _ in works]
    for _ in range(ROUNDS):
        for work, taken in zip(works, costs, strict=True):
            began = time.process_time()
            work()
            taken.append(time.process_time() - began)
    return [min(taken) / VISITS * 1e6 for taken in costs]
