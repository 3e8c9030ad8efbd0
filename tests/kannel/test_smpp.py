"""Messages through a real Kannel to an SMPP centre: each TLV and segment as it is on the wire."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from harkara.accept.requests import Record
from harkara.dlt.templates import chain_hash
from harkara.text.segments import Encoding, measure
from local.kannel import TLVS, Kannel
from local.settings import free_ports
from tests.faults.faults import AT_LENGTH
from tests.kannel.centre import Centre, Segment, operator_of
from tests.kannel.passage import Passage
from tests.kannel.test_kannel import HINDI, SHORT
from tests.pipeline.callbacks import ask

COUNT = 10_000 if AT_LENGTH else 300
WITHIN_S = 600.0
# SMPP 3.4 section 5.3.2.34: Kannel says so of each segment but the last.
MORE_TO_SEND = 0x0426
CHAIN = ("1102", "1303")
CODINGS = {Encoding.GSM7: 0, Encoding.UCS2: 8}

pytestmark = pytest.mark.kannel


TEXTS = [SHORT, HINDI, SHORT + "x" * 300, HINDI * 4]


def records() -> list[Record]:
    """Return messages with ids of their own, every tenth without a template's."""
    return [
        Record(
            to=f"9198{number:08d}",
            sender_id="HARKAR",
            text=TEXTS[number % len(TEXTS)].format(number),
            client_ref=f"ref-{number}",
            pe_id=str(1_101_000_000_000 + number % 7),
            dlt_template_id=str(1_107_000_000_000 + number) if number % 10 else "",
        )
        for number in range(COUNT)
    ]


def tlvs_of(record: Record) -> dict[int, bytes]:
    """Return the TLVs that each segment of a message has."""
    values = {
        "peid": record.pe_id,
        "templateid": record.dlt_template_id,
        "chainhash": chain_hash(record.pe_id, CHAIN),
    }
    return {TLVS[name]: value.encode() for name, value in values.items() if value}


def whole(segments: Sequence[Segment]) -> str:
    """Return the text of a message's segments, by their headers (3GPP TS 23.040, 9.2.3.24.1)."""
    if len(segments) == 1:
        assert segments[0].header == b""
        return segments[0].text
    headers = [segment.header for segment in segments]
    assert {header[:3] for header in headers} == {b"\x05\x00\x03"}
    assert len({header[3] for header in headers}) == 1, "one reference"
    assert {header[4] for header in headers} == {len(segments)}
    by_number = {segment.header[5]: segment for segment in segments}
    assert sorted(by_number) == list(range(1, len(segments) + 1))
    return "".join(by_number[number].text for number in sorted(by_number))


def test_every_message_has_its_tlvs_and_segments_on_the_wire(tmp_path: Path) -> None:
    sent = records()
    (port,) = free_ports(1)

    async def through() -> tuple[Passage, Centre]:
        centre, kannel = Centre(port), Kannel(tmp_path, centre_port=port)
        passage = Passage(kannel, CHAIN, chain_hash_tlv="chainhash", operator_tlv="operator")
        async with centre.listening():
            try:
                await asyncio.to_thread(kannel.start)
                await passage.pass_through(sent, WITHIN_S)
            finally:
                await asyncio.to_thread(kannel.stop)
        return passage, centre

    passage, centre = asyncio.run(through())
    assert centre.segments.keys() == {each.to for each in sent}
    for each in sent:
        segments = centre.segments[each.to]
        measured = measure(each.text)
        assert len(segments) == measured.segment_count
        assert whole(segments) == each.text
        assert {segment.data_coding for segment in segments} == {CODINGS[measured.encoding]}
        for segment in segments:
            tlvs = {tag: value for tag, value in segment.tlvs.items() if tag != MORE_TO_SEND}
            assert tlvs == tlvs_of(each)
    assert passage.entries == Counter(f"delivered {each.client_ref}" for each in sent)
    assert Counter(passage.finals().values()) == {"delivered": COUNT}
    assert passage.in_doubt() == set()
    for batch in passage.batches().values():
        for index, message in enumerate(batch.messages):
            timeline = ask(passage, batch.mid(index))["timeline"]
            (end,) = [step for step in timeline if step["step"] == "delivered"]
            assert end["operator"] == operator_of(message.to)
