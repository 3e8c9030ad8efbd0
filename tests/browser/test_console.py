"""The console in Chromium, with its policies in force: each screen's main act."""

import base64
import re
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Error, Locator, Page, expect

from harkara.manage.proofs import STEP_S, totp
from tests.browser.conftest import Open, sign_in, tab_to
from tests.browser.site import ADMIN, Site
from tests.browser.test_accessibility import violations

NEW_ID = "1107169999999999991"
TEXT = "Dear Asha, your order 7 is on its way and arrives on Monday. HARKARA"


def test_templates_are_registered_found_tried_and_removed(open_page: Open) -> None:
    """By keyboard alone, from signing in to removing."""
    page = open_page(as_person="")
    sign_in(page, ADMIN, "a wrong password")
    expect(page.get_by_role("alert")).to_contain_text("could not be signed in")
    enter(page, "Password", "a long enough password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Today")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    press(page, page.get_by_role("navigation").get_by_role("link", name="DLT templates"))
    expect(page.get_by_role("heading", level=1)).to_have_text("DLT templates")
    press(page, page.get_by_role("link", name="Add a template"))
    enter(page, "Sender ID", "HARKAR")
    enter(page, "Template ID", "not digits")
    enter(page, "Template Details", "Hello {#var#}, <b>welcome</b>. HARKARA")
    enter(page, "SMS Type", "Service implicit")
    press(page, page.get_by_role("button", name="Register"))
    expect(page.get_by_role("alert")).to_be_focused()
    press(page, page.get_by_role("alert").get_by_role("link"))
    wrong = page.get_by_label("Template ID")
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(wrong).to_be_focused()
    page.keyboard.press("Control+A")
    page.keyboard.type(NEW_ID)
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Registered.")
    expect(page.locator(".bubble")).to_have_text("Hello {#var#}, <b>welcome</b>. HARKARA")
    press(page, page.get_by_role("navigation").get_by_role("link", name="DLT templates"))
    expect(page.locator("tbody tr")).to_have_count(5)
    enter(page, "Sender ID", "HARKAR")
    expect(page.locator("tbody tr")).to_have_count(2)
    press(page, page.get_by_role("link", name="Try a text"))
    enter(page, "Text", TEXT.replace("its", "the"))
    press(page, page.get_by_role("button", name="Compare"))
    expect(page.get_by_role("heading", level=2)).to_have_text("It departs at character 31")
    expect(page.locator("mark.here")).to_have_text("t")
    enter(page, "Text", TEXT)
    press(page, page.get_by_role("button", name="Compare"))
    expect(page.get_by_role("heading", level=2)).to_have_text("The text fits this template")
    enter(page, "Find a message", NEW_ID)
    page.keyboard.press("Enter")
    expect(page.locator(".bubble")).to_contain_text("Hello")
    tab_to(page, page.get_by_label("Yes, remove it."))
    page.keyboard.press("Space")
    press(page, page.get_by_role("button", name="Remove"))
    expect(page.get_by_role("status")).to_have_text("Removed.")


def test_a_file_of_templates_is_reported_on_row_by_row(open_page: Open) -> None:
    page = open_page("/console/templates/upload")
    rows = [
        "Template ID,Header,Template Name,Template Content,Type",
        f"{NEW_ID},HARKAR,One,One {{#var#}},Service Implicit",
        'x,HARKAR,Two,"=HYPERLINK(""http://x"")",Service Implicit',
    ]
    content = "\n".join(rows).encode()
    file: Any = {"name": "templates.csv", "mimeType": "text/csv", "buffer": content}
    page.get_by_label("CSV file").set_input_files(file)
    page.get_by_role("button", name="Upload").click()
    expect(page.locator(".counts")).to_contain_text("1 new")
    expect(page.locator(".counts")).to_contain_text("1 refused")
    expect(page.locator("tbody tr").first).to_contain_text("refused")


def test_a_file_of_50_mb_is_refused_before_it_is_sent(open_page: Open, tmp_path: Path) -> None:
    page = open_page("/console/templates/upload")
    path = tmp_path / "templates.csv"
    path.write_bytes(b"x" * 50_000_000)
    page.get_by_label("CSV file").set_input_files(path)
    page.get_by_role("button", name="Upload").click()
    refused = page.get_by_label("CSV file").evaluate("(it) => it.validationMessage")
    assert "4 MB at most" in refused
    expect(page).to_have_url(re.compile("/console/templates/upload$"))
    page.goto("/console/send")
    page.get_by_label("CSV file").set_input_files(path)
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("alert")).to_contain_text("30 MB at most")


