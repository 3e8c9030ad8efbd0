"""The platform simulator takes CleverTap's exact shape and nothing else."""

from typing import Any

import pytest
from aiohttp import ClientTimeout

from local.platform import Platform, shape_error
from tests.local.servers import Client, running

DELIVERED = {"ts": 1435322805, "meta": "a", "description": "Delivered to handset"}
FAILED = {"ts": 1435322805, "meta": "b", "description": "DND", "code": "901"}


def events(*, delivered: Any = None, failed: Any = None) -> list[dict[str, Any]]:
    both = {"delivered": delivered, "failed": failed}
    return [{"event": name, "data": data} for name, data in both.items() if data is not None]


def test_the_documented_shape_is_good() -> None:
    assert shape_error(events(delivered=[DELIVERED], failed=[FAILED])) is None


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param({}, "not an array", id="object"),
        pytest.param([], "not an array", id="empty"),
        pytest.param([{"event": "delivered"}], "exactly the members", id="no data"),
        pytest.param([{"event": "sent", "data": [DELIVERED]}], "not delivered or", id="event"),
        pytest.param(events(delivered=[]), "with entries", id="no entries"),
        pytest.param(events(delivered=[FAILED]), "exactly the members", id="code on delivered"),
        pytest.param(events(failed=[DELIVERED]), "exactly the members", id="no code"),
        pytest.param(events(failed=[{**FAILED, "code": "911"}]), "not one of", id="911"),
        pytest.param(events(failed=[{**FAILED, "code": 901}]), "not one of", id="code a number"),
        pytest.param(events(delivered=[{**DELIVERED, "ts": 1435322805000}]), "ts", id="ms"),
        pytest.param(events(delivered=[{**DELIVERED, "ts": "1435322805"}]), "ts", id="ts text"),
        pytest.param(events(delivered=[{**DELIVERED, "meta": ""}]), "meta", id="no meta"),
        pytest.param(events(delivered=[{**DELIVERED, "description": None}]), "desc", id="null"),
        pytest.param(events(delivered=[DELIVERED] * 101), "101 entries", id="too many"),
    ],
)
def test_another_shape_is_named(body: Any, reason: str) -> None:
    assert reason in (shape_error(body) or "")


async def post(client: Client, path: str, body: Any = None) -> int:
    headers = {"webhook-id": "w1"}
    good = events(delivered=[DELIVERED])
    async with client.post(path, json=good if body is None else body, headers=headers) as answer:
        return answer.status


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
        shown = await get(client, "/callbacks")
        assert [each["path"] for each in shown] == ["/clevertap/demo"] * 2
        assert shown[0]["webhook_id"] == "w1"
        assert shown[0]["events"] == events(delivered=[DELIVERED])
        summary = await get(client, "/callbacks?summary=1")
        assert (summary["delivered"], summary["failed"], summary["repeated"]) == (1, {"901": 1}, [])
        assert summary["answers"] == {"200": 2, "400": 2}
        assert await post(client, "/clevertap/other") == 200
        assert (await get(client, "/callbacks?summary=1"))["repeated"] == ["a"]
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
