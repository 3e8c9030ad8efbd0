"""Encodings and segments of generated texts, compared to npm's sms-segments-calculator.

Where the two differ, one of the reasons in EXPLAINED must be the whole reason.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, islice, pairwise
from typing import Any, NamedTuple
from unicodedata import category, name

from harkara.text.segments import Encoding, measure, split
from tests.npm.scripts import run_script
from tests.unit.text.texts import Texts

TEXTS = 5_000
ENCODINGS = {"GSM-7": Encoding.GSM7, "UCS-2": Encoding.UCS2}


class Explained(NamedTuple):
    """A cluster that the library keeps in one segment, and why a segment may end inside it."""

    cluster: str
    reason: str
    covers: Callable[[str], bool]


# TS 23.040 section 9.2.3.24.1 allows 67 UCS2 characters in a segment and keeps each character
# whole, but not a cluster of several. A UCS2 character is 16 bits (TS 23.038 section 6.2.3); the
# two of a surrogate pair are one code point, which both the library and we keep whole.
EXPLAINED = (
    Explained(
        "an emoji of several code points",
        "modifiers, joiners, selectors and a flag's letters are characters of their own",
        lambda cluster: any(category(each) == "So" for each in cluster),
    ),
    Explained(
        "a syllable in jamo",
        "each jamo is a character of its own",
        lambda cluster: all(name(each, "").startswith("HANGUL") for each in cluster),
    ),
    Explained(
        "a letter, or another character, and the signs on it",
        "a vowel sign, a virama, a nukta, an accent is a character of its own",
        lambda cluster: any(category(each).startswith("M") for each in cluster),
    ),
)


def test_segments_are_those_of_the_calculator_or_the_standard_explains_why_not() -> None:
    texts = list(islice(Texts(), TEXTS))
    seen: Counter[str] = Counter()
    for text, theirs in zip(texts, run_script("segments.js", texts), strict=True):
        ours = measure(text)
        assert ours.encoding is ENCODINGS[theirs["encoding"]], ascii(text)
        if ours.segment_count != theirs["segments"]:
            seen.update(explanations(text, theirs))
    # Every row of the table is needed, and differences are few.
    assert seen.keys() == {each.cluster for each in EXPLAINED}
    assert seen.total() < TEXTS / 20


def explanations(text: str, theirs: dict[str, Any]) -> set[str]:
    """Return the explanations of a differing segment count. Raises AssertionError without one."""
    ends = [0, *accumulate(theirs["clusters"])]
    clusters = [text[start:end] for start, end in pairwise(ends)]
    assert "".join(clusters) == text
    # Whole clusters give the library's number, whole code points ours.
    assert segments_of(clusters) == theirs["segments"], ascii(text)
    assert segments_of(text) == measure(text).segment_count, ascii(text)
    cuts = set(accumulate(len(part) for part in split(text)[:-1]))
    torn = [
        cluster
        for cluster, (start, end) in zip(clusters, pairwise(ends), strict=True)
        if cuts & set(range(start + 1, end))
    ]
    assert torn, ascii(text)
    return {explanation(cluster) for cluster in torn}


def segments_of(pieces: Iterable[str]) -> int:
    """Count the UCS-2 segments of a text whose pieces are each kept whole."""
    sizes = [len(piece.encode("utf-16-be", "surrogatepass")) // 2 for piece in pieces]
    if sum(sizes) <= 70:
        return 1
    count, used = 1, 0
    for size in sizes:
        if used + size > 67:
            count, used = count + 1, 0
        used += size
    return count


def explanation(cluster: str) -> str:
    found: Sequence[str] = [each.cluster for each in EXPLAINED if each.covers(cluster)]
    assert found, ascii(cluster)
    return found[0]
