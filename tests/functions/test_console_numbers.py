"""Suppressions and consents in the console: as the API keeps them, and no number in a URL."""

from typing import Any

import pytest

from harkara.model.consents import Consent, ConsentSource
from harkara.model.suppressions import Source, opt_out
from tests.functions.handlers import Gateway
from tests.functions.visiting_console import SURE, signed_in, visit

NUMBER = "919876500777"
KINDS = ("suppressions", "consents")


@pytest.fixture
def marketer(gateway: Gateway) -> str:
    gateway.put_samples()
    return signed_in(gateway, "marketer")


def post(gateway: Gateway, path: str, cookie: str, **fields: str) -> Any:
    return visit(gateway, "POST", f"/console/{path}", fields=fields, cookie=cookie)


@pytest.mark.parametrize("source", ["opt_out", "dnd"])
def test_a_number_is_suppressed_as_by_the_api(source: str, gateway: Gateway, marketer: str) -> None:
    answer = post(gateway, "suppressions", marketer, number="+91 98765 00777", source=source)
    assert answer["headers"]["Location"] == "/console/suppressions?done=created"
    (entry,) = gateway.suppressions.entries("sandbox", [NUMBER])
    assert (entry.source, entry.since_s) == (source, int(gateway.now))
    assert entry.preferences == ((0,) if source == "dnd" else ())
    found = post(gateway, "suppressions/find", marketer, searched="98765 00777")
    assert NUMBER in found["body"]


def test_a_consent_is_recorded_by_its_user(gateway: Gateway, marketer: str) -> None:
    fields = {"number": NUMBER, "header": "SAMPLE", "source": "direct", "purpose": "Offers"}
    answer = post(gateway, "consents", marketer, **fields)
    assert answer["headers"]["Location"] == "/console/consents?done=created"
    _, (consent,) = gateway.suppressions.records("sandbox", [NUMBER])
    assert (consent.header, consent.source, consent.purpose) == ("SAMPLE", "direct", "Offers")
    (entry, *_) = gateway.people.audit("sandbox").entries
    assert (entry.email, entry.action, entry.subject) == (
        "marketer@sandbox.example",
        "consent.put",
        "SAMPLE",
    )
    assert "Offers" in post(gateway, "consents/find", marketer, searched=NUMBER)["body"]


@pytest.mark.parametrize(
    ("path", "fields", "problem"),
    [
        ("suppressions", {"number": "12", "source": "dnd"}, "number"),
        ("suppressions", {"number": NUMBER, "source": "carrier"}, "source"),
        ("suppressions", {"number": NUMBER}, "source"),
        ("suppressions/find", {"searched": "<b>"}, "searched"),
        ("consents", {"number": "x", "header": "SAMPLE", "source": "dca"}, "number"),
        ("consents", {"number": NUMBER, "header": "no header", "source": "dca"}, "header"),
        ("consents", {"number": NUMBER, "header": "SAMPLE", "source": "carrier"}, "source"),
        ("consents", {"number": NUMBER, "header": "SAMPLE", "purpose": "x" * 5_000}, "source"),
        ("consents/find", {"searched": ""}, "searched"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_kept(
    path: str, fields: dict[str, str], problem: str, gateway: Gateway, marketer: str
) -> None:
    answer = post(gateway, path, marketer, **fields)
    assert answer["statusCode"] == 400
    assert f'href="#{problem}"' in answer["body"]
    assert f'id="{problem}-problem"' in answer["body"]
    assert "<b>" not in answer["body"].replace("<b>{", "")
    assert gateway.suppressions.records("sandbox", [NUMBER]) == ([], [])


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_number_has_no_entry(kind: str, gateway: Gateway, marketer: str) -> None:
    answer = post(gateway, f"{kind}/find", marketer, searched=NUMBER)
    assert answer["statusCode"] == 200
    assert f"There is no entry of {NUMBER}." in answer["body"]


@pytest.mark.parametrize("kind", KINDS)
def test_pages_follow_one_another_and_have_every_number_once(
    kind: str, gateway: Gateway, marketer: str
) -> None:
    numbers = [f"9198765{number:05d}" for number in range(120)]
    for number in numbers:
        entry = (
            opt_out(number, 1)
            if kind == "suppressions"
            else Consent(
                number=number,
                header="SAMPLE",
                source=ConsentSource.DCA,
                purpose="",
                since_s=1,
            )
        )
        gateway.suppressions.put("sandbox", entry)
    body = visit(gateway, "GET", f"/console/{kind}", cookie=marketer)["body"]
    seen: list[str] = []
    while True:
        seen += [each for each in numbers if f'<th scope="row">{each}</th>' in body]
        after = body.partition('name="after" value="')[2].partition('"')[0]
        if not after:
            break
        body = post(gateway, f"{kind}/find", marketer, after=after)["body"]
    assert sorted(seen) == numbers


@pytest.mark.parametrize("kind", KINDS)
def test_only_an_admin_removes_and_of_the_own_account_alone(
    kind: str, gateway: Gateway, marketer: str
) -> None:
    consent = Consent(
        number=NUMBER, header="SAMPLE", source=ConsentSource.DCA, purpose="", since_s=1
    )
    for entry in (opt_out(NUMBER, 1), consent):
        gateway.suppressions.put("sandbox", entry)
    fields = {"number": NUMBER, "source": Source.OPT_OUT, "header": "SAMPLE", **SURE}
    other = signed_in(gateway, "admin", "other")
    assert post(gateway, f"{kind}/remove", marketer, **fields)["statusCode"] == 403
    assert post(gateway, f"{kind}/remove", other, **fields)["statusCode"] == 404
    unsure = post(gateway, f"{kind}/remove", signed_in(gateway), **{**fields, "sure": "on"})
    assert unsure["statusCode"] == 400
    assert all(gateway.suppressions.records("sandbox", [NUMBER]))
    removed = post(gateway, f"{kind}/remove", signed_in(gateway), **fields)
    assert removed["headers"]["Location"] == f"/console/{kind}?done=removed"
    left = gateway.suppressions.records("sandbox", [NUMBER])
    assert left[KINDS.index(kind)] == []
    assert left[1 - KINDS.index(kind)] != []


def test_a_viewer_sees_no_numbers(gateway: Gateway, marketer: str) -> None:
    viewer = signed_in(gateway, "viewer")
    for kind in KINDS:
        assert visit(gateway, "GET", f"/console/{kind}", cookie=viewer)["statusCode"] == 403


def test_no_number_is_in_the_audit_log(gateway: Gateway, marketer: str) -> None:
    admin = signed_in(gateway)
    fields = {"number": NUMBER, "source": "opt_out", "header": "SAMPLE", **SURE}
    for path in ("suppressions", "suppressions/find", "suppressions/remove", "consents/remove"):
        post(gateway, path, admin, **fields)
    entries = gateway.people.audit("sandbox").entries
    assert "98765" not in str(entries)
