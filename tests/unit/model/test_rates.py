"""The rate that applies to a message, by prefix, category and channel."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.model.messages import Category
from harkara.model.rates import Rate, price_of
from harkara.model.rcs import Channel

OTP, PLAIN = Category.OTP, Category.SERVICE_IMPLICIT
CARD = (
    Rate(prefix="91", price=Decimal(1)),
    Rate(prefix="91", price=Decimal(2), category=OTP),
    Rate(prefix="9198", price=Decimal(3)),
    Rate(prefix="91", price=Decimal(10), channel=Channel.RCS),
    Rate(prefix="91", price=Decimal(20), channel=Channel.RCS, category=OTP),
)


@pytest.mark.parametrize(
    ("number", "category", "channel", "price"),
    [
        ("917000000000", PLAIN, Channel.SMS, 2),
        ("917000000000", OTP, Channel.SMS, 4),
        ("919800000000", OTP, Channel.SMS, 6),
        ("919800000000", PLAIN, Channel.RCS, 10),
        ("919800000000", OTP, Channel.RCS, 20),
        ("447000000000", PLAIN, Channel.SMS, None),
        ("447000000000", PLAIN, Channel.RCS, None),
    ],
)
def test_the_rate_that_fits_best_counts(
    number: str, category: Category, channel: Channel, price: int | None
) -> None:
    assert price_of(CARD, number, category, 2, channel) == price


rates = st.builds(
    Rate,
    prefix=st.sampled_from(["9", "91", "9198", "44"]),
    price=st.integers(0, 9).map(Decimal),
    category=st.sampled_from([None, OTP, PLAIN]),
    channel=st.sampled_from(Channel),
)


@given(st.lists(rates, max_size=6), st.sampled_from([OTP, PLAIN]), st.integers(1, 9))
def test_rates_of_rcs_change_no_price_of_sms_and_take_its_place_alone(
    card: list[Rate], category: Category, segments: int
) -> None:
    sms = [rate for rate in card if rate.channel is Channel.SMS]
    by_sms = price_of(card, "919876543210", category, segments, Channel.SMS)
    assert by_sms == price_of(sms, "919876543210", category, segments, Channel.SMS)
    by_rcs = price_of(card, "919876543210", category, segments, Channel.RCS)
    rcs = [
        rate.price
        for rate in card
        if rate.channel is Channel.RCS
        and "919876543210".startswith(rate.prefix)
        and rate.category in (None, category)
    ]
    assert by_rcs in rcs if rcs else by_rcs == by_sms
