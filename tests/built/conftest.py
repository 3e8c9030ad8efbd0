"""The artefact, built once for all its tests."""

import pytest

from tests.built.artefact import Layers, build


@pytest.fixture(scope="session")
def layers(tmp_path_factory: pytest.TempPathFactory) -> Layers:
    """Both layers, built for this Python."""
    return build(tmp_path_factory.mktemp("layers"))
