"""Kind `http`: no message can change the target of a request, which is the carrier's URL."""

import asyncio
import string
from collections.abc import Mapping

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from harkara.base.codes import Code
from harkara.base.errors import HttpAnswer, Outside
from harkara.carriers.contract import Outcome, Refused, Submission, Taken
from harkara.carriers.http_placeholders import NOT_IN_URLS, PLACEHOLDERS
from harkara.carriers.kinds import connect
from harkara.carriers.settings import CarrierSecrets, CarrierSettings
from harkara.model.messages import Message
from tests.support.fakes import no_texts

HOST = "https://carrier.example/v1/send"
# Characters with a meaning in a URL, or as a part of its path.
MARKS = st.text(st.sampled_from(list("./\\%2eE?#&=:@;\r\n\t \0é😀")), max_size=8)
VALUES = st.one_of(MARKS, st.text(max_size=20), st.sampled_from([".", "..", "%2e%2e", "", "../.."]))
# The values that a message, a submission or a carrier's settings set freely.
FREE = ("from", "to", "text", "reference", "pe_id", "dlt_template_id", "account_id", "username")
IN_URLS = sorted(PLACEHOLDERS - NOT_IN_URLS - {"template_id"})


def settings_of(url: str, username: str = "u") -> CarrierSettings:
    return CarrierSettings.model_validate(
        {
            "name": "any",
            "kind": "http",
            "url": url,
            "username": username,
            "receipt_token_hashes": ["0" * 64],
            "receipt_url": b"sealed",
            "http": {
                "form": {"to": "{to}", "text": "{text}", "ref": "{reference}"},
                "answer": {"id": "/id"},
                "receipts": {"state": "/s", "states": {"d": "delivered"}, "reference": "/r"},
            },
        }
    )


def submit(url: str, values: Mapping[str, str]) -> tuple[Outcome, list[str]]:
    """Submit a message of these values; return the outcome, and the requested URLs."""
    request: list[str] = []

    async def exchange(
        method: str, url: str, headers: Mapping[str, str], content: bytes, timeout_s: float
    ) -> HttpAnswer:
        request.append(url)
        return HttpAnswer(200, {}, b'{"id": "7"}')

    given_values = {**dict.fromkeys(FREE, "x"), **values}
    message = Message(
        given_values["to"],
        given_values["from"],
        given_values["text"],
        "ref",
        None,
        pe_id=given_values["pe_id"],
        dlt_template_id=given_values["dlt_template_id"],
    )
    submission = Submission(
        given_values["reference"], message, account_id=given_values["account_id"]
    )
    secrets = CarrierSecrets(values.get("password", "p"), "https://us.example/receipts")
    carrier = connect(
        settings_of(url, given_values["username"]), secrets, Outside(exchange, no_texts)
    )
    (outcome,) = asyncio.run(carrier.submit([submission]))
    return outcome, request


@given(
    st.lists(st.sampled_from(IN_URLS), min_size=1, max_size=4),
    st.sampled_from(["", ".", "to-", ".{to}", "{from}"]),
    st.dictionaries(st.sampled_from(FREE), VALUES),
    st.booleans(),
)
@example(["from", "to"], "", {"from": ".."}, False)
@example(["from", "to"], ".", {"from": "."}, False)
@example(["from", "to"], "", {"from": ""}, False)
@example(["from"], "", {"from": "a?b#c"}, True)
def test_a_request_stays_in_its_place(
    names: list[str], prefix: str, values: dict[str, str], in_query: bool
) -> None:
    """Scheme, host, the path before the values, the number of its segments, and the query stay."""
    indexes = [f"{prefix}{{{name}}}" for name in names]
    path = "" if in_query else "/" + "/".join(indexes)
    query = "&".join(f"p{number}={index}" for number, index in enumerate(indexes))
    outcome, request = submit(f"{HOST}{path}/end" + (f"?{query}" if in_query else ""), values)
    if isinstance(outcome, Refused):
        assert request == []
        assert not in_query
        return
    assert isinstance(outcome, Taken)
    (url,) = map(httpx.URL, request)
    assert (url.scheme, url.host, url.userinfo, url.fragment) == (
        "https",
        "carrier.example",
        b"",
        "",
    )
    raw_path, _, raw_query = url.raw_path.decode().partition("?")
    assert raw_path.startswith("/v1/send/")
    assert raw_path.endswith("/end")
    assert raw_path.count("/") == 3 + (0 if in_query else len(indexes))
    assert len(raw_query.split("&")) == (len(indexes) if in_query else 1)
    assert {*url.raw_path.decode()} <= {*string.ascii_letters, *string.digits, *"/?&=%-._~"}


@pytest.mark.parametrize(
    ("template", "values", "code", "says"),
    [
        pytest.param("{from}/{to}", {"from": ".."}, Code.INVALID_HEADER, "from", id="up"),
        pytest.param("{from}/{to}", {"from": "."}, Code.INVALID_HEADER, "from", id="here"),
        pytest.param("{from}/{to}", {"from": ""}, Code.INVALID_HEADER, "from", id="nothing"),
        pytest.param(
            "{from}{pe_id}",
            {"from": ".", "pe_id": "."},
            Code.INVALID_HEADER,
            "from, pe_id",
            id="both",
        ),
        pytest.param("%2E{from}", {"from": "."}, Code.INVALID_HEADER, "from", id="escaped"),
        pytest.param(".{to}", {"to": "."}, Code.REFUSED_BY_CARRIER, "to", id="no header"),
    ],
)
def test_what_cannot_stand_in_a_path_is_refused_by_name(
    template: str, values: dict[str, str], code: Code, says: str
) -> None:
    assert submit(f"{HOST}/{template}", values) == (Refused(code, f"not for a URL: {says}"), [])


@pytest.mark.parametrize("sender", ["...", ".a", "a.", "%2e%2e", "../..", "A&B", "4.5"])
def test_what_is_like_it_goes_out(sender: str) -> None:
    outcome, (url,) = submit(f"{HOST}/{{from}}/{{to}}", {"from": sender})
    assert outcome == Taken("7")
    assert httpx.URL(url).path == f"/v1/send/{sender}/x"


def test_a_url_has_nothing_behind_a_hash() -> None:
    with pytest.raises(ValidationError, match="behind #"):
        settings_of(f"{HOST}#{{to}}")
