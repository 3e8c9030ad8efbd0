"""Requests of browsers to the console, and what its pages show."""

import base64
import gzip
import re
from collections import Counter
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

from console.guard import ACCOUNT_COOKIE, SESSION_COOKIE
from harkara.activity.counting import CounterKey, Counts, hour_text, parts_of
from harkara.activity.exports import ExportJob
from harkara.activity.names import CROSSED, crossed_name
from harkara.activity.store import Position
from harkara.activity.today import HOURS_SHOWN
from harkara.aws.activity import DynamoActivityStore
from harkara.base.codes import Code
from harkara.carriers.receipts import FAILURES
from harkara.model.accounts import Account
from harkara.model.activity import HOUR_MS
from harkara.model.messages import Category, State
from harkara.model.people import Role
from harkara.model.submit_tasks import SubmitTask
from local.samples import BATCH
from tests.functions.handlers import Gateway
from tests.functions.invoking import Event, http_event
from tests.support.people import cookie_of

HOST = "console.example"
OWN = {"host": HOST, "origin": f"https://{HOST}", "sec-fetch-site": "same-origin"}
FORM = "application/x-www-form-urlencoded"
ADMIN = "admin@sandbox.example"
SURE = {"sure": "remove"}
TEMPLATE_ID = "1107160000000000007"
MID = BATCH.mid(3)
CAMPAIGN = "diwali & co"
CARRIERS = ("airtel", "jio", "vi")
EXPORT_ID = "101KDWCJ2M00000000000000000"
PAGES = (
    *("/console/today", "/console/messages", "/console/campaigns", "/console/reports"),
    "/console/campaigns/diwali%20%26%20co",
    f"/console/exports/{EXPORT_ID}",
    *("/console/templates", "/console/templates/new", "/console/templates/try"),
    *("/console/templates/upload", "/console/templates/file", "/console/senders"),
    *(
        "/console/senders/new",
        "/console/callbacks",
        "/console/callbacks/new",
        "/console/test",
        "/console/send",
    ),
    *("/console/suppressions", "/console/consents"),
    *("/console/credentials", "/console/credentials/~new", "/console/credentials/sandbox"),
    *("/console/suppressions", "/console/consents", "/console/answers"),
    *("/console/answers/new", "/console/answers/help", "/console/settings"),
    *("/console/users", "/console/code"),
    *("/console/links", "/console/audit", "/console/find", f"/console/templates/{TEMPLATE_ID}"),
    *("/console/senders/SAMPLE", "/console/callbacks/signed", f"/console/messages/{MID}"),
)

OPERATOR = "ops@harkara.example"
OPERATORS_PAGES = (
    *("/console/carriers", "/console/carriers/sim"),
    *("/console/queues", "/console/queues/submit"),
)


def visit(gateway: Gateway, method: str, path: str, **options: Any) -> Any:
    """Return the console's answer, its body as text."""
    answer = gateway.call("console", request(method, path, **options))
    body = answer.get("body", "")
    if answer.get("isBase64Encoded"):
        content = base64.b64decode(body)
        packed = answer["headers"].get("Content-Encoding") == "gzip"
        body = (gzip.decompress(content) if packed else content).decode()
    return {**answer, "body": body}


def request(
    method: str,
    path: str,
    fields: dict[str, Any] | bytes | None = None,
    cookie: str | dict[str, str] = "",
    query: dict[str, str] | None = None,
    **headers: str,
) -> Event:
    """Return a browser's request from a page of the console; `fields` are those of a form.

    `cookie` is that of a session, or all cookies by their names.
    """
    body = urlencode(fields, doseq=True) if isinstance(fields, dict) else fields
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    event = http_event(method, path, body, {"content-type": FORM, **OWN, **names})
    event["queryStringParameters"] = query or {}
    named = cookie if isinstance(cookie, dict) else {SESSION_COOKIE: cookie} if cookie else {}
    event["cookies"] = [f"{name}={value}" for name, value in {"other": "1", **named}.items()]
    return event


def signed_in(gateway: Gateway, role: str = "admin", account_id: str = "sandbox") -> str:
    """Return the cookie of a person of a role in an account, which is made if there is none."""
    if account_id not in gateway.accounts.accounts:
        gateway.accounts.accounts[account_id] = Account(id=account_id, name="Other", carrier="sim")
    email = f"{role}@{account_id}.example"
    return cookie_of(gateway.people, email, account_id, Role(role))


def operating(gateway: Gateway, account_id: str = "sandbox") -> dict[str, str]:
    """Return the cookies of an operator who works in an account."""
    session = cookie_of(gateway.people, OPERATOR, None, Role.OPERATOR)
    return {SESSION_COOKIE: session, ACCOUNT_COOKIE: account_id}


