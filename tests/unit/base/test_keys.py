"""Keys that change while in use: the first signs, all verify, a failed read harms nothing."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.aws import clients
from harkara.base.errors import ForeignReference, StoreUnavailable
from harkara.base.ids import ReferenceSigner
from harkara.base.keys import CONFIRMED_S, KEPT_S, Keys
from harkara.links.codec import LinkKey, LinkSigner

MID = "1" + "0" * 28
HOST = "hk.example"
LINK = LinkKey(1, 2, 3)
some_keys = st.lists(st.binary(min_size=8, max_size=16), min_size=1, max_size=4, unique=True)


class Secret:
    """A secret and a clock that tests set by hand."""

    def __init__(self, *values: bytes) -> None:
        self.values: Sequence[bytes] | None = values
        self.now_s = 1_000_000.0
        self.reads = 0

    def read(self) -> Sequence[bytes]:
        self.reads += 1
        if self.values is None:
            raise StoreUnavailable("away")
        return self.values

    def keys(self) -> Keys:
        """Return keys that were read once."""
        keys = Keys(self.read, lambda: self.now_s)
        keys.all()
        return keys


@given(old=some_keys, new=some_keys)
def test_what_was_signed_with_any_key_is_good_for_as_long_as_that_key_is_kept(
    old: list[bytes], new: list[bytes]
) -> None:
    signers = [ReferenceSigner(key) for key in old]
    all_of_them = ReferenceSigner(Secret(*old).keys())
    for signer in signers:
        assert all_of_them.verify(signer.sign(MID, 1)) == (MID, 1)
    assert all_of_them.sign(MID, 1) == signers[0].sign(MID, 1)
    links = LinkSigner(Secret(*old).keys())
    assert all(links.read(HOST, LinkSigner(key).code(HOST, LINK)) == LINK for key in old)
    assert links.code(HOST, LINK) == LinkSigner(old[0]).code(HOST, LINK)
    for key in set(new) - set(old):
        with pytest.raises(ForeignReference):
            all_of_them.verify(ReferenceSigner(key).sign(MID, 1))


def test_a_key_that_another_process_signs_with_already_is_good_at_once() -> None:
    secret = Secret(b"old")
    signer = ReferenceSigner(secret.keys())
    secret.now_s += CONFIRMED_S
    secret.values = (b"new", b"old")
    assert signer.verify(ReferenceSigner(b"new").sign(MID, 1)) == (MID, 1)
    assert signer.sign(MID, 1) == ReferenceSigner(b"new").sign(MID, 1)


def test_what_no_key_fits_costs_a_read_now_and_then() -> None:
    secret = Secret(b"key")
    keys = secret.keys()
    assert not any(keys.any(lambda _: False) for _ in range(100))
    assert secret.reads == 1
    secret.now_s += CONFIRMED_S
    assert not any(keys.any(lambda _: False) for _ in range(100))
    assert secret.reads == 2
    assert keys.any(lambda key: key == b"key")


def test_a_key_that_was_taken_out_signs_no_longer_and_is_good_no_longer() -> None:
    secret = Secret(b"new", b"old")
    keys = secret.keys()
    secret.values = (b"new",)
    assert keys.any(lambda key: key == b"old")
    secret.now_s += KEPT_S
    assert not keys.any(lambda key: key == b"old")
    assert keys.first() == b"new"


def test_keys_are_read_on_first_use_which_fails_as_long_as_reading_does() -> None:
    secret = Secret(b"key")
    secret.values = None
    keys = Keys(secret.read, lambda: secret.now_s)
    assert secret.reads == 0
    for use in (keys.all, keys.first, lambda: keys.any(lambda _: True)):
        with pytest.raises(StoreUnavailable, match="away"):
            use()
    secret.values = (b"key",)
    assert keys.first() == b"key"


def test_keys_that_cannot_be_read_again_go_on_and_are_tried_again() -> None:
    secret = Secret(b"old")
    keys = secret.keys()
    secret.values = None
    secret.now_s += KEPT_S
    assert (keys.first(), keys.first(), secret.reads) == (b"old", b"old", 2)
    secret.values = (b"new",)
    secret.now_s += CONFIRMED_S
    assert keys.first() == b"new"


def test_a_clock_that_was_set_back_keeps_no_key_for_ever() -> None:
    secret = Secret(b"old")
    keys = secret.keys()
    secret.now_s -= 3600
    secret.values = (b"new",)
    assert keys.first() == b"new"


def test_every_key_is_tried_whichever_fits() -> None:
    tried: list[bytes] = []

    def fits(key: bytes) -> bool:
        tried.append(key)
        return True

    assert Secret(b"a", b"b", b"c").keys().any(fits)
    assert tried == [b"a", b"b", b"c"]


def test_a_pseudonym_of_the_oldest_key_stays_while_that_is_kept() -> None:
    before = ReferenceSigner(b"old").pseudonyms("a")
    after = ReferenceSigner(Secret(b"new", b"old").keys()).pseudonyms("a")
    assert after == [*ReferenceSigner(b"new").pseudonyms("a"), *before]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("one", [b"one"]),
        (" new\nold\n", [b"new", b"old"]),
        ("a\tb  c", [b"a", b"b", b"c"]),
    ],
)
def test_a_secret_holds_a_value_or_several(text: str, values: list[bytes]) -> None:
    assert clients.values_of(text) == values


@pytest.mark.parametrize("text", ["", " ", "\n\n"])
def test_a_secret_without_a_value_opens_nothing(text: str) -> None:
    with pytest.raises(StoreUnavailable, match="holds no value"):
        clients.values_of(text)
