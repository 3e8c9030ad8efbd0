"""The console on the real template: the link of `make up`, by the emulator's API Gateway."""

import csv
import re
import time
from collections import Counter

import httpx
import pytest
from pydantic_core import from_json

from harkara.activity.counting import hour_text
from harkara.model.ledger import index_of
from harkara.model.messages import State, unpack
from local import campaign, watch
from local.console_link import console_link
from tests.functions.visiting_console import numbers
from tests.stack.campaigns import Lab, record, wait_until
from tests.stack.opening import open_link, signed_in

pytestmark = pytest.mark.stack


def test_a_link_opens_the_page_of_a_message_once(lab: Lab) -> None:
    text = "Dear Asha, your order 7 is on its way and arrives on Monday. HARKARA"
    answer = lab.send([record("shown", **{"from": "HARKAR", "smstext": text})], "demo")
    link = console_link(lab.stack, answer.json()[0]["mid"])
    opened = open_link(link)
    assert (opened.status_code, opened.url.path) == (200, link.partition("&next=")[2])
    assert "shown" in opened.text
    assert open_link(link).status_code == 404


def test_the_sample_campaign_has_the_numbers_of_its_table(lab: Lab) -> None:
    """Those without a receipt wait, in the table and in the console."""
    run = watch.Campaign(lab.stack)
    run.send()
    waiting = campaign.KINDS["9004"].count

    def shown(path: str) -> dict[str, int]:
        page = browser.get(f"/console/{path}").text
        return {name: count for name, (count, _) in numbers(page).items()}

    with signed_in(console_link(lab.stack)) as browser:
        path = f"campaigns/{run.id}"
        assert wait_until(lambda: shown(path).get("waiting") == waiting, 240)
        rows = campaign.report(run.seen())
        states = sum((row.states for row in rows), Counter[str]())
        assert states.pop("none") == waiting
        found = shown(path)
        assert {name: found.get(name, 0) for name in states} == states
        taken = campaign.SIZE - campaign.KINDS["9005"].count - sum(row.in_doubt for row in rows)
        assert (found["accepted"], found["submitted"]) == (campaign.SIZE, taken)
        listed = row_of(browser.get("/console/campaigns").text, run.id)
        asked = {"Requested": campaign.SIZE, "Submitted": taken, "Delivered": states["delivered"]}
        assert {name: listed[name] for name in asked} == asked
        # Others have sent today, too.
        assert wait_until(lambda: by_hand(lab) == {**by_hand(lab), **ended(shown("today"))}, 60)
        assert wait_until(lambda: reported(browser) == by_hand(lab), 60)


def row_of(page: str, campaign_id: str) -> dict[str, int]:
    """Return the numbers of a campaign in the list of campaigns."""
    row = page.partition(f'/console/campaigns/{campaign_id}"')[2].partition("</tr>")[0]
    found = re.findall(r'data-label="(\w+)">(?:<a [^>]*>)?([\d,]+)<', row)
    return {name: int(number.replace(",", "")) for name, number in found}


def reported(browser: httpx.Client) -> dict[str, int]:
    """Return how many messages the report of today has, accepted and by final state."""
    day = hour_text(int(time.time() * 1000))[:10]
    file = browser.get("/console/reports/file", params={"from": day, "to": day}).text
    found = Counter[str]()
    for row in csv.DictReader(file.removeprefix("\ufeff").splitlines()):
        found[row["state"]] += int(row["messages"])
        found["accepted"] += int(row["messages"]) if row["state"] != "refused" else 0
    return {name: count for name, count in found.items() if name in ("accepted", *State)}


def ended(found: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in found.items() if name in ("accepted", *State)}


def by_hand(lab: Lab) -> dict[str, int]:
    """Count the messages that the sample's account sent today, in the table of messages."""
    items = list(lab.items("Messages"))
    batches = [
        unpack(item["pk"]["S"], item["packed"]["B"]) for item in items if item["sk"]["S"] == "batch"
    ]
    own = {
        batch.id: batch
        for batch in batches
        if batch.account_id == campaign.ACCOUNT
        and hour_text(batch.accepted_at_ms)[:10] == hour_text(int(time.time() * 1000))[:10]
    }
    found = Counter(
        accepted=sum(len(batch.messages) - len(batch.refused()) for batch in own.values())
    )
    for item in items:
        pk, kind = item["pk"]["S"], item["sk"]["S"]
        if pk in own and kind.startswith("final#") and not own[pk].messages[index_of(kind)].refusal:
            found[from_json(item["data"]["S"])["state"]] += 1
    return dict(found)
