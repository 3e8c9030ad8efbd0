"""The template of a text, found among an account's in time that does not grow with their number.

A template is filed under the rarest run of whole words of its fixed text: a text that matches
contains it. Runs of 1, 2, 4 and 8 words are tried, in this order, until at most two templates
share one. A template without such a run is filed under its rarest piece of four characters. What
many share, or what has no fixed text to speak of, is crowded: of those a text is compared with the
few that have the most fixed text, so that 10,000 templates that tell nothing apart cost no more
than a few. Such a template is still matched where its id is given.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from heapq import nlargest
from itertools import chain
from typing import NamedTuple

from harkara.dlt.matching import Matcher
from harkara.dlt.mismatch import Mismatch, departure
from harkara.dlt.templates import DEFAULT_RULES, Rules, fold, parse

RUNS = (1, 2, 4, 8)
PIECE = 4
FEW_SHARERS = 2
CROWDED_LIMIT = 32
# The nearest template is sought among those that share the most words with a text.
_NEAREST_COMPARED = 5
_COMMON_WORD = 100
Run = str | tuple[str, ...]


class Entry(NamedTuple):
    """A registered template; it belongs to the headers it names, or to every one if to none."""

    dlt_template_id: str
    headers: tuple[str, ...]
    content: str

    def belongs_to(self, header: str) -> bool:
        """Whether a header may send texts of this template."""
        return not self.headers or header in self.headers


class Rarest(NamedTuple):
    """What a template is to be filed under, and how many share it."""

    sharers: int
    size: int
    key: Run


class TemplateIndex:
    """The templates of one account. It can be pickled."""

    def __init__(self, entries: Iterable[Entry], rules: Rules = DEFAULT_RULES) -> None:
        self._rules = rules
        parsed = [(entry, parse(entry.content)) for entry in entries]
        # The most particular template comes first: the one whose shortest text is the longest.
        parsed.sort(key=lambda row: (-_least(row[1]), len(row[1]), row[0].dlt_template_id))
        self._shortest = [-_least(parts) for _, parts in parsed]
        self._entries = [entry for entry, _ in parsed]
        self._by_id = {entry.dlt_template_id: at for at, entry in enumerate(self._entries)}
        self._matchers: dict[int, Matcher] = {}
        # By the run's size in words, 0 for pieces: the places of the templates filed under each.
        self._filed: dict[int, dict[Run, list[int]]] = {}
        self._rest: list[int] = []
        self._words: dict[str, list[int]] = {}
        self._word_counts: list[int] = []
        self._file([parts for _, parts in parsed])

    def __len__(self) -> int:
        return len(self._entries)

    def entry(self, dlt_template_id: str) -> Entry | None:
        """Return a registered template; None when it is not registered."""
        place = self._by_id.get(dlt_template_id)
        return None if place is None else self._entries[place]

    def matcher(self, dlt_template_id: str) -> Matcher | None:
        """Return the matcher of a registered template; None when it is not registered."""
        place = self._by_id.get(dlt_template_id)
        return None if place is None else self._matcher(place)

    def find(self, text: str, header: str = "") -> Entry | None:
        """Return the template of a header that a text matches.

        Of several it is the most particular: the one whose shortest text is the longest.
        """
        text = fold(text)
        for place in self._candidates(text):
            entry = self._entries[place]
            if entry.belongs_to(header) and self._matcher(place).matches(text):
                return entry
        return None

    def nearest(self, text: str, header: str = "") -> Mismatch | None:
        """Return where a text departs from the template that shares the most words with it.

        It is one of the header, unless the header has none.
        """
        text = fold(text)
        self._learn_words()
        words = set(text.split())
        own = [at for at, entry in enumerate(self._entries) if entry.belongs_to(header)]
        places = own or range(len(self))
        among = set(places)
        shared: Counter[int] = Counter()
        for word in words:
            shared.update(among.intersection(self._words.get(word, ())[:_COMMON_WORD]))

        def likeness(place: int) -> float:
            return shared[place] / (len(words) + self._word_counts[place])

        compared = nlargest(_NEAREST_COMPARED, shared, likeness) or places[:1]
        found = [(likeness(place), self._departure(place, text)) for place in compared]
        mismatches = [(like, mismatch) for like, mismatch in found if mismatch]
        return max(mismatches, key=lambda row: (row[0], row[1].agreement), default=(0, None))[1]

    def departure(self, dlt_template_id: str, text: str) -> Mismatch | None:
        """Return where a text departs from a registered template, None when it matches."""
        return self._departure(self._by_id[dlt_template_id], fold(text))

    def _departure(self, place: int, text: str) -> Mismatch | None:
        return departure(self._entries[place].dlt_template_id, self._matcher(place), text)

    def _candidates(self, text: str) -> list[int]:
        """Return the places of the templates that a text can match, the most particular first."""
        words = text.split()
        found: list[int] = []
        crowded = [self._rest] if self._rest else []
        for size, filed in self._filed.items():
            keys = _runs(words, size) if size else _pieces(text)
            for key in filed.keys() & keys:
                places = filed[key]
                if len(places) <= FEW_SHARERS:
                    found += places
                else:
                    crowded.append(places)
        if crowded:
            # Templates before this place are longer than the text.
            first = bisect_left(self._shortest, -len(text))
            few = [
                places[at : at + CROWDED_LIMIT]
                for places in crowded
                if (at := bisect_left(places, first)) < len(places)
            ]
            found += sorted(set(chain(*few)))[:CROWDED_LIMIT]
        return sorted(found) if len(found) > 1 else found

    def _matcher(self, place: int) -> Matcher:
        # Made when first needed: to make all of 10,000 takes longer than to file them.
        matcher = self._matchers.get(place)
        if matcher is None:
            matcher = Matcher(self._entries[place].content, self._rules)
            self._matchers[place] = matcher
        return matcher

    def _file(self, templates: list[list[str]]) -> None:
        sequences = [_whole_words(parts) for parts in templates]
        waiting = list(range(len(templates)))
        rarest: dict[int, Rarest] = {}
        for size in (*RUNS, 0):
            keys: dict[int, list[Run]] = {
                place: [key for words in sequences[place] for key in _runs(words, size)]
                if size
                else [piece for literal in templates[place][::2] for piece in _pieces(literal)]
                for place in waiting
            }
            counts = Counter(chain.from_iterable(map(set, keys.values())))
            for place, own in keys.items():
                if own:
                    count, at = min((counts[key], at) for at, key in enumerate(own))
                    if place not in rarest or count < rarest[place].sharers:
                        rarest[place] = Rarest(count, size, own[at])
            waiting = [
                place
                for place in waiting
                if place not in rarest or rarest[place].sharers > FEW_SHARERS
            ]
        for place in range(len(templates)):
            if place in rarest:
                _, size, key = rarest[place]
                self._filed.setdefault(size, {}).setdefault(key, []).append(place)
            else:
                self._rest.append(place)

    def _learn_words(self) -> None:
        """File the templates by each of their words; done when a text first matches nothing."""
        if self._word_counts:
            return
        for place, entry in enumerate(self._entries):
            words = {word for literal in parse(entry.content)[::2] for word in literal.split()}
            self._word_counts.append(len(words))
            for word in words:
                self._words.setdefault(word, []).append(place)


def _least(parts: list[str]) -> int:
    """Return the length of the shortest text that can match."""
    return sum(map(len, parts[::2])) + len(parts) // 2


def _whole_words(parts: list[str]) -> list[list[str]]:
    """Return the words of each fixed text that no value of a variable beside it can touch."""
    sequences, last = [], len(parts) - 1
    for at in range(0, len(parts), 2):
        literal = parts[at]
        if len(literal) < 2 and 0 < at < last:
            continue
        words = literal.split()
        if words and at > 0 and not literal[0].isspace():
            del words[0]
        if words and at < last and not literal[-1].isspace():
            del words[-1]
        if words:
            sequences.append(words)
    return sequences


def _runs(words: list[str], size: int) -> Iterable[Run]:
    """Return the runs of `size` words: the words themselves, or tuples of them."""
    if size == 1:
        return words
    if size == 2:
        return zip(words, words[1:], strict=False)
    return zip(*(words[start:] for start in range(size)), strict=False)


def _pieces(text: str) -> list[str]:
    return [text[at : at + PIECE] for at in range(len(text) - PIECE + 1)]
