"""The table of codes, and the page that documents it."""

import json
import re
from http import HTTPStatus
from pathlib import Path

import pytest

from harkara.base.codes import MEANINGS, Code, Meaning
from harkara.base.errors import RequestRefused

PAGE = Path(__file__).parents[3] / "docs" / "errors.md"
# CleverTap, "Other (Generic)" SMS provider: there is no 911.
WEBENGAGE_CODES = {*range(2000, 2012), 2015, 2022, *range(2024, 2028), 3000, 9988}
CLEVERTAP_CODES = {*map(str, range(900, 911)), *map(str, range(912, 921))}


def documented() -> dict[str, Meaning]:
    """Return the rows of the page's table."""
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.read_text().splitlines()
        if line.startswith("| `")
    ]
    return {
        code.strip("`"): Meaning(int(status), clevertap, int(webengage), advice)
        for code, status, clevertap, webengage, advice in cells
    }


def test_every_code_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Code)


@pytest.mark.parametrize("code", Code)
def test_a_code_is_its_own_name(code: Code) -> None:
    assert code.value == code.name


@pytest.mark.parametrize("code", Code)
def test_a_meaning_is_one_that_the_outside_knows(code: Code) -> None:
    meaning = MEANINGS[code]
    assert meaning.clevertap in CLEVERTAP_CODES
    assert meaning.webengage in WEBENGAGE_CODES
    assert HTTPStatus(meaning.http_status).value >= 400
    assert meaning.advice[0].isupper()
    assert meaning.advice.endswith(".")


def test_the_page_lists_every_code_as_it_is() -> None:
    assert documented() == {code.value: meaning for code, meaning in MEANINGS.items()}


def test_the_page_is_in_the_order_of_the_table() -> None:
    assert list(documented()) == [code.value for code in Code]


def test_a_refusal_says_what_to_do() -> None:
    expected = "The request has no message: send at least one."
    assert RequestRefused(Code.NO_RECORDS).message == expected


def test_a_refusal_may_name_what_is_wrong() -> None:
    refused = RequestRefused(Code.INVALID_REQUEST, "(user: a string)")
    assert refused.message.endswith("correct the named field. (user: a string)")
    assert str(refused) == "INVALID_REQUEST"


def test_the_shape_on_the_page_is_that_of_a_refusal() -> None:
    (written,) = re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)
    refused = RequestRefused(Code.INVALID_REQUEST, "(user: a string)")
    assert json.loads(written) == {
        "status": False,
        "Error": refused.code,
        "message": refused.message,
    }
