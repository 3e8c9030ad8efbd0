"""Make messages of accepted records: of one, or of many column by column."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from typing import Any

from harkara.accept.policy import Decision
from harkara.accept.requests import Record
from harkara.model.messages import Message


@dataclass(frozen=True, slots=True)
class Batch:
    """Records that differ only in number, text and reference, column by column."""

    decision: Decision
    campaign_id: str
    tos: Sequence[str]
    sender_ids: Sequence[str]
    texts: Sequence[str]
    refs: Sequence[str]
    segments: Sequence[int]

    def accept(self, decision: Decision, places: Sequence[int]) -> None:
        """Make messages of the records at these indexes."""
        columns: list[Sequence[Any]] = [self.tos, self.sender_ids, self.texts, self.refs]
        columns.append(self.segments)
        if len(places) < len(self.tos):
            columns = [[column[place] for place in places] for column in columns]
        tos, sender_ids, texts, refs, segments = columns
        rows = zip(
            tos,
            sender_ids,
            texts,
            refs,
            repeat(decision.endpoint),
            segments,
            repeat(decision.entity),
            repeat(decision.subject.dlt_template_id),
            repeat(""),
            repeat(self.campaign_id),
            strict=False,
        )
        decision.rows.places.extend(places)
        decision.rows.messages.extend(map(_make_message, rows))


# The fields are in Message's order. Message's own constructor takes three times as long.
_make_message: Callable[[Iterable[Any]], Message] = partial(tuple.__new__, Message)


def message_of(
    record: Record, msisdn: str, text: str, segment_count: int, decision: Decision
) -> Message:
    return Message(
        to=msisdn,
        sender_id=record.sender_id,
        text=text,
        client_ref=record.client_ref,
        endpoint=decision.endpoint,
        segment_count=segment_count,
        pe_id=decision.entity,
        dlt_template_id=decision.subject.dlt_template_id,
        campaign_id=record.options.campaign_id,
    )
