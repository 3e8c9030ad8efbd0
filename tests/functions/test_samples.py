"""Every sample event gets the answer that is kept beside it."""

import pytest

from tests.functions.handlers import Gateway
from tests.support.events import SampleEvent, differences, sample_events


@pytest.mark.parametrize("sample", sample_events(), ids=lambda sample: sample.name)
@pytest.mark.parametrize("with_batch", [False, True], ids=["", "where its batch is"])
def test_a_sample_event_gets_its_answer(
    sample: SampleEvent, with_batch: bool, gateway: Gateway
) -> None:
    gateway.put_samples()
    if with_batch:
        gateway.put_batch()
    if sample.name == "manage-callback-test":
        gateway.platform.script = [0]  # its URL has no server
    answer = gateway.call(sample.function, sample.event)
    assert differences(sample.expected, answer) == []