def put_counters(
    store: DynamoActivityStore,
    now_s: float,
    of_hour: int = 41_667,
    account_id: str = "sandbox",
) -> None:
    """Count at least so many messages of each category in each of the last 48 hours, as a campaign.

    By default a million of each category a day, which end in all ways.
    """
    counts: Counts = {}
    for ago in range(HOURS_SHOWN):
        key = CounterKey(
            f"account#{account_id}", f"hour#{hour_text(int(now_s * 1000) - ago * HOUR_MS)}"
        )
        hour = counts[key] = Counter()
        names_key = key._replace(sort_key=key.sort_key.replace("hour", "names"))
        names = counts[names_key] = Counter[str]()
        count = of_hour * (7 + ago % 5) // 7
        for category in Category:
            shares = dict.fromkeys([*State, "refused"], count // 40)
            measures = {
                **dict.fromkeys(("accepted", "submitted"), count),
                **shares,
                State.DELIVERED: count // 2,
            }
            hour.update(measures)
            hour.update({f"category:{category}:{name}": n for name, n in measures.items()})
            crossed = f"{CROSSED}:{crossed_name(category, 'IN', 'SAMPLE')}"
            for of, n in (("", count), *((f"/{state}", measures[state]) for state in State)):
                measures |= {f"segments{of}": n, f"price{of}": n * 122_500}
            names.update({f"{crossed}:{name}": n for name, n in measures.items()})
        hour.update({f"code:{code}": 1 for code in Code})
        ends = (Code.DND, Code.EXPIRED, Code.NO_RECEIPT, Code.CANCELLED, Code.INVALID_NUMBER)
        hour.update({f"code:{code}": count // 40 * len(Category) for code in ends})
        delays = ("otp", "delay")
        hour.update({f"{kind}:{n}": count >> n for kind in delays for n in range(19) if count >> n})
        for first, carrier in enumerate(CARRIERS):
            hour.update({f"carrier:{carrier}:otp/{n}": count >> n for n in range(first, 19, 3)})
    hours = (each for key, each in counts.items() if key.sort_key.startswith("hour#"))
    total = sum(hours, Counter[str]())
    counts[CounterKey(f"campaigns#{account_id}", CAMPAIGN)] = total
    now = CounterKey(f"account#{account_id}", f"names#{hour_text(int(now_s * 1000))}")
    counts[now][f"campaign:{CAMPAIGN}:accepted"] = total["accepted"]
    for number, some in enumerate(parts_of(counts)):
        at = store.watermark("counters")
        assert store.count("counters", at, Position(at.sequence + 1, number), some, [])
    store.reach(int(now_s * 1000))


def put_carriers(gateway: Gateway, accounts: int = 500, carriers: int = 13) -> None:
    """Add accounts, and busy carriers whose messages end in all ways; `sim` is busy too."""
    for number in range(accounts):
        name = f"customer-{number:03d}"
        gateway.accounts.accounts[name] = Account(id=name, name=name, carrier="sim")
    sim = gateway.accounts.carriers["sim"]
    for number in range(carriers):
        name = f"carrier-{number:02d}"
        gateway.accounts.carriers[name] = sim.model_copy(update={"name": name})
    for name in gateway.accounts.carriers:
        put_carrier_counters(gateway.ports.activity, gateway.now, name)


def put_carrier_counters(
    store: DynamoActivityStore, now_s: float, carrier: str, of_hour: int = 41_667
) -> None:
    """Count at least so many messages of a carrier in each of the last 24 hours."""
    codes = {*FAILURES.values(), Code.EXPIRED, Code.NO_RECEIPT}
    for ago in range(24):
        count = of_hour * (7 + ago % 5) // 7
        measures: dict[str, int] = {
            **{f"code:{code}": count // (40 + place) for place, code in enumerate(sorted(codes))},
            **{f"{kind}:{n}": count >> n for kind in ("otp", "delay") for n in range(1, 16)},
            **dict.fromkeys(map(str, State), count // 40),
            "submitted": count,
            "delivered": count * 4 // 5,
        }
        count_at(store, now_s, carrier, ago, measures)


def count_at(
    store: DynamoActivityStore, now_s: float, carrier: str, ago_h: int, measures: Mapping[str, int]
) -> None:
    """Count what happened at a carrier, in an hour before now."""
    hour = hour_text(int(now_s * 1000) - ago_h * HOUR_MS)
    key, at = CounterKey(f"carrier#{carrier}", f"hour#{hour}"), store.watermark(carrier)
    for number, some in enumerate(parts_of({key: Counter(measures)})):
        after = Position(at.sequence + 1, number)
        assert store.count(carrier, at, after, some, [])
        at = after


def put_samples(gateway: Gateway, of_hour: int = 8) -> None:
    """Store the samples, with counters and an export: something for each page."""
    gateway.put_samples()
    put_counters(gateway.ports.activity, gateway.now, of_hour)
    put_export(gateway)
    body = SubmitTask(BATCH.id, "sandbox").encode()
    gateway.dead_letters.put("SubmitDeadLetters", body, gateway.now - 3600)


def put_export(gateway: Gateway) -> None:
    """Begin an export of the account of samples, of which nothing is done."""
    now_ms = int(gateway.now * 1000)
    job = ExportJob("sandbox", EXPORT_ID, {}, now_ms - 1, now_ms, now_ms, now_ms)
    assert gateway.ports.jobs.begin(job, 0)


def numbers(page: str) -> dict[str, tuple[int, str]]:
    """Return the numbers at the top of a page, each with the list that it leads to."""
    rows = re.findall(r'<b data-count="(\w+)">(?:<a href="([^"]+)">)?([\d,]+)', page)
    return {name: (int(n.replace(",", "")), url.replace("&amp;", "&")) for name, url, n in rows}


class Page(HTMLParser):
    """The elements and words of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)
