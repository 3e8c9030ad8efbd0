"""The run of `make activity`, in short."""

from tests.pipeline.activity_run import run


def test_every_counter_and_every_message_is_there_though_activity_dies_at_every_call() -> None:
    done = run(messages=600, accounts=3)
    assert done["messages"] >= 600
    assert min(done[each] for each in ("bisected", "beside", "repeated", "searches")) > 0
    assert done["shards"] > 8, "shards end"
    assert done["deaths"] > 3 * done["shards"]
