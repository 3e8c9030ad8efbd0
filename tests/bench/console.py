"""The console's pages: what a first view loads, and the CPU of warm pages.

The real handler runs on tables in memory. The reference of the list of templates, in alternation,
is the API's answer with the same 50 templates; that of Today, for an account with six million
messages a day, its statistics of a day.
"""

import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from console import assets
from harkara.model.accounts import Template
from harkara.model.messages import Category
from tests.bench.accept import FAKE_AWS
from tests.bench.cpu import ROUNDS, Work, ratio
from tests.bench.logs import caught_log
from tests.bench.report import Row
from tests.functions.handlers import Gateway
from tests.functions.invoking import SECRET, Context, Event, http_event
from tests.functions.visiting_console import (
    OPERATORS_PAGES,
    PAGES,
    Page,
    operating,
    put_carriers,
    put_samples,
    request,
    signed_in,
)

SHOWN = 50
SIGN_IN = "/console/sign-in"
FIRST_VIEW_REQUESTS, PAGE_MS, BESIDE_API = 4, 40, 15
HTML_KB, CSS_KB, JS_KB = 20, 12, 25


def measure() -> list[Row]:
    """Return the rows of this part."""
    os.environ.update(FAKE_AWS)
    gateway = Gateway()
    put_samples(gateway, 41_667)
    put_carriers(gateway)
    gateway.registry.put_all("sandbox", [_template(number) for number in range(SHOWN)])
    cookie = signed_in(gateway)
    show = gateway.app("console").handler
    operators = operating(gateway)
    pages = {path: _call(show, request("GET", path, cookie=cookie)) for path in PAGES}
    pages |= {path: _call(show, request("GET", path, cookie=operators)) for path in OPERATORS_PAGES}
    answer = gateway.app("manage").handler
    listed = _call(answer, _asked("/v1/templates", limit=str(SHOWN)))
    counted = _call(answer, _asked("/v1/stats", by="hour"))
    with caught_log():
        assert listed()["statusCode"] == counted()["statusCode"] == 200, (listed(), counted())
        beside = ratio(pages["/console/templates"], listed)
        beside_stats = ratio(pages["/console/today"], counted)
        costs = {path: _cpu_ms(page) for path, page in pages.items()}
    slowest = max(costs, key=lambda path: costs[path])
    return [
        *_sizes(show, cookie),
        Row("CPU of the list of templates / of the same list by the API", beside, "x", BESIDE_API),
        Row("CPU of Today / of a day's statistics by the API", beside_stats, "x", BESIDE_API),
        Row(f"CPU of the slowest page, {slowest}", costs[slowest], "ms", PAGE_MS),
        Row("CPU of the list of templates", costs["/console/templates"], "ms", PAGE_MS),
    ]


def _asked(path: str, **query: str) -> Event:
    event = http_event("GET", path, None, {"authorization": f"Bearer sandbox.{SECRET}"})
    event["queryStringParameters"] = query
    return event


def _sizes(show: Callable[..., Any], cookie: str) -> list[Row]:
    """Return requests and bytes, as they go over the network."""
    html = {
        path: _kb(show(request("GET", path, cookie=cookie, accept_encoding="gzip"), Context()))
        for path in PAGES
        if path != "/console/templates/file"  # a CSV
    }
    largest = max(html, key=lambda path: html[path])
    first = Page(show(request("GET", SIGN_IN), Context())["body"])
    loaded = [each for tag, each in first.tags if tag in ("link", "script", "img")]
    packed = {name: len(each.packed) / 1000 for name, each in assets.ASSETS.items()}
    scripts = sum(size for name, size in packed.items() if name.endswith(".js"))
    return [
        Row("requests of the first view", 1 + len(loaded), "", FIRST_VIEW_REQUESTS),
        Row(f"HTML of the largest page, {largest}, in gzip", html[largest], "KB", HTML_KB),
        Row("CSS in gzip", packed["console.css"], "KB", CSS_KB),
        Row("all scripts in gzip", scripts, "KB", JS_KB),
    ]


def _kb(answer: Mapping[str, Any]) -> float:
    body = answer["body"]
    return len(body) * (3 / 4 if answer["isBase64Encoded"] else 1) / 1000


def _call(handler: Callable[..., Any], event: Any) -> Callable[[], Any]:
    return lambda: handler(event, Context())


def _cpu_ms(work: Work) -> float:
    """Return the CPU time of one call: the least of some, without interrupts."""
    taken = []
    for _ in range(ROUNDS // 3):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return min(taken) * 1000


def _template(number: int) -> Template:
    return Template(
        dlt_template_id=f"{number:019d}",
        name=f"Order {number}",
        headers=("SAMPLE",),
        category=Category.SERVICE_IMPLICIT,
        text=f"Dear {{#var#}}, order {number} of {{#var#}} is on its way. HARKARA",
    )
