"""Let the messages of an account, a carrier or a campaign go on; a drained account takes more."""

from local.admin.command import Verbs
from local.admin.pause import add_whose

NOUN = "resume"


def add_verbs(verbs: Verbs) -> None:
    """Add account, carrier and campaign."""
    add_whose(verbs, "let the messages of {} go on", paused=False)
