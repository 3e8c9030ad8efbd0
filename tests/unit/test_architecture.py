"""Imports point down: the allowed imports of a file depend on its folder in the package.

The order of the folders is the list in the package's docstring, and is defined only there.
"""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import console
import harkara

ROOT = Path(__file__).parents[2]
PACKAGE = Path(harkara.__file__).parent
FOLDERS = re.findall(r"^    ([a-z]+)  +\S", harkara.__doc__ or "", re.MULTILINE)
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")

# The folders that may import other packages than Python and the libraries of plain data.
OUTSIDE: dict[str, set[str]] = {
    "boto3": {"aws"},
    "botocore": {"aws"},
    "httpx": {"net"},
    "httpx_aiohttp": {"net"},
    "aiohttp": {"net"},
    "aws_lambda_powertools": {"api", "runtime"},
    # A snapshot's processes share the key that its main process draws (tests/built/test_snapshot).
    "multiprocessing": set(),
}
CONSOLE = Path(console.__file__).parent
CONSOLE_PARTS = re.findall(r"^    ([a-z]+)  +\S", console.__doc__ or "", re.MULTILINE)
CONSOLE_FILES = sorted(path for path in CONSOLE.rglob("*.py") if path != CONSOLE / "__init__.py")
FUNCTIONS = sorted((ROOT / "functions").glob("*/app.py"))


def imports(path: Path) -> set[str]:
    """Return the names of all modules that a file imports, at any place in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: a relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def roots(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def folder_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def folders_in(names: set[str]) -> set[str]:
    """Return the folders of the package among imported names: `aws`, `base`."""
    return {name.split(".")[1] for name in names if name.startswith("harkara.")}


def name_of(path: Path) -> str:
    return str(path.relative_to(PACKAGE))


def test_every_folder_is_in_the_list() -> None:
    assert set(map(folder_of, FILES)) == set(FOLDERS)
    assert len(FOLDERS) == len(set(FOLDERS))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_folder_imports_those_below_it_alone(path: Path) -> None:
    own = FOLDERS.index(folder_of(path))
    assert folders_in(imports(path)) <= set(FOLDERS[own:])


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_what_is_outside_is_imported_by_its_adapters_alone(path: Path) -> None:
    for name in roots(imports(path)) & OUTSIDE.keys():
        assert folder_of(path) in OUTSIDE[name]


def test_sessions_of_aws_are_made_in_one_module() -> None:
    """SAM's translator has a virtual environment of its own, without the package."""
    files = [*FILES, *(ROOT / "cli").rglob("*.py"), *(ROOT / "local").rglob("*.py")]
    makers = {"boto3", "botocore.session.get_session", "botocore.session.Session"}
    assert {path for path in files if makers & imports(path)} == {
        PACKAGE / "aws" / "clients.py",
        ROOT / "local" / "translator_program.py",
    }


def test_below_the_runtime_nothing_is_loaded_from_outside() -> None:
    """In a fresh process, so that indirect imports count too."""
    below = FOLDERS[FOLDERS.index("runtime") + 1 :]
    modules = [
        ".".join(["harkara", *path.relative_to(PACKAGE).with_suffix("").parts])
        for path in FILES
        if folder_of(path) in below and path.stem != "__init__"
    ]
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(PACKAGE.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = roots(set(done.stdout.split()))
    assert "harkara" in loaded
    assert not loaded & OUTSIDE.keys()
    # A campaign within India never loads the library of all the world's numbers.
    assert "phonenumbers" not in loaded


@pytest.mark.parametrize("path", FUNCTIONS, ids=lambda path: path.parent.name)
def test_a_function_imports_no_other_function(path: Path) -> None:
    names = imports(path)
    others = {other.parent.name for other in FUNCTIONS} | {"functions", "app", "local", "tests"}
    if path.parent.name == "console":  # so is the package in its layer called
        others.remove("console")
    assert not roots(names) & others
    assert not roots(names) & OUTSIDE.keys() - {"aws_lambda_powertools"}


@pytest.mark.parametrize("path", CONSOLE_FILES, ids=lambda path: path.stem)
def test_a_file_of_the_console_imports_those_below_it_alone(path: Path) -> None:
    """Of the services it imports anything, of AWS and HTTP nothing."""
    names = imports(path)
    own = CONSOLE_PARTS.index(path.relative_to(CONSOLE).parts[0].removesuffix(".py"))
    used = {name.split(".")[1] for name in names if name.startswith("console.")}
    assert used <= set(CONSOLE_PARTS[own:])
    assert not folders_in(names) & {"aws", "net"}
    assert not roots(names) & OUTSIDE.keys() - {"aws_lambda_powertools"}


def test_nothing_that_all_functions_load_imports_the_console() -> None:
    assert {path.name for path in FILES if "console" in roots(imports(path))} == set()
    assert set(CONSOLE_PARTS) == {
        path.relative_to(CONSOLE).parts[0].removesuffix(".py") for path in CONSOLE_FILES
    }


@pytest.mark.parametrize("path", FUNCTIONS, ids=lambda path: path.parent.name)
def test_a_function_is_one_file(path: Path) -> None:
    assert [other.name for other in path.parent.glob("*.py")] == ["app.py"]
