"""The carrier simulator obeys the last four digits, and counts the messages it got."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientTimeout, ServerDisconnectedError, web

from local.carrier import Carrier, CarrierSettings
from local.settings import CARRIER_PASSWORD
from tests.local.servers import Client, running


class Receiver:
    """Takes the carrier's receipts when `opened`; refuses the first `refusals` posts."""

    def __init__(self) -> None:
        self.posts: list[Any] = []
        self.refusals = 0
        self.opened = asyncio.Event()
        self.opened.set()

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/receipts", self._take)
        return app

    async def _take(self, request: web.Request) -> web.Response:
        await self.opened.wait()
        if self.refusals:
            self.refusals -= 1
            return web.Response(status=503)
        self.posts.append(await request.json())
        return web.Response()

    @property
    def receipts(self) -> list[dict[str, Any]]:
        return [
            each for post in self.posts for each in (post if isinstance(post, list) else [post])
        ]

    async def wait_for(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.receipts) < count:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def carrier(**settings: Any) -> AsyncIterator[tuple[Client, Receiver]]:
    receiver = Receiver()
    async with running(receiver.application()) as server:
        quick: dict[str, Any] = {"answer_delay_s": 0, "receipt_delay_s": 0, "gather_s": 0.02}
        url = str(server.make_url("/receipts"))
        chosen = CarrierSettings(receipt_url=url, **(quick | settings))
        async with running(Carrier(chosen).application()) as client:
            yield client, receiver


def record(magic: str, reference: str = "m.1.tag") -> dict[str, str]:
    return {"to": f"91980000{magic}", "from": "HARKAR", "smstext": "Hello", "smsgid": reference}


async def submit(client: Client, *records: dict[str, str], secret: str = CARRIER_PASSWORD) -> Any:
    body = {"user": "harkara", "pass": secret, "smstosend": records}
    async with client.post("/datasend", json=body) as answer:
        return answer.status, await answer.json()


async def submissions(client: Client, query: str = "") -> Any:
    async with client.get(f"/submissions{query}") as answer:
        return await answer.json()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("magic", "expected"),
    [
        pytest.param("1234", [("DELIVRD", "000")], id="any other"),
        pytest.param("9001", [("UNDELIV", "27")], id="absent"),
        pytest.param("9002", [("UNDELIV", "650")], id="DND"),
        pytest.param("9003", [("REJECTD", "633")], id="template"),
        pytest.param("9008", [("DELIVRD", "000")] * 2, id="twice"),
        pytest.param("9010", [("UNDELIV", "1"), ("DELIVRD", "000")], id="failed, then delivered"),
    ],
)
async def test_receipts_of_a_number(magic: str, expected: list[tuple[str, str]]) -> None:
    async with carrier() as (client, receiver):
        status, (answer,) = await submit(client, record(magic))
        await receiver.wait_for(len(expected))
        assert status == 200
        assert [(each["status"], each["code"]) for each in receiver.receipts] == expected
        assert {each["mid"] for each in receiver.receipts} == {answer["mid"]}
        assert {each["smsgid"] for each in receiver.receipts} == {"m.1.tag"}


@pytest.mark.asyncio
async def test_9004_gets_no_receipt() -> None:
    async with carrier() as (client, receiver):
        await submit(client, record("9004", "silent.1.t"), record("1234"))
        await receiver.wait_for(1)
        await asyncio.sleep(0.1)
        assert [each["smsgid"] for each in receiver.receipts] == ["m.1.tag"]
        assert (await submissions(client))["by_mid"] == {"silent": 1, "m": 1}


@pytest.mark.asyncio
async def test_9005_is_refused_in_its_place() -> None:
    async with carrier() as (client, _):
        _, answers = await submit(client, record("1234", "a.1.t"), record("9005", "b.1.t"))
        assert "mid" in answers[0]
        assert answers[1]["Error"] == "SENDER_BLOCKED"
        assert answers[1]["smsgid"] == "b.1.t"
        assert (await submissions(client))["refused"] == 1


@pytest.mark.asyncio
async def test_9006_is_throttled_twice_whatever_the_try() -> None:
    async with carrier() as (client, _):
        statuses = [(await submit(client, record("9006", f"m.{n}.t")))[0] for n in (1, 2, 3)]
        assert statuses == [429, 429, 200]
        _, answers = await submit(client, record("9006", "n.1.t"), record("1234", "o.1.t"))
        assert answers[0]["Error"] == "THROTTLED"
        assert "mid" in answers[1]


@pytest.mark.asyncio
async def test_9007_is_taken_and_never_answered() -> None:
    async with carrier() as (client, receiver):
        body = {"user": "harkara", "pass": "carrier-secret", "smstosend": [record("9007")]}
        with pytest.raises(TimeoutError):
            await client.post("/datasend", json=body, timeout=ClientTimeout(total=0.2))
        await receiver.wait_for(1)
        assert (await submissions(client))["by_mid"] == {"m": 1}


