"""Reading any platform's answer."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harkara.base.time import retry_after_s
from harkara.callbacks.formats.contract import excerpt_of

NOW = 1_445_412_000.0  # Wed, 21 Oct 2015 07:20:00 GMT


@pytest.mark.parametrize(
    ("value", "wait_s"),
    [
        pytest.param("", 0, id="none"),
        pytest.param("120", 120, id="seconds"),
        pytest.param("0", 0, id="at once"),
        pytest.param("86401", 86_400, id="more than a day"),
        pytest.param("9" * 5000, 86_400, id="a very long number"),
        pytest.param("-5", 0, id="negative"),
        pytest.param("1.5", 0, id="a fraction"),
        pytest.param("Wed, 21 Oct 2015 07:28:00 GMT", 480, id="a date"),
        pytest.param("Wed, 21 Oct 2015 07:28:00 -0000", 480, id="a date without a zone"),
        pytest.param("Wed, 21 Oct 2015 07:00:00 GMT", 0, id="a date that is past"),
        pytest.param("Fri, 31 Dec 9999 23:59:59 GMT", 86_400, id="a date far off"),
        pytest.param("Sat, 01 Jan 0001 00:00:00 -0000", 0, id="the first date there is"),
        pytest.param("Wed, 99 Oct 2015 07:28:00 GMT", 0, id="no date"),
        pytest.param("Wed, 21 Oct 2015 07:28:00 +99999999999999999", 0, id="a zone that is none"),
        pytest.param("Wed, 21 Oct 99999999999999999999 07:28:00", 0, id="a year that is none"),
        pytest.param("soon", 0, id="words"),
    ],
)
def test_a_retry_after_is_seconds_or_a_date_and_a_day_at_most(value: str, wait_s: int) -> None:
    assert retry_after_s(value, NOW) == wait_s


# Parts of an e-mail's date, and disturbances of it.
_PIECES = st.lists(
    st.sampled_from(["Wed,", "21", "Oct", "2015", "07:28:00", "07:99", "1e9", ":", "GMT", "-0000"])
    | st.builds("{}{}".format, st.sampled_from(["", "+", "-"]), st.integers(0, 10**30))
    | st.text(max_size=5),
    max_size=8,
)


@given(_PIECES.map(" ".join) | st.text(max_size=40))
@example("Wed, 21 Oct 2015 07:28:00 -99999999999999999")
def test_whatever_a_retry_after_says_it_is_a_time_up_to_a_day(value: str) -> None:
    assert 0 <= retry_after_s(value, NOW) <= 86_400


def test_a_date_without_a_zone_is_no_local_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "Asia/Kolkata")
        time.tzset()
        assert retry_after_s("Wed, 21 Oct 2015 07:28:00", NOW) == 480
    time.tzset()


@pytest.mark.parametrize(
    ("body", "visible"),
    [
        pytest.param(b"", "", id="empty"),
        pytest.param(b'{"status": "ok"}', '{"status": "ok"}', id="JSON"),
        pytest.param(b"a\r\n\tb\x00\x1b[31mc", "a b [31mc", id="control characters"),
        pytest.param("a\u202eb\u200bc".encode(), "a b c", id="characters that turn text around"),
        pytest.param("नमस्ते".encode(), "नमस्ते", id="Hindi"),
        pytest.param(b"\xff\xfe", "��", id="no text"),
        pytest.param(b"x" * 300, "x" * 200, id="long"),
        pytest.param("😀".encode() * 300, "😀" * 200, id="long, of four bytes each"),
    ],
)
def test_an_excerpt_is_a_line_of_200_characters(body: bytes, visible: str) -> None:
    assert excerpt_of(body) == visible
