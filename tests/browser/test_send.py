"""Check and send in Chromium: a file in slices, bad rows first, and sent once from all tabs.

CAMPAIGN_ROWS sets how long the file is: docs/benchmarks.md has a run of 100,000.
"""

import json
import os
from collections import Counter
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, tab_to
from tests.browser.site import SAMPLES, Site

ROWS = int(os.environ.get("CAMPAIGN_ROWS", 2_300))
BEGUN = "harkara-sending"
WRONG, UNICODE = 2, 4
PATIENCE_MS = 30_000 + ROWS * 20


def file_of(rows: int) -> Any:
    """Return a CSV: the third row is wrong, the fifth has two lines and needs Unicode."""
    lines = [f'91987{number:07d},"Hello, {number}"' for number in range(rows)]
    lines[WRONG] = "12345,Hello"
    lines[UNICODE] = '919870000004,"two\nlines ₹"'
    content = "\n".join(["to,text", *lines]).encode()
    return {"name": "campaign.csv", "mimeType": "text/csv", "buffer": content}


def choose(page: Page, file: Any) -> None:
    page.goto("/console/send")
    page.get_by_label("CSV file").set_input_files(file)
    page.get_by_label("Sender ID").fill("HARKAR")


def send(page: Page) -> None:
    page.get_by_role("button", name="Send", exact=True).click()


def count(page: Page, name: str) -> Any:
    return page.locator(f'[data-count="{name}"]')


def test_a_file_is_checked_in_slices_and_sent_once_from_all_tabs(
    open_page: Open, site: Site
) -> None:
    """One tab is closed after the first slice; two then send the file at the same time."""
    first = open_page(as_person=SAMPLES)
    file = file_of(ROWS)
    choose(first, file)
    before = len(site.deployment.waiting)
    first.get_by_role("button", name="Check").click()
    expect(first.get_by_role("heading", name="What would become")).to_be_focused(
        timeout=PATIENCE_MS
    )
    expect(count(first, "accepted")).to_have_text(str(ROWS - 1))
    expect(count(first, "refused")).to_have_text("1")
    rows = first.locator("#rows tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("4")
    expect(rows.first).to_contain_text("INVALID_NUMBER")
    expect(rows.last).to_contain_text("U+20B9")
    with first.expect_download() as download:
        first.get_by_role("link", name="Download the report").click()
    report = download.value.path().read_text("utf-8-sig")
    assert '"4","12345"' in report
    assert len(site.deployment.waiting) == before
    closed = first.context.new_page()
    choose(closed, file)
    with closed.expect_response("**/slice"):
        send(closed)
    closed.close()
    second = first.context.new_page()
    choose(second, file)
    begun = second.evaluate(f"localStorage['{BEGUN}']")
    second.evaluate(f"localStorage['{BEGUN}'] = '{json.dumps({**json.loads(begun), 'at_ms': 0})}'")
    send(second)
    expect(second.get_by_role("alert")).to_contain_text("more than a day ago")
    second.evaluate(f"localStorage['{BEGUN}'] = '{begun}'")
    for page in (first, second):
        choose(page, file)
    first.get_by_role("button", name="Check").click()
    expect(first.get_by_role("alert")).to_contain_text("Press Send to go on", timeout=PATIENCE_MS)
    for page in (first, second):
        send(page)
    for page in (first, second):
        expect(page.locator("#doing")).to_have_text("Done", timeout=PATIENCE_MS)
        expect(count(page, "accepted")).to_have_text(str(ROWS - 1))
    requests = len(site.deployment.requests)
    site.work_off()
    sent = [row for _, each in site.deployment.requests[requests:] for row in each["smstosend"]]
    expected = {f"91987{row:07d}": 1 for row in range(ROWS) if row != WRONG}
    assert Counter(row["to"] for row in sent) == expected


def test_a_file_that_is_no_text_is_refused_in_the_browser(open_page: Open) -> None:
    page = open_page(as_person=SAMPLES)
    choose(page, {"name": "x.xlsx", "mimeType": "text/csv", "buffer": b"PK\x03\x04\xff\xfe"})
    page.get_by_role("button", name="Check").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("not UTF-8")


def test_numbers_are_pasted_with_one_text_and_sent_by_keyboard_alone(
    open_page: Open, site: Site
) -> None:
    page = open_page(as_person=SAMPLES)
    page.get_by_role("link", name="Check and send").focus()
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_label("Or paste rows or numbers"))
    page.keyboard.insert_text("919870000001, 12345\n919870000002")
    tab_to(page, page.get_by_label("Text"))
    page.keyboard.type("Hello to both of you")
    tab_to(page, page.get_by_label("Sender ID"))
    page.keyboard.type("HARKAR")
    tab_to(page, page.get_by_role("button", name="Check"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What would become")).to_be_focused()
    expect(count(page, "accepted")).to_have_text("2")
    expect(page.locator("#rows tbody tr")).to_contain_text(["INVALID_NUMBER"])
    expect(page.locator("#rows tbody th")).to_have_text("2")
    tab_to(page, page.get_by_role("button", name="Send", exact=True), back=True)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Result of sending")).to_be_focused()
    requests = len(site.deployment.requests)
    site.work_off()
    (row, other) = [
        each for _, found in site.deployment.requests[requests:] for each in found["smstosend"]
    ]
    assert {row["to"], other["to"]} == {"919870000001", "919870000002"}
    assert row["smstext"] == "Hello to both of you"


def test_a_file_and_pasted_rows_do_not_go_together(open_page: Open) -> None:
    page = open_page(as_person=SAMPLES)
    page.goto("/console/send")
    page.get_by_role("button", name="Check").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("one of both")
    choose(page, file_of(5))
    page.get_by_label("Or paste").fill("919870000001")
    page.get_by_role("button", name="Check").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("one of both")
