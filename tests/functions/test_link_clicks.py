"""Clicks on short links: each is enqueued, within bounds, and never holds up the visitor."""

import json
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harkara.base.errors import StoreUnavailable
from harkara.links.codec import LinkSet, pack_links
from harkara.links.shorten import CLICKS_A_MINUTE, Visit
from harkara.model.events import ClickTask
from harkara.model.ledger import LedgerEntry, links_key
from harkara.model.tasks import decode_dlr
from tests.functions.handlers import Gateway
from tests.functions.invoking import BATCH_ID, NOW, Context, Logs, http_event
from tests.functions.visiting import HOST, SET, URL, clicks, code_of, counted, put_links, request
from tests.support.fakes import Faults
from tests.support.queues import FakeTaskQueues


class Busy:
    """A queue that refuses the first bodies."""

    def __init__(self, failures: int, *, raises: bool) -> None:
        self.failures = failures
        self.raises = raises
        self.calls = 0

    def send(self, *_: object) -> list[bool]:
        self.calls += 1
        if self.calls > self.failures:
            return [True]
        if self.raises:
            raise StoreUnavailable("ThrottlingException")
        return [False]


@pytest.mark.parametrize("raises", [True, False])
@pytest.mark.parametrize(
    ("failures", "count"), [(1, "clicks"), (2, "clicks_lost"), (9, "clicks_lost")]
)
def test_a_person_is_sent_on_though_the_queue_fails(
    failures: int, count: str, raises: bool, gateway: Gateway, logs: Logs
) -> None:
    put_links(gateway)
    service = gateway.link_service()
    queue = Busy(failures, raises=raises)
    object.__setattr__(service, "queues", queue)
    answer = gateway.app("link", service).handler(request(code_of(gateway)), Context())
    assert (answer["statusCode"], answer["headers"]["Location"]) == (302, URL)
    assert queue.calls == 2
    assert counted(logs) == [(count, "sandbox")]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    visits=st.lists(
        st.tuples(st.sampled_from([0, 2]), st.sampled_from([0, 0, 0, 1, 25, 60]), st.booleans()),
        max_size=60,
    )
)
def test_who_follows_a_link_in_a_loop_is_sent_on_and_the_queue_gets_ten_clicks_a_minute(
    visits: list[tuple[int, int, bool]], gateway: Gateway
) -> None:
    put_links(gateway, expires_at_s=2**33)
    now_s = NOW
    queues = FakeTaskQueues(Faults(), lambda: now_s)
    service = replace(gateway.link_service(), queues=queues, clock=lambda: now_s)
    clicked: Counter[tuple[int, int, bool]] = Counter()
    lost = 0
    # One visitor clicks many times at once, the other rarely.
    for message, wait_s, is_person in [*visits, *[(0, 0, True)] * (CLICKS_A_MINUTE + 2)]:
        now_s += wait_s
        visited = service.visit(HOST, "", code_of(gateway, message), is_person=is_person)
        assert visited.url == URL
        clicked[message, int(now_s // 60), is_person] += 1
        lost += visited.visit is Visit.CLICK_LOST
    reported = Counter(
        (0 if task.mid.endswith("00") else 2, task.at_s // 60, not task.by_bot)
        for task in (decode_dlr(message.body) for message in queues.waiting)
        if isinstance(task, ClickTask)
    )
    assert reported == +Counter(
        {key: min(count, CLICKS_A_MINUTE if key[2] else 1) for key, count in clicked.items()}
    )
    of_persons = Counter({key: count for key, count in (clicked - reported).items() if key[2]})
    assert lost == of_persons.total() > 0


def test_a_thousand_clicks_at_once_are_a_thousand_tasks(gateway: Gateway, logs: Logs) -> None:
    links = LinkSet("sandbox", BATCH_ID, f"https://{HOST}", int(NOW) + 1, [URL], [[0]] * 1_000)
    packed = {"links": pack_links(links)}
    gateway.store.put_if_absent([LedgerEntry(*links_key(SET), BATCH_ID, "", 0, packed)])
    app = gateway.app("link")
    for message in range(1_000):
        assert app.handler(request(code_of(gateway, message)), Context())["statusCode"] == 302
    assert len(clicks(gateway)) == 1_000
    assert counted(logs) == [("clicks", "sandbox")] * 1_000


def test_a_link_of_a_request_leads_to_its_url(gateway: Gateway) -> None:
    """From `send` to `dlr`: a link is requested, visited, and reported to the platform."""
    record = {
        "to": "919876543210",
        "from": "ACMEBK",
        "text": f"See {URL} today",
        "client_ref": "ref",
        "shorten_urls": True,
    }
    headers = {"authorization": "Bearer sandbox.sandbox-secret"}
    answer = gateway.call(
        "send", http_event("POST", "/v1/messages", json.dumps({"messages": [record]}), headers)
    )
    (sent,) = json.loads(answer["body"])["messages"]
    batch = gateway.store.get_batch(sent["mid"][:-2])
    assert batch
    _, link, _ = batch.messages[0].text.split()
    host, path, code = link.removeprefix("https://").split("/")
    assert (host, path) == ("hk.example", "ACMEBK")
    answer = gateway.call("link", request(code, path=f"/{path}"))
    assert answer["headers"]["Location"] == URL
    (click,) = clicks(gateway)
    assert (click.mid, click.short_url) == (sent["mid"], link)