def test_a_test_message_is_followed_until_it_is_delivered(open_page: Open, site: Site) -> None:
    page = open_page("/console/test")
    page.get_by_label("Number").fill("919876543210")
    page.get_by_label("Sender ID").fill("HARKAR")
    page.get_by_label("Text").fill(TEXT.replace("its", "the"))
    page.get_by_role("button", name="Only check").click()
    expect(page.get_by_role("alert")).to_contain_text("at character 31")
    page.get_by_label("Text").fill(TEXT)
    page.get_by_role("button", name="Send it").click()
    state = page.get_by_role("status")
    expect(state).to_have_text("Accepted")
    site.work_off()
    expect(state).to_have_text("Submitted")
    site.report_delivered()
    expect(state).to_have_text("Delivered")
    expect(page.locator(".timeline li")).to_have_count(3)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("curl -s ")
    mid = page.url.rpartition("/")[2]
    page.get_by_label("Find a message").fill(mid)
    page.keyboard.press("Enter")
    expect(page.locator(".mid")).to_have_text(mid)


def test_a_callback_is_pasted_and_tried_and_dead_letters_go_out_again(
    open_page: Open, site: Site
) -> None:
    page = open_page("/console/callbacks/new", as_person="admin@sandbox.example")
    page.get_by_label("Delivery tracking URL").fill("http://127.0.0.1/dlr")
    page.get_by_label("Id", exact=True).fill("mine")
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_role("alert")).to_contain_text("an https URL")
    page.get_by_label("Delivery tracking URL").fill("https://in1.api.clevertap.com/dlr?key=secret")
    page.get_by_role("button", name="Register").click()
    site.platform.script = [503]
    page.get_by_role("button", name="Post a sample").click()
    expect(page.locator("#tried h3")).to_have_text("The endpoint did not take the sample")
    page.get_by_role("button", name="Post a sample").click()
    expect(page.locator("#tried h3")).to_have_text("The endpoint took the sample")
    page.goto("/console/callbacks/signed")
    page.get_by_role("checkbox", name="Choose the one of").check()
    page.get_by_role("button", name="Post the chosen again").click()
    expect(page.get_by_role("status")).to_contain_text("Posted again: 1.")
    page.get_by_role("link", name="Short links").click()
    expect(page.locator("pre")).to_contain_text("http://127.0.0.1")
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_role("status")).to_have_text("Saved.")
    page.get_by_role("button", name="Switch off").click()
    expect(page.get_by_role("button", name="Switch on")).to_be_visible()


