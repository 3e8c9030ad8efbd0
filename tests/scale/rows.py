"""The rows of `make scale`: the traffic, the settings, and the size of the simulated slice.

Traffic of an hour is simulated for `SPAN_S`, since it is steady from the second minute on; its
totals are those of the span times `HOUR`. Rows whose traffic changes are simulated whole.
"""

from harkara.model.messages import Category
from tests.scale.outside import Stream
from tests.scale.report import Shown, show
from tests.scale.simulation import Row, Settings, Simulation

SPAN_S = 120
HOUR = 3600 / SPAN_S
RATE = 5_000
TENANTS = 99

# The settings that docs/scale.md recommends for so much traffic.
LARGE = Settings(submit=400, dlr=400, callbacks=100, concurrency=2_000)
CAMPAIGNS = Settings(submit=100, submit_batch=1, dlr=100, callbacks=20)

ROWS = (
    Row(
        "5,000 a second for an hour, in requests of 1,000",
        [Stream("demo", RATE * SPAN_S, RATE, 1_000)],
        slices=20,
        settings=CAMPAIGNS,
        gather=True,
        visible_of=HOUR,
    ),
    Row(
        "5,000 a second for an hour, one message each",
        [Stream("demo", RATE * SPAN_S, RATE)],
        slices=100,
        settings=LARGE,
        visible_of=HOUR,
    ),
    Row(
        "the same at a carrier's rate of 7,500, 6,000 of it for bulk, for 40 seconds",
        [Stream("demo", RATE * 40, RATE)],
        slices=100,
        settings=LARGE,
        carrier_rate=7_500,
    ),
    Row(
        "5 million promotional ones, all due at 10:00",
        [Stream("demo", 5_000_000, 2_800, 1_000)],
        slices=100,
        settings=CAMPAIGNS,
        gather=True,
        due_after_s=5_400,
        category=Category.PROMOTIONAL,
    ),
    Row(
        "the carrier down for two hours, at 1,000 a second",
        [Stream("demo", 1_000 * 9_000, 1_000, 100)],
        slices=100,
        settings=CAMPAIGNS,
        gather=True,
        down=(600, 7_800),
    ),
    Row(
        "100 tenants, of which one sends a million",
        [
            Stream("whale", 1_000_000, RATE, 1_000, begins_after_s=60),
            *(Stream(f"t{number}", 10 * SPAN_S, 10) for number in range(TENANTS)),
        ],
        slices=50,
        settings=LARGE,
    ),
    Row(
        "a Region's first day: 2, 5 and 15 a second",
        [
            Stream("demo", 2 * 300, 2),
            Stream("demo", 5 * 300, 5, begins_after_s=300),
            Stream("demo", 15 * 300, 15, begins_after_s=600),
        ],
        slices=1,
        settings=Settings(concurrency=10),
        is_new=True,
    ),
    Row(
        "the stream of (1): a shard of six, for 20 seconds",
        [Stream("demo", RATE * 20, RATE, 1_000)],
        slices=6,
        settings=CAMPAIGNS,
        gather=True,
        has_stream=True,
    ),
    Row(
        "the stream of (2): a shard of twenty, for 20 seconds",
        [Stream("demo", RATE * 20, RATE)],
        slices=20,
        settings=LARGE,
        has_stream=True,
    ),
)


def simulate(number: int) -> Shown:
    """Simulate a row, in a process of its own: those do not import the module that is run."""
    return show(Simulation(ROWS[number]).run())
