"""Any answer of an endpoint or a carrier is read without an exception."""

import asyncio
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.base.errors import HttpAnswer, Outside
from harkara.base.json import encode
from harkara.callbacks.formats import FORMATS
from harkara.carriers.base import RequestingCarrier, outcome_of_status
from harkara.carriers.contract import InDoubt, Outcome, Submission, Taken
from harkara.carriers.datasend import DatasendCarrier
from harkara.carriers.kinds import connect
from harkara.model.callbacks import PostResult, UrlRules, unregistered
from harkara.model.events import Dlr
from harkara.model.messages import Endpoint, State
from harkara.model.tasks import CallbackTask
from harkara.net.callback_poster import HttpCallbackPoster
from tests.support.fakes import no_texts
from tests.unit.carrier_cases import MESSAGE, REFERENCE, REQUESTING, SECRETS, settings_of

NOW = 1_700_000_000.5
DEEP = b"[" * 1000 + b"]" * 1000
SUBMISSION = Submission(REFERENCE, MESSAGE)

_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["status", "unprocessed", "code", "record", "meta", "data", "Error", "mid"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)
_BODIES = st.binary(max_size=60) | _JSON.map(encode)
_HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "location", "content-type", "set-cookie"]), st.text(max_size=60)
)
_STATUSES = st.integers(0, 999)


class Answering:
    """Answers all requests alike."""

    def __init__(self, answer: HttpAnswer) -> None:
        self.answer = answer

    async def __call__(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes, timeout_s: float
    ) -> HttpAnswer:
        return self.answer


def post(answer: HttpAnswer, form: str) -> PostResult:
    endpoint = Endpoint("https://acme.example/dlr", form)
    task = CallbackTask(
        "task_id", 0, 0, "acme", endpoint, (Dlr("M1", "ref", State.DELIVERED, int(NOW)),)
    )
    poster = HttpCallbackPoster(Answering(answer), UrlRules(), lambda: NOW, lambda: NOW)
    return asyncio.run(poster.post(task, unregistered(endpoint)))


@given(st.sampled_from(sorted(FORMATS)), _STATUSES, _HEADERS, _BODIES)
def test_any_answer_to_a_callback_is_a_result_that_can_be_put_down(
    form: str, status: int, headers: dict[str, str], body: bytes
) -> None:
    result = post(HttpAnswer(status, headers, body), form)
    assert result.status == status
    assert len(result.answer) <= 200
    assert encode(result)


def test_a_code_too_deep_to_be_text_is_none_and_the_callback_was_taken() -> None:
    body = b'{"unprocessed": [{"code": %b, "record": {"meta": "ref"}}]}' % DEEP
    result = post(HttpAnswer(200, {}, body), "clevertap")
    assert result.acknowledged
    assert result.unprocessed == (("ref", ""),)


@given(
    st.sampled_from(REQUESTING),
    _STATUSES,
    _HEADERS,
    _BODIES | _JSON.map(lambda each: encode([each])),
)
def test_any_answer_of_a_carrier_is_an_outcome_that_can_be_put_down(
    kind: str, status: int, headers: dict[str, str], body: bytes
) -> None:
    answering = Answering(HttpAnswer(status, headers, body))
    carrier = connect(settings_of(kind), SECRETS, Outside(answering, no_texts))
    assert isinstance(carrier, RequestingCarrier)
    # Called below the handler that would catch any exception.
    by_status = outcome_of_status(answering.answer)
    (outcome,) = carrier._outcomes(answering.answer, by_status, [SUBMISSION])
    assert encode(outcome)


@pytest.mark.parametrize("name", ["Error", "mid"])
def test_what_is_too_deep_to_be_text_leaves_a_message_in_doubt(name: str) -> None:
    answer = HttpAnswer(200, {}, b'[{"%b": %b}]' % (name.encode(), DEEP))
    carrier = connect(settings_of("datasend"), SECRETS, Outside(Answering(answer), no_texts))
    assert isinstance(carrier, RequestingCarrier)
    (outcome,) = carrier._outcomes(answer, None, [SUBMISSION])
    assert not isinstance(outcome, Taken)


def test_an_answer_that_cannot_be_read_leaves_its_request_in_doubt_and_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A bug in reading one answer: the block's other requests still have their outcomes."""
    answer = HttpAnswer(200, {}, b'[{"mid": "M1"}]')
    settings = settings_of("datasend", records_per_request=1)
    carrier = DatasendCarrier(settings, SECRETS, Outside(Answering(answer), no_texts))
    read = carrier._outcomes

    def unreadable(
        answer: HttpAnswer, by_status: Outcome | None, submissions: list[Submission]
    ) -> object:
        if submissions[0].reference == "bad":
            raise IndexError
        return read(answer, by_status, submissions)

    monkeypatch.setattr(carrier, "_outcomes", unreadable)
    outcomes = asyncio.run(
        carrier.submit([SUBMISSION, SUBMISSION._replace(reference="bad"), SUBMISSION])
    )
    assert outcomes == [Taken("M1"), InDoubt(), Taken("M1")]
