"""CONTRIBUTING.md and `make mutants` name files and folders that there are."""

import re
from pathlib import Path

import pytest

import harkara
from tests.mutants.__main__ import NEAREST

ROOT = Path(__file__).parents[2]
PACKAGE = Path(harkara.__file__).parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
# `callbacks/formats`, `template.yaml`; not `<name>.py`, `POST /x` or a word of code.
PATHS = sorted(set(re.findall(r"`([a-z_]+(?:/[a-z_]+)*(?:/|\.(?:py|md|yaml|json)))`", TEXT)))
FOLDERS = sorted(set(re.findall(r"`([a-z_]+(?:/[a-z_]+)+)`", TEXT)))
LINKS = sorted(set(re.findall(r"\]\(([^)#:]+)", TEXT)))
# Named beside their folder, which stands in the same sentence.
BESIDE = {"moengage_batch.py": "callbacks/formats", "datasend.py": "carriers"}
EVERYWHERE = {"__init__.py", "app.py"}


@pytest.mark.parametrize("path", [*PATHS, *FOLDERS])
def test_a_path_is_there(path: str) -> None:
    where = f"{BESIDE[path]}/{path}" if path in BESIDE else path
    assert path in EVERYWHERE or any((top / where).exists() for top in (ROOT, PACKAGE))


@pytest.mark.parametrize("target", LINKS)
def test_a_link_leads_somewhere(target: str) -> None:
    assert (ROOT / target).exists()


def test_all_that_is_named_was_found_here() -> None:
    assert len(PATHS) >= 20
    assert {"docs/decisions.md", "CHANGELOG.md"} <= set(LINKS)


@pytest.mark.parametrize("module", NEAREST)
def test_a_module_to_change_is_there_with_its_tests(module: str) -> None:
    assert (PACKAGE / f"{module}.py").exists()
    assert [test for test in NEAREST[module] if not (ROOT / "tests" / test).exists()] == []
