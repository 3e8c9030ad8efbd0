"""Arrows point inward: what a module may import, by its place."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import harkara

ROOT = Path(__file__).parent.parent.parent
PACKAGE = Path(harkara.__file__).parent
OUTSIDE = {"boto3", "botocore", "httpx", "httpx_aiohttp", "aiohttp", "aws_lambda_powertools"}
# The list in harkara/__init__'s docstring, and what only names ports.
PURE = (
    "messages",
    "ids",
    "segments",
    "numbers",
    "codes",
    "errors",
    "accounts",
    "carrier_settings",
    "http_options",
    "http_placeholders",
    "networks",
    "credentials",
    "tasks",
    "submit_tasks",
    "parked",
    "requests",
    "hours",
    "parts",
    "marks",
    "retries",
    "reasons",
    "router",
    "routes",
    "routing",
    "signatures",
    "suppressions",
    "keywords",
    "links",
    "visitors",
    "text_urls",
    "jsons",
    "keys",
    "proxy",
    "deadline",
    "platforms",
    "callbacks",
    "dlt",
    "openapi",
    "submissions",
    "received",
    "exchanges",
    "posting",
    "events",
    "callback_settings",
    "callback_fields",
    "callback_urls",
    "parked_fields",
    "queries",
    "times",
    "fields",
    "operator_records",
    "provider_templates",
    "ports",
)
FUNCTIONS = sorted((ROOT / "functions").glob("*/app.py"))


def imports(path: Path) -> set[str]:
    """Return the names of all modules that a file imports, wherever it does."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: a relative import"
            names |= {node.module or ""} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def files(name: str) -> list[Path]:
    """Return the files of a module or subpackage."""
    folder = PACKAGE / name
    return sorted(folder.glob("*.py")) if folder.is_dir() else [PACKAGE / f"{name}.py"]


def roots(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


def parts(names: set[str]) -> set[str]:
    """Return the parts of the package among imported modules: `aws`, `codes`."""
    return {name.split(".")[1] for name in names if name.startswith("harkara.")}


def test_the_pure_modules_are_those_of_the_packages_docstring() -> None:
    docstring = " ".join((harkara.__doc__ or "").split())
    listed = docstring.partition("Pure modules")[2].partition("What they need")[0]
    named = {word for word in listed.split("`") if word.isidentifier()}
    assert named <= set(PURE)
    assert set(PURE) - named <= {"deadline", "jsons", "ports"}


@pytest.mark.parametrize("name", PURE)
def test_a_pure_module_imports_nothing_from_outside(name: str) -> None:
    for path in files(name):
        names = imports(path)
        assert not roots(names) & OUTSIDE
        assert parts(names) <= set(PURE)


def test_pure_modules_load_nothing_from_outside() -> None:
    """In a fresh process, so that what they import by way of others counts too."""
    platforms = [path.stem for path in files("platforms") if path.stem != "__init__"]
    modules = [f"harkara.{name}" for name in PURE]
    modules += [f"harkara.platforms.{name}" for name in platforms]
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
    assert not loaded & OUTSIDE
    # A campaign within India never pays for the library of all the world's numbers.
    assert "phonenumbers" not in loaded


@pytest.mark.parametrize("path", files("services"), ids=lambda path: path.stem)
def test_a_service_knows_ports_only(path: Path) -> None:
    names = imports(path)
    assert not roots(names) & OUTSIDE
    assert not parts(names) & {"aws", "http", "runtime", "api", "settings"}


@pytest.mark.parametrize("path", files("carriers"), ids=lambda path: path.stem)
def test_a_carrier_knows_neither_aws_nor_an_http_client(path: Path) -> None:
    names = imports(path)
    assert not roots(names) & OUTSIDE
    assert not parts(names) & {"aws", "http", "services", "runtime", "api", "settings"}


def test_boto3_is_imported_only_in_aws() -> None:
    importers = {
        path.relative_to(PACKAGE).parts[0]
        for path in PACKAGE.rglob("*.py")
        if roots(imports(path)) & {"boto3", "botocore"}
    }
    assert importers == {"aws"}


@pytest.mark.parametrize("path", FUNCTIONS, ids=lambda path: path.parent.name)
def test_a_function_imports_no_other_function(path: Path) -> None:
    names = imports(path)
    others = {other.parent.name for other in FUNCTIONS} | {"functions", "app", "local", "tests"}
    assert not roots(names) & others
    assert not roots(names) & {"boto3", "botocore", "httpx", "aiohttp"}


@pytest.mark.parametrize("path", FUNCTIONS, ids=lambda path: path.parent.name)
def test_a_function_is_one_file(path: Path) -> None:
    assert [other.name for other in path.parent.glob("*.py")] == ["app.py"]
