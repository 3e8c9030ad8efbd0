"""Consents: what they let through, their fields, and the order in which changes come."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.base.errors import FieldRefused
from harkara.model.consents import Consent, ConsentSource, blocking, consent_of, fields_of
from harkara.model.messages import Category
from harkara.model.suppressions import Source, Suppression, opt_out
from tests.support.fakes import Faults
from tests.support.ports import FakeSuppressionList

NUMBER = "919876543210"
NOW_S = 1_767_258_000
HEADER = "ACMEFD"
PROMOTIONAL = Category.PROMOTIONAL
DND = Suppression(number=NUMBER, source=Source.DND, preferences=(0,), since_s=NOW_S)
FIELDS = {"number": NUMBER, "header": HEADER}


def consent(since_s: int, header: str = HEADER) -> Consent:
    return Consent(
        number=NUMBER, header=header, source=ConsentSource.DCA, purpose="Offers", since_s=since_s
    )


@pytest.mark.parametrize(
    ("entries", "consents", "category", "source"),
    [
        pytest.param([DND], [], PROMOTIONAL, Source.DND, id="no consent"),
        pytest.param([DND], [consent(1)], PROMOTIONAL, None, id="outweighs DND of any time"),
        pytest.param([DND], [consent(1, "OTHERS")], PROMOTIONAL, Source.DND, id="another header"),
        pytest.param([opt_out(NUMBER, 5)], [consent(6)], PROMOTIONAL, None, id="opt-out before"),
        pytest.param(
            [opt_out(NUMBER, 6)], [consent(6)], PROMOTIONAL, Source.OPT_OUT, id="in one second"
        ),
        pytest.param(
            [opt_out(NUMBER, 7), DND], [consent(6)], PROMOTIONAL, Source.DND, id="opt-out after"
        ),
        pytest.param(
            [opt_out(NUMBER, 5)],
            [consent(6)],
            Category.SERVICE_EXPLICIT,
            Source.OPT_OUT,
            id="another category",
        ),
    ],
)
def test_a_consent_outweighs_dnd_until_an_opt_out(
    entries: list[Suppression], consents: list[Consent], category: Category, source: Source | None
) -> None:
    found = blocking(entries, consents, category, HEADER, 0)
    assert (found and found.source) == source


@given(
    given_s=st.integers(1, 4),
    opted_out_s=st.integers(1, 4),
    registered_s=st.integers(1, 4),
    start_s=st.none() | st.integers(1, 5),
)
def test_changes_end_the_same_in_any_order(
    given_s: int, opted_out_s: int, registered_s: int, start_s: int | None
) -> None:
    ends = set()
    registered = DND.model_copy(update={"since_s": registered_s})
    changes: list[Suppression | Consent] = [
        *(consent(given_s), opt_out(NUMBER, opted_out_s), registered)
    ]
    for order in permutations(changes):
        lists = FakeSuppressionList(Faults())
        for change in order:
            assert lists.put("acme", change)
        if start_s is not None:
            lists.remove("acme", NUMBER, Source.OPT_OUT, start_s)
        records = lists.records("acme", [NUMBER])
        ends.add(blocking(*records, PROMOTIONAL, HEADER, 0) is None)
    is_out = start_s is None or start_s <= opted_out_s
    assert ends == {not is_out or opted_out_s < given_s}


@given(
    since_s=st.integers(1, NOW_S), source=st.sampled_from(ConsentSource), purpose=st.text("ab é=")
)
def test_a_consent_is_made_of_its_own_fields_again(
    since_s: int, source: ConsentSource, purpose: str
) -> None:
    made = Consent(
        number=NUMBER, header=HEADER, source=source, purpose=purpose.strip(), since_s=since_s
    )
    assert consent_of(fields_of(made), NOW_S) == made


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        pytest.param({"number": "12"}, "number", id="number"),
        pytest.param({"header": "AB"}, "header", id="short header"),
        pytest.param({"header": "447700900123"}, "header", id="no header of DLT"),
        pytest.param({"source": "x"}, "source", id="source"),
        pytest.param({"purpose": "a\nb"}, "purpose", id="lines"),
        pytest.param({"purpose": "a" * 201}, "purpose", id="long"),
        pytest.param({"since": "2026-01-01T09:00:01Z"}, "since", id="to come"),
        pytest.param({"since": "2026-01-01"}, "since", id="no offset"),
        pytest.param({"purose": "x"}, "unknown field", id="unknown"),
    ],
)
def test_a_field_that_is_wrong_is_named(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(FieldRefused) as refused:
        consent_of({**FIELDS, **fields}, NOW_S)
    assert refused.value.field == field
    assert NUMBER not in str(refused.value)


def test_a_consent_is_no_entry_of_the_suppressions() -> None:
    lists = FakeSuppressionList(Faults())
    lists.put("acme", consent(7))
    lists.put("acme", consent(8, "OTHERS"))
    assert lists.entries("acme", [NUMBER]) == lists.find("acme") == []
    assert lists.find_consents("acme") == [consent(7), consent(8, "OTHERS")]
    assert not lists.put("acme", consent(6))
