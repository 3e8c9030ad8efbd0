"""Find the template of a text among an account's, in time that does not grow with their number.

A text is compared with the candidates that share a key with it (see `inverted_index`), the most
specific first. The texts of a campaign have one template, so the last template found is tried
first. If the text matches that template, and no word of the text that a value touches is a word of
a key, then the text's runs that are keys are exactly those of the template's fixed text.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from heapq import nlargest
from itertools import chain, islice
from typing import NamedTuple

from harkara.dlt.inverted_index import EVERY_HEADER, InvertedIndex, Template, whole_words
from harkara.dlt.matching import Matcher, Takes
from harkara.dlt.mismatch import Mismatch, diff
from harkara.dlt.templates import (
    ANY_MARKS,
    DEFAULT_RULES,
    USUAL_MARKS,
    Kind,
    Rules,
    fold,
    kinds,
    parse,
)

# The nearest template is sought among this many that share the most words with a text, and at most
# this many shared words are counted.
_NEAREST_COMPARED = 5
_SHARINGS_LIMIT = 1_000


class Entry(NamedTuple):
    """A registered template. It belongs to the headers listed, or to all if none is listed."""

    dlt_template_id: str
    headers: tuple[str, ...]
    content: str

    def belongs_to(self, header: str) -> bool:
        """Return whether a header may send texts of this template."""
        return not self.headers or header in self.headers


@dataclass(slots=True)
class _Last:
    """The template last found, for a header; `by_runs` are the candidates by its runs."""

    header: str
    position: int
    matcher: Matcher
    by_runs: list[list[int]] | None = None


class TemplateIndex:
    """The templates of one account. It can be pickled."""

    def __init__(self, entries: Iterable[Entry], rules: Rules = DEFAULT_RULES) -> None:
        self._rules = rules
        rows = []
        for entry in entries:
            parts = parse(entry.content)
            rows.append((-_shortest(parts), len(parts), entry.dlt_template_id, entry, parts))
        # The most specific template comes first: the one whose shortest text is the longest.
        rows.sort()
        # Of templates with equal content and headers only the first is indexed for searches; all
        # are found by their ids.
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
        self._inverted = InvertedIndex([*firsts.values()])
        self._last: _Last | None = None
        self._matchers: dict[int, Matcher] = {}
        self._key_words: dict[int, int] = {}
        self._usual: dict[int, Matcher | None] = {}
        self._words: dict[str, list[int]] = {}
        self._word_counts: list[int] = []

    def __len__(self) -> int:
        return len(self._entries)

    def entry(self, dlt_template_id: str) -> Entry | None:
        """Return a registered template; None if it is not registered."""
        position = self._by_id.get(dlt_template_id)
        return None if position is None else self._entries[position]

    def matcher(self, dlt_template_id: str) -> Matcher | None:
        """Return the matcher of a registered template; None if it is not registered."""
        position = self._by_id.get(dlt_template_id)
        return None if position is None else self._matcher(position)

    def usual(self, dlt_template_id: str) -> Takes | None:
        """Return a check whether a text's alphanumeric values hold only usual marks.

        Returns None if the template cannot have values with other marks.
        """
        if self._rules.alphanumeric_marks != ANY_MARKS:
            return None
        position = self._by_id[dlt_template_id]
        if position not in self._usual:
            content = self._entries[position].content
            rules = replace(self._rules, alphanumeric_marks=USUAL_MARKS)
            has_any = Kind.ALPHANUMERIC in kinds(content)
            self._usual[position] = Matcher(content, rules) if has_any else None
        matcher = self._usual[position]
        return matcher.matches if matcher else None

    def find(self, text: str, header: str = "") -> Entry | None:
        """Return the header's template that a text matches; None if there is none.

        Of several it is the most specific: the one whose shortest text is the longest.
        """
        text, last, last_position = fold(text), self._last, -1
        if last and last.header == header and self._is_like(last, text):
            last_position = last.position
            if last.by_runs is None:
                last.by_runs = self._inverted.of_runs(text, header)
            by_runs = last.by_runs
        else:
            by_runs = self._inverted.of_runs(text, header)
        lists = by_runs + self._inverted.of_ends(text, header)
        for position in self._inverted.choose(lists, len(text)):
            if position == last_position or self._matches(position, text):
                if position != last_position:
                    self._last = _Last(header, position, self._matcher(position))
                return self._entries[position]
        return None

    def matching(self, text: str, header: str = "") -> list[Entry]:
        """Return the header's templates that a text matches, the most specific first.

        Of templates with equal content and headers it is only the first. Where very many templates
        have the same words, only a few of them are compared.
        """
        text = fold(text)
        lists = self._inverted.of_runs(text, header) + self._inverted.of_ends(text, header)
        positions = self._inverted.choose(lists, len(text))
        return [self._entries[each] for each in positions if self._matches(each, text)]

    def nearest(self, text: str, header: str = "") -> Mismatch | None:
        """Return where a text differs from the template that shares the most words with it.

        It is one of the header's templates, unless the header has none. Returns None if no template
        is left to compare, or the text matches those compared.
        """
        text = fold(text)
        self._learn_words()
        words = set(text.split())
        has_own = not self._headers.isdisjoint((header, EVERY_HEADER))

        def belongs(position: int) -> bool:
            return not has_own or self._entries[position].belongs_to(header)

        # The rarest words first: they are the best evidence.
        lists = sorted(filter(None, map(self._words.get, words)), key=len)
        shared = Counter(filter(belongs, islice(chain.from_iterable(lists), _SHARINGS_LIMIT)))

        def likeness(position: int) -> float:
            return shared[position] / (len(words) + self._word_counts[position])

        compared = nlargest(_NEAREST_COMPARED, shared, likeness)
        if not compared:
            compared = [*islice(filter(belongs, range(len(self))), 1)]
        found = [(likeness(position), self._diff(position, text)) for position in compared]
        mismatches = [(like, mismatch) for like, mismatch in found if mismatch]
        return max(mismatches, key=lambda row: (row[0], row[1].agreement), default=(0, None))[1]

    def diff(self, dlt_template_id: str, text: str) -> Mismatch | None:
        """Return where a text differs from a registered template; None if it matches."""
        return self._diff(self._by_id[dlt_template_id], fold(text))

    def _diff(self, position: int, text: str) -> Mismatch | None:
        return diff(self._entries[position].dlt_template_id, self._matcher(position), text)

    def _is_like(self, last: _Last, text: str) -> bool:
        """Return whether a text matches the template last found and has no other key runs."""
        if not last.matcher.quick(text):
            return False
        # A matching text has all whole words of the template: any more are touched by a value.
        count = self._key_words.get(last.position)
        if count is None:
            words = chain.from_iterable(whole_words(parse(self._entries[last.position].content)))
            count = self._key_words[last.position] = self._count_key_words(words)
        return self._count_key_words(text.split(" ")) == count

    def _count_key_words(self, words: Iterable[str]) -> int:
        key_words = self._inverted.words
        return len([word for word in words if word in key_words])

    def _matches(self, position: int, text: str) -> bool:
        matcher = self._matcher(position)
        verdict = matcher.quick(text)
        # There may be many templates under a common key: only the quick way is tried for them.
        if verdict is None and position not in self._inverted.common:
            return matcher.walk(text)
        return bool(verdict)

    def _matcher(self, position: int) -> Matcher:
        # Made on first use: making all of 10,000 takes longer than indexing them.
        matcher = self._matchers.get(position)
        if matcher is None:
            matcher = Matcher(self._entries[position].content, self._rules)
            self._matchers[position] = matcher
        return matcher

    def _learn_words(self) -> None:
        """Index the templates by each word, when the first text without a match comes."""
        if self._word_counts:
            return
        for position, entry in enumerate(self._entries):
            words = {word for literal in parse(entry.content)[::2] for word in literal.split()}
            self._word_counts.append(len(words))
            for word in words:
                self._words.setdefault(word, []).append(position)


def _shortest(parts: list[str]) -> int:
    """Return the length of the shortest matching text."""
    return sum(map(len, parts[::2])) + len(parts) // 2
