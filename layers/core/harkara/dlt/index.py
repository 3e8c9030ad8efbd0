"""The template of a text, found among an account's in time that does not grow with their number.

A text is compared with the templates that it shares a key with (see `filing`), the most particular
first. The texts of a campaign have one template, so the last one found is tried before: where the
text matches it, and no word that a value touches belongs to a key, the text has the keys of this
template's fixed text and no others.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import nlargest
from itertools import chain, islice
from typing import NamedTuple

from harkara.dlt.filing import EVERY_HEADER, Filing, Template
from harkara.dlt.matching import Matcher
from harkara.dlt.mismatch import Mismatch, departure
from harkara.dlt.templates import DEFAULT_RULES, Rules, fold, parse

# The nearest template is sought among those that share the most words with a text; how many
# sharings are counted.
_NEAREST_COMPARED = 5
_SHARINGS_LIMIT = 1_000


class Entry(NamedTuple):
    """A registered template; it belongs to the headers it names, or to every one if to none."""

    dlt_template_id: str
    headers: tuple[str, ...]
    content: str

    def belongs_to(self, header: str) -> bool:
        """Whether a header may send texts of this template."""
        return not self.headers or header in self.headers


@dataclass(slots=True)
class _Last:
    """The template last found, and for which header; `sharers` is what shares a run with it."""

    header: str
    place: int
    matcher: Matcher
    sharers: list[list[int]] | None = None


class TemplateIndex:
    """The templates of one account. It can be pickled."""

    def __init__(self, entries: Iterable[Entry], rules: Rules = DEFAULT_RULES) -> None:
        self._rules = rules
        rows = []
        for entry in entries:
            parts = parse(entry.content)
            rows.append((-_shortest(parts), len(parts), entry.dlt_template_id, entry, parts))
        # The most particular template comes first: the one whose shortest text is the longest.
        rows.sort()
        # Copies of one another: the first is filed, all are known by their ids.
        firsts: dict[tuple[str, ...], Template] = {}
        copies: list[Entry] = []
        self._entries: list[Entry] = []
        for shortest, _, _, entry, parts in rows:
            headers = sorted(set(entry.headers)) or [EVERY_HEADER]
            template = Template(parts, headers, -shortest)
            same = firsts.setdefault((fold(entry.content), *headers), template)
            (self._entries if same is template else copies).append(entry)
        self._entries += copies
        self._by_id = {entry.dlt_template_id: at for at, entry in enumerate(self._entries)}
        self._headers = {header for template in firsts.values() for header in template.headers}
        self._filing = Filing([*firsts.values()])
        self._last: _Last | None = None
        self._matchers: dict[int, Matcher] = {}
        self._words: dict[str, list[int]] = {}
        self._word_counts: list[int] = []

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
        last = self._last
        if last and last.header == header and self._are_like(last, (text,)):
            return self._best(text, header, self._sharers(last, text), last.place)
        return self._best(text, header, self._filing.of_runs(text, header))

    def find_common(self, texts: Sequence[str], header: str = "") -> Entry | None:
        """Return the template that `find` returns for each of the texts, if it is one.

        None may mean that there is one all the same, but that it takes to find each to tell.
        """
        if "\r" in "".join(texts):
            texts = [*map(fold, texts)]
        common, last = self.find(texts[0], header), self._last
        if not common or not last or not self._are_like(last, texts):
            return None
        sharers = self._sharers(last, texts[0])
        if sharers == [[last.place]] and self._filing.none_at_ends(texts):
            return common
        others = (self._best(text, header, sharers, last.place) for text in texts)
        return common if all(other is common for other in others) else None

    def nearest(self, text: str, header: str = "") -> Mismatch | None:
        """Return where a text departs from the template that shares the most words with it.

        It is one of the header, unless the header has none.
        """
        text = fold(text)
        self._learn_words()
        words = set(text.split())
        has_own = not self._headers.isdisjoint((header, EVERY_HEADER))

        def belongs(place: int) -> bool:
            return not has_own or self._entries[place].belongs_to(header)

        # The rarest words tell the most.
        lists = sorted(filter(None, map(self._words.get, words)), key=len)
        shared = Counter(filter(belongs, islice(chain.from_iterable(lists), _SHARINGS_LIMIT)))

        def likeness(place: int) -> float:
            return shared[place] / (len(words) + self._word_counts[place])

        compared = nlargest(_NEAREST_COMPARED, shared, likeness)
        if not compared:
            compared = [*islice(filter(belongs, range(len(self))), 1)]
        found = [(likeness(place), self._departure(place, text)) for place in compared]
        mismatches = [(like, mismatch) for like, mismatch in found if mismatch]
        return max(mismatches, key=lambda row: (row[0], row[1].agreement), default=(0, None))[1]

    def departure(self, dlt_template_id: str, text: str) -> Mismatch | None:
        """Return where a text departs from a registered template, None when it matches."""
        return self._departure(self._by_id[dlt_template_id], fold(text))

    def _departure(self, place: int, text: str) -> Mismatch | None:
        return departure(self._entries[place].dlt_template_id, self._matcher(place), text)

    def _are_like(self, last: _Last, texts: Iterable[str]) -> bool:
        """Whether texts match the template last found and have no filed run but of its own."""
        pieces: list[str] = []
        quick = last.matcher.quick
        for text in texts:
            if not quick(text, pieces):
                return False
        return self._filing.words.isdisjoint(" ".join(set(pieces)).split(" "))

    def _sharers(self, last: _Last, text: str) -> list[list[int]]:
        """Return what shares a run with a text that is like the last."""
        if last.sharers is None:
            last.sharers = self._filing.of_runs(text, last.header)
        return last.sharers

    def _best(
        self, text: str, header: str, sharers: list[list[int]], known: int = -1
    ) -> Entry | None:
        """Return the first that a text matches of those that share a run or an end with it.

        `known` is the place of one that it matches.
        """
        lists = sharers + self._filing.of_ends(text, header)
        for place in self._filing.choose(lists, len(text)):
            if place == known:
                return self._entries[place]
            if self._matches(place, text):
                self._last = _Last(header, place, self._matcher(place))
                return self._entries[place]
        return None

    def _matches(self, place: int, text: str) -> bool:
        matcher = self._matcher(place)
        verdict = matcher.quick(text)
        # Of crowded templates there may be many: what the quick way leaves open is no match.
        if verdict is None and place not in self._filing.crowded:
            return matcher.walk(text)
        return bool(verdict)

    def _matcher(self, place: int) -> Matcher:
        # Made when first needed: to make all of 10,000 takes longer than to file them.
        matcher = self._matchers.get(place)
        if matcher is None:
            matcher = Matcher(self._entries[place].content, self._rules)
            self._matchers[place] = matcher
        return matcher

    def _learn_words(self) -> None:
        """File the templates by each of their words; done when a text first matches nothing."""
        if self._word_counts:
            return
        for place, entry in enumerate(self._entries):
            words = {word for literal in parse(entry.content)[::2] for word in literal.split()}
            self._word_counts.append(len(words))
            for word in words:
                self._words.setdefault(word, []).append(place)


def _shortest(parts: list[str]) -> int:
    """Return the length of the shortest text that matches."""
    return sum(map(len, parts[::2])) + len(parts) // 2
