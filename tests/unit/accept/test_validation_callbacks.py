"""The callback of each record: its own, the request's, the header's or the account's."""

import pytest

from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from tests.support.fakes import calling_back
from tests.unit.accept.test_validation import (
    ACCOUNT,
    EVIL_URL,
    OTHER_URL,
    RECORD,
    URL,
    checker_of,
    urls,
)


def test_every_url_is_kept_once() -> None:
    checker = checker_of(ACCOUNT)
    named = RECORD._replace(callback_url=OTHER_URL)
    own = RECORD._replace(callback_url=URL)
    accepted, refused = checker.check([RECORD, named, own, named._replace(text="")])
    assert urls(checker) == [URL, OTHER_URL]
    assert [message.endpoint for message in accepted[0].messages] == [0, 1, 0]
    assert [message.endpoint for _, message in refused] == [1]


def test_the_requests_url_comes_before_the_accounts() -> None:
    checker = checker_of(ACCOUNT, OTHER_URL)
    accepted, _ = checker.check([RECORD])
    assert urls(checker) == [OTHER_URL]
    assert accepted[0].messages[0].endpoint == 0


def test_a_foreign_url_of_the_request_refuses_it() -> None:
    with pytest.raises(RequestRefused) as refused:
        checker_of(ACCOUNT, EVIL_URL)
    assert refused.value.code is Code.INVALID_CALLBACK_URL


def test_a_record_that_names_a_foreign_url_is_called_back_at_the_accounts() -> None:
    checker = checker_of(ACCOUNT)
    _, ((_, message),) = checker.check([RECORD._replace(callback_url=EVIL_URL)])
    assert urls(checker) == [URL]
    assert message.endpoint == 0


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("", id="none"),
        pytest.param("http://api.clevertap.com/dlr", id="plain http: an operator's mistake"),
    ],
)
def test_an_account_without_a_sound_url_hears_nothing(url: str) -> None:
    account = ACCOUNT.model_copy(update=calling_back(url))
    checker = checker_of(account)
    accepted, ((_, refused),) = checker.check([RECORD, RECORD._replace(text="")])
    assert checker.policy.endpoints == []
    assert accepted[0].messages[0].endpoint is None
    assert refused.endpoint is None


def test_the_local_stack_may_be_called_back_over_http() -> None:
    local = ACCOUNT.model_copy(update=calling_back("http://127.0.0.1:8092/x"))
    assert checker_of(local, private=True).policy.default_endpoint("ACMEBK") == 0
    assert checker_of(local).policy.default_endpoint("ACMEBK") is None
