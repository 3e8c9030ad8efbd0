"""What the audit learns from messages: idle headers, and the kinds of values; it shows no value."""

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from harkara.accept.requests import Options, Record
from harkara.activity.store import ActivityReader
from harkara.activity.usage import TEXTS_READ, UsageService
from harkara.model.accounts import Sender, Template
from harkara.model.messages import Category
from tests.functions.handlers import SANDBOX
from tests.functions.invoking import NOW
from tests.functions.listing import Lists
from tests.support.caprices import DAY_S

SERVICE = Category.SERVICE_IMPLICIT


class Audited(Lists):
    """An account with two headers, and its audit."""

    def __init__(self, *texts: str) -> None:
        super().__init__()
        for header in ("ACMEBK", "ACMEFD"):
            self.registry.put_all("sandbox", [Sender(header=header, categories=(SERVICE,))])
        for number, text in enumerate(texts or ("Hello",), 1):
            template = Template(
                dlt_template_id=str(number), text=text, category=SERVICE, headers=("ACMEBK",)
            )
            self.registry.put_all("sandbox", [template])

    def sent(self, days_ago: int, *texts: str, sender: str = "ACMEBK", template: str = "1") -> None:
        self.now = NOW - days_ago * DAY_S
        for text in texts or ("Hello",):
            options = Options(category=SERVICE)
            sent = Record("919876543210", sender, text, "", "", template, options=options)
            self.send(SANDBOX, sent)
        self.now += 1
        self.settle()
        self.now = NOW

    def advice(self, rule: str) -> str:
        status, report = self.get("/v1/templates/audit")
        assert status == 200
        rows: list[Any] = report["templates"]
        found = [m["advice"] for row in rows for m in row["marks"] if m["rule"] == rule]
        return found[0] if found else ""


@pytest.mark.parametrize(
    ("days_ago", "says"),
    [
        (0, ""),
        (24, ""),
        (25, "send by ACMEBK, last used on 2025-12-07"),
        (30, "send by ACMEBK, last used on 2025-12-02"),
        (31, "send by ACMEBK, by which nothing was counted since 2025-12-02"),
    ],
)
def test_a_header_that_was_not_used_for_25_days_is_marked(days_ago: int, says: str) -> None:
    audited = Audited()
    audited.sent(40, sender="ACMEFD")
    audited.sent(days_ago)
    assert audited.advice("idle").startswith(says)
    assert bool(audited.advice("idle")) == bool(says)


@pytest.mark.parametrize(("days_ago", "since"), [(24, ""), (25, "2025-12-07"), (27, "2025-12-05")])
def test_counters_that_are_younger_tell_nothing(days_ago: int, since: str) -> None:
    audited = Audited()
    assert audited.advice("idle") == "", "nothing was ever counted"
    audited.sent(days_ago, sender="ACMEFD")
    advice = audited.advice("idle")
    says = f"send by ACMEBK, by which nothing was counted since {since}: " if since else ""
    assert advice.startswith(says)
    assert bool(advice) == bool(since)


def test_another_accounts_messages_do_not_count() -> None:
    audited = Audited()
    audited.sent(40, sender="ACMEFD")
    audited.send(SANDBOX.model_copy(update={"id": "other"}), Record("919876543210", "ACMEBK", "Hi"))
    audited.settle()
    assert audited.advice("idle")


def test_a_header_among_more_than_are_counted_is_not_marked() -> None:
    audited = Audited()
    audited.sent(40, sender="ACMEFD")
    records = [Record("919876543210", f"A{number:05d}", "Hi") for number in range(101)]
    audited.send(SANDBOX, *records)
    audited.now += 1
    audited.settle()
    assert audited.advice("idle") == ""


@pytest.mark.parametrize(
    ("text", "values", "kind"),
    [
        pytest.param("Dear {#var#}, hello", ["1234", "99"], "numeric", id="numbers"),
        pytest.param("Dear {#var#}, hello", ["Asha", "12"], "alphanumeric", id="names"),
        pytest.param("Your OTP is {#var#}.", ["K7TP2Q"], "alphanumeric", id="not what it seems"),
        pytest.param("Your OTP is {#var#}.", ["9876543210"], "numeric", id="an OTP of ten digits"),
        pytest.param("Dear {#var#} hello", ["https://a.in/x", "b.in/y"], "url", id="links"),
        pytest.param("Dear {#var#} hello", ["a@b.in"], "email", id="addresses"),
        pytest.param("Dear {#var#} hello", ["+919876543210", "1800123456"], "cbn", id="phones"),
        pytest.param("Dear {#var#} hello", ["12", "a b"], "alphanumeric", id="mixed"),
    ],
)
def test_a_tag_is_suggested_by_the_values_that_messages_had(
    text: str, values: list[str], kind: str
) -> None:
    audited = Audited(text)
    audited.sent(1, *(text.replace("{#var#}", value) for value in values))
    advice = audited.advice("untagged")
    count = f"values in {len(values)} messages"
    assert advice == f"tag each {{#var#}}; by their places and {count}: variable 1 {{#{kind}#}}"
    _, report = audited.get("/v1/templates/audit")
    assert not any(value in json.dumps(report) for value in values if len(value) > 2)


def test_values_are_of_the_templates_own_recent_messages() -> None:
    audited = Audited("Dear {#var#}, hello", "Bye {#var#} and {#var#}!")
    audited.sent(2, "Dear Asha, hello")
    audited.sent(1, *(f"Dear {number}, hello" for number in range(TEXTS_READ + 5)))
    audited.sent(1, "Bye 7 and a@b.in!", "Bye, and another text!", template="2")
    _, report = audited.get("/v1/templates/audit")
    first, second = ([m["advice"] for m in row["marks"]][0] for row in report["templates"])
    assert first.endswith(f"values in {TEXTS_READ} messages: variable 1 {{#numeric#}}")
    assert second.endswith("values in 1 messages: variable 1 {#numeric#}, variable 2 {#email#}")


def test_without_messages_the_place_suggests_the_tag() -> None:
    advice = Audited("Your OTP is {#var#}.").advice("untagged")
    assert advice == "tag each {#var#}; by their places: variable 1 {#numeric#}"


@pytest.mark.parametrize(("days_ago", "most"), [(0, 2), (3, 5), (30, 32), (90, 32)])
def test_days_are_read_until_each_header_was_seen(days_ago: int, most: int) -> None:
    audited = Audited()
    audited.sent(100, sender="ACMEFD")
    audited.sent(days_ago)
    reads: list[str] = []
    counters = audited.ports.activity.counters

    def counted(partition: str, first: str, *rest: Any) -> Any:
        reads.append(first)
        return counters(partition, first, *rest)

    store = SimpleNamespace(counters=counted)
    usage = UsageService(cast(ActivityReader, store), audited.store, audited.clock)
    usage.idle("sandbox", ["ACMEBK"])
    assert len(reads) == most
    assert usage.idle("sandbox", []) == {}
    assert len(reads) == most
