"""NOTICE lists each library of the layers with its licence, which allows commercial use."""

import re
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKED = [
    name
    for layer in ("deps", "signing")
    for name in re.findall(
        r"^([A-Za-z0-9_.-]+)==",
        (ROOT / f"layers/{layer}/requirements.txt").read_text(),
        re.MULTILINE,
    )
]
LICENCES = dict(re.findall(r"^    (\S+)  +(\S.*)$", (ROOT / "NOTICE").read_text(), re.MULTILINE))
ALLOWED = {"Apache-2.0", "BSD-3-Clause", "MIT", "MIT-0", "MPL-2.0", "PSF-2.0"}


def test_every_library_of_the_layers_is_listed_once() -> None:
    assert list(LICENCES) == LOCKED


@pytest.mark.parametrize("library", LICENCES)
def test_a_licence_allows_commercial_use(library: str) -> None:
    assert set(re.split(r" AND | OR |[()]", LICENCES[library])) - {""} <= ALLOWED


@pytest.mark.parametrize("library", LICENCES)
def test_a_licence_is_the_one_that_the_package_names(library: str) -> None:
    expressions = metadata.metadata(library).get_all("License-Expression") or []
    assert expressions in ([], [LICENCES[library]])
