"""Eventually consistent reads, which may miss recent writes (`tests.support.caprices`).

They are used for message batches, for compare-and-swap values, and by checks for final states and
acknowledgements. All other reads are consistent.
"""

from hypothesis import given
from hypothesis import strategies as st

from harkara.aws.limits import DynamoLimitStore
from harkara.aws.messages import DynamoMessageStore
from harkara.model.ledger import LedgerEntry
from harkara.model.messages import pack
from tests.support.dynamo import MESSAGES, Dynamo
from tests.unit.aws.test_messages import BATCH

seeds = st.integers(1, 10**6)


@given(seeds)
def test_a_batch_is_found_as_soon_as_it_is_put(seed: int) -> None:
    store = DynamoMessageStore(Dynamo(seed=seed), MESSAGES, 9, lambda: 0.0)
    assert store.get_batch(BATCH.id) is None
    store.put_batch(BATCH.id, pack(BATCH), 0)
    assert store.get_batch(BATCH.id) == BATCH


@given(seeds)
def test_an_entry_is_found_as_soon_as_it_is_put_unless_that_is_not_needed(seed: int) -> None:
    store = DynamoMessageStore(Dynamo(seed=seed), MESSAGES, 9, lambda: 0.0)
    entry = LedgerEntry("p", "final#0", "task_id", "worker_id", 1, {})
    store.put_if_absent([entry])
    assert store.get_entries([entry.key]) == store.find_entries("p", "final#") == [entry]
    assert store.get_entries([entry.key], consistent=False) in ([entry], [None])


@given(seeds)
def test_what_was_not_seen_is_not_written_over(seed: int) -> None:
    limits = DynamoLimitStore(Dynamo(seed=seed), MESSAGES)
    written = ""
    for text in "abcdef":
        seen = limits.get("rate#acme")
        existing = limits.swap("rate#acme", seen, text, 1)
        if existing is not None:
            assert existing == written, "who swaps hears what stands there"
            assert limits.swap("rate#acme", existing, text, 1) is None
        else:
            assert seen == written
        written = text
