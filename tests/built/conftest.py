"""The artefact, built once for all its tests."""

import pytest

from tests.built.artefact import Layers, unpack


@pytest.fixture(scope="session")
def layers(tmp_path_factory: pytest.TempPathFactory) -> Layers:
    """The layers, as they are deployed."""
    return unpack(tmp_path_factory.mktemp("layers"))
