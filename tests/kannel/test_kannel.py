"""A campaign through a real Kannel: each message once, each receipt back, each callback posted."""

from collections import Counter, defaultdict

import pytest

from harkara.accept.requests import Record
from harkara.text.segments import Encoding, measure
from local.kannel import Got, Kannel
from tests.faults.faults import AT_LENGTH
from tests.kannel.passage import Passage
from tests.support.virtual import run

COUNT = 10_000 if AT_LENGTH else 2_000
# Patience, not a bar.
WITHIN_S = 900.0
SHORT = "Dear Asha, your order {} is on its way. HARKARA"
HINDI = "नमस्ते, आपका ऑर्डर {0} रास्ते में है।"
TEXTS = [
    *[SHORT] * 16,
    HINDI,
    SHORT + " [{{}}] € " + "x" * 300,
    HINDI * 4,
    "{} [] " + "y" * 156,
]

pytestmark = pytest.mark.kannel


def records() -> list[Record]:
    """Return messages to numbers of their own, one in five long or in Unicode."""
    return [
        Record(
            to=f"9198{number:08d}",
            sender_id="HARKAR",
            text=TEXTS[number % len(TEXTS)].format(number),
            client_ref=f"ref-{number}",
        )
        for number in range(COUNT)
    ]


def segments_of(got: Counter[Got]) -> dict[str, list[str]]:
    """Return the segments of each number that fakesmsc received, by their headers."""
    found: dict[str, list[str]] = defaultdict(list)
    for segment, times in got.items():
        found[segment.to] += [segment.header] * times
    return found


def test_every_message_goes_through_kannel_once_and_is_called_back(kannel: Kannel) -> None:
    sent = records()
    kinds = {measure(each.text)[::2] for each in sent}
    assert {(Encoding.GSM7, 1), (Encoding.UCS2, 1), (Encoding.GSM7, 3), (Encoding.UCS2, 3)} < kinds
    passage = Passage(kannel)
    run(passage.pass_through(sent, WITHIN_S))
    assert passage.entries == Counter(f"delivered {each.client_ref}" for each in sent)
    assert Counter(passage.finals().values()) == {"delivered": COUNT}
    assert passage.in_doubt() == set()
    segments = segments_of(kannel.got())
    assert segments.keys() == {each.to for each in sent}
    for each in sent:
        headers = segments[each.to]
        # Each segment of a message has its own header: none came twice.
        assert len(headers) == len(set(headers)) == measure(each.text).segment_count


def test_what_kannel_accepted_is_reported_as_such_and_ends_once(kannel: Kannel) -> None:
    """With all events, Kannel reports each message twice: accepted by the SMSC, delivered."""
    passage = Passage(kannel, dlr_mask=31)
    run(passage.pass_through(records()[:20], WITHIN_S))
    assert sum(passage.entries.values()) == 20
    assert passage.intermediate_count > 0
