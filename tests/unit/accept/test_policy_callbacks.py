"""Which callback a record gets."""

import pytest

from harkara.model.callbacks import CallbackEndpoint
from harkara.model.messages import Endpoint
from tests.unit.accept.test_policy import ACCOUNT, URLS, changed, decide, subject


@pytest.mark.parametrize(
    ("sender_id", "url", "callback", "expected"),
    [
        pytest.param("ACMALL", URLS["own"], "key", "own", id="the request's before all"),
        pytest.param("ACMALL", "", "key", "key", id="the credential's before the header's"),
        pytest.param("ACMALL", "", "", "header", id="the header's before the account's"),
        pytest.param("ACMEBK", "", "", "main", id="the account's"),
        pytest.param("ACMEBK", "", "gone", "main", id="one that is no more"),
    ],
)
def test_a_record_is_called_back_at(sender_id: str, url: str, callback: str, expected: str) -> None:
    judging = decide(url=url, callback=callback)
    index = judging.decide(subject(sender_id)).endpoint
    assert index is not None
    endpoint = judging.endpoints[index]
    assert (endpoint.url, endpoint.format) == (URLS[expected], "clevertap")
    assert endpoint.callback_id == ("" if expected == "own" else expected)


def test_of_two_callbacks_with_one_url_each_is_itself() -> None:
    callbacks = {
        "first": CallbackEndpoint(id="first", url=URLS["main"]),
        "second": CallbackEndpoint(id="second", url=URLS["main"], format="standard"),
    }
    account = changed(callbacks=callbacks, default_callback="second")
    assert decide(account, url=URLS["main"]).endpoints[0].callback_id == "first"
    judging = decide(account)
    index = judging.decide(subject("ACMEBK")).endpoint
    assert index is not None
    assert judging.endpoints[index] == Endpoint(URLS["main"], "standard", "second")


def test_a_registered_url_that_a_request_names_is_known_again() -> None:
    judging = decide(url=URLS["header"])
    assert [endpoint.callback_id for endpoint in judging.endpoints] == ["header"]


def test_a_platforms_url_that_a_request_names_has_its_platforms_format() -> None:
    judging = decide(url="https://api-01.moengage.com/sms/dlr/custom/7")
    assert [endpoint.format for endpoint in judging.endpoints] == ["moengage"]
    usual = {"main": ACCOUNT.callbacks["main"].model_copy(update={"format": "standard"})}
    account = changed(callbacks=usual, callback_hosts=("acme.example",))
    judging = decide(account, url="https://hooks.acme.example/dlr")
    assert [endpoint.format for endpoint in judging.endpoints] == ["standard"]
