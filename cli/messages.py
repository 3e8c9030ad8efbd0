"""Messages: find them, and see what became of one, from its acceptance to its callbacks."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from cli.command import AsJson, CommandRefused, noun, verb
from cli.deployment import Deployment
from cli.message_find import find
from cli.printing import Answer, Row
from harkara.base.errors import ForeignReference, RequestRefused
from harkara.base.ids import split_mid
from harkara.manage.messages import HistoryService

app = noun()
verb(app)(find)
_TIMES = ("step", "at")


@verb(app)
def show(
    deployment: Deployment,
    mid: Annotated[str, typer.Argument(metavar="MID", help="Our id, as in a request's answer.")],
    as_json: AsJson = False,
) -> Answer:
    """Show what became of a message, without its text."""
    no_message = CommandRefused(f"there is no message {mid}, or none that is kept still")
    try:
        batch = deployment.messages.get_batch(split_mid(mid)[0])
    except ForeignReference:
        batch = None
    if batch is None:
        raise no_message
    account = deployment.account(batch.account_id)
    try:
        found = HistoryService(deployment.messages, deployment.clock).message(account, mid)
    except RequestRefused:
        raise no_message from None
    history: dict[str, Any] = {"account": account.id, **found}
    if not as_json:
        history["error"] = _in_words(found["error"] or {})
        history["timeline"] = [_row(step) for step in found["timeline"]]
    return history


def _row(step: Mapping[str, Any]) -> Row:
    facts = {name: value for name, value in step.items() if name not in _TIMES}
    return {"at": step["at"], "step": step["step"], "what": _in_words(facts)}


def _in_words(facts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in facts.items() if value not in ("", None))
