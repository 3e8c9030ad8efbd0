"""Kind `http` with a login: every way in which a token fails is an outcome, and nothing doubles."""

import asyncio
import logging
from typing import Any

import pytest
from pydantic import ValidationError
from pydantic_core import to_json

from harkara.base.errors import (
    ExchangeOutcomeUnknown,
    ExchangeUnreachable,
    HttpAnswer,
    Outside,
    StoreUnavailable,
)
from harkara.base.log_events import LogEvent
from harkara.carriers.contract import InDoubt, NotTaken, Outcome, Submission, Taken
from harkara.carriers.kinds import connect
from harkara.carriers.settings import CarrierSecrets, CarrierSettings
from tests.support.fakes import FakeLimitStore, Faults, no_texts
from tests.support.tokens import PASSWORD, TokenProvider, token_carrier, tokens
from tests.support.virtual import run
from tests.unit.carrier_cases import MESSAGE, ScriptedExchange

NOW_S = 1_000_000.0
ISSUED = "t"
FAILED = [NotTaken(failed=True)]
TAKEN = [Taken("id-r1")]


class Talk:
    """A carrier and its provider, with a manual clock."""

    def __init__(self, settings: CarrierSettings | None = None) -> None:
        self.now_s = NOW_S
        self.settings = settings or token_carrier()
        self.provider = TokenProvider(lambda: self.now_s)
        self.events: list[LogEvent] = []
        self.store = FakeLimitStore(Faults())
        self.tokens = tokens(self.store, lambda: self.now_s, self.events.append)
        outside = Outside(self.provider, no_texts, self.tokens)
        self.carrier = connect(self.settings, CarrierSecrets(PASSWORD), outside)

    def submit(self, *references: str) -> list[Outcome]:
        return run(self.carrier.submit([Submission(each, MESSAGE) for each in references]))


def test_a_token_is_fetched_once_for_many_requests() -> None:
    talk = Talk()
    assert talk.submit(*"abcdefgh") == [Taken(f"id-{each}") for each in "abcdefgh"]
    assert (talk.provider.logins, talk.provider.submits) == (1, 3)


def test_an_expired_token_is_renewed_once_and_its_request_sent_again() -> None:
    talk = Talk()
    talk.submit("r0")
    talk.now_s += 60
    talk.provider.token = "another"  # the provider has forgotten ours
    assert talk.submit("r1") == TAKEN
    assert talk.provider.previous == ["", "t0ken-1"]
    assert talk.provider.taken == {"r0": 1, "r1": 1}


def test_a_new_token_that_is_refused_is_renewed_no_more() -> None:
    talk = Talk()
    login = HttpAnswer(200, {}, b'{"token": "useless", "expires_in": 3600}')
    talk.provider.login_answers = [login] * 2
    assert talk.submit("r1") == FAILED
    assert (talk.provider.logins, talk.provider.submits) == (1, 1)
    talk.now_s += 60
    assert talk.submit("r1") == FAILED
    assert (talk.provider.logins, talk.provider.submits) == (2, 3)


def test_a_code_says_that_a_token_is_refused() -> None:
    settings = token_carrier(refused=["EXPIRED"])
    token = HttpAnswer(200, {}, b'{"token": "t"}')
    refused = HttpAnswer(200, {}, b'{"error": "EXPIRED"}')
    exchange = ScriptedExchange(token, refused)
    talk = Talk()
    carrier = connect(settings, CarrierSecrets(PASSWORD), Outside(exchange, no_texts, talk.tokens))
    assert run(carrier.submit([Submission("r1", MESSAGE)])) == FAILED
    talk.now_s += 60
    taken = HttpAnswer(200, {}, b'{"results": [{"ref": "r1", "id": "id-r1"}]}')
    exchange.answers = [refused, token._replace(body=b'{"token": "u"}'), taken]
    assert run(carrier.submit([Submission("r1", MESSAGE)])) == TAKEN


def at_login(token: object = ISSUED, **fields: object) -> HttpAnswer:
    return HttpAnswer(200, {}, to_json({"token": token, **fields}))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(ExchangeUnreachable("no connection"), "no connection", id="unreachable"),
        pytest.param(ExchangeOutcomeUnknown("no answer"), "no answer", id="hangs"),
        pytest.param(HttpAnswer(500, {}, b""), "answered 500", id="fails"),
        pytest.param(HttpAnswer(401, {}, b'{"token": "t"}'), "answered 401", id="wrong password"),
        pytest.param(HttpAnswer(302, {}, b""), "answered 302", id="redirect"),
        pytest.param(HttpAnswer(200, {}, b"<html>"), "holds no token", id="not JSON"),
        pytest.param(HttpAnswer(200, {}, b"[]"), "holds no token", id="no object"),
        pytest.param(at_login(None), "holds no token", id="null"),
        pytest.param(at_login("a\r\nx: y"), "holds no token", id="another header"),
        pytest.param(at_login("é"), "holds no token", id="not ASCII"),
        pytest.param(at_login("t" * 4097), "longer than 4096", id="too long"),
        pytest.param(at_login()._replace(is_whole=False), "holds no token", id="broken off"),
        pytest.param(at_login(expires_in=0), "has expired", id="expired"),
        pytest.param(at_login(expires_in=-5), "has expired", id="expired before"),
        pytest.param(at_login(expires_in="soon"), "has expired", id="unreadable"),
        pytest.param(at_login(expires_in="NaN"), "has expired", id="no number"),
    ],
)
def test_a_login_that_fails_leaves_the_messages_here(
    answer: HttpAnswer | Exception, reason: str
) -> None:
    talk = Talk()
    talk.provider.login_answers = [answer]
    assert talk.submit("r1", "r2") == FAILED * 2
    assert talk.provider.submits == 0
    (event,) = talk.events
    assert reason in event.about["reason"]
    talk.now_s += 60
    assert talk.submit("r1") == TAKEN


