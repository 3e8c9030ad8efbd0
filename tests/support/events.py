"""The sample events and their required answers: one table for the tests and for CI.

`events/<function>-<variant>.json` is the event that Lambda passes to the function;
`events/expected/` has the answer under the same name. Two values in an expected answer are not
literal: "/<regex>/" stands for any string or whole number that it matches in full, and a `body`
that is not a string is compared with the answer's body parsed as JSON. Fields of an HTTP answer
that the expected answer does not name are ignored.
"""

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

EVENTS = Path(__file__).parent.parent.parent / "events"


class SampleEvent(NamedTuple):
    """One file of events/ with its answer."""

    name: str
    function: str
    event: dict[str, Any]
    expected: Any

    @property
    def logical_id(self) -> str:
        """The function's name in the template: `send` is SendFunction."""
        return f"{self.function.title()}Function"


def sample_events() -> list[SampleEvent]:
    """Return every sample event, in order of name."""
    return [
        SampleEvent(
            name=path.stem,
            function=path.stem.partition("-")[0],
            event=json.loads(path.read_text()),
            expected=json.loads((EVENTS / "expected" / path.name).read_text()),
        )
        for path in sorted(EVENTS.glob("*.json"))
    ]


def differences(expected: Any, answer: Any) -> list[str]:
    """Return the places where an answer differs from the expected one, one line each."""
    if isinstance(expected, dict) and "statusCode" in expected and isinstance(answer, dict):
        answer = {name: answer.get(name) for name in expected}
        if isinstance(answer.get("body"), str) and not isinstance(expected["body"], str):
            try:
                answer["body"] = json.loads(answer["body"])
            except ValueError:
                return ["answer.body: not JSON"]
    return list(_differences(expected, answer, "answer"))


def _differences(expected: Any, answer: Any, at: str) -> list[str]:
    if isinstance(expected, dict) and isinstance(answer, dict) and expected.keys() == answer.keys():
        return [
            line
            for key, value in expected.items()
            for line in _differences(value, answer[key], f"{at}.{key}")
        ]
    if isinstance(expected, list) and isinstance(answer, list) and len(expected) == len(answer):
        return [
            line
            for index, (value, given) in enumerate(zip(expected, answer, strict=True))
            for line in _differences(value, given, f"{at}[{index}]")
        ]
    if isinstance(expected, str) and type(answer) in (str, int) and _is_pattern(expected):
        matches = re.fullmatch(expected[1:-1], str(answer)) is not None
    else:
        matches = type(expected) is type(answer) and expected == answer
    return [] if matches else [f"{at}: {json.dumps(answer)} instead of {json.dumps(expected)}"]


def _is_pattern(expected: str) -> bool:
    return len(expected) > 2 and expected[0] == expected[-1] == "/"
