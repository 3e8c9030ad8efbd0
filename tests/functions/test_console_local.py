"""The console of the stack on one machine: links that sign in, and cookies without TLS."""

from dataclasses import replace

import pytest

from console.guard import ACCOUNT_COOKIE, SESSION_COOKIE
from tests.functions.handlers import Gateway
from tests.functions.visiting_console import (
    ADMIN,
    HOST,
    MID,
    operating,
    put_samples,
    signed_in,
    visit,
)
from tests.support.people import PASSWORD


@pytest.fixture
def cookie(gateway: Gateway) -> str:
    put_samples(gateway)
    return signed_in(gateway)


def test_a_link_of_the_local_stack_signs_in_and_opens_a_page(gateway: Gateway) -> None:
    token = gateway.people.sign_in_link("sandbox")
    query = {"token": token, "next": f"/console/messages/{MID}"}
    answer = visit(gateway, "GET", "/console/link", query=query)
    assert (answer["statusCode"], answer["headers"]["Location"]) == (303, query["next"])
    own = answer["cookies"][0].partition("=")[2].partition(";")[0]
    assert visit(gateway, "GET", "/console/callbacks/new", cookie=own)["statusCode"] == 200
    fresh = {"token": gateway.people.sign_in_link("sandbox")}
    for wrong in (query, {"token": fresh["token"][:-1]}, {"token": "forged"}, {}):
        answer = visit(gateway, "GET", "/console/link", query=wrong)
        assert (answer["statusCode"], answer["cookies"]) == (404, [])
    elsewhere = replace(gateway.people, local=False)
    for people, status in ((elsewhere, 404), (gateway.people, 303)):
        gateway.people = people
        assert visit(gateway, "GET", "/console/link", query=fresh)["statusCode"] == status


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8080", "localhost:8080", HOST, "127.0.0.1.evil.example"]
)
@pytest.mark.parametrize("local", [True, False])
def test_only_the_stack_of_one_machine_gives_its_own_browser_a_plain_cookie(
    local: bool, host: str, gateway: Gateway, cookie: str
) -> None:
    """Safari keeps no Secure cookie from http://127.0.0.1."""
    gateway.people = replace(gateway.people, local=local)
    is_plain = local and host.startswith(("127.0.0.1:", "localhost:"))
    own = {"host": host, "origin": f"http://{host}", "sec_fetch_site": ""}
    form = {"email": ADMIN, "password": PASSWORD}
    answer = visit(gateway, "POST", "/console/sign-in", fields=form, **own)
    name, _, value = answer["cookies"][0].partition(";")[0].partition("=")
    assert name == ("harkara" if is_plain else SESSION_COOKIE)
    assert ("Secure" in answer["cookies"][0].split("; ")) is not is_plain
    assert "HttpOnly" in answer["cookies"][0]
    for kept, status in ((name, 200), ("harkara" if not is_plain else SESSION_COOKIE, 303)):
        answer = visit(gateway, "GET", "/console/senders", cookie={kept: value}, host=host)
        assert answer["statusCode"] == status
    gone = visit(gateway, "POST", "/console/sign-out", cookie={name: value}, **own)
    assert gone["cookies"][0].startswith(f"{name}=;")


@pytest.mark.parametrize("host", ["127.0.0.1:8080", HOST])
def test_an_operator_works_in_an_account_on_one_machine_as_elsewhere(
    host: str, gateway: Gateway, cookie: str
) -> None:
    name = "harkara" if host != HOST else SESSION_COOKIE
    kept = {name: operating(gateway)[SESSION_COOKIE]}
    own = {"host": host, "origin": f"http://{host}", "sec_fetch_site": ""}
    fields = {"id": "sandbox", "next": "/console/queues/submit"}
    answer = visit(gateway, "POST", "/console/accounts", fields=fields, cookie=kept, **own)
    assert answer["headers"]["Location"] == fields["next"]
    chosen, _, value = answer["cookies"][0].partition(";")[0].partition("=")
    assert (chosen == ACCOUNT_COOKIE) is (host == HOST)
    page = visit(gateway, "GET", fields["next"], cookie={**kept, chosen: value}, host=host)
    assert page["statusCode"] == 200
