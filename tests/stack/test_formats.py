"""Every format from the request to its platform, which accepts only correct callbacks."""

import time

import httpx
import pytest

from harkara.callbacks.formats import FORMATS
from local import samples
from local.settings import RECEIPT_TOKEN
from tests.stack.campaigns import Lab, record, wait_until

pytestmark = pytest.mark.stack

TOLD_WITHIN_S = 180


def test_a_message_is_called_back_in_the_format_of_each_registered_callback(lab: Lab) -> None:
    paths = {name: f"/{name}/sandbox" for name in FORMATS if name != "clevertap"}
    records = [
        {**record(f"format-{name}"), "dlrurl": f"{lab.stack.platform_url}{path}"}
        for name, path in paths.items()
    ]
    assert lab.send(records).status_code == 200

    def statuses() -> dict[str, list[int | None]]:
        posts = lab.callbacks(every=True)
        return {
            name: [post["status"] for post in posts if post["path"] == path]
            for name, path in paths.items()
        }

    assert wait_until(lambda: all(statuses().values()), TOLD_WITHIN_S), statuses()
    # A missing token, an invalid signature or a wrong shape would each get a 4xx.
    assert statuses() == {name: [200] for name in paths}


def test_what_a_phone_answers_is_told_to_the_callback_of_its_last_message(lab: Lab) -> None:
    number, ref = "919876500088", f"answered-{time.time_ns()}"
    url = lab.callback_url("replies")
    assert lab.send([record(ref, to=number, dlrurl=url)]).status_code == 200
    assert wait_until(lambda: lab.callbacks_of(ref), TOLD_WITHIN_S)
    payload = {"from": number, "to": samples.NUMBER, "text": "Yes, please", "ts": int(time.time())}
    for _ in range(2):  # its carrier reports it twice
        answer = httpx.post(f"{lab.stack.endpoint}/inbound/sim/{RECEIPT_TOKEN}", json=payload)
        assert answer.status_code == 200
    assert wait_until(lambda: len(lab.callbacks_of(ref)) > 1, TOLD_WITHIN_S)
    (entry,) = lab.callbacks_of(ref)[1]["events"][0]["data"]
    reported = {"meta": ref, "toPhone": samples.NUMBER, "incomingText": "Yes, please"}
    assert entry == {"ts": payload["ts"], **reported}
    assert lab.callbacks_of(ref)[1]["path"] == "/clevertap/replies"
