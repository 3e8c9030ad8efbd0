"""Let the messages of an account, a carrier or a campaign go on; a drained account takes more."""

from cli.command import Verbs
from cli.pause import add_whose

NOUN = "resume"


def add_verbs(verbs: Verbs) -> None:
    """Register account, carrier and campaign."""
    add_whose(verbs, "let the messages of {} go on", paused=False)
