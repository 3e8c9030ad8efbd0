"""URLs of a text, against what the account has registered with DLT."""

import pytest

from harkara.dlt.templates import Rules
from harkara.services.urls import are_registered

RULES = Rules(urls=("https://acme.in", "acme.co/x"))


@pytest.mark.parametrize(
    ("text", "fixed_text", "registered"),
    [
        pytest.param("no URL at all, acme.com", "", True, id="none"),
        pytest.param("see https://acme.in/a?b=1.", "", True, id="below a registered one"),
        pytest.param("(https://acme.in)", "", True, id="in brackets"),
        pytest.param("see https://acme.in.evil.example/", "", False, id="another host"),
        pytest.param("see https://evil.example and https://acme.in", "", False, id="one of two"),
        pytest.param("see HTTPS://evil.example", "", False, id="in capitals"),
        pytest.param("see www.evil.example", "", False, id="without a scheme"),
        pytest.param("at https://ok.example/a", "at https://ok.example/a", True,
                     id="in the template's fixed text"),
        pytest.param("at https://ok.example/b", "at https://ok.example/a", False,
                     id="another than the template's"),
    ],
)  # fmt: skip
def test_each_url_is_registered_or_of_the_template(
    text: str, fixed_text: str, registered: bool
) -> None:
    assert are_registered(text, fixed_text, RULES) is registered
