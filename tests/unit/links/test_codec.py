"""Codes of short links, and the URLs of a set of links."""

import string
import zlib
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.base.errors import ForeignReference
from harkara.base.ids import MESSAGES_PER_BATCH, new_batch_id, set_id_of
from harkara.base.json import encode
from harkara.links.codec import (
    CODE_LENGTH,
    EXAMPLE_CODE,
    URLS_PER_MESSAGE,
    Linked,
    LinkKey,
    LinkSet,
    LinkSigner,
    base_of,
    bases_of,
    host_of,
    is_code,
    link_numbers,
    pack_links,
    unpack_links,
)

SIGNER = LinkSigner(b"key")
HOST = "hk.example"
ALPHABET = string.digits + string.ascii_letters
hosts = st.from_regex(r"[a-z]{1,10}\.example", fullmatch=True)
indexes = st.builds(
    LinkKey,
    st.integers(0, 2**40 - 1),
    st.integers(0, MESSAGES_PER_BATCH - 1),
    st.integers(0, URLS_PER_MESSAGE - 1),
)


@given(hosts, indexes)
def test_a_code_names_its_link(host: str, key: LinkKey) -> None:
    code = SIGNER.code(host, key)
    assert is_code(code)
    assert SIGNER.read(host, code) == key


@given(indexes, st.integers(0, CODE_LENGTH - 1), st.sampled_from(ALPHABET))
def test_a_code_with_any_character_changed_is_refused(
    key: LinkKey, at: int, character: str
) -> None:
    code = SIGNER.code(HOST, key)
    changed = code[:at] + character + code[at + 1 :]
    if changed != code:
        with pytest.raises(ForeignReference):
            SIGNER.read(HOST, changed)


@given(indexes)
def test_a_code_is_of_its_host_and_key_alone(key: LinkKey) -> None:
    code = SIGNER.code(HOST, key)
    with pytest.raises(ForeignReference):
        SIGNER.read("other.example", code)
    with pytest.raises(ForeignReference):
        LinkSigner(b"another key").read(HOST, code)


@given(indexes)
def test_codes_cannot_be_walked(key: LinkKey) -> None:
    """The tags of neighbouring links do not reveal a link's own: each is pseudo-random."""
    neighbours = [
        key._replace(message=message, number=number) for message in range(8) for number in (0, 1)
    ]
    tags = {number_of(SIGNER.code(HOST, each)) & (1 << 30) - 1 for each in neighbours}
    assert len(tags) == len(neighbours)
    steps = {one - other for one in tags for other in tags if one != other}
    assert len(steps) > len(neighbours) * 4
    # The tag of one link is invalid for another.
    last, first = SIGNER.code(HOST, neighbours[-1]), SIGNER.code(HOST, neighbours[0])
    with pytest.raises(ForeignReference):
        SIGNER.read(HOST, code_of(number_of(last) >> 30 << 30 | number_of(first) & (1 << 30) - 1))


def number_of(code: str) -> int:
    digits = string.digits + string.ascii_uppercase + string.ascii_lowercase
    number = 0
    for character in code:
        number = number * 62 + digits.index(character)
    return number