def test_an_invited_user_chooses_a_password_and_sets_up_a_code(open_page: Open) -> None:
    page = open_page("/console/users")
    page.get_by_label("E-mail").fill("new@demo.example")
    page.get_by_label("Role", exact=True).select_option("Marketer")
    page.get_by_role("button", name="Invite").click()
    link = page.locator("#link").inner_text()
    page.get_by_label("Role of new@demo.example").select_option("Viewer")
    row = page.get_by_role("row", name="new@demo.example")
    row.get_by_role("button", name="Set role").click()
    expect(page.get_by_role("status")).to_have_text("Saved.")
    guest = open_page(link, as_person="")
    guest.get_by_label("New password").fill("a sentence of my own")
    guest.get_by_role("button", name="Set the password").click()
    expect(guest.get_by_role("heading", level=1)).to_have_text("Today")
    expect(guest.get_by_role("link", name="Users")).to_have_count(0)
    guest.get_by_role("link", name="Sign-in code").click()
    guest.get_by_role("button", name="Get a key").click()
    key = guest.locator("dd").first.inner_text().replace(" ", "")
    code = guest.get_by_label("Code", exact=True)
    code.fill("000000")
    code.press("Enter")
    expect(guest.locator("#code-problem")).to_contain_text("not right")
    code.fill(totp(base64.b32decode(key), int(time.time()) // STEP_S))
    code.press("Enter")
    expect(guest.get_by_role("status")).to_have_text("Saved.")
    expect(guest.get_by_role("button", name="Switch codes off")).to_be_visible()
    row.get_by_label("Yes, remove").check()
    row.get_by_role("button", name="Remove").click()
    guest.reload()
    expect(guest.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_a_credential_is_created_renewed_and_revoked_and_each_secret_is_seen_once(
    open_page: Open,
) -> None:
    """By keyboard; then without scripts, in another browser."""
    page = open_page("/console/credentials", viewport={"width": 360, "height": 740})
    press(page, page.get_by_role("link", name="Create a credential"))
    enter(page, "User name", "backend")
    enter(page, "Networks", "10.0.0.0/33")
    press(page, page.get_by_role("button", name="Create it"))
    expect(page.get_by_label("Networks")).to_have_attribute("aria-invalid", "true")
    enter(page, "Networks", "127.0.0.0/8")
    press(page, page.get_by_role("button", name="Create it"))
    secret = page.locator("#password").inner_text()
    expect(page.locator("#api-key")).to_have_text(f"backend.{secret}")
    expect(page.get_by_role("button", name="Copy").first).to_be_visible()
    page.get_by_text("For Supabase's SMS hook").press("Enter")
    expect(page.locator("#hook-secret")).to_contain_text("v1,whsec_")
    assert violations(page) == []
    assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    press(page, page.get_by_role("link", name="Credentials").first)
    expect(page.get_by_role("link", name="backend")).to_be_visible()
    with pytest.raises(Error, match="ERR_CACHE_MISS"):  # nothing of the page was kept
        page.go_back()
    page = open_page("/console/credentials/backend", java_script_enabled=False)
    page.get_by_role("button", name="Make a new secret").click()
    renewed = page.locator("#password").inner_text()
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("renewed since this page was opened")
    assert renewed not in page.content()
    page.get_by_role("button", name="End all older secrets now").click()
    expect(page.get_by_role("status")).to_have_text("Saved.")
    page.get_by_label("Yes, refuse whatever uses this credential.").check()
    page.get_by_role("button", name="Revoke this credential").click()
    expect(page.get_by_role("status")).to_have_text("Removed.")
    expect(page.get_by_role("link", name="backend")).to_have_count(0)


def test_after_signing_out_the_back_button_shows_nothing(open_page: Open) -> None:
    page = open_page("/console/senders")
    expect(page.get_by_role("heading", level=1)).to_have_text("Senders")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_without_scripts_the_console_does_the_same(open_page: Open) -> None:
    page = open_page("/console/templates/try", java_script_enabled=False)
    page.get_by_label("Text").fill(TEXT)
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", level=2)).to_have_text("The text fits this template")
    page.goto("/console/templates")
    page.get_by_label("Sender ID", exact=True).select_option("HKROTP")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("tbody tr")).to_have_count(1)


def enter(page: Page, label: str, text: str) -> None:
    """Reach a field by Tab, and type over what it has; in a list this chooses."""
    field = page.get_by_label(label, exact=label != "Find a message")
    tab_to(page, field)
    if field.evaluate("(it) => it.tagName") != "SELECT":
        page.keyboard.press("Control+A")
    page.keyboard.type(text)


def press(page: Page, element: Locator) -> None:
    """Reach a link or a button by Tab, and press Enter."""
    tab_to(page, element)
    page.keyboard.press("Enter")


def test_settings_are_changed_unless_somebody_did_so_meanwhile(open_page: Open) -> None:
    page, other = open_page("/console/settings"), open_page("/console/settings")
    other.get_by_label("Brands").fill("Harkara\nHarkara Foods")
    other.get_by_role("button", name="Save changes").click()
    expect(other.get_by_role("status")).to_have_text("Saved.")
    page.get_by_label("Refuse the same text").fill("30m")
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_role("alert")).to_contain_text("changed since")
    expect(page.get_by_label("Brands")).to_have_value("Harkara\nHarkara Foods")
    for text, beside in (("half an hour", "write a duration"), ("30m", "")):
        page.get_by_label("Refuse the same text").fill(text)
        page.get_by_role("button", name="Save changes").click()
        if beside:
            expect(page.get_by_role("alert").get_by_role("link")).to_contain_text(beside)
    expect(page.get_by_role("status")).to_have_text("Saved.")
    expect(page.get_by_label("Refuse the same text")).to_have_value("30m")


def test_an_answer_is_set_and_cleared(open_page: Open) -> None:
    page = open_page("/console/answers")
    page.get_by_role("main").get_by_role("link", name="HELP").click()
    page.get_by_label("Sender ID").fill("HARKAR")
    page.get_by_label("Type", exact=True).select_option("service_implicit")
    page.get_by_label("Text").fill(TEXT)
    page.get_by_role("button", name="Register").click()
    expect(page.get_by_label("Text")).to_have_value(TEXT)
    page.get_by_label("Yes, remove it.").check()
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_role("row", name="HELP")).to_contain_text("No answer")
