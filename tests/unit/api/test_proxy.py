"""Behind a proxy: its secret and its entry for the client address count, the client's own never."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.api.request import SECRET_HEADER, Request, TrustedProxy, client_address
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.base.keys import Keys

PROXY = "130.176.1.2"
addresses = st.ip_addresses().filter(lambda each: str(each) != PROXY)
# Any header value that a client may write itself.
forged = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60) | st.lists(
    st.ip_addresses().map(str), max_size=5
).map(",".join)


def spellings(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> list[str]:
    """Return the spellings of an address that proxies use."""
    if address.version == 4:
        return [f"{address}", f"{address}:443", f"::ffff:{address}", f'"{address}:1"']
    return [f"{address}", f"[{address}]", f"[{address}]:443", address.exploded, f'"[{address}]:1"']


def request(**headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request("id", "GET", "/", "", {}, named, b"", PROXY)


@given(forged, addresses, st.data(), st.sampled_from([",", ", ", " , ", ",, ,"]), st.booleans())
def test_the_address_is_the_proxys_entry_whatever_the_client_wrote(
    before: str,
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
    data: st.DataObject,
    comma: str,
    gateway_adds: bool,
) -> None:
    entry = data.draw(st.sampled_from(spellings(address)))
    header = f"{before}{comma}{entry}" + (f"{comma}{PROXY}" if gateway_adds else "")
    mapped = getattr(address, "ipv4_mapped", None)
    assert client_address(header, PROXY) == str(mapped or address)


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        pytest.param("", "", id="none"),
        pytest.param(" , ,", "", id="blanks alone"),
        pytest.param("203.0.113.7", "203.0.113.7", id="one"),
        pytest.param("6.6.6.6, 203.0.113.7", "203.0.113.7", id="forged before it"),
        pytest.param("6.6.6.6,203.0.113.7, ", "203.0.113.7", id="a blank behind it"),
        pytest.param(f"6.6.6.6, 203.0.113.7, {PROXY}", "203.0.113.7", id="the proxy behind it"),
        pytest.param(f"{PROXY}", PROXY, id="the proxy alone"),
        pytest.param("6.6.6.6, unknown", "", id="no address is not the one before"),
        pytest.param("6.6.6.6, _hidden", "", id="an obfuscated one"),
        pytest.param("6.6.6.6, [2001:db8::1", "2001:db8::1", id="an open bracket"),
        pytest.param("6.6.6.6, 999.1.1.1", "", id="no such address"),
        pytest.param("2001:DB8::0001", "2001:db8::1", id="in its one spelling"),
    ],
)
def test_an_entry_is_read_as_proxies_write_it(forwarded: str, address: str) -> None:
    assert client_address(forwarded, PROXY) == address


def test_a_connection_without_an_address_brings_no_earlier_entry_forward() -> None:
    assert client_address("6.6.6.6, unknown", "") == ""


def test_what_shows_any_of_the_secrets_comes_in_without_it() -> None:
    proxy = TrustedProxy(Keys(lambda: (b"new", b"old"), lambda: 0.0))
    for secret in ("new", "old"):
        visible = {SECRET_HEADER.replace("-", "_"): secret}
        admitted = proxy.admit(request(**visible, x_forwarded_for="6.6.6.6, 203.0.113.7"))
        assert admitted.source_ip == "203.0.113.7"
        assert admitted.headers == {"x-forwarded-for": "6.6.6.6, 203.0.113.7"}


@given(st.text(st.characters(max_codepoint=0xFFFF), max_size=20).filter(lambda text: text != "key"))
def test_what_shows_no_secret_is_refused(given_secret: str) -> None:
    proxy = TrustedProxy(Keys(lambda: (b"key",), lambda: 0.0))
    for each in (request(x_harkara_proxy=given_secret), request()):
        with pytest.raises(RequestRefused) as refused:
            proxy.admit(each)
        assert refused.value.code is Code.PROXY_REQUIRED