@pytest.mark.asyncio
async def test_9009_is_receipted_before_the_answer() -> None:
    async with carrier(answer_delay_s=0.1) as (client, receiver):
        asking = asyncio.create_task(submit(client, record("9009")))
        await receiver.wait_for(1)
        assert not asking.done()
        assert (await asking)[0] == 200


@pytest.mark.asyncio
@pytest.mark.parametrize("magics", [["9009"], ["9009", "9009"], ["1234", "9009", "9001"]])
async def test_a_submit_is_answered_although_its_early_receipt_is_not(magics: list[str]) -> None:
    records = [record(magic, f"m{index}.0.t") for index, magic in enumerate(magics)]
    async with carrier(submit_timeout_s=0.3) as (client, receiver):
        receiver.opened.clear()
        async with asyncio.timeout(5):
            status, answers = await submit(client, *records)
        assert (status, receiver.posts) == (200, [])
        assert all("mid" in answer for answer in answers)
        receiver.opened.set()
        await receiver.wait_for(len(records))


@pytest.mark.asyncio
async def test_the_carrier_may_hang_up_on_9007() -> None:
    async with carrier(unanswered_s=0.1) as (client, receiver):
        with pytest.raises(ServerDisconnectedError):
            await submit(client, record("9007"))
        await receiver.wait_for(1)


@pytest.mark.asyncio
async def test_the_second_receipt_of_9010_waits_until_the_first_was_taken() -> None:
    async with carrier(second_receipt_s=0) as (client, receiver):
        receiver.refusals = 2
        await submit(client, record("9010"))
        await receiver.wait_for(2)
        assert [each["status"] for each in receiver.receipts] == ["UNDELIV", "DELIVRD"]
        assert len(receiver.posts) == 2


@pytest.mark.asyncio
async def test_it_shows_what_came_of_one_message() -> None:
    async with carrier() as (client, _):
        for attempt in range(3):
            await submit(client, record("9006", f"m.{attempt}.t"))
        await submit(client, record("9005", "refused.0.t"), record("1234", "mm.0.t"))
        visible = await submissions(client, "?ref=m")
        assert [each["outcome"] for each in visible] == ["throttled", "throttled", "taken"]
        assert visible[2] == {
            "smsgid": "m.2.t", "to": "919800009006", "from": "HARKAR", "outcome": "taken"
        }  # fmt: skip
        assert await submissions(client, "?ref=m.1.t") == [visible[1]]
        (refused,) = await submissions(client, "?ref=refused")
        assert refused["outcome"] == "refused"
        assert await submissions(client, "?ref=nobody") == []
        assert await submissions(client, "?ref=") == []


@pytest.mark.asyncio
async def test_it_shows_the_last_texts_that_it_took() -> None:
    async with carrier() as (client, _):
        await submit(client, *(record(f"{n:04d}", f"m{n}.1.t") for n in range(60)), record("9005"))
        async with client.get("/texts") as answer:
            texts = await answer.json()
        assert len(texts) == 50
        assert texts[0] == {"to": "919800000059", "from": "HARKAR", "text": "Hello"}
        await client.delete("/submissions")
        async with client.get("/texts") as answer:
            assert await answer.json() == []


@pytest.mark.asyncio
async def test_it_deduplicates_nothing_and_says_so() -> None:
    async with carrier() as (client, _):
        for attempt in (1, 2):
            await submit(client, record("1234", f"m.{attempt}.t"))
        counts = await submissions(client)
        assert (counts["repeated"], counts["by_mid"], counts["taken"]) == (["m"], {"m": 2}, 2)
        await client.delete("/submissions")
        assert (await submissions(client))["taken"] == 0


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("gather_s", "is_array"), [pytest.param(0.02, True), pytest.param(0, False)]
)
async def test_receipts_come_gathered_or_one_by_one(gather_s: float, is_array: bool) -> None:
    async with carrier(gather_s=gather_s) as (client, receiver):
        await submit(client, *(record("1234", f"m{index}.1.t") for index in range(3)))
        await receiver.wait_for(3)
        assert len(receiver.posts) == (1 if is_array else 3)
        assert isinstance(receiver.posts[0], list) == is_array


@pytest.mark.asyncio
async def test_a_refused_receipt_is_sent_again() -> None:
    async with carrier() as (client, receiver):
        receiver.refusals = 1
        await submit(client, record("1234"))
        await receiver.wait_for(1)


@pytest.mark.asyncio
async def test_wrong_credentials_and_shapes_are_refused() -> None:
    async with carrier() as (client, _):
        assert (await submit(client, record("1234"), secret="wrong"))[0] == 401
        async with client.post("/datasend", data=b"{") as answer:
            assert answer.status == 400
        counts = await submissions(client)
        assert (counts["taken"], counts["unauthorized"]) == (0, 1)


@pytest.mark.asyncio
async def test_settings_change_while_it_runs() -> None:
    async with carrier() as (client, receiver):
        async with client.post("/settings", json={"gather_s": 0}) as answer:
            assert answer.status == 200
        await submit(client, record("1234"))
        await receiver.wait_for(1)
        assert isinstance(receiver.posts[0], dict)
        async with client.post("/settings", json={"speed": 1}) as answer:
            assert answer.status == 400
