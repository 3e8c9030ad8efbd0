"""Words that the formats share: a message's reference, and the reason of its failure."""

from harkara.base.codes import MEANINGS, Code, Meaning
from harkara.model.events import Dlr, Event
from harkara.model.messages import State


def reference_of(event: Event) -> str:
    """Return the customer's reference for a message, or its mid if there is none."""
    return event.client_ref or event.mid


def meaning_of(dlr: Dlr) -> Meaning | None:
    """Return the meaning of the code of an undelivered message, None for a delivered one."""
    return None if dlr.state is State.DELIVERED else MEANINGS[Code(dlr.code)]


def advice_of(dlr: Dlr) -> str:
    """Return in a sentence why a message was not delivered, "" for a delivered one."""
    meaning = meaning_of(dlr)
    return meaning.advice if meaning else ""
