"""The table of the API's routes, and the methods that it has for a path."""

import pytest

from harkara.api.resolver import methods_of


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/smpp", ("GET", "POST")),
        ("/v1/senders", ("GET", "POST")),
        ("/v1/senders/AB%2FC", ("GET", "PUT", "DELETE")),
        ("/v1/callbacks/main/test", ("POST",)),
        ("/0123456789abCD", ("GET", "HEAD")),
        ("/0123456789abC", ()),
        ("/v1/others", ()),
        ("/ACMEBK/0123456789abCD", ()),
        ("/v1/senders/a/b", ()),
        ("/smpp\n", ()),
        ("/", ()),
    ],
)
def test_a_path_has_the_methods_of_its_route(path: str, methods: tuple[str, ...]) -> None:
    assert methods_of(path) == methods
