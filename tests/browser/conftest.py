"""One Chromium and one console for a module; what the browser complains of fails a test.

Neither outlives its module: Playwright runs an event loop in the thread of the tests, beside which
no other test of the process could run one of its own.

Without Chromium the tests are left out, unless REQUIRE_CHROMIUM says that it must be there.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, sync_playwright

from tests.browser.site import ADMIN, Site, serving
from tests.support.loops import own_loop
from tests.support.people import PASSWORD

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_MS = 30_000
STOPS = 60
Open = Callable[..., Page]


def chromium() -> str:
    """Return the path of Chromium; skip the test if this machine has none."""
    found = next(filter(None, map(shutil.which, PROGRAMS)), "")
    if not found and os.environ.get("REQUIRE_CHROMIUM"):
        pytest.fail("REQUIRE_CHROMIUM is set, and there is no Chromium")
    if not found:
        pytest.skip("there is no Chromium here")
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = chromium()
    with sync_playwright() as playwright:
        # Chromium's sandbox does not work for root, nor in many containers.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with pytest.MonkeyPatch.context() as patch, own_loop(), serving(patch) as site:
        yield site


@pytest.fixture
def open_page(browser: Browser, site: Site) -> Iterator[Open]:
    """Return a function that opens a page in a context of its own, signed in or not.

    Whatever the browser's console or its policies complain of fails the test at its end.
    """
    complaints: list[str] = []
    contexts = []

    def complain(message: ConsoleMessage) -> None:
        # An error page that a test asks for is no complaint.
        if (
            message.type == "error"
            and "the server responded with a status of 4" not in message.text
        ):
            complaints.append(message.text)

    def opened(path: str = "", *, as_person: str = ADMIN, **options: Any) -> Page:
        context = browser.new_context(base_url=site.url, **options)
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("console", complain)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if as_person:
            sign_in(page, as_person)
        if path:
            page.goto(path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def tab_to(page: Page, element: Locator, *, back: bool = False) -> None:
    """Press Tab until an element has the focus, as somebody without a mouse does."""
    for _ in range(STOPS):
        page.keyboard.press("Shift+Tab" if back else "Tab")
        if element.evaluate("(it) => it === document.activeElement"):
            return
    pytest.fail(f"the keyboard does not reach {element}")


def sign_in(page: Page, email: str, password: str = PASSWORD) -> None:
    """Sign in by the form."""
    page.goto("/console/sign-in")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def choose_account(page: Page, name: str = "Sandbox") -> None:
    """Choose the account that an operator works in."""
    page.goto("/console/accounts")
    page.get_by_role("button", name=name).click()
    page.get_by_role("navigation").wait_for()
