"""The layers as they are deployed: built by their Makefiles, and used with nothing beside them."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.template.reading import ROOT, functions

# -I and -S leave the standard library alone on the path: what is missing in a layer is missing.
ALONE = (sys.executable, "-I", "-S", "-W", "error", "-c")
PATH = "import sys; sys.path[:0] = sys.argv[1:]; "


@pytest.fixture(scope="module")
def layers(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Both layers, built for this Python."""
    folders = []
    for name, target in (("deps", "build-DepsLayer"), ("core", "build-CoreLayer")):
        folder = tmp_path_factory.mktemp(name)
        subprocess.run(
            [
                "make",
                f"--directory={ROOT / 'layers' / name}",
                target,
                f"ARTIFACTS_DIR={folder}",
                f"PYTHON={sys.executable}",
            ],
            check=True,
            capture_output=True,
        )
        folders.append(folder / "python")
    return folders


def run(code: str, *paths: Path) -> str:
    """Run a program with these folders on its path; return what it prints."""
    done = subprocess.run(
        [*ALONE, PATH + code, *map(str, paths)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("function", sorted(functions()))
def test_a_function_imports_from_the_layers_alone(layers: list[Path], function: str) -> None:
    run("import app; assert callable(app.handler)", *layers, ROOT / "functions" / function)


def test_the_clients_that_the_functions_use_can_be_made(layers: list[Path]) -> None:
    names = "('dynamodb', 'kms', 'secretsmanager', 'sqs')"
    code = f"import boto3; [boto3.client(each, region_name='ap-south-1') for each in {names}]"
    run(code, *layers)


def test_the_layers_hold_bytecode_that_is_never_checked_against_times(layers: list[Path]) -> None:
    for layer in layers:
        compiled = list(layer.rglob("*.pyc"))
        assert len(compiled) == len(list(layer.rglob("*.py")))
        for path in compiled:
            # PEP 552: flags 1 is hash-based and unchecked.
            assert path.read_bytes()[4:8] == b"\x01\0\0\0"


def test_the_dependencies_stay_small(layers: list[Path]) -> None:
    deps, _ = layers
    assert sum(path.stat().st_size for path in deps.rglob("*") if path.is_file()) < 60_000_000
    assert not list(deps.glob("pip*"))
