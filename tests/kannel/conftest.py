"""A real Kannel for the tests of this folder; without one they are skipped, or fail in CI."""

import os
from collections.abc import Iterator

import pytest

from local.kannel import Kannel, is_installed


@pytest.fixture
def kannel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kannel]:
    if not is_installed():
        if os.environ.get("REQUIRE_KANNEL"):
            pytest.fail("Kannel is to be tested, and is not installed")
        pytest.skip("Kannel is not installed: apt-get install kannel kannel-extras")
    with Kannel(tmp_path_factory.mktemp("kannel")) as running:
        yield running
