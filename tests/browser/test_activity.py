"""Messages, Today and Campaigns in Chromium: the main act of each screen."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import Open, choose_account, tab_to
from tests.browser.site import OPERATOR, SAMPLES, Site
from tests.browser.test_accessibility import too_wide, violations
from tests.functions.visiting_console import CAMPAIGN

NUMBER, REF = "919876500001", "order 4711"


def test_a_number_of_today_leads_to_its_messages_and_grows_without_a_reload(
    open_page: Open, site: Site
) -> None:
    page = open_page(as_person=SAMPLES, viewport={"width": 360, "height": 740})
    page.clock.install()
    page.get_by_text("Sections: Today").click()
    page.get_by_role("link", name="Today").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Today")
    accepted = page.locator('[data-count="accepted"]')
    site.count()
    before = int(accepted.inner_text().replace(",", ""))
    site.send({"to": NUMBER, "smsgid": REF, "campaignid": CAMPAIGN})
    site.count()
    page.get_by_text("The same as a table").click()
    hour = page.locator("main details a").first
    hour.focus()
    page.clock.fast_forward(15_000)
    expect(accepted).to_have_text(f"{before + 1}")
    expect(hour).to_be_focused()
    expect(page.locator("main details")).to_have_attribute("open", "")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Messages")
    expect(page.locator("tbody tr")).to_contain_text([REF])


def test_a_message_is_found_by_filters_and_by_the_box(open_page: Open, site: Site) -> None:
    site.send({"to": NUMBER, "smsgid": "ref-0"}, {"to": "12", "smsgid": "ref-1"})
    site.send({"to": "919876500002", "smsgid": "ref-2"})
    site.count()
    page = open_page("/console/messages", as_person=SAMPLES)
    tab_to(page, page.get_by_label("Number"))
    page.keyboard.type("12345")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_focused()
    page.get_by_label("Number").fill("+91 98765 00002")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_contain_text(["ref-2"])
    page.locator("tbody a").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Message")
    page.get_by_label("Find a message").fill("ref-1")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_contain_text(["INVALID_NUMBER"])
    page.get_by_text("More filters").press("Enter")
    page.get_by_label("Reason").fill("DND")
    page.keyboard.press("Enter")
    expect(page.get_by_text("No message fits these filters.")).to_be_visible()


def test_an_export_is_followed_until_its_file_can_be_downloaded(
    open_page: Open, site: Site
) -> None:
    site.send({"to": NUMBER, "smsgid": "exported"})
    site.count()
    site.work_off()
    page = open_page("/console/messages?client_ref=exported", as_person=SAMPLES)
    tab_to(page, page.get_by_role("button", name="Export as CSV"), back=True)
    page.keyboard.press("Enter")
    state = page.get_by_role("status")
    expect(state).to_have_text("Waiting")
    assert violations(page) == []
    site.work_off()
    expect(state).to_have_text("Done")
    link = page.get_by_role("link", name="Download the file").get_attribute("href") or ""
    assert b"exported" in site.deployment.client("s3").opened(link)
    assert violations(page) == []


def test_a_campaign_is_found_paused_and_resumed(open_page: Open, site: Site) -> None:
    site.put_counters(8)
    page = open_page("/console/campaigns", as_person=SAMPLES)
    page.get_by_label("Find a message").fill(CAMPAIGN)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(CAMPAIGN)
    tab_to(page, page.get_by_role("button", name="Pause this campaign"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Saved.")
    expect(page.get_by_text("Its messages wait")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("link", name="Campaigns").first.click()
    expect(page.locator("tbody th")).to_contain_text([re.compile(f"{CAMPAIGN}.*Paused")])
    page.get_by_role("link", name=CAMPAIGN).click()
    page.get_by_role("button", name="Resume this campaign").click()
    expect(page.get_by_role("button", name="Pause this campaign")).to_be_visible()


def test_a_report_is_filtered_leads_to_messages_and_is_downloaded(
    open_page: Open, site: Site
) -> None:
    site.send({"to": NUMBER, "smsgid": "mine"}, {"to": "12", "smsgid": "not mine"})
    site.count()
    page = open_page(as_person=SAMPLES)
    page.get_by_role("link", name="Reports").click()
    page.get_by_text("More filters").press("Enter")
    page.get_by_label("Sender ID", exact=True).fill("HARKAR")
    page.get_by_label("State").select_option("Pending")
    page.get_by_role("button", name="Filter").press("Enter")
    row = page.locator("tbody tr")
    expect(row).to_contain_text([re.compile(r"HARKAR.*IN.*Pending\s+\d+", re.DOTALL)])
    expect(page.locator("tfoot")).to_contain_text("Total")
    assert violations(page) == []
    with page.expect_download() as download:
        page.get_by_role("link", name="Download as CSV").press("Enter")
    assert "HARKAR" in download.value.path().read_text()
    tab_to(page, row.get_by_role("link"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Messages")
    expect(page.locator("tbody tr")).to_contain_text(["mine"])


def test_the_numbers_of_a_busy_day_fit_a_phone(open_page: Open, site: Site) -> None:
    site.put_counters(41_667)
    for scheme in ("light", "dark"):
        size = {"width": 360, "height": 740}
        page = open_page(as_person=SAMPLES, color_scheme=scheme, viewport=size)
        for path in ("today", "campaigns", "messages", "reports"):
            page.goto(f"/console/{path}")
            assert violations(page) == []
            assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth")


def test_an_operator_opens_and_closes_a_carriers_circuit_by_keyboard(
    open_page: Open, site: Site
) -> None:
    site.put_counters(400_000)
    page = open_page(as_person=OPERATOR, viewport={"width": 1280, "height": 740})
    choose_account(page)
    page.goto("/console/carriers")
    assert violations(page) + too_wide(page) == []
    page.set_viewport_size({"width": 360, "height": 740})
    tab_to(page, page.get_by_role("link", name="sim", exact=True))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("sim")
    opening = page.get_by_role("button", name="Open its circuit breaker")
    opening.press("Enter")  # the browser asks for the box first
    expect(page.get_by_label("Yes, keep the messages")).to_be_focused()
    page.keyboard.press("Space")
    opening.press("Enter")
    expect(page.locator(".done")).to_have_text("Saved.")
    expect(page.locator("#live .mark")).to_have_text(["Circuit open"])
    assert violations(page) == []
    page.get_by_label("Yes, send all of its traffic").check()
    page.get_by_role("button", name="Close its circuit breaker").press("Enter")
    expect(page.locator("#live .mark")).to_have_text(["Circuit closed"])
    expect(page.get_by_role("button", name="Close its circuit breaker")).to_have_count(0)


def test_an_operator_moves_dead_letters_back_and_follows_it(open_page: Open, site: Site) -> None:
    site.fail_for_good()
    dead = site.deployment.dead_letters
    total = len(dead.messages["SubmitDeadLetters"])
    page = open_page(as_person=OPERATOR, viewport={"width": 360, "height": 740})
    choose_account(page)
    page.clock.install()
    page.get_by_text("Sections: ").click()
    page.get_by_role("link", name="Queues").click()
    link = page.get_by_role("link", name="Submit", exact=True)
    tab_to(page, link)
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(min(total, 10))
    page.get_by_label("Yes, move the dead letters").check()
    page.get_by_label("Messages a second").fill("501")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_focused()
    page.get_by_label("Yes, move the dead letters").check()
    page.get_by_label("Messages a second").fill("50")
    page.keyboard.press("Enter")
    moved = page.get_by_text("moved back.")
    expect(moved).to_have_text(f"0 of {total} moved back.")
    dead.move(2)
    page.clock.fast_forward(5_000)
    expect(moved).to_have_text(f"2 of {total} moved back.")
    page.get_by_role("button", name="Stop it").click()
    expect(page.locator(".done")).to_have_text("The redrive is being stopped.")
    dead.move()
    page.clock.fast_forward(5_000)
    expect(page.locator('[data-count="dead"]')).to_have_text(f"{total - 2}")
    expect(page.get_by_text("stopped", exact=True)).to_be_visible()
    assert violations(page) == []
    site.deployment.waiting.clear()
