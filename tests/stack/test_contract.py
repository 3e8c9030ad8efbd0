"""The running API conforms to its /openapi.json: schemathesis checks thousands of cases.

The settings, and the disabled checks with their reasons, are in schemathesis.toml.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from harkara.aws.messages import DynamoMessageStore
from harkara.base.ids import split_mid
from harkara.model.accounts import ANY_COUNTRY, Account, Enforcement, Sender, Template
from harkara.model.messages import Category, pack
from harkara.model.rates import Rate
from local import samples
from local.seed import SAMPLES_KEPT_S
from local.stack import Stack
from tests.conftest import TOLD
from tests.contract.described import OPERATIONS
from tests.stack.campaigns import add_account
from tests.support.fakes import calling_back

pytestmark = pytest.mark.stack

CONFIG = Path(__file__).with_name("schemathesis.toml")
# The document's own example of a message id: a message that is scheduled, until it is cancelled.
EXAMPLE = OPERATIONS["GET /v1/messages/{mid}"]["parameters"][0]["example"]
CASES_AT_LEAST = 2_000
# Python before 3.12.2 and 3.11.8 builds syntax trees in one thread at a time only (gh-106905).
WORKERS = 4 if sys.version_info >= (3, 12, 2) else 1
# Two minutes on two cores that have more to do.
ENDS_WITHIN_S = 900


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """Return a separate stack: its requests would be counted in other tests."""
    with Stack() as stack:
        sender = Sender(header="ACMEBK", categories=(Category.SERVICE_IMPLICIT, Category.OTP))
        template = Template(
            dlt_template_id="1107161234567890001",
            category=Category.SERVICE_IMPLICIT,
            text="Your order {#var#} is on its way.",
        )
        account = Account(
            id="contract",
            name="Anything goes, with a warning and a price",
            carrier="sim",
            **calling_back(f"{stack.platform_url}/clevertap/contract"),
            countries=(ANY_COUNTRY,),
            dlt=Enforcement.WARN,
            rates=(Rate(prefix="91", price=Decimal("0.25")),),
            senders={sender.header: sender},
            templates={template.dlt_template_id: template},
        )
        add_account(stack, account)
        # An OTP: of others no feedback is taken.
        batch = replace(
            samples.BATCH,
            id=split_mid(EXAMPLE)[0],
            account_id=account.id,
            category=Category.OTP,
        )
        store = DynamoMessageStore(
            stack.client("dynamodb"), stack.outputs["MessagesTableName"], SAMPLES_KEPT_S, time.time
        )
        store.put_batch(batch.id, pack(batch), batch.due_at_ms)
        yield stack


def ask(stack: Stack, folder: Path, phases: str, workers: int, *options: str) -> dict[str, Any]:
    """Run schemathesis; return its report."""
    report = folder / f"{phases}.json"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", CONFIG, "run"),
            f"{stack.endpoint}/openapi.json",
            *("--auth", "contract:contract-secret", "--workers", str(workers)),
            *("--phases", phases, "--report", "json", "--report-json-path", report),
            *options,
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=ENDS_WITHIN_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(report.read_text())
    return found


def checked(report: dict[str, Any]) -> int:
    """Return how many cases of a run were checked at all."""
    cases = report["test_cases"]
    return int(cases["generated"] - cases["without_checks"])


def test_the_api_keeps_to_its_document(
    stack: Stack, tmp_path: Path, record_property: Callable[[str, str], None]
) -> None:
    # A resource cannot be replaced after its removal.
    kept = ask(stack, tmp_path, "examples", WORKERS, "--exclude-method", "DELETE")
    single = ask(stack, tmp_path, "examples,coverage,fuzzing", WORKERS)
    # Resources are created, read, changed and removed: no other test may do so meanwhile.
    stateful = ask(stack, tmp_path, "stateful", 1)
    cases = checked(single) + checked(stateful)
    took_s = single["running_time"] + stateful["running_time"]
    record_property(
        TOLD,
        f"contract: {cases:,} cases over {single['operations']['tested']} operations in"
        f" {took_s:.0f} s, seed {single['seed']}",
    )
    assert single["operations"]["tested"] == single["operations"]["total"]
    assert checked(stateful) > 0
    assert cases >= CASES_AT_LEAST
    accepted = {
        operation
        for report in (kept, single)
        for operation, phases in report["valid_rates"].items()
        if any(counted["accepted"] for counted in phases.values())
    }
    # Valid requests need a value that a generator cannot guess: a carrier's token, the reference of
    # a receipt, the tag of a link, a campaign that was counted.
    by_name_only = {
        *(
            f"{method} /{route}/{{carrier}}/{{token}}"
            for method in ("GET", "HEAD", "POST")
            for route in ("receipts", "inbound")
        ),
        *(f"{method} /{{code}}" for method in ("GET", "HEAD")),
        "GET /v1/campaigns/{campaign}",
        *(f"POST /v1/campaigns/{{campaign}}/{each}" for each in ("pause", "resume")),
    }
    assert single["valid_rates"].keys() - accepted <= by_name_only
