"""Requests of people to the simulators: accepted parameters, and readable answers."""

import json
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from local.carrier import Carrier, CarrierSettings
from local.platform import Platform
from local.simulators import names, only
from tests.local.servers import running

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["a", "b", "first", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner),
    max_leaves=12,
)


def application(name: str) -> web.Application:
    return (Platform() if name == "platform" else Carrier(CarrierSettings())).application()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("simulator", "path"),
    [
        ("platform", "/callbacks"),
        ("platform", "/callbacks?summary=1"),
        ("platform", "/callbacks?all=1&ref=a"),
        ("platform", "/callbacks?all=0"),
        ("carrier", "/submissions"),
        ("carrier", "/submissions?summary=1"),
        ("carrier", "/submissions?ref=a"),
        ("carrier", "/texts"),
    ],
)
async def test_what_they_show_is_laid_out_for_people(simulator: str, path: str) -> None:
    async with running(application(simulator)) as client, client.get(path) as answer:
        text = await answer.text()
        assert answer.status == 200
        assert text == json.dumps(json.loads(text), indent=2) + "\n"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("simulator", "method", "path", "message"),
    [
        ("platform", "GET", "/callbacks?reff=a",
         "there is no parameter 'reff' here: summary=1, all=1, path=..., ref=..."),
        ("platform", "GET", "/callbacks?ref=a&client_ref=a",
         "there is no parameter 'client_ref' here: summary=1, all=1, path=..., ref=..."),
        ("platform", "GET", "/callbacks?summary=yes", "summary is 0 or 1"),
        ("platform", "GET", "/callbacks?ref=a&ref=b", "ref is given more than once: leave one"),
        ("platform", "GET", "/callbacks?ref=a&summary=1",
         "summary=1 counts everything: leave the other parameters out"),
        ("platform", "DELETE", "/callbacks?ref=a",
         "there is no parameter 'ref' here: none is taken"),
        ("carrier", "GET", "/submissions?mid=a",
         "there is no parameter 'mid' here: summary=1, ref=..."),
        ("carrier", "GET", "/submissions?summary=", "summary is 0 or 1"),
        ("carrier", "GET", "/texts?ref=a", "there is no parameter 'ref' here: none is taken"),
        ("carrier", "DELETE", "/submissions?ref=a",
         "there is no parameter 'ref' here: none is taken"),
    ],
)  # fmt: skip
async def test_a_parameter_that_there_is_not_is_refused(
    simulator: str, method: str, path: str, message: str
) -> None:
    async with running(application(simulator)) as client:
        async with client.request(method, path) as answer:
            payload = await answer.json()
            assert answer.status == 400
        assert payload == {"status": False, "Error": "INVALID_PARAMETER", "message": message}


@given(JSON)
def test_what_is_left_of_a_callback_names_the_message_wherever_it_did(value: Any) -> None:
    left = only(value, "first")
    assert names(left, "first") == names(value, "first")
    assert only(left, "first") == left


@given(st.lists(JSON))
def test_entries_of_other_messages_are_left_out(entries: list[Any]) -> None:
    mine = {"ref": "first"}
    others = [entry for entry in entries if not names(entry, "first")]
    assert only([*others, mine], "first") == [mine]
