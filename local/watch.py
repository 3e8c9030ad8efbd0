"""Sends the sample campaign and shows on the screen what becomes of it."""

import json
import time
import urllib.error
import urllib.request
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from harkara.aws.messages import DynamoMessageStore
from harkara.ids import mid_of, split_mid
from harkara.marks import index_of
from local import campaign
from local.campaign import Row, Seen
from local.kannel import Kannel
from local.settings import LocalStackError
from local.stack import Stack

# The last are those that wait for a receipt that never comes, and what their callback takes.
MARGIN_S = 90
REQUEST_WITHIN_S = 30


def run_campaign(stack: Stack, console: Console, kannel: Kannel | None = None) -> list[Row]:
    """Send the campaign, show its progress until all is called back; return the report.

    `kannel` is the carrier, if it is not the simulator.
    """
    return Campaign(stack, kannel).run(console)


class Campaign:
    """One run of the sample campaign on a stack."""

    def __init__(self, stack: Stack, kannel: Kannel | None = None) -> None:
        self._stack = stack
        self._kannel = kannel
        # Only read from: what it would keep an item for does not matter.
        self._store = DynamoMessageStore(
            stack.client("dynamodb"), stack.outputs["MessagesTableName"], 0, time.time
        )
        self._numbers: dict[str, str] = {}
        self._mids: dict[str, str] = {}
        self._chunks: set[str] = set()

    def run(self, console: Console) -> list[Row]:
        wait_s = self._stack.settings.receipt_wait_s + MARGIN_S
        columns = (
            TextColumn("{task.description:<12}"),
            BarColumn(40),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=console) as progress:
            names = ("accepted", "submitted", "final", "called back")
            bars = {name: progress.add_task(name, total=campaign.SIZE) for name in names}
            self.send()
            progress.update(bars["accepted"], completed=len(self._mids))
            deadline = time.monotonic() + wait_s
            while not progress.finished and time.monotonic() < deadline:
                time.sleep(0.5)
                for name, count in self.counts().items():
                    progress.update(bars[name], completed=count)
        return campaign.report(
            self.seen(), campaign.ALL_DELIVERED if self._kannel else campaign.ALL
        )

    def send(self) -> None:
        """Send the campaign. Raises LocalStackError if it was not answered as it must be."""
        body = campaign.request(time.time())
        records = body["smstosend"]
        answers = _fetch(f"{self._stack.endpoint}/datasend", json.dumps(body).encode())
        self._numbers = {record["smsgid"]: record["to"] for record in records}
        self._mids = {row["smsgid"]: row["mid"] for row in answers if "mid" in row}
        self._chunks = {split_mid(mid)[0] for mid in self._mids.values()}
        if not self._mids:
            raise LocalStackError(f"no message was accepted: {answers[0]}")

    def counts(self) -> dict[str, int]:
        """Return how far the messages are: submitted, final, called back."""
        callbacks = _fetch(f"{self._stack.platform_url}/callbacks?summary=1")
        posted = min(callbacks["entries"], campaign.SIZE)
        # The table is asked late: each question costs the emulator as much as many messages.
        finals = posted if posted < campaign.SIZE * 0.9 else len(self._states())
        return {
            "submitted": min(self._submitted(), campaign.SIZE),
            "final": max(finals, posted),
            "called back": posted,
        }

    def seen(self) -> Seen:
        """Return all that is known of the campaign's messages now."""
        in_doubt = {
            mid_of(chunk, index)
            for chunk in self._chunks
            for mark in self._store.find_marks(chunk, "outcome#")
            for index in mark.data["in_doubt"]
        }
        posts: list[dict[str, Any]] = _fetch(f"{self._stack.platform_url}/callbacks")
        return Seen(
            numbers=self._numbers,
            mids=self._mids,
            states=self._states(),
            in_doubt=frozenset(in_doubt),
            callbacks=campaign.entries_by_meta(posts),
            taken=self._taken(),
        )

    def _submitted(self) -> int:
        if self._kannel:
            return len(self._kannel.got())
        submissions = _fetch(f"{self._stack.carrier_url}/submissions?summary=1")
        return int(submissions["taken"] + submissions["refused"])

    def _taken(self) -> dict[str, int]:
        """Return how often the carrier took a message, by mid; each has one segment."""
        if self._kannel is None:
            taken: dict[str, int] = _fetch(f"{self._stack.carrier_url}/submissions")["by_mid"]
            return taken
        by_number = {f"+{got.to}": times for got, times in self._kannel.got().items()}
        return {
            self._mids[smsgid]: by_number.get(number, 0)
            for smsgid, number in self._numbers.items()
            if smsgid in self._mids
        }

    def _states(self) -> dict[str, str]:
        return {
            mid_of(chunk, index_of(mark.kind)): mark.data["state"]
            for chunk in self._chunks
            for mark in self._store.find_marks(chunk, "final#")
        }


def table_of(rows: list[Row]) -> Table:
    """Return the report as a table; a cell counts only what is not as expected."""
    table = Table(title="The sample campaign", title_justify="left", box=None, padding=(0, 2, 0, 0))
    for heading in ("number", "the carrier", "count", "final state", "callback", "doubt", "ok"):
        is_count = heading in ("count", "doubt")
        table.add_column(heading, justify="right" if is_count else "left", no_wrap=True)
    for row in rows:
        table.add_row(
            row.name,
            row.kind.behaviour,
            str(row.messages),
            _beside(row.states, row.kind.state),
            _beside(row.callbacks, row.kind.callback),
            str(row.in_doubt or ""),
            "[green]yes" if row.as_expected else "[red]" + _complaint(row),
        )
    messages, in_doubt = sum(row.messages for row in rows), sum(row.in_doubt for row in rows)
    table.add_row("all", "", str(messages), "", "", str(in_doubt or ""), "")
    return table


def _beside(seen: dict[str, int], expected: str) -> str:
    if seen.keys() == {expected}:
        return expected
    return ", ".join(f"{count} {name}" for name, count in sorted(seen.items())) or "none"


def _complaint(row: Row) -> str:
    if row.repeated_submits:
        return f"{row.repeated_submits} submitted twice"
    if row.repeated_callbacks:
        return f"{row.repeated_callbacks} called back twice"
    return f"no: {row.kind.state}, {row.kind.callback}"


def _fetch(url: str, body: bytes | None = None) -> Any:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=REQUEST_WITHIN_S) as answer:  # noqa: S310
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        reason = error.read().decode(errors="replace")[:500]
        raise LocalStackError(f"{url} answered {error.code}: {reason}") from None
    except OSError as error:
        raise LocalStackError(f"{url} did not answer: {error}") from None
