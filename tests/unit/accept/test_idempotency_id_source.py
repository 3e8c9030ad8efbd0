"""Sources of message batch ids."""

from hypothesis import given
from hypothesis import strategies as st

from harkara.accept.idempotency import DeterministicIds
from harkara.base.ids import RandomIds, new_batch_id

NOW_MS = 1_767_258_000_250


def test_random_names_are_of_now_and_of_fresh_randomness() -> None:
    drawn = iter([b"0123456789", b"abcdefghij"])
    names = RandomIds(lambda: NOW_MS / 1000, lambda size: next(drawn)[:size])
    assert names.now_ms() == NOW_MS
    assert names.new(NOW_MS, "0") == new_batch_id(NOW_MS, b"0123456789")
    assert names.new(NOW_MS, "0") == new_batch_id(NOW_MS, b"abcdefghij")


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
def test_the_same_seed_gives_the_same_names_and_no_other_does(seed: bytes, other: bytes) -> None:
    def names(of: bytes) -> list[str]:
        repeatable = DeterministicIds(of, NOW_MS)
        return [repeatable.new(repeatable.now_ms(), str(index)) for index in range(20)]

    assert names(seed) == names(seed)
    assert len({*names(seed), *names(other)}) == (20 if seed == other else 40)
    assert names(seed)[0][:11] == new_batch_id(NOW_MS, bytes(10))[:11]
