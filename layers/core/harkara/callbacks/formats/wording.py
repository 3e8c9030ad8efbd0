"""What the formats say alike: how a message is called, and why it failed."""

from harkara.base.codes import MEANINGS, Code, Meaning
from harkara.model.events import Dlr, Event
from harkara.model.messages import State


def reference_of(event: Event) -> str:
    """Return the customer's name for a message; one without goes by its mid."""
    return event.client_ref or event.mid


def meaning_of(dlr: Dlr) -> Meaning | None:
    """Return what the code of a message says that was not delivered, None for one that was."""
    return None if dlr.state is State.DELIVERED else MEANINGS[Code(dlr.code)]


def advice_of(dlr: Dlr) -> str:
    """Return in a sentence why a message was not delivered, "" for one that was."""
    meaning = meaning_of(dlr)
    return meaning.advice if meaning else ""
