"""Every sample event gets the answer that is kept beside it."""

import pytest

from tests.events import SampleEvent, differences, sample_events
from tests.functions.handlers import Gateway


@pytest.mark.parametrize("sample", sample_events(), ids=lambda sample: sample.name)
def test_a_sample_event_gets_its_answer(sample: SampleEvent, gateway: Gateway) -> None:
    gateway.put_samples()
    answer = gateway.call(sample.function, sample.event)
    assert differences(sample.expected, answer) == []


@pytest.mark.parametrize("sample", sample_events(), ids=lambda sample: sample.name)
def test_a_sample_event_gets_its_answer_where_its_chunk_is(
    sample: SampleEvent, gateway: Gateway
) -> None:
    gateway.put_samples()
    gateway.put_chunk()
    answer = gateway.call(sample.function, sample.event)
    assert differences(sample.expected, answer) == []