def code_of(number: int) -> str:
    digits = string.digits + string.ascii_uppercase + string.ascii_lowercase
    return "".join(digits[number // 62**at % 62] for at in range(CODE_LENGTH - 1, -1, -1))


@given(st.text() | st.text(ALPHABET, min_size=CODE_LENGTH, max_size=CODE_LENGTH))
def test_what_is_no_code_is_refused(text: str) -> None:
    with pytest.raises(ForeignReference):
        SIGNER.read(HOST, text)


def test_a_code_beyond_all_sets_is_refused() -> None:
    with pytest.raises(ForeignReference):
        SIGNER.read(HOST, "z" * CODE_LENGTH)


def test_an_example_is_as_long_as_a_code_and_is_none() -> None:
    assert is_code(EXAMPLE_CODE)
    with pytest.raises(ForeignReference):
        SIGNER.read(HOST, EXAMPLE_CODE)


@given(st.integers(0, 2**40), st.binary(min_size=10, max_size=10))
def test_a_set_is_called_after_what_is_random_in_its_batches_id(now_ms: int, drawn: bytes) -> None:
    assert set_id_of(new_batch_id(now_ms, drawn)) == int.from_bytes(drawn[-5:], "big")


urls = st.sampled_from(["https://a.example/", "https://b.example/?q=é", "http://c.example"])
texts = st.none() | st.lists(urls, min_size=1, max_size=5).map(
    lambda found: Linked(["part"] * (len(found) + 1), found)
)


@given(st.lists(texts, max_size=20))
def test_a_set_leads_each_link_to_its_url(linked: list[Linked | None]) -> None:
    headers = ["ACMEBK"] * len(linked)
    made = LinkSet("acme", "batch", "https://hk.example", 7, *link_numbers(linked), headers)
    links = unpack_links(pack_links(made))
    assert links == LinkSet(*made)
    assert len(set(links.urls)) == len(links.urls)
    for index, link in enumerate(linked):
        own = link.own_urls() if link else []
        found = [links.url(LinkKey(0, index, number)) for number in range(URLS_PER_MESSAGE)]
        assert found == own + [None] * (URLS_PER_MESSAGE - len(own))
    assert links.url(LinkKey(0, len(linked), 0)) is None


def test_a_url_that_all_messages_share_takes_next_to_nothing() -> None:
    linked = [Linked(["See ", "."], ["https://acme.example/sale?utm_campaign=diwali"])] * 1_000
    packed = pack_links(LinkSet("acme", "1" * 27, "https://hk.example", 7, *link_numbers(linked)))
    assert len(packed) < 300


@given(texts.filter(bool))
def test_a_text_is_known_with_its_own_urls(link: Linked) -> None:
    assert link.original() == "".join(f"part{url}" for url in link.urls) + "part"


def test_a_url_that_stands_twice_in_a_text_is_one_link() -> None:
    link = Linked(["a ", " b ", " c ", ""], ["https://x", "https://y", "https://x"])
    assert link.text("https://hk.example", str) == (
        "a https://hk.example/0 b https://hk.example/1 c https://hk.example/0"
    )


@pytest.mark.parametrize(
    ("site", "base", "host"),
    [
        ("hk.example", "https://hk.example", "hk.example"),
        ("hk.example/ACMEBK", "https://hk.example/ACMEBK", "hk.example"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080", "127.0.0.1:8080"),
        ("127.0.0.1:8080/A", "http://127.0.0.1:8080/A", "127.0.0.1:8080"),
        ("10.0.0.1", "https://10.0.0.1", "10.0.0.1"),
    ],
)
def test_a_site_is_https_but_on_this_machine(site: str, base: str, host: str) -> None:
    assert base_of(site) == base
    assert host_of(site) == host


def test_a_set_of_before_headers_is_read() -> None:
    made = LinkSet("acme", "batch", "https://hk.example/ACMEBK", 7, ["https://a"], [[0]])
    packed = b64encode(zlib.compress(encode(made[:6]))).decode()
    assert unpack_links(packed).base_for(0) == "https://hk.example/ACMEBK"


@pytest.mark.parametrize(
    ("site", "headers", "bases"),
    [
        ("hk.example", ["ACMEBK", "ACMEFD"], ["https://hk.example"]),
        ("hk.example/ACMEBK", [], ["https://hk.example/ACMEBK"]),
        ("hk.example/{header}", [], []),
        (
            "hk.example/{header}",
            ["ACMEBK", "ACMEFD"],
            ["https://hk.example/ACMEBK", "https://hk.example/ACMEFD"],
        ),
        # Headers of other countries: what no path may have is left out.
        ("hk.example/{header}", ["A&B Shop"], ["https://hk.example/ABShop"]),
        ("hk.example/{header}", ["&&&"], ["https://hk.example"]),
    ],
)
def test_links_begin_with_the_domain_or_with_the_headers_own_path(
    site: str, headers: list[str], bases: list[str]
) -> None:
    assert list(bases_of(site, headers)) == bases
