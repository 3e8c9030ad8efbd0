"""JSON on the wire: compact, named tuples as arrays, errors for other types."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.base.json import decode, encode
from harkara.model.messages import State
from harkara.model.tasks import Receipt

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=10),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3)
    ),
    max_leaves=10,
)


@given(values)
def test_a_value_is_decoded_as_it_was_encoded(value: object) -> None:
    assert decode(encode(value)) == value


def test_named_tuples_are_arrays_and_enumerations_their_values() -> None:
    receipt = Receipt("M1", 1, State.FAILED, 7)
    assert encode({"a": (receipt,)}) == b'{"a":[["M1",1,"failed",7,"","","","","",false,""]]}'


def test_text_stays_readable() -> None:
    assert encode("नमस्ते") == '"नमस्ते"'.encode()


@pytest.mark.parametrize("value", [b"bytes", {1, 2}, object()])
def test_what_has_no_form_is_a_bug(value: object) -> None:
    with pytest.raises(TypeError):
        encode([value])


@pytest.mark.parametrize("body", ["", "{", "NaN", '"\\ud800"', b'"\xff"', "[1,]", "{} {}"])
def test_what_is_no_json_is_a_value_error(body: str | bytes) -> None:
    with pytest.raises(ValueError, match="column"):
        decode(body)
