"""docs/wire-formats.md says what is read and sent here."""

import re
from collections import defaultdict

from harkara.accept.formats import ics
from harkara.carriers import receipts
from harkara.dlt.templates import chain_hash
from harkara.text.segments import Encoding, measure
from tests.functions import pages
from tests.functions.handlers import Gateway
from tests.functions.integrating import send
from tests.support.documents import PAGES, blocks, section, table

PAGE = pages.fill(PAGES["docs/wire-formats.md"], pages.OURS)


def test_the_request_is_answered_as_there(acme: Gateway) -> None:
    ((event, written),) = pages.exchanges(PAGE)
    status, answer = send(acme, event)
    assert status == 200
    assert pages.is_like(written, answer)


def test_every_field_of_icss_request_is_listed() -> None:
    written = {name.strip("`") for names, *_ in table(PAGE, "field") for name in names.split(", ")}
    read = {"user", "pass", "smstosend", *ics._FIELDS.strings, *ics.OPTIONS}
    assert written == read


def test_the_words_and_codes_of_receipts_are_those_that_are_read() -> None:
    states = {
        word.strip("`"): None if ours == "not final" else ours.strip("`")
        for words, ours in table(PAGE, "state")
        for word in words.split(", ")
    }
    assert states == receipts.STATES
    known: dict[str, set[str]] = defaultdict(set)
    for number, code in receipts.FAILURES.items():
        known[f"`{code}`"].add(number)
    written = {
        code: {str(number) for each in numbers.split(", ") for number in _range(each)}
        for code, numbers in table(PAGE, "our code")
    }
    assert written == known


def _range(text: str) -> range:
    first, _, last = text.partition(" to ")
    return range(int(first), int(last or first) + 1)


def test_the_receipt_is_read() -> None:
    (text,) = [content for marks, content in blocks(PAGE) if marks == "text"]
    assert receipts.status_and_error(text) == ("DELIVRD", "000")


def test_the_lengths_and_the_chain_hash_are_right() -> None:
    numbers = re.findall(r"\b\d{2,3}(?= septets| in each| UTF-16)", section(PAGE, "## Text"))
    single, several, single_unicode, several_unicode = map(int, numbers)
    for character, encoding, one, each in (
        ("a", Encoding.GSM7, single, several),
        ("क", Encoding.UCS2, single_unicode, several_unicode),
    ):
        lengths = {one: 1, one + 1: 2, 2 * each: 2, 2 * each + 1: 3}
        measured = {length: measure(character * length) for length in lengths}
        assert {length: found.segment_count for length, found in measured.items()} == lengths
        assert {found.encoding for found in measured.values()} == {encoding}
    ids, written = re.findall(r"`(1101\d+,\d+)` it is `(\w+)`", PAGE)[0]
    entity, *chain = ids.split(",")
    assert chain_hash(entity, chain) == written
