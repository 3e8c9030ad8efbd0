"""The platform simulator shows and counts accepted posts, and answers as the path demands."""

from typing import Any

import pytest
from aiohttp import ClientTimeout

from local.platform import Platform
from tests.local.servers import Client, running

DELIVERED = {"ts": 1435322805, "meta": "a", "description": "Delivered to handset"}
MOENGAGE = {
    "mid": "M1",
    "smsgid": "",
    "to": "919876543210",
    "status": "EXPIRED",
    "reason": "too late",
    "ts": 1435322805,
}
FAILED = {"ts": 1435322805, "meta": "b", "description": "DND", "code": "901"}


def events(*, delivered: Any = None, failed: Any = None) -> list[dict[str, Any]]:
    both = {"delivered": delivered, "failed": failed}
    return [{"event": name, "data": data} for name, data in both.items() if data is not None]


async def post(client: Client, path: str, body: Any = None) -> int:
    headers = {"webhook-id": "w1"}
    good = events(delivered=[DELIVERED])
    async with client.post(path, json=good if body is None else body, headers=headers) as answer:
        return answer.status


async def answer_to(client: Client, path: str, body: Any) -> Any:
    async with client.post(path, json=body) as answer:
        return await answer.json()


async def get(client: Client, path: str) -> Any:
    async with client.get(path) as answer:
        return await answer.json()


@pytest.mark.asyncio
async def test_callbacks_are_shown_and_counted() -> None:
    async with running(Platform().application()) as client:
        assert await post(client, "/clevertap/demo") == 200
        assert await post(client, "/clevertap/demo", events(failed=[FAILED])) == 200
        assert await post(client, "/clevertap/demo", [{}]) == 400
        async with client.post("/clevertap/demo", data=b"[{") as answer:
            assert answer.status == 400
        visible = await get(client, "/callbacks")
        assert [each["path"] for each in visible] == ["/clevertap/demo"] * 2
        assert visible[0]["webhook_id"] == "w1"
        assert visible[0]["events"] == events(delivered=[DELIVERED])
        summary = await get(client, "/callbacks?summary=1")
        assert (summary["delivered"], summary["failed"], summary["repeated"]) == (1, {"901": 1}, [])
        assert summary["answers"] == {"200": 2, "400": 2}
        assert await post(client, "/clevertap/other") == 200
        assert (await get(client, "/callbacks?summary=1"))["repeated"] == ["a"]
        visible = await get(client, "/callbacks?path=/clevertap/other")
        assert [each["path"] for each in visible] == ["/clevertap/other"]
        await client.delete("/callbacks")
        assert await get(client, "/callbacks?all=1") == []


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("path", "statuses", "acknowledged"),
    [
        pytest.param("/clevertap/fail-2/x", [503, 503, 200, 200], 2, id="fails twice"),
        pytest.param("/clevertap/status-404/x", [404, 404], 0, id="a status"),
        pytest.param("/clevertap/status-202", [202], 1, id="another success"),
        pytest.param("/clevertap/failing", [200], 1, id="no mode"),
    ],
)
async def test_a_path_chooses_the_answer(path: str, statuses: list[int], acknowledged: int) -> None:
    async with running(Platform().application()) as client:
        assert [await post(client, path) for _ in statuses] == statuses
        assert len(await get(client, "/callbacks")) == acknowledged
        every = await get(client, "/callbacks?all=1")
        assert [each["status"] for each in every] == statuses


@pytest.mark.asyncio
async def test_a_path_may_never_answer() -> None:
    async with running(Platform().application()) as client:
        with pytest.raises(TimeoutError):
            await client.post(
                "/clevertap/hang/x",
                json=events(delivered=[DELIVERED]),
                timeout=ClientTimeout(total=0.1),
            )
        (attempt,) = await get(client, "/callbacks?all=1")
        assert attempt["status"] is None
        assert await get(client, "/callbacks") == []


@pytest.mark.asyncio
async def test_clevertap_says_what_it_has_no_use_for_inside_a_200() -> None:
    async with running(Platform().application()) as client:
        both = events(delivered=[DELIVERED], failed=[FAILED])
        payload = await answer_to(client, "/clevertap/demo", both)
        assert payload == {"status": "success", "processed": 2, "unprocessed": []}
        payload = await answer_to(client, "/clevertap/partial-1/x", both)
        assert (payload["status"], payload["processed"]) == ("partial", 1)
        assert [each["record"]["meta"] for each in payload["unprocessed"]] == ["b"]
        payload = await answer_to(client, "/clevertap/partial-9/x", events(failed=[FAILED]))
        assert (payload["status"], payload["processed"]) == ("fail", 0)
        # Of the second and third post only one entry counts as repeated.
        assert (await get(client, "/callbacks?summary=1"))["repeated"] == ["a"]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("path", "body", "again"),
    [
        pytest.param("/clevertap/x", events(failed=[FAILED]), events(failed=[FAILED]), id="array"),
        pytest.param(
            "/clevertap/x", events(failed=[FAILED]), events(delivered=[{**DELIVERED, "meta": "b"}]),
            id="another final state",
        ),
        pytest.param("/moengage/x", MOENGAGE, MOENGAGE, id="flat"),
    ],
)  # fmt: skip
async def test_a_second_final_state_of_a_message_is_taken_and_counted(
    path: str, body: Any, again: Any
) -> None:
    async with running(Platform().application()) as client:
        assert [await post(client, path, each) for each in (body, again)] == [200, 200]
        assert len((await get(client, "/callbacks?summary=1"))["repeated"]) == 1


@pytest.mark.asyncio
async def test_two_replies_to_a_message_are_two_and_the_same_one_again_is_a_repeat() -> None:
    def replied(text: str) -> list[dict[str, Any]]:
        payload = {"ts": 1435322805, "meta": "a", "toPhone": "56161", "incomingText": text}
        return [{"event": "replied", "data": [payload]}]

    async with running(Platform().application()) as client:
        for text in ("yes", "no", "no"):
            assert await post(client, "/clevertap/x", replied(text)) == 200
        summary = await get(client, "/callbacks?summary=1")
        assert (summary["replied"], summary["repeated"]) == (3, ["a"])


@pytest.mark.asyncio
async def test_a_platform_that_there_is_not_takes_nothing() -> None:
    async with running(Platform().application()) as client:
        assert await post(client, "/other/x") == 404


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("path", "body", "ref"),
    [
        pytest.param(
            "/clevertap/x", events(delivered=[DELIVERED], failed=[FAILED]), "b", id="ours"
        ),
        pytest.param("/moengage/x", MOENGAGE, "M1", id="flat"),
    ],
)
async def test_the_callbacks_of_one_message_are_shown_without_the_others(
    path: str, body: Any, ref: str
) -> None:
    async with running(Platform().application()) as client:
        for name in ("/clevertap/x", "/clevertap/status-404/x"):
            await post(client, name)
        assert await post(client, path, body) == 200
        (visible,) = await get(client, f"/callbacks?ref={ref}")
        assert visible["events"] == (events(failed=[FAILED]) if isinstance(body, list) else body)
        assert len(await get(client, "/callbacks?ref=a")) == (2 if isinstance(body, list) else 1)
        assert len(await get(client, "/callbacks?ref=a&all=1&path=/clevertap/status-404/x")) == 1
        assert await get(client, "/callbacks?ref=nobody") == []
