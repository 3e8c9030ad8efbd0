"""Every screen in light and dark: axe finds no violation, nothing is wider than a phone."""

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Open, choose_account
from tests.browser.site import OPERATOR, OPERATORS_SCREENS, SAMPLE_MID, SCREENS, Site
from tests.npm.scripts import package_file

FIRST_VIEW_REQUESTS = 4
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN = """async (rules) => (await axe.run({runOnly: rules})).violations.map(
    (each) => `${each.id}: ${each.nodes.map((node) => node.html).join(" ")}`)"""


def too_wide(page: Page) -> list[str]:
    """Return what is wrong with a page that is wider than its window."""
    wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    return ["wider than the window"] if wide else []


def violations(page: Page) -> list[str]:
    """Return what axe finds wrong with a page."""
    # The page's own policy would refuse a script element.
    page.evaluate(package_file("axe-core/axe.min.js").read_text())
    found: list[str] = page.evaluate(RUN, RULES)
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_screen_violates_a_rule_of_axe_or_is_wider_than_its_window(
    scheme: str, open_page: Open, site: Site
) -> None:
    site.fail_for_good()
    small = {"color_scheme": scheme, "viewport": {"width": 360, "height": 740}}
    page = open_page(**small)
    stranger = open_page("/console/sign-in", as_person="", color_scheme=scheme)
    operator = open_page("/console/accounts", as_person=OPERATOR, **small)
    wrong = {"sign-in": violations(stranger), "accounts": violations(operator)}
    choose_account(operator)
    for name, path in OPERATORS_SCREENS.items():
        operator.goto(path)
        wrong[name] = violations(operator) + too_wide(operator)
    paths = {**SCREENS, "message": ""}
    del paths["sign-in"]
    for name, path in paths.items():
        if name == "message":
            page.context.clear_cookies()
            page = open_page(
                f"/console/messages/{SAMPLE_MID}",
                as_person="admin@sandbox.example",
                **small,
            )
        else:
            page.goto(path)
            page.evaluate("document.querySelector('.side details')?.setAttribute('open', '')")
        wrong[name] = violations(page) + too_wide(page)
    assert {name: found for name, found in wrong.items() if found} == {}


def test_the_first_view_asks_for_little(open_page: Open) -> None:
    page = open_page(as_person="")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/console/sign-in", wait_until="networkidle")
    assert 1 < len(asked) <= FIRST_VIEW_REQUESTS
