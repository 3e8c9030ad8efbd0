"""Check and send in Chromium: a file in slices, bad rows first, and sent once from two tabs."""

from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.browser.site import SAMPLES, Site

ROWS = 2_300
SLICES = 3


def file_of(rows: int) -> Any:
    """Return a CSV: the third row is wrong, the fifth has two lines and needs Unicode."""
    lines = [f'91987{number:07d},"Hello, {number}"' for number in range(rows)]
    lines[2] = "12345,Hello"
    lines[4] = '919870000004,"two\nlines ₹"'
    content = "\n".join(["to,text", *lines]).encode()
    return {"name": "campaign.csv", "mimeType": "text/csv", "buffer": content}


def choose(page: Page, file: Any) -> None:
    page.goto("/console/send")
    page.get_by_label("CSV file").set_input_files(file)
    page.get_by_label("Sender ID").fill("HARKAR")


def count(page: Page, name: str) -> Any:
    return page.locator(f'[data-count="{name}"]')


def test_a_file_is_checked_in_slices_and_sent_once_from_two_tabs(
    open_page: Open, site: Site
) -> None:
    first = open_page(as_person=SAMPLES)
    file = file_of(ROWS)
    choose(first, file)
    before = len(site.deployment.waiting)
    first.get_by_role("button", name="Check").click()
    expect(first.get_by_role("heading", name="What would become")).to_be_focused(timeout=30_000)
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
    second = first.context.new_page()
    choose(second, file)
    for page in (first, second):
        page.get_by_role("button", name="Send", exact=True).click()
    for page in (first, second):
        expect(page.locator("#doing")).to_have_text("Done", timeout=60_000)
        expect(count(page, "accepted")).to_have_text(str(ROWS - 1))
    assert len(site.deployment.waiting) - before == SLICES
    with site.lock:
        site.deployment.waiting.clear()


def test_a_file_that_is_no_text_is_refused_in_the_browser(open_page: Open) -> None:
    page = open_page(as_person=SAMPLES)
    choose(page, {"name": "x.xlsx", "mimeType": "text/csv", "buffer": b"PK\x03\x04\xff\xfe"})
    page.get_by_role("button", name="Check").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("not UTF-8")
