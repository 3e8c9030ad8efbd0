"""Send the sample campaign and show its progress and report on the screen."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from harkara.aws.messages import DynamoMessageStore
from harkara.base.errors import StoreUnavailable
from harkara.base.ids import mid_of, split_mid
from harkara.model.ledger import index_of
from local import campaign
from local.campaign import Row, Seen
from local.kannel import Kannel
from local.settings import LocalStackError
from local.stack import Stack

# Without any change for this time beyond the wait for receipts, nothing more is expected.
MARGIN_S = 90
# Longer than the gateway itself waits.
REQUEST_WITHIN_S = 90
PATIENCE_S = 300

Answer = TypeVar("Answer")


class Campaign:
    """One run of the sample campaign on a stack.

    `kannel` is the carrier, if it is not the simulator.
    """

    def __init__(self, stack: Stack, kannel: Kannel | None = None) -> None:
        self._stack = stack
        self._kannel = kannel
        # This store only reads, so its retention (0) does not matter.
        self._store = DynamoMessageStore(
            stack.client("dynamodb"), stack.outputs["MessagesTableName"], 0, time.time
        )
        self.id = ""
        self._numbers: dict[str, str] = {}
        self._mids: dict[str, str] = {}
        self._batches: set[str] = set()

    def run(self, console: Console) -> list[Row]:
        """Send the campaign, show its progress until all is called back; return the report."""
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
            before: dict[str, int] = {}
            deadline = time.monotonic() + wait_s
            while not progress.finished and time.monotonic() < deadline:
                time.sleep(0.5)
                counts = self.ask(self.counts)
                if counts != before:
                    # A slow machine gets more time as long as anything changes.
                    before, deadline = counts, time.monotonic() + wait_s
                for name, count in counts.items():
                    progress.update(bars[name], completed=count)
        return campaign.report(
            self.ask(self.seen), campaign.ALL_DELIVERED if self._kannel else campaign.ALL
        )

    def ask(self, question: Callable[[], Answer]) -> Answer:
        """Ask repeatedly while a running stack is too slow to answer.

        Raises LocalStackError once it does not run, or has not answered for minutes.
        """
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                return question()
            except (StoreUnavailable, LocalStackError) as error:
                if not self._stack.is_running() or time.monotonic() > deadline:
                    raise LocalStackError(f"the stack does not answer: {error}") from error
            time.sleep(0.5)

    def send(self) -> None:
        """Send the campaign. Raises LocalStackError if no message was accepted."""
        now_s = time.time()
        self.id = campaign.campaign_id(now_s)
        body = campaign.request(now_s)
        records = body["smstosend"]
        answers = _fetch(f"{self._stack.endpoint}/datasend", json.dumps(body).encode())
        self._numbers = {record["smsgid"]: record["to"] for record in records}
        self._mids = {row["smsgid"]: row["mid"] for row in answers if "mid" in row}
        self._batches = {split_mid(mid)[0] for mid in self._mids.values()}
        if not self._mids:
            raise LocalStackError(f"no message was accepted: {answers[0]}")

    def mid_to_show(self) -> str:
        """Return the mid of a message with much to see: the carrier refuses it twice at first."""
        mids = self._mids.items()
        return next(
            mid for smsgid, mid in mids if campaign.kind_of(self._numbers[smsgid]) == "9006"
        )

    def counts(self) -> dict[str, int]:
        """Return the number of messages that are submitted, final, called back."""
        callbacks = _fetch(f"{self._stack.platform_url}/callbacks?summary=1")
        posted = min(callbacks["entries"], campaign.SIZE)
        # The table is read late: each query costs the emulator as much as many messages.
        finals = posted if posted < campaign.SIZE * 0.9 else len(self._states())
        return {
            "submitted": min(self._submitted(), campaign.SIZE),
            "final": max(finals, posted),
            "called back": posted,
        }

    def seen(self) -> Seen:
        """Return all results of the campaign's messages so far."""
        in_doubt = {
            mid_of(batch, index)
            for batch in self._batches
            for entry in self._store.find_entries(batch, "outcome#")
            for index in entry.data["in_doubt"]
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
        """Return how often the carrier took each message, by mid; each has one segment."""
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
            mid_of(batch, index_of(entry.kind)): entry.data["state"]
            for batch in self._batches
            for entry in self._store.find_entries(batch, "final#")
        }


def table_of(rows: list[Row]) -> Table:
    """Return the report as a table; a wrong row gets the expected and the actual results."""
    table = Table(title="The sample campaign", title_justify="left", box=None, padding=(0, 1, 0, 0))
    for heading in ("number", "the carrier", "count", "final state", "callback", "doubt", "ok"):
        is_count = heading in ("count", "doubt")
        # Folded, not cut: long states stay whole on a narrow screen.
        table.add_column(heading, justify="right" if is_count else "left", overflow="fold")
    for row in rows:
        kind = row.kind
        if row.as_expected:
            doubt = str(row.in_doubt or "")
            cells = (str(row.messages), kind.state, kind.callback, doubt)
            table.add_row(*map(escape, (row.name, kind.behaviour, *cells)), "[green]yes")
            continue
        table.add_row(escape(row.name), escape(kind.behaviour), "", "", "", "", "[red]no")
        states, callbacks = ({each: kind.count} for each in (kind.state, kind.callback))
        _add(table, "  expected", kind.count, states, callbacks, kind.count * kind.in_doubt)
        came = ["  came"]
        came += [f"  {row.repeated_submits} submitted twice"] * bool(row.repeated_submits)
        came += [f"  {row.repeated_callbacks} called back twice"] * bool(row.repeated_callbacks)
        _add(table, "\n".join(came), row.messages, row.states, row.callbacks, row.in_doubt)
    messages, in_doubt = sum(row.messages for row in rows), sum(row.in_doubt for row in rows)
    table.add_row("all", "", str(messages), "", "", str(in_doubt or ""), "")
    return table


def _add(
    table: Table,
    what: str,
    messages: int,
    states: Mapping[str, int],
    callbacks: Mapping[str, int],
    in_doubt: int,
) -> None:
    """Add a line with all its counts."""
    counted = (
        "\n".join(f"{name}: {count}" for name, count in sorted(each.items())) or "none"
        for each in (states, callbacks)
    )
    table.add_row("", what, str(messages), *map(escape, counted), str(in_doubt), "")


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
