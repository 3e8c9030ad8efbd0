"""What templates are filed under, so that a text is compared with few of them.

A text that matches a template holds each run of whole words of its fixed text, begins as it begins
and ends as it ends. So a template is filed under the rarest of its runs, or of its ends, where few
share it; a text has the keys of its own words and ends. Words are what stands between single
spaces: nothing else is a break here, so fixed text has the same words in every text.

Where more templates of one header share even the rarest key, they are crowded: a text gets the
first few of them that it is long enough for, whatever their number.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise
from typing import NamedTuple

FEW_SHARERS = 4
CROWDED_LIMIT = 4
EVERY_HEADER = ""
_ENDS = 0
# Runs of so many words, and the ends, in the order in which they are tried: each that is in use
# costs every text.
_SIZES = (2, _ENDS, 1, 4)
_END_SIZES = (32, 16, 8, 4)
_HEAD, _TAIL = "^", "$"
# Of a fixed text of more words, the runs that begin with the rarest are looked at.
_RUNS_LIMIT = 16
# So few keys are searched in a text instead: it takes less than to make the text's own.
_SMALL_TABLE = 8

_Key = tuple[str, ...]
_ByHeader = dict[str, list[int]]
_Table = dict[_Key, _ByHeader]
"""By the key and the header: places, ascending."""


class Template(NamedTuple):
    """What is filed: the parts that `parse` makes, the headers, the shortest text's length."""

    parts: list[str]
    headers: Sequence[str]
    shortest: int


class _Rarest(NamedTuple):
    sharers: int
    size: int
    key: _Key


class Filing:
    """The places of templates, by what they are filed under. A place is a number from 0.

    The templates come in the order in which they are preferred: the longest first. A template of
    every header has EVERY_HEADER for its own. `words` are those of all runs in use, `crowded` the
    places of which `choose` may leave some out.
    """

    def __init__(self, templates: Sequence[Template]) -> None:
        self._shortest = [-template.shortest for template in templates]
        tables = _file(templates)
        self.words = {
            word for size, table in tables.items() if size != _ENDS for key in table for word in key
        }
        ends = tables.pop(_ENDS, {})
        by_place: dict[tuple[str, int], dict[str, _ByHeader]] = {}
        for (side, piece), by_header in ends.items():
            by_place.setdefault((side, len(piece)), {})[piece] = by_header
        self._ends = [
            (slice(None, size) if side == _HEAD else slice(-size, None), table)
            for (side, size), table in by_place.items()
        ]
        self._at_ends = {
            place for each in ends.values() for places in each.values() for place in places
        }
        self._runs = {size: table for size, table in tables.items() if len(table) > _SMALL_TABLE}
        self._rest = [
            (f" {' '.join(key)} ", by_header)
            for size, table in tables.items()
            if size not in self._runs
            for key, by_header in table.items()
        ]
        self.crowded = {
            place
            for table in (ends, *tables.values())
            for by_header in table.values()
            for places in by_header.values()
            if len(places) > FEW_SHARERS
            for place in places
        }

    def of_runs(self, text: str, header: str) -> list[list[int]]:
        """Return what is filed under the runs of a text: a list of places for each key."""
        words = text.split(" ")
        found = [
            table[key]
            for size, table in self._runs.items()
            for key in table.keys() & _runs(words, size)
        ]
        if self._rest:
            text = f" {text} "
            found += [by_header for run, by_header in self._rest if run in text]
        return _lists(found, header)

    def of_ends(self, text: str, header: str) -> list[list[int]]:
        """Return what is filed under the ends of a text: a list of places for each key."""
        found = [table[piece] for cut, table in self._ends if (piece := text[cut]) in table]
        return _lists(found, header)

    def shared_ends(self, texts: Iterable[str]) -> list[slice]:
        """Return where pieces of any of these texts stand that something is filed under."""
        return [
            cut
            for cut, table in self._ends
            if not table.keys().isdisjoint([text[cut] for text in texts])
        ]

    def under_runs(self, longest: int, before: int) -> Iterator[int]:
        """Return the templates filed under a run that go before one and are no longer than this."""
        first = bisect_left(self._shortest, -longest)
        return (place for place in range(first, before) if place not in self._at_ends)

    def choose(self, lists: list[list[int]], length: int) -> list[int]:
        """Return the places of lists that a text of a length is to be compared with, in order.

        Of crowded templates only the first few that are no longer, of the shortest lists.
        """
        chosen: list[int] = []
        crowds: list[list[int]] = []
        for places in lists:
            if len(places) <= FEW_SHARERS:
                chosen += places
            else:
                crowds.append(places)
        if crowds:
            start = bisect_left(self._shortest, -length)
            few: list[int] = []
            # In an order that no hash decides: the first place, then the length.
            crowds.sort()
            crowds.sort(key=len)
            for places in crowds[:CROWDED_LIMIT]:
                at = bisect_left(places, start)
                few += places[at : at + CROWDED_LIMIT]
            few.sort()
            chosen += few[:CROWDED_LIMIT]
        chosen.sort()
        return chosen


