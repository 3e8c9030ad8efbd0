"""Generated texts of every kind that encodings and segments depend on: the same at every run."""

import random
from collections.abc import Callable, Iterator, Sequence

from harkara.text.segments import GSM_BASIC, GSM_EXTENSION

# Capacity of one segment, and of several segments that each carry a header.
SEPTETS = (160, 153, 306, 459, 612)
CODE_UNITS = (70, 67, 134, 201, 268)

OUTSIDE_GSM = "`çÁ\t\x1b\x00\x7f\xa0’“”–…₹"
LINE_ENDS = ("\r", "\n", "\r\n", "\n\r", "\r\n\r\n", "and", " ")
EMOJI = "😀👍🙏🎉🔥💯🛍"
EMOJI_SEQUENCES = (
    "👍🏽",  # skin tone
    "👩\u200d👩\u200d👧\u200d👦",  # joined
    "❤\ufe0f",  # variation selector
    "🇮🇳",  # two letters of a flag
    "1\ufe0f\u20e3",  # keycap
)
DEVANAGARI = ("न", "म", "स्", "ते", "कि", "क्ष", "ज़", "हूँ", "नः", "।", " ", "१", "र्\u200dय")
OTHER_SCRIPTS = (
    "கொ",
    "స్",
    "ক্ষ",
    "한",
    "\u1112\u1161\u11ab",  # the same in jamo
    "e\u0301",
    "ש\u05c1",
    "ไม้",
    "中",
    "ж",
)


class Texts:
    """A stream of texts; one method a kind."""

    def __init__(self, seed: int = 1) -> None:
        self._luck = random.Random(seed)  # noqa: S311 - the same texts at every run

    def __iter__(self) -> Iterator[str]:
        kinds: Sequence[Callable[[], str]] = (
            self.plain,
            self.extended,
            self.escape_at_a_cut,
            self.almost_gsm,
            self.lines,
            self.pair_at_a_cut,
            self.devanagari,
            self.emoji,
            self.scripts,
            self.mixed,
            self.anything,
        )
        yield ""
        yield from (self.long() for _ in range(20))
        while True:
            for kind in kinds:
                yield kind()

    def plain(self) -> str:
        return self._some(GSM_BASIC, self._near(SEPTETS))

    def extended(self) -> str:
        return self._some(GSM_BASIC + GSM_EXTENSION * 8, self._near(SEPTETS) * 2 // 3)

    def escape_at_a_cut(self) -> str:
        before = 153 * self._luck.randint(1, 4) - self._luck.randrange(4)
        return "a" * before + self._some(GSM_EXTENSION, self._luck.randint(1, 80))

    def almost_gsm(self) -> str:
        """Return a GSM text in which one character was replaced from `OUTSIDE_GSM`."""
        text = self._some(GSM_BASIC + GSM_EXTENSION, self._near(CODE_UNITS))
        at = self._luck.randrange(len(text))
        return text[:at] + self._some(OUTSIDE_GSM, 1) + text[at + 1 :]

    def lines(self) -> str:
        return self._some(LINE_ENDS, self._near(CODE_UNITS)) + self._some(("", "अ"), 1)

    def pair_at_a_cut(self) -> str:
        before = 67 * self._luck.randint(1, 4) - self._luck.randrange(3)
        return "अ" * before + self._some(EMOJI, self._luck.randint(1, 40))

    def devanagari(self) -> str:
        return self._some(DEVANAGARI, self._near(CODE_UNITS) // 2)

    def emoji(self) -> str:
        return self._some((*EMOJI, *EMOJI_SEQUENCES), self._near(CODE_UNITS) // 3)

    def scripts(self) -> str:
        return self._some(OTHER_SCRIPTS, self._near(CODE_UNITS) // 2)

    def mixed(self) -> str:
        pieces = (*"abc €{", *OUTSIDE_GSM, *LINE_ENDS, *EMOJI, *EMOJI_SEQUENCES, *DEVANAGARI)
        return self._some(pieces, self._near(CODE_UNITS) // 2)

    def anything(self) -> str:
        """Return random code points, stacked combining marks and lone surrogates among them."""
        planes = (0x80, 0x300, 0x370, 0x3000, 0xE000, 0x20000)
        return "".join(
            chr(self._luck.randrange(self._luck.choice(planes)))
            for _ in range(self._near(CODE_UNITS))
        )

    def long(self) -> str:
        pieces = self._luck.choice((GSM_BASIC, GSM_EXTENSION, EMOJI, DEVANAGARI))
        return self._some(pieces, 3_000)

    def _near(self, edges: Sequence[int]) -> int:
        return self._luck.choice(edges) + self._luck.randint(-3, 3)

    def _some(self, pieces: Sequence[str], count: int) -> str:
        return "".join(self._luck.choices(pieces, k=count))
