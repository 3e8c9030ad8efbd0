"""An inverted index of templates, so that a text is compared with only a few of them.

A matching text contains each run of whole words of a template's fixed text, begins with the
template's first fixed text and ends with its last. So each template is indexed under one key, a run
of words or a piece of its beginning or end: one that few other templates have, or else its rarest.
A text is looked up by its own runs and ends. Words are separated by single spaces and nothing else,
so fixed text has the same words in every text.

If many templates of one header have even their rarest key in common, that key is common: a text
gets only the first few of these templates that are not longer than the text.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain, pairwise
from typing import NamedTuple

FEW_CANDIDATES = 4
COMMON_LIMIT = 4
EVERY_HEADER = ""
_ENDS = 0
# Kinds of keys in the order in which they are tried: runs of 2 words, the ends, runs of 1 and of 4.
# Each kind in use costs time for every text.
_SIZES = (2, _ENDS, 1, 4)
_END_SIZES = (32, 16, 8, 4)
_HEAD, _TAIL = "^", "$"
# In a longer fixed text, only runs that begin with one of this many rarest words can be keys.
_RUNS_LIMIT = 16
# A table of at most this many keys is searched in the text, which is faster than making the text's
# own keys.
_SMALL_TABLE = 8

_Key = tuple[str, ...]
_ByHeader = dict[str, list[int]]
_Table = dict[_Key, _ByHeader]
"""For each key and header the positions of the templates, ascending."""


class Template(NamedTuple):
    """A template to index: its parts by `parse`, its headers, its shortest text's length."""

    parts: list[str]
    headers: Sequence[str]
    shortest: int


class _Rarest(NamedTuple):
    candidates: int
    size: int
    key: _Key


class InvertedIndex:
    """The inverted index. A position is a template's index in `templates`, from 0.

    The templates are given in order of preference, the longest first. A template for every header
    has EVERY_HEADER as its header. `words` are the words of all runs that are keys; `common` has
    the positions under common keys, some of which `choose` may leave out.
    """

    def __init__(self, templates: Sequence[Template]) -> None:
        self._shortest = [-template.shortest for template in templates]
        tables = _file(templates)
        self.words = {
            word for size, table in tables.items() if size != _ENDS for key in table for word in key
        }
        ends = tables.pop(_ENDS, {})
        by_end: dict[tuple[str, int], dict[str, _ByHeader]] = {}
        for (side, piece), by_header in ends.items():
            by_end.setdefault((side, len(piece)), {})[piece] = by_header
        self._ends = [
            (slice(None, size) if side == _HEAD else slice(-size, None), table)
            for (side, size), table in by_end.items()
        ]
        self._runs = {size: table for size, table in tables.items() if len(table) > _SMALL_TABLE}
        self._rest = [
            (f" {' '.join(key)} ", by_header)
            for size, table in tables.items()
            if size not in self._runs
            for key, by_header in table.items()
        ]
        self.common = {
            position
            for table in (ends, *tables.values())
            for by_header in table.values()
            for positions in by_header.values()
            if len(positions) > FEW_CANDIDATES
            for position in positions
        }

    def of_runs(self, text: str, header: str) -> list[list[int]]:
        """Return the positions indexed under the runs of a text: one list for each key."""
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
        """Return the positions indexed under the ends of a text: one list for each key."""
        found = [table[piece] for cut, table in self._ends if (piece := text[cut]) in table]
        return _lists(found, header) if found else []

    def choose(self, lists: list[list[int]], length: int) -> list[int]:
        """Return the positions to compare a text of this length with, in order.

        Of the long lists (common keys), only the shortest ones count, and of those only the first
        few templates that are not longer than the text.
        """
        if len(lists) == 1 and len(lists[0]) <= FEW_CANDIDATES:
            return lists[0]
        chosen: list[int] = []
        long_lists: list[list[int]] = []
        for positions in lists:
            if len(positions) <= FEW_CANDIDATES:
                chosen += positions
            else:
                long_lists.append(positions)
        if long_lists:
            start = bisect_left(self._shortest, -length)
            few: list[int] = []
            # A fixed order, independent of hash seeds: by length, then by the positions.
            long_lists.sort()
            long_lists.sort(key=len)
            for positions in long_lists[:COMMON_LIMIT]:
                at = bisect_left(positions, start)
                few += positions[at : at + COMMON_LIMIT]
            few.sort()
            chosen += few[:COMMON_LIMIT]
        chosen.sort()
        return chosen


def whole_words(parts: list[str]) -> list[list[str]]:
    """Return each fixed text's words, without those that a variable directly follows or precedes.

    A value may lengthen such a word.
    """
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
    return [positions for each in found for name in names if (positions := each.get(name))]


def _file(templates: Sequence[Template]) -> dict[int, _Table]:
    tables: dict[int, _Table] = {}
    rarest: dict[int, _Rarest] = {}

    def put(position: int, size: int, key: _Key) -> None:
        by_header = tables.setdefault(size, {}).setdefault(key, {})
        for header in templates[position].headers:
            by_header.setdefault(header, []).append(position)

    waiting: Iterable[int] = range(len(templates))
    words = Counter(chain.from_iterable(set(chain(*whole_words(each.parts))) for each in templates))
    for size in _SIZES:
        keys = {position: _keys(templates[position].parts, size, words) for position in waiting}
        counts: Counter[_Key]
        if size == 1:
            counts = Counter({key: words[key[0]] for own in keys.values() for key in own})
        elif size == _ENDS:
            # Templates indexed already count too: a beginning that all texts have selects nothing.
            counts = Counter(
                chain.from_iterable(_ends(each.parts[0], each.parts[-1]) for each in templates)
            )
        else:
            counts = Counter(chain.from_iterable(keys.values()))
        waiting = []
        for position, own in keys.items():
            key = min(own, key=counts.__getitem__, default=None)
            if key is not None and counts[key] <= FEW_CANDIDATES:
                put(position, size, key)
                continue
            waiting.append(position)
            if key is not None and (
                position not in rarest or counts[key] < rarest[position].candidates
            ):
                rarest[position] = _Rarest(counts[key], size, key)
    for position in waiting:
        put(position, rarest[position].size, rarest[position].key)
    return tables


def _keys(parts: list[str], size: int, counts: Counter[str]) -> Iterable[_Key]:
    """Return the possible keys of a template, each once."""
    if size == _ENDS:
        return _ends(parts[0], parts[-1])
    keys: dict[_Key, None] = {}
    for words in whole_words(parts):
        runs = _runs(words, size)
        if len(words) > _RUNS_LIMIT:
            candidates = list(map(counts.__getitem__, words))
            rare = sorted(range(len(words)), key=candidates.__getitem__)[:_RUNS_LIMIT]
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
