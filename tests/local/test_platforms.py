"""Each simulated platform accepts documented callbacks, and refuses others as the real one does."""

import json
import re
import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from harkara.callbacks.formats import FORMATS
from harkara.callbacks.posting import headers_of
from harkara.model.callbacks import CallbackEndpoint, CallbackSecrets, SigningSecret, unregistered
from harkara.model.events import Dlr, EventTask
from harkara.model.messages import State
from harkara.model.tasks import CallbackTask, decode_dlr
from local.platforms import RECEIVERS
from local.platforms.reading import Entry, NotTaken, Post
from local.settings import SIGNING_SECRET, WEBENGAGE_TOKEN
from tests.cases.reading import rows
from tests.support.events import SampleEvent, sample_events

SECRETS = CallbackSecrets(token=WEBENGAGE_TOKEN, signing=(SigningSecret(secret=SIGNING_SECRET),))
# Only the customer knows names that the customer has chosen.
OUR_NAMES = [row for row in rows("callback_bodies") if "fields" not in str(row.values)]
DLR = Dlr("M1", "ref", State.DELIVERED, 1_700_000_000, "", "919876543210", 1)


def body_of(name: str, *dlrs: Dlr) -> bytes:
    settings = CallbackEndpoint(id="main", url="https://acme.example/dlr", format=name)  # type: ignore[arg-type]
    return FORMATS[name].render(dlrs, settings)


def read(name: str, body: bytes, **headers: str) -> list[Entry]:
    """Read a body that we posted, as a platform does, with some headers replaced."""
    ours = headers_of("task_id.0", body, SECRETS, int(time.time()))
    changed = {each.replace("_", "-"): value for each, value in headers.items()}
    return RECEIVERS[name].read(Post(ours | changed, body))


def refusal(name: str, body: bytes, **headers: str) -> tuple[int, str]:
    with pytest.raises(NotTaken) as refused:
        read(name, body, **headers)
    return refused.value.status, str(refused.value)


def test_there_is_a_platform_for_every_format() -> None:
    assert set(RECEIVERS) == set(FORMATS)


@pytest.mark.parametrize("row", OUR_NAMES)
def test_a_platform_takes_what_is_posted_in_its_format(row: dict[str, Any]) -> None:
    entries = read(row["format"], row["body"].encode())
    assert len(entries) == len(row["events"])


@pytest.mark.parametrize("row", rows("platforms"))
def test_another_shape_is_refused_by_name(row: tuple[str, Any, str, int]) -> None:
    name, body, reason, status = row
    refused, payload = refusal(name, json.dumps(body).encode())
    assert reason in payload
    assert refused == status


@pytest.mark.parametrize("name", RECEIVERS)
def test_what_is_no_json_is_refused(name: str) -> None:
    assert refusal(name, b"[{")[0] == 400


@pytest.mark.parametrize("name", RECEIVERS)
def test_another_content_type_is_refused(name: str) -> None:
    payload = refusal(name, body_of(name, DLR), content_type="text/plain")
    assert payload == (400, "the content type is text/plain")


@pytest.mark.parametrize(("name", "limit"), [("clevertap", 100), ("moengage_batch", 50)])
def test_a_platform_takes_so_many_entries_and_no_more(name: str, limit: int) -> None:
    assert len(read(name, body_of(name, *[DLR] * limit))) == limit
    assert f"{limit + 1} entries" in refusal(name, body_of(name, *[DLR] * (limit + 1)))[1]


def test_moengage_takes_150_kb_and_no_more() -> None:
    payload = json.loads(body_of("moengage", DLR))
    room = 150 * 1024 - len(json.dumps({**payload, "smsgid": ""}))
    for size, taken in ((room, True), (room + 1, False)):
        body = json.dumps({**payload, "smsgid": "x" * size}).encode()
        if taken:
            assert read("moengage", body)
        else:
            assert refusal("moengage", body)[0] == 413


@pytest.mark.parametrize("token", ["", "Bearer other", WEBENGAGE_TOKEN])
def test_webengage_wants_its_bearer_token(token: str) -> None:
    assert refusal("webengage", body_of("webengage", DLR), authorization=token)[0] == 401


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"webhook_signature": ""}, id="none"),
        pytest.param({"webhook_signature": "v1,AAAA"}, id="another"),
        pytest.param({"webhook_signature": "v1"}, id="half"),
        pytest.param({"webhook_id": "task_id.1"}, id="of another callback"),
        pytest.param({"webhook_timestamp": "1700000000"}, id="of another time"),
    ],
)
def test_standard_webhooks_wants_a_signature_that_verifies(changed: dict[str, str]) -> None:
    status, payload = refusal("standard", body_of("standard", DLR), **changed)
    assert status == 401
    assert "does not verify" in payload


SAMPLES = [each for each in sample_events() if re.match("dlr-(callback|replied)", each.name)]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_platform_takes_what_a_sample_event_posts(sample: SampleEvent) -> None:
    (record,) = sample.event["Records"]
    task = decode_dlr(record["body"])
    assert isinstance(task, CallbackTask | EventTask)
    events = task.members if isinstance(task, CallbackTask) else (task.event,)
    name = task.endpoint.format
    assert urlsplit(task.endpoint.url).path == f"/{name}/sandbox"
    settings = unregistered(task.endpoint).settings
    assert len(read(name, FORMATS[name].render(events, settings))) == len(events)


def test_there_is_a_sample_event_for_every_format() -> None:
    bodies = [sample.event["Records"][0]["body"] for sample in SAMPLES]
    assert {decode_dlr(body).endpoint.format for body in bodies} == set(FORMATS)  # type: ignore[union-attr]
