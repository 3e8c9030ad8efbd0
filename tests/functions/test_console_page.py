"""docs/console/README.md names tests and pictures that exist, and all pictures."""

import ast
import re

from local.settings import ROOT

FOLDER = ROOT / "docs" / "console"
PAGE = (FOLDER / "README.md").read_text()


def test_each_row_of_the_platforms_pages_names_a_test() -> None:
    rows = [line for line in PAGE.splitlines() if re.search(r"\((?:CleverTap|MoEngage)\)", line)]
    named = [re.findall(r"`(tests/\S+\.py)::(\w+)`", row) for row in rows]
    assert len(rows) == 6
    for ((path, test),) in named:
        tree = ast.parse((ROOT / path).read_text())
        assert test in [each.name for each in tree.body if isinstance(each, ast.FunctionDef)]


def test_the_page_shows_each_screen() -> None:
    linked = set(re.findall(r"\]\(([\w-]+\.png)\)", PAGE))
    assert linked <= {path.name for path in FOLDER.glob("*.png")}
    screens = {path.name.rsplit("-", 2)[0] for path in FOLDER.glob("*.png")}
    assert {name.rsplit("-", 2)[0] for name in linked} == screens
    for screen in screens:
        taken = {path.name.removeprefix(f"{screen}-") for path in FOLDER.glob(f"{screen}-*-*.png")}
        assert {
            f"{size}-{light}.png" for size in ("phone", "desk") for light in ("light", "dark")
        } <= taken
