"""Events and answers that Lambda refuses to deliver in the tests (`tests.support.invocations`)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.model.tasks import QueueName
from tests.functions.invoking import http_event, sqs_event
from tests.pipeline.batches import SIZE, Batches
from tests.support.invocations import API_LIMIT_BYTES, TooLarge, batches, invoke, refusal_of_event
from tests.support.limits import INVOCATION_LIMIT_BYTES, MESSAGE_LIMIT_BYTES

MB = 1024 * 1024


def posted(size: int) -> Any:
    return http_event("POST", "/datasend", "x" * size)


@pytest.mark.parametrize(
    ("size", "refusal"),
    [
        (INVOCATION_LIMIT_BYTES - 1024, ""),
        (INVOCATION_LIMIT_BYTES, "RequestTooLargeException"),
        (API_LIMIT_BYTES, "RequestTooLargeException"),
        (API_LIMIT_BYTES + 1, "Request Too Large"),
    ],
)
def test_a_request_that_is_too_large_does_not_come_to_its_function(size: int, refusal: str) -> None:
    event, came = posted(size), list[Any]()
    assert refusal_of_event(event) == refusal
    if refusal:
        with pytest.raises(TooLarge, match=refusal):
            invoke(lambda event, _: came.append(event), event, None)
    else:
        invoke(lambda event, _: came.append(event), event, None)
    assert came == ([] if refusal else [event])


def test_an_answer_beyond_6_mb_does_not_come_back() -> None:
    largest = INVOCATION_LIMIT_BYTES - len('""')
    assert len(invoke(lambda *_: "x" * largest, posted(1), None)) == largest
    with pytest.raises(TooLarge, match="ResponseSizeTooLarge"):
        invoke(lambda *_: "x" * (largest + 1), posted(1), None)


@given(
    bodies=st.lists(
        st.tuples(st.sampled_from('x"\u0905'), st.integers(1, MB)), min_size=1, max_size=12
    ),
    batch_size=st.integers(1, 10),
)
def test_a_batch_has_as_many_messages_as_it_may_and_6_mb_at_most(
    bodies: list[tuple[str, int]], batch_size: int
) -> None:
    texts = [(letter * size).encode()[:size].decode(errors="ignore") for letter, size in bodies]
    dispatched = list(batches(texts, str, batch_size))
    assert [text for batch in dispatched for text in batch] == texts
    for batch, following in zip(dispatched, [*dispatched[1:], None], strict=True):
        assert 0 < len(batch) <= batch_size
        assert refusal_of_event(sqs_event(*batch)) == ""
        if following and len(batch) < batch_size:
            more = sqs_event(*batch, following[0] + "x" * 1024 * (len(batch) + 1))
            assert refusal_of_event(more), "it had room for the next message"


def test_ten_of_the_largest_messages_are_not_one_batch_of_the_pipelines_world() -> None:
    """Only the grouping into batches is checked; the bodies are no real tasks."""
    world = Batches()
    for _ in range(SIZE):
        world.queues.add(QueueName.SUBMIT, "x" * MESSAGE_LIMIT_BYTES, world.now)
    sizes = []
    while ready := world.together(QueueName.SUBMIT):
        sizes.append(len(ready))
        for message in ready:
            world.queues.waiting.remove(message)
    assert sizes == [5, 5]
