"""docs/design.md says how many files one message enters; no change may add to it unnoticed."""

import re
from pathlib import Path

import pytest

from tests.functions.way import STAGES, Way, counts_of, follow_message, table

PAGE = (Path(__file__).parents[2] / "docs" / "design.md").read_text()
ROW = re.compile(r"^\| (.+?) \| (\d+) \| (\d+) \| (\d+) \|$", re.MULTILINE)


@pytest.mark.usefixtures("gateway")
def test_a_message_enters_no_more_files_than_the_page_says() -> None:
    ways = follow_message()
    payload = {name: tuple(map(int, counts)) for name, *counts in ROW.findall(PAGE)}
    counted = counts_of(ways)
    assert payload.keys() == counted.keys()
    more = [
        name
        for name, counts in counted.items()
        if any(now > then for now, then in zip(counts, payload[name], strict=True))
    ]
    assert not more, f"a longer way; if it has to be, write into docs/design.md:\n{table(ways)}"


@pytest.mark.usefixtures("gateway")
def test_each_way_passes_its_function_and_reaches_its_service() -> None:
    ways = follow_message()
    assert tuple(ways) == STAGES
    services = ("accept/service.py", "submit/service.py", "receipts/service.py")
    for stage, service in zip(STAGES, (*services, "callbacks/service.py"), strict=True):
        functions = [file for file in ways[stage].entered if file.endswith("/app.py")]
        assert set(functions) == {f"{stage}/app.py"}
        assert service in ways[stage].files


@pytest.mark.usefixtures("gateway")
def test_calls_in_threads_count_too() -> None:
    ways = follow_message()
    assert "aws/messages.py" in ways["submit"].files & ways["dlr"].files


def test_a_return_is_a_move_to_a_file_left_before() -> None:
    way = Way(("a", "b", "a", "c", "b"))
    assert (way.files, way.moves, way.returns) == ({"a", "b", "c"}, 4, 2)


def test_what_lies_between_two_stays_in_a_file_is_no_move_without_its_folder() -> None:
    assert Way(("a", "aws/x", "a", "b")).without("aws") == Way(("a", "b"))
