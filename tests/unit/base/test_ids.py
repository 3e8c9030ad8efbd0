"""Ids of message batches and messages, and the references that carriers return."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.base.errors import ForeignReference
from harkara.base.ids import (
    BATCH_ID_LENGTH,
    MESSAGES_PER_BATCH,
    RANDOM_BYTES,
    ReferenceSigner,
    mid_of,
    new_batch_id,
    split_mid,
)

BATCH = new_batch_id(1_767_258_000_000, bytes(range(10)))
MID = mid_of(BATCH, 37)
SIGNER = ReferenceSigner(b"tag key")

times_ms = st.integers(0, 2**48 - 1)
randomness = st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES)
indexes = st.integers(0, MESSAGES_PER_BATCH - 1)


@pytest.mark.parametrize(
    ("now_ms", "random", "batch_id"),
    [
        # The ULID specification's own example time is 1469918176385: 01ARYZ6S41.
        pytest.param(1_469_918_176_385, bytes(10), "101ARYZ6S41" + "0" * 16, id="ulid's example"),
        pytest.param(0, bytes(10), "1" + "0" * 26, id="the first"),
        pytest.param(2**48 - 1, b"\xff" * 10, "17" + "Z" * 25, id="the last"),
    ],
)
def test_a_batch_id_is_the_version_and_a_ulid(now_ms: int, random: bytes, batch_id: str) -> None:
    assert new_batch_id(now_ms, random) == batch_id


@given(times_ms, randomness, indexes)
def test_a_mid_names_its_batch_and_index(now_ms: int, random: bytes, index: int) -> None:
    batch_id = new_batch_id(now_ms, random)
    assert len(batch_id) == BATCH_ID_LENGTH
    assert split_mid(mid_of(batch_id, index)) == (batch_id, index)


@given(times_ms, times_ms, randomness, randomness)
def test_batch_ids_are_in_order_of_time(first: int, second: int, one: bytes, two: bytes) -> None:
    earlier, later = sorted((first, second))
    if earlier < later:
        assert new_batch_id(earlier, one) < new_batch_id(later, two)


def test_the_mids_of_a_batch_are_distinct_and_in_order() -> None:
    mids = [mid_of(BATCH, index) for index in range(MESSAGES_PER_BATCH)]
    assert sorted(set(mids)) == mids


@pytest.mark.parametrize(
    "mid",
    [
        pytest.param("", id="empty"),
        pytest.param(MID[:-1], id="short"),
        pytest.param(MID + "0", id="long"),
        pytest.param("2" + MID[1:], id="a version of the future"),
        pytest.param(MID.lower(), id="lower case"),
        pytest.param(MID[:-1] + "U", id="a letter that is not in the alphabet"),
        pytest.param(MID[:-1] + "é", id="beyond ascii"),
        pytest.param("9876543210.1200000000.16540023", id="a platform's id"),
    ],
)
def test_what_is_no_mid_of_ours_is_foreign(mid: str) -> None:
    with pytest.raises(ForeignReference) as foreign:
        split_mid(mid)
    assert mid == "" or mid not in str(foreign.value)


@pytest.mark.parametrize("attempt", [1, 2, 99])
def test_a_reference_tells_mid_and_try(attempt: int) -> None:
    assert SIGNER.verify(SIGNER.sign(MID, attempt)) == (MID, attempt)


def test_a_reference_fits_what_carriers_take() -> None:
    """Letters, digits and dots only, and no more than the 64 characters of SMPP's message ids."""
    reference = SIGNER.sign(MID, 99)
    assert re.fullmatch(r"[0-9A-Z.]{1,64}", reference)


REFERENCE = SIGNER.sign(MID, 1)


@pytest.mark.parametrize(
    "reference",
    [
        pytest.param("", id="empty"),
        pytest.param(".", id="dot"),
        pytest.param(MID, id="mid only"),
        pytest.param(f"{MID}.1", id="no tag"),
        pytest.param(f"{MID}.1.", id="empty tag"),
        pytest.param(REFERENCE.replace(".1.", ".2."), id="the tag of another try"),
        pytest.param(mid_of(BATCH, 38) + REFERENCE[len(MID) :], id="the tag of another message"),
        pytest.param(REFERENCE[:-1], id="cut"),
        pytest.param(REFERENCE + "A", id="longer"),
        pytest.param(REFERENCE.lower(), id="lower case"),
        pytest.param(ReferenceSigner(b"another key").sign(MID, 1), id="the tag of another key"),
        pytest.param(f"{MID}.1.éééééééé", id="beyond ascii"),
    ],
)
def test_a_forged_reference_is_foreign(reference: str) -> None:
    with pytest.raises(ForeignReference) as foreign:
        SIGNER.verify(reference)
    assert str(foreign.value) == "the reference's tag is not ours"


@given(st.integers(0, len(REFERENCE) - 1), st.sampled_from("0123456789ABCDEFGHJKMNPQRSTVWXYZ."))
def test_a_reference_with_another_character_anywhere_is_foreign(at: int, character: str) -> None:
    forged = REFERENCE[:at] + character + REFERENCE[at + 1 :]
    if forged == REFERENCE:
        assert SIGNER.verify(forged) == (MID, 1)
    else:
        with pytest.raises(ForeignReference):
            SIGNER.verify(forged)
