"""The URLs and addresses to which callbacks may go."""

import pytest

from harkara.model.callbacks import UrlRules, is_among, is_global
from tests.cases.reading import rows

RULES = UrlRules()
LOCAL = UrlRules(loopback=True)


@pytest.mark.parametrize("row", rows("addresses"))
def test_an_address_is_global_or_not(row: tuple[str, bool]) -> None:
    address, expected = row
    assert is_global(address) is RULES.may_connect_to(address) is expected


@pytest.mark.parametrize("row", rows("addresses"))
def test_the_local_stack_adds_only_loopback(row: tuple[str, bool]) -> None:
    address, expected = row
    loopback = address.startswith(("127.", "::1"))
    # Python recognises a loopback address mapped into IPv6 only from 3.13 on.
    mapped = address == "::ffff:127.0.0.1"
    assert mapped or LOCAL.may_connect_to(address) is (expected or loopback)


@pytest.mark.parametrize("url", rows("hostile_urls"))
def test_a_hostile_url_is_none_to_call_back(url: str) -> None:
    assert RULES.host_of(url) is None
    assert LOCAL.host_of(url) is None


@pytest.mark.parametrize(
    ("url", "host"),
    [
        pytest.param("https://hooks.example/dlr?a=b#c", "hooks.example", id="a name"),
        pytest.param("HTTPS://Hooks.Example", "hooks.example", id="in upper case"),
        pytest.param("https://hooks.example:443/", "hooks.example", id="the port of https"),
        pytest.param("https://hooks.example:8443/", "hooks.example", id="the other port"),
        pytest.param("https://a_b.xn--11b4c3d.example/", "a_b.xn--11b4c3d.example", id="a label"),
        pytest.param("https://1.hooks.example/", "1.hooks.example", id="a number in front"),
        pytest.param("https://hooks.0xample/", "hooks.0xample", id="almost a number"),
        pytest.param("https://52.1.2.3/", "52.1.2.3", id="a global address"),
        pytest.param("https://[2600:9000::1]:8443/", "2600:9000::1", id="a global IPv6 address"),
        pytest.param("https://hooks.example/@[x]\\|^`{}", "hooks.example", id="any path"),
    ],
)
def test_a_url_of_the_public_internet_has_a_host(url: str, host: str) -> None:
    assert RULES.host_of(url) == LOCAL.host_of(url) == host


@pytest.mark.parametrize(
    ("url", "goes"),
    [
        ("http://127.0.0.1:8092/x", True),
        ("https://127.0.0.1/x", True),
        ("http://[::1]:1/", True),
        ("http://127.0.0.1:0/", False),
        ("ftp://127.0.0.1/", False),
        ("http://127.1/", False),
        ("http://localhost/", False),
        ("http://10.0.0.1/", False),
        ("https://10.0.0.1/", False),
        ("http://52.1.2.3/", False),
        ("http://hooks.example/", False),
    ],
)
def test_the_local_stack_lets_plain_http_go_to_this_machine(url: str, goes: bool) -> None:
    assert (LOCAL.host_of(url) is not None) is goes
    assert RULES.host_of(url) is None


def test_a_deployment_names_its_ports() -> None:
    rules = UrlRules(ports=(9443,))
    assert rules.host_of("https://hooks.example:9443/") == "hooks.example"
    assert rules.host_of("https://hooks.example/") is None
    assert rules.host_of("https://hooks.example:443/") is None


def test_a_url_has_a_length_limit() -> None:
    url = "https://hooks.example/"
    assert RULES.host_of(url.ljust(2048, "x"))
    assert not RULES.host_of(url.ljust(2049, "x"))


@pytest.mark.parametrize(
    ("host", "among"),
    [
        ("acme.in", True),
        ("hooks.acme.in", True),
        ("evilacme.in", False),
        ("acme.in.evil.example", False),
        ("in", False),
    ],
)
def test_a_host_is_among_others_or_below_one(host: str, among: bool) -> None:
    assert is_among(host, ("other.example", "acme.in")) is among