def whole_words(parts: list[str]) -> list[list[str]]:
    """Return the words of each fixed text that no value of a variable beside it can touch."""
    sequences, last = [], len(parts) - 1
    for at, literal in enumerate(parts):
        if literal and at % 2 == 0:
            words = literal.split(" ")
            words = words[at > 0 : len(words) - (at < last)]
            if words:
                sequences.append(words)
    return sequences


def _lists(found: Iterable[_ByHeader], header: str) -> list[list[int]]:
    names = (header, EVERY_HEADER) if header else (EVERY_HEADER,)
    return [places for each in found for name in names if (places := each.get(name))]


def _file(templates: Sequence[Template]) -> dict[int, _Table]:
    tables: dict[int, _Table] = {}
    rarest: dict[int, _Rarest] = {}

    def put(place: int, size: int, key: _Key) -> None:
        by_header = tables.setdefault(size, {}).setdefault(key, {})
        for header in templates[place].headers:
            by_header.setdefault(header, []).append(place)

    waiting: Iterable[int] = range(len(templates))
    words = Counter(chain.from_iterable(set(chain(*whole_words(each.parts))) for each in templates))
    for size in _SIZES:
        keys = {place: _keys(templates[place].parts, size, words) for place in waiting}
        counts: Counter[_Key]
        if size == 1:
            counts = Counter({key: words[key[0]] for own in keys.values() for key in own})
        elif size == _ENDS:
            # Those filed before too: what all texts begin with tells nothing.
            counts = Counter(
                chain.from_iterable(_ends(each.parts[0], each.parts[-1]) for each in templates)
            )
        else:
            counts = Counter(chain.from_iterable(keys.values()))
        waiting = []
        for place, own in keys.items():
            key = min(own, key=counts.__getitem__, default=None)
            if key is not None and counts[key] <= FEW_SHARERS:
                put(place, size, key)
                continue
            waiting.append(place)
            if key is not None and (place not in rarest or counts[key] < rarest[place].sharers):
                rarest[place] = _Rarest(counts[key], size, key)
    for place in waiting:
        put(place, rarest[place].size, rarest[place].key)
    return tables


def _keys(parts: list[str], size: int, counts: Counter[str]) -> Iterable[_Key]:
    """Return what a template can be filed under, each once."""
    if size == _ENDS:
        return _ends(parts[0], parts[-1])
    keys: dict[_Key, None] = {}
    for words in whole_words(parts):
        runs = _runs(words, size)
        if len(words) > _RUNS_LIMIT:
            sharers = list(map(counts.__getitem__, words))
            rare = sorted(range(len(words)), key=sharers.__getitem__)[:_RUNS_LIMIT]
            every = list(runs)
            runs = [every[at] for at in rare if at < len(every)]
        keys.update(dict.fromkeys(runs))
    return keys


def _runs(words: list[str], size: int) -> Iterable[_Key]:
    return pairwise(words) if size == 2 else zip(*(words[at:] for at in range(size)), strict=False)


def _ends(first: str, last: str) -> Iterable[_Key]:
    heads = [(_HEAD, first[:size]) for size in _END_SIZES if size <= len(first)]
    tails = [(_TAIL, last[-size:]) for size in _END_SIZES if size <= len(last)]
    return [*heads, *tails, (_HEAD, "")]
