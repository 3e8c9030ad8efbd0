"""The choice among a message's carriers."""

import pytest

from harkara.submit.planner import choose


@pytest.mark.parametrize(
    ("available", "tried", "chosen"),
    [
        pytest.param("abc", "", "a", id="the first"),
        pytest.param("bc", "", "b", id="the first that is available"),
        pytest.param("abc", "a", "b", id="one that was not tried"),
        pytest.param("abc", "ab", "c", id="the last that was not"),
        pytest.param("ab", "ab", "a", id="all were tried: the first again"),
        pytest.param("a", "a", "a", id="only one is left, and was tried"),
        pytest.param("", "a", None, id="none"),
    ],
)
def test_a_message_goes_to_the_first_carrier_that_can(
    available: str, tried: str, chosen: str | None
) -> None:
    assert choose("abc", set(available), set(tried)) == chosen
