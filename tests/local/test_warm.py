"""Functions are called until they answer, unless they are broken."""

import io
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from local import warm
from local.settings import LocalStackError
from tests.template.reading import function_id, functions


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm, "PAUSE_S", 0)


def test_a_function_that_was_slow_to_start_is_called_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm, "SLOW_S", 0)
    answers = iter(["Task timed out", "answered 502", ""])
    warm._until_it_answers("send", lambda: next(answers), threading.Event())
    assert list(answers) == []


def test_a_function_that_asks_to_be_tried_again_is_called_again() -> None:
    refusal = 'answered 503: {"status":false,"Error":"TRY_AGAIN","message":"..."}'
    answers = iter([refusal, refusal, ""])
    warm._until_it_answers("receipt", lambda: next(answers), threading.Event())
    assert list(answers) == []


def test_a_function_that_fails_at_once_is_broken() -> None:
    answers = iter(["No module named 'x'", ""])
    with pytest.raises(LocalStackError, match="send does not answer: No module named 'x'"):
        warm._until_it_answers("send", lambda: next(answers), threading.Event())


def test_a_function_that_never_starts_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm, "SLOW_S", 0)
    monkeypatch.setattr(warm, "WITHIN_S", -1)
    with pytest.raises(LocalStackError, match="does not answer: Task timed out"):
        warm._until_it_answers("send", lambda: "Task timed out", threading.Event())


def test_nobody_is_called_after_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm, "SLOW_S", 0)
    ended = threading.Event()
    answers = iter(["Task timed out", ""])

    def call() -> str:
        ended.set()
        return next(answers)

    warm._until_it_answers("send", call, ended)
    assert list(answers) == [""]


def test_what_works_off_a_queue_is_warmed_in_the_version_that_its_queue_calls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    invoked = []

    def invoke(**request: Any) -> dict[str, Any]:
        invoked.append((request["FunctionName"], request["Qualifier"]))
        return {"Payload": io.BytesIO(b"{}")}

    monkeypatch.setattr(warm, "client", lambda *_: SimpleNamespace(invoke=invoke))
    monkeypatch.setattr(warm, "_request", lambda *_: "")
    names = {f"{function_id(each)}Name": function_id(each) for each in functions()}
    warm.warm("", "", names, workers=1)
    assert sorted(invoked) == sorted(
        (function_id(name), each.get("AutoPublishAlias", "$LATEST"))
        for name, each in functions().items()
        if any(event["Type"] == "SQS" for event in each["Events"].values())
        and name != "files"  # no message waits for it
    )
