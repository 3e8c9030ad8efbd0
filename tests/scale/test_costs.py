"""The counts behind docs/scale.md: more calls or units a message fail here, times do not."""

import re
from pathlib import Path

import pytest

from tests.bench.accept import FAKE_AWS
from tests.bench.life import CASES, Life
from tests.scale.costs import PARTS, fixed_usd, metrics_of, usd_a_million
from tests.support.loops import own_loop

DOCS = Path(__file__).parent.parent.parent / "docs"
# Upper limits a message: write units, read units, SQS requests, API requests, calls.
CEILINGS = {
    "in bulk, receipts one by one": (1.2, 0.21, 1.4, 1.01, 1.7),
    "one-message requests": (3.35, 2.2, 2.7, 2.0, 9.0),
    "one-message requests, receipts past the API": (3.35, 2.2, 2.7, 1.0, 9.0),
}


@pytest.mark.parametrize("name", CEILINGS)
def test_a_message_takes_no_more_units_than_the_table_says(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, value in FAKE_AWS.items():
        monkeypatch.setenv(key, value)
    (case,) = (each for each in CASES if each.name == name)
    with own_loop():
        used = Life(case).run()
    counted = [*(used.amounts[unit] for unit in list(PARTS.values())[:4]), used.calls]
    assert [x <= most for x, most in zip(counted, CEILINGS[name], strict=True)] == [True] * 5
    assert set(usd_a_million(used)) == set(PARTS)
    assert {
        ("Harkara", "accepted", "carrier=sim", "service=send"),
        ("Harkara", "delivered", "service=dlr"),
    } <= metrics_of(used.log)


def test_a_stack_that_nobody_uses_costs_what_its_template_has() -> None:
    existing = fixed_usd(metrics=20)
    assert existing["20 custom metrics (one carrier)"] == pytest.approx(6.0)
    # Five queues, five pollers each, three polls a minute.
    assert existing["25 pollers of idle queues"] == pytest.approx(25 * 3 * 43_200 * 0.5e-6)
    assert all(usd > 0 for usd in existing.values())
    assert sum(existing.values()) < 40


def test_what_a_million_messages_cost_stands_in_one_place() -> None:
    """The README rounds the costs of docs/scale.md to ten cents, and the benchmarks link to it."""
    pages = {
        path.name: path.read_text() for path in [*DOCS.glob("*.md"), DOCS.parent / "README.md"]
    }
    assert "USD" not in pages["benchmarks.md"]
    assert "(scale.md#counted-a-million-messages)" in pages["benchmarks.md"]
    table = pages["scale.md"].partition("## Counted: a million messages")[2]
    line = next(each for each in table.splitlines() if each.startswith("all "))
    costs = [float(each) for each in line.split()[1:]]
    reported = re.findall(r"\$(\d+\.\d\d)", (DOCS.parent / "README.md").read_text())
    assert [float(each) for each in reported] == pytest.approx(costs[:5], abs=0.06)
