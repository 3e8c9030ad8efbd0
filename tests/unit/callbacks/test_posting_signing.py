"""The headers of a callback: the user agent, and Standard Webhooks' signature."""

import pytest

from harkara.base.version import VERSION
from harkara.callbacks.posting import headers_of
from harkara.model.callbacks import CallbackSecrets, SigningSecret

# The example in the tests of the Standard Webhooks libraries.
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
AT_S = 1_614_265_330
BODY = b'{"test": 2432232314}'
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
OTHER = "whsec_b3RoZXIgc2VjcmV0IG9mIDMyIGJ5dGVzIGluIGFsbCE="


def headers(now_s: int = AT_S, **secrets: object) -> dict[str, str]:
    return headers_of(ID, BODY, CallbackSecrets.model_validate(secrets), now_s)


def signed(*secrets: tuple[str, int], now_s: int = AT_S) -> list[str]:
    rows = tuple(SigningSecret(secret=secret, expires_at_s=at) for secret, at in secrets)
    return headers(now_s, signing=rows).get("webhook-signature", "").split()


def test_without_secrets_it_says_what_it_is_and_no_more() -> None:
    assert headers() == {
        "content-type": "application/json",
        "user-agent": f"Harkara/{VERSION}",
        "webhook-id": ID,
        "webhook-timestamp": "1614265330",
    }


def test_a_secret_signs_as_the_specification_does() -> None:
    assert signed((SECRET, 0)) == [SIGNATURE]


@pytest.mark.parametrize("secret", ["whsec_a2V5MQ==", "whsec_a2V5MQ", "a2V5MQ=="])
def test_a_secret_may_lack_its_padding_and_prefix(secret: str) -> None:
    assert signed((secret, 0)) == signed(("whsec_a2V5MQ==", 0))


@pytest.mark.parametrize(
    ("expires_at_s", "count"),
    [
        pytest.param(0, 2, id="for good"),
        pytest.param(AT_S + 1, 2, id="a second longer"),
        pytest.param(AT_S, 1, id="no longer"),
        pytest.param(AT_S - 1, 1, id="long over"),
    ],
)
def test_the_secret_before_signs_until_its_end(expires_at_s: int, count: int) -> None:
    signatures = signed((OTHER, expires_at_s), (SECRET, 0))
    assert signatures[-1] == SIGNATURE
    assert len(set(signatures)) == count


def test_secrets_that_have_ended_leave_no_empty_header() -> None:
    gone = SigningSecret(secret=SECRET, expires_at_s=AT_S)
    assert "webhook-signature" not in headers(signing=(gone,))


def test_a_token_is_a_bearer_token() -> None:
    assert headers(token="abc")["authorization"] == "Bearer abc"


def test_a_destinations_own_headers_are_added() -> None:
    payload = headers(headers={"X-Api-Key": "k", "Authorization": "Basic eDp5"})
    assert payload["x-api-key"] == "k"
    assert payload["authorization"] == "Basic eDp5"


def test_they_do_not_replace_what_a_callback_says_of_itself() -> None:
    own = {"Webhook-Id": "forged", "CONTENT-TYPE": "text/plain", "Authorization": "Basic eDp5"}
    payload = headers(headers=own, token="abc")
    assert payload["webhook-id"] == ID
    assert payload["content-type"] == "application/json"
    assert payload["authorization"] == "Bearer abc"
    assert len({name.lower() for name in payload}) == len(payload)
