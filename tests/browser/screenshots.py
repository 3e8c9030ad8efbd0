"""Write pictures of the screens into docs/console: `make screenshots`.

Each is taken at the width of a phone and of a desk, in light and dark.
"""

import time
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from harkara.activity.filters import last_days
from local.settings import ROOT
from tests.browser.conftest import choose_account, chromium, sign_in
from tests.browser.site import ADMIN, OPERATOR, OPERATORS_SCREENS, SAMPLES, SCREENS, Site, serving
from tests.functions.visiting_console import CAMPAIGN
from tests.support.loops import own_loop

FOLDER = ROOT / "docs" / "console"
WIDTHS = {"phone": 360, "desk": 1280}
REPORT = f"{SCREENS['reports']}?category=service_implicit&" + urlencode(
    last_days(1, int(time.time() * 1000))
)
SHOWN = (
    *("sign-in", "templates", "template", "template-new", "upload", "senders", "sender"),
    *("callbacks", "callback-new", "users"),
)
ACCOUNT = ("answers", "answer-new", "settings")


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with (
        pytest.MonkeyPatch.context() as patch,
        own_loop(),
        serving(patch) as site,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        message = _send(browser, site)
        _count(site)
        site.fail_for_good()
        for size, width in WIDTHS.items():
            for scheme in ("light", "dark"):
                options: Any = {
                    "base_url": site.url,
                    "color_scheme": scheme,
                    "viewport": {"width": width, "height": 800},
                }
                context = browser.new_context(**options)
                page = context.new_page()
                for name in SHOWN:
                    if name == "templates":
                        sign_in(page, ADMIN)
                    page.goto(SCREENS[name])
                    _take(page, name, size, scheme)
                page.goto(SCREENS["code"])
                page.get_by_role("button", name="Get a key").click()
                page.get_by_label("Code", exact=True).wait_for()
                _take(page, "code", size, scheme)
                _departing(page)
                _take(page, "try", size, scheme)
                _refused(page)
                _take(page, "test", size, scheme)
                page.goto(message)
                _take(page, "message", size, scheme)
                context.clear_cookies()
                sign_in(page, SAMPLES)
                page.goto("/console/callbacks/signed")
                page.get_by_role("button", name="Post a sample").click()
                page.locator("#tried h3").wait_for()
                _take(page, "callback", size, scheme)
                page.goto(REPORT)
                _take(page, "reports", size, scheme)
                for name in ("suppressions", "consents", *ACCOUNT):
                    page.goto(SCREENS[name])
                    _take(page, name, size, scheme)
                for name in ("today", "messages", "campaigns"):
                    page.goto(SCREENS[name])
                    _take(page, name, size, scheme)
                page.get_by_role("link", name=CAMPAIGN).click()
                page.get_by_role("button", name="Pause this campaign").wait_for()
                _take(page, "campaign", size, scheme)
                page.goto(SCREENS["messages"])
                page.get_by_role("button", name="Export as CSV").click()
                site.work_off()
                page.get_by_role("link", name="Download the file").wait_for()
                _take(page, "export", size, scheme)
                page.goto(SCREENS["links"])
                _take(page, "links", size, scheme)
                _checked(page)
                _take(page, "send", size, scheme)
                _issued(page)
                _take(page, "credential", size, scheme)
                page.goto(SCREENS["credentials"])
                _take(page, "credentials", size, scheme)
                page.goto(SCREENS["audit"])
                _take(page, "audit", size, scheme)
                context.clear_cookies()
                sign_in(page, OPERATOR)
                page.get_by_role("heading", name="Choose an account").wait_for()
                _take(page, "accounts", size, scheme)
                choose_account(page)
                for name, path in OPERATORS_SCREENS.items():
                    page.goto(path)
                    _take(page, name, size, scheme)
                context.close()
        browser.close()


def _take(page: Page, name: str, size: str, scheme: str) -> None:
    page.screenshot(path=FOLDER / f"{name}-{size}-{scheme}.png", full_page=True)


def _send(browser: Browser, site: Site) -> str:
    page = browser.new_context(base_url=site.url).new_page()
    sign_in(page, ADMIN)
    page.goto("/console/test")
    page.get_by_label("Number").fill("919876543210")
    page.get_by_label("Sender ID").fill("HARKAR")
    page.get_by_label("Text").fill(
        "Dear Asha, your order 7 is on its way and arrives on Monday. HARKARA"
    )
    page.get_by_role("button", name="Send it").click()
    site.work_off()
    site.report_delivered()
    return page.url


def _count(site: Site) -> None:
    """Count a busy day, whose last messages are listed."""
    rows = [
        {"to": f"9198765{number:05d}", "smsgid": f"order-{4000 + number}", "campaignid": CAMPAIGN}
        for number in range(12)
    ]
    site.send(*rows, {"to": "12345", "smsgid": "order-4012", "campaignid": CAMPAIGN})
    site.work_off()
    site.report_delivered()
    site.put_counters(4_200)
    site.count()


def _departing(page: Page) -> None:
    page.goto("/console/templates/try")
    page.get_by_label("Sender ID").fill("HARKAR")
    page.get_by_label("Text").fill(
        "Dear Asha, your parcel 7 is on its way and arrives on Monday. HARKARA"
    )
    page.get_by_role("button", name="Compare").click()
    page.locator("#result h2").wait_for()


def _refused(page: Page) -> None:
    page.goto("/console/test")
    page.get_by_label("Number").fill("12345")
    page.get_by_label("Sender ID").fill("HARKAR")
    page.get_by_label("Text").fill("Dear Asha, your order 7 is on its way.")
    page.get_by_role("button", name="Only check").click()


def _issued(page: Page) -> None:
    page.goto(SCREENS["credential-new"])
    page.get_by_label("User name").fill("clevertap")
    page.get_by_label("Networks").fill("203.0.113.0/24\n198.51.100.7")
    page.get_by_role("button", name="Create it").click()
    if page.get_by_role("alert").count():  # the pictures before this one made it
        page.goto("/console/credentials/clevertap")
        page.get_by_role("button", name="End all older secrets now").click()
    page.get_by_role("button", name="Make a new secret").click()
    page.locator("#api-key").wait_for()


def _checked(page: Page) -> None:
    page.goto("/console/send")
    rows = [f"91987{number:07d},Your order {number} is on its way. HARKARA" for number in range(40)]
    rows[3], rows[7] = "98765,Your order 3 is on its way. HARKARA", "919870000007,Only ₹7 today"
    file: Any = {
        "name": "f.csv",
        "mimeType": "text/csv",
        "buffer": "\n".join(["to,text", *rows]).encode(),
    }
    page.get_by_label("CSV file").set_input_files(file)
    page.get_by_label("Sender ID").fill("HARKAR")
    page.get_by_role("button", name="Check").click()
    page.get_by_text("Done", exact=True).wait_for()


if __name__ == "__main__":
    main()