@pytest.mark.parametrize(
    ("fields", "lifetime_s"),
    [
        ({}, 3600),
        ({"expires_in": "90"}, 90),
        ({"expires_in": 90.5}, 90),
        ({"ends": "1970-01-12T13:48:20Z"}, 100),
        ({"ends": NOW_S + 100}, 100),
        ({"expires_in": 10**30}, 366 * 86_400),
    ],
)
def test_a_token_lives_as_long_as_the_login_says(fields: dict[str, Any], lifetime_s: int) -> None:
    talk = Talk(token_carrier(expires_at="/ends"))
    talk.provider.login_answers = [at_login(**fields)]
    talk.submit("r1")
    (held,) = talk.tokens._held.values()
    assert held.value.lifetime_s == lifetime_s


def test_a_store_that_fails_is_no_failure_of_the_carrier(monkeypatch: pytest.MonkeyPatch) -> None:
    talk = Talk()

    def fail(*_: object, **__: object) -> str:
        raise StoreUnavailable

    monkeypatch.setattr(talk.store, "swap", fail)
    assert talk.submit("r1") == [NotTaken()]


def test_what_was_sent_with_a_token_and_not_answered_is_in_doubt() -> None:
    talk = Talk()
    exchange = ScriptedExchange(at_login(), ExchangeOutcomeUnknown("no answer"))
    outside = Outside(exchange, no_texts, talk.tokens)
    carrier = connect(talk.settings, CarrierSecrets(PASSWORD), outside)
    assert run(carrier.submit([Submission("r1", MESSAGE)])) == [InDoubt()]
    login, submit = exchange.requests
    assert login["timeout_s"] <= talk.settings.timeout_s / 2 < submit["timeout_s"]


def test_without_a_store_of_tokens_nothing_is_submitted() -> None:
    exchange = ScriptedExchange()
    carrier = connect(token_carrier(), CarrierSecrets(PASSWORD), Outside(exchange, no_texts))
    assert asyncio.run(carrier.submit([Submission("r1", MESSAGE)])) == FAILED


def test_a_changed_password_or_login_asks_for_a_token_of_its_own() -> None:
    talk = Talk()
    talk.submit("r0")
    for changed in (
        talk.settings.model_copy(update={"secret": b"another"}),
        talk.settings.model_copy(update={"username": "another"}),
        token_carrier(lifetime_s=60),
    ):
        exchange = ScriptedExchange(at_login(), HttpAnswer(500, {}, b""))
        outside = Outside(exchange, no_texts, talk.tokens)
        run(connect(changed, CarrierSecrets(PASSWORD), outside).submit([Submission("r", MESSAGE)]))
        assert len(exchange.requests) == 2, "a login and a submit"


def test_a_token_is_in_no_log_and_no_repr(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    talk = Talk()
    talk.submit("r1")
    (held,) = talk.tokens._held.values()
    assert held.token == "t0ken-1"
    visible = [repr(talk.carrier), repr(talk.events), caplog.text, str(vars(talk.carrier))]
    assert not any("t0ken" in text for text in [*visible, repr(talk.tokens)])


@pytest.mark.parametrize(
    ("login", "says"),
    [
        ({"url": "http://batch.example/login"}, "https"),
        ({"url": "https://user@batch.example/login"}, "https"),
        ({"url": "https://{username}.example/login"}, "https"),
        ({"json_body": {"to": "{to}"}}, "cannot stand in a login"),
        ({"headers": {"X": "{text}"}}, "cannot stand in a"),
        ({"lifetime_s": 1}, "greater"),
        ({"other": 1}, "Extra"),
        ({"scope": "s"}, "{assertion} asks for a token of it"),
        ({"json_body": {"a": "{assertion}"}}, "{assertion} asks for a token of it"),
        ({"scope": "s", "form": {"a": "{assertion}"}}, "the password is a key"),
        (
            {"scope": "s", "json_body": {"a": "{assertion}", "b": "{basic}"}},
            "the password is a key",
        ),
    ],
)
def test_a_login_that_cannot_work_is_refused_when_it_is_saved(
    login: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValidationError, match=says):
        token_carrier(**login)


@pytest.mark.parametrize("place", ["headers", "query", "form"])
def test_an_assertion_is_for_logins_alone(place: str) -> None:
    settings = token_carrier().model_dump()
    settings["http"] |= {"json_body": None, "record": None, place: {"A": "{assertion}{token}"}}
    settings["http"]["answer"] |= {"entries": "", "record": ""}
    with pytest.raises(ValidationError, match="{assertion} stands in a login"):
        CarrierSettings.model_validate(settings | {"records_per_request": 1})


@pytest.mark.parametrize(
    "changes", [{"headers": {}}, {"login": None}], ids=["no use of it", "no login"]
)
def test_a_token_and_its_login_belong_together(changes: dict[str, Any]) -> None:
    settings = token_carrier().model_dump()
    settings["http"] |= changes
    with pytest.raises(ValidationError, match="token"):
        CarrierSettings.model_validate(settings)
