"""Short links on the running stack: from the request to the redirect and the click's callback."""

import uuid

import httpx
import pytest

from tests.stack.campaigns import Lab, record, wait_until

pytestmark = pytest.mark.stack

URL = "https://acme.example/offers?id=4711"
# Other processes may use most of the machine.
TOLD_WITHIN_S = 180
PERSON = {"user-agent": "Mozilla/5.0 (Linux; Android 14)", "accept": "text/html"}


@pytest.fixture(scope="module")
def client_ref() -> str:
    return f"link-{uuid.uuid4()}"


@pytest.fixture(scope="module")
def mid(lab: Lab, client_ref: str) -> str:
    """Send a message with a link in its text; return its message id."""
    sent = lab.send([record(client_ref, smstext=f"See {URL} today", shorten_urls="true")])
    assert sent.status_code == 200
    return str(sent.json()[0]["mid"])


def test_a_link_leads_to_the_url_and_its_click_is_told_once(
    lab: Lab, client_ref: str, mid: str
) -> None:
    link, repeated = lab.link_in(mid), lab.logged_counts()["dlr repeated"]
    for _ in range(3):
        answer = httpx.get(link, headers=PERSON, timeout=30)
        assert (answer.status_code, answer.headers["location"]) == (302, URL)
        assert answer.headers["cache-control"] == "no-store"

    def reported() -> list[dict[str, str]]:
        return [
            entry
            for post in lab.callbacks_of(client_ref, every=True)
            for event in post["events"]
            if event["event"] == "clicked"
            for entry in event["data"]
        ]

    assert wait_until(reported, TOLD_WITHIN_S), "no click was told"
    assert wait_until(lambda: lab.logged_counts()["dlr repeated"] >= repeated + 2, TOLD_WITHIN_S)
    (entry,) = reported()
    assert (entry["meta"], entry["url"], entry["shorturl"]) == (client_ref, URL, link)
    history = httpx.get(
        f"{lab.stack.endpoint}/v1/messages/{mid}", auth=("sandbox", "sandbox-secret"), timeout=30
    ).json()
    steps = [step for step in history["timeline"] if step["step"] == "clicked"]
    assert [step["url"] for step in steps] == [URL]


def test_a_look_at_a_link_is_redirected_too(lab: Lab, mid: str) -> None:
    answer = httpx.head(lab.link_in(mid), headers=PERSON, timeout=30)
    assert (answer.status_code, answer.headers["location"]) == (302, URL)


@pytest.mark.parametrize(
    ("method", "path", "status", "media_type"),
    [
        ("GET", "/00000000000000", 404, "text/html"),
        ("GET", "/nothing", 404, "application/json"),
        ("GET", "/datasend", 405, "application/json"),
        ("POST", "/00000000000000", 405, "application/json"),
        ("GET", "/health", 200, "application/json"),
        ("GET", "/docs", 200, "text/html"),
    ],
)
def test_the_routes_of_the_api_go_before_links(
    method: str, path: str, status: int, media_type: str, lab: Lab
) -> None:
    answer = httpx.request(method, f"{lab.stack.endpoint}{path}", timeout=30)
    assert answer.status_code == status
    assert answer.headers["content-type"].partition(";")[0] == media_type
