"""Who is taken for a person that follows a link."""

from typing import Any

import pytest

from harkara.visitors import is_person
from tests.cases.reading import rows


@pytest.mark.parametrize("row", rows("visitors"))
def test_a_person_is_told_from_a_machine(row: dict[str, Any]) -> None:
    headers = {name: value for name, value in row.items() if name not in ("method", "person")}
    assert is_person(row.get("method", "GET"), headers) is row["person"]
