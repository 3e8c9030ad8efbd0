"""An SMPP centre behind Kannel: it keeps what arrives on the wire, and sends receipts."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

import smpp34

from local.kannel import TLVS
from local.settings import HOST

# SMPP 3.4 section 5.2.12 and appendix B.
_HAS_HEADER = 0x40
_IS_RECEIPT = 0x04
_UNICODE = 8
OPERATORS = ("AIRTEL", "JIO", "VI")


class Segment(NamedTuple):
    """A segment as it was submitted; `header` is empty for a message of one segment."""

    header: bytes
    body: bytes
    data_coding: int
    tlvs: dict[int, bytes]

    @property
    def text(self) -> str:
        """The segment's text; GSM 03.38 only in the characters that it shares with ASCII."""
        return self.body.decode("utf-16-be" if self.data_coding == _UNICODE else "ascii")


def operator_of(number: str) -> str:
    """Return the operator that delivers to a number."""
    return OPERATORS[int(number) % len(OPERATORS)]


class Centre:
    """Takes segments; for each that asks for it, sends a receipt with the operator's TLV."""

    def __init__(self, port: int) -> None:
        self._server = smpp34.Server(host=HOST, port=port, system_id="centre")
        self.segments: dict[str, list[Segment]] = defaultdict(list)
        self._count = 0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Serve within the block."""
        await self._server.start()
        serving = asyncio.create_task(self._serve())
        try:
            yield
        finally:
            serving.cancel()
            await asyncio.wait([serving])
            await self._server.stop()

    async def _serve(self) -> None:
        sessions: dict[str, smpp34.Esme] = {}
        async with asyncio.TaskGroup() as receipts:
            while True:
                event = await self._server.next()
                if isinstance(event, smpp34.Esme):
                    sessions[event.session_id] = event
                elif isinstance(event, smpp34.SubmitSmEvent):
                    carrier_id = self._take(event)
                    if event.registered_delivery:
                        session = sessions[event.session_id]
                        receipts.create_task(_report(session, event, carrier_id))

    def _take(self, event: smpp34.SubmitSmEvent) -> str:
        body = bytes(event.short_message)
        length = 1 + body[0] if event.esm_class & _HAS_HEADER else 0
        tlvs = {each.tag: bytes(each.value) for each in event.tlvs}
        segment = Segment(body[:length], body[length:], event.data_coding, tlvs)
        self.segments[event.destination_addr].append(segment)
        self._count += 1
        carrier_id = f"{self._count:08d}"
        event.accept(message_id=carrier_id)
        return carrier_id


async def _report(session: smpp34.Esme, event: smpp34.SubmitSmEvent, carrier_id: str) -> None:
    """Send the receipt of a delivered segment, and send it again later, as centres do.

    Kannel drops a receipt that overtakes the answer to its submit.
    """
    text = (
        f"id:{carrier_id} sub:001 dlvrd:001 submit date:2611300800 done date:2611300801 "
        "stat:DELIVRD err:000 text:"
    )
    for delay_s in (0.2, 2.0):
        await asyncio.sleep(delay_s)
        await session.deliver_sm(
            destination_addr=event.source_addr,
            source_addr=event.destination_addr,
            esm_class=_IS_RECEIPT,
            short_message=text.encode(),
            tlvs=[smpp34.Tlv(TLVS["operator"], operator_of(event.destination_addr).encode())],
        )
