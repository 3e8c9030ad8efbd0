"""URLs of a text, compared to those that the account has registered with DLT."""

import pytest

from harkara.accept.validation import are_registered
from harkara.dlt.templates import Rules

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
        pytest.param("see acme.in/a", "", True, id="a registered one without its scheme"),
        pytest.param("SEE HTTPS://ACME.IN/a", "", True, id="a registered one in capitals"),
        *(
            pytest.param(text, "", False, id=text)
            for text in (
                "tap bit.ly/3abc", "Bit.ly/3abc now", "(other.example/x)", "other.example/x.",
                "देखेंbit.ly/x", "bit.ly/3abc।", "tap *bit.ly/3abc*",
                "see evil.com:8080/x", "EVIL.COM/X", "acme.in.evil.example/x",
                "at 203.0.113.7/x", "xn--e1afmkfd.xn--p1ai/x",
            )
        ),
        *(
            pytest.param(text, "", True, id=text)
            for text in (
                "Rs.500/kg", "12.30/1.30 p.m./a.m.", "Dr.Rao/Dr.Das", "mail help@evil.com/x",
                "M/s.A/B", "1.2.3/4", "and/or", "C/o.Rao/", "10.11.2026/5", "e.g./i.e.",
            )
        ),
        pytest.param("देखें https://acme.in/a। धन्यवाद", "", True, id="before a danda"),
        pytest.param("https://acme.in/a।https://evil.example", "", False, id="behind a danda"),
        pytest.param("https://acme.in|ACMEBK", "", True, id="before the header"),
        pytest.param("देखें https://acme.inदेखें", "", True, id="before a word of Hindi"),
        pytest.param("*https://acme.in*", "", True, id="in bold"),
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
