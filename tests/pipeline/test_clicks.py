"""Short links on their whole way: made, sent, followed, reported; with a death at every call."""

from collections import Counter
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from harkara.accept.requests import Options, RecordResult
from harkara.base.ids import split_mid
from harkara.links.shorten import Visit
from harkara.model.callbacks import CallbackEndpoint, CallbackSecrets, Destination
from harkara.model.events import Click
from tests.pipeline import campaign
from tests.pipeline.callbacks import ask
from tests.pipeline.deaths import Fault, deaths, each, lost_answers
from tests.pipeline.invariants import check, check_without_a_kill
from tests.support.fakes import Faults, ProcessKilled
from tests.support.wired import ACCOUNT, NOW, URL
from tests.support.world import World

LINKING = ACCOUNT.model_copy(update={"short_domain": "hk.example/ACMEBK"})
SHARED = "https://acme.in/sale"
ASKED = Options(shorten_urls=True)
VISITED_AT_S = 600


class Person:
    """Follows the links in all sent messages as a recipient does; tries again after a failure."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.clicked: Counter[tuple[str, str]] = Counter()
        self.led_to: dict[str, str] = {}

    def follow_all(self) -> None:
        batches = self.world.batches()
        for mid in self.world.providers.taken():
            batch_id, index = split_mid(mid)
            for word in batches[batch_id].messages[index].text.split():
                if word.startswith("https://hk.example"):
                    self.follow(mid, word)

    def follow(self, mid: str, link: str) -> None:
        host, path, code = link.removeprefix("https://").split("/")
        try:
            visited = self.world.link_service().visit(host, f"/{path}", code, is_person=True)
        except ProcessKilled:
            self.world.killed += 1
            self.world.at(10, partial(self.follow, mid, link))
            return
        assert visited.visit is Visit.CLICKED
        self.clicked[mid, link] += 1
        self.led_to[link] = visited.url


def run(faults: Faults | None = None, *statuses: int, visits: int = 2) -> tuple[World, Person]:
    """Run a campaign whose links are followed; the platform answers at first with `statuses`."""
    world = World(faults, account=LINKING)
    world.platform.script = list(statuses)
    person = Person(world)
    answers = world.send(
        [
            campaign.record(magic)._replace(
                text=f"See {SHARED} https://acme.in/{magic}", options=ASKED
            )
            for magic in ("0000", "9002")
        ]
    )
    for number in range(visits):
        # All visits are at one moment, except the last.
        world.at(VISITED_AT_S + 1000 * (number == visits - 1), person.follow_all)
    world.run()
    check_clicks(world, person, answers)
    return world, person


def check_clicks(world: World, person: Person, answers: list[RecordResult] | None) -> None:
    """Fail unless each followed link led to its URL and was reported once."""
    check(world, answers)
    reported = world.reported_clicks()
    assert reported.keys() == person.clicked.keys(), "a click was lost, or told of nobody's"
    doubled = {mid for (mid, _), count in reported.items() if count > 1}
    assert doubled <= world.callbacks_in_doubt(), "a click was told twice, uncounted"
    entries = [key for key in world.store.entries if key[1].startswith("click#")]
    assert len(entries) == len(person.clicked)


QUIET = run()
RUN = QUIET[0].faults
CALLS = len(RUN.calls)
UNLUCKY = (500, 503, 200, 500)


def test_a_link_is_told_once_however_often_it_is_followed() -> None:
    world, person = QUIET
    assert set(person.clicked.values()) == {2}
    assert set(world.reported_clicks().values()) == {1}
    assert sorted(person.led_to.values()) == [
        "https://acme.in/0000",
        "https://acme.in/9002",
        SHARED,
        SHARED,
    ]
    assert not world.callbacks_in_doubt()


def test_a_machine_that_opens_a_link_is_told_of_in_the_timeline_alone() -> None:
    world = World(account=LINKING)
    world.send([campaign.record("0000")._replace(text=f"See {SHARED}", options=ASKED)])
    world.run()
    ((mid, batch),) = ((mid, batch) for mid in world.finals() for batch in world.batches().values())
    host, path, code = batch.messages[0].text.partition("https://")[2].split("/")
    for is_person in (False, True, False):
        world.now += 60
        world.link_service().visit(host, f"/{path}", code, is_person=is_person)
        world.run()
    steps = ask(world, mid)["timeline"][-3:]
    assert [step["step"] for step in steps] == ["clicked", "callback", "opened_by_machine"]
    assert steps[0]["url"] == steps[2]["url"] == SHARED
    assert sum(world.reported_clicks().values()) == 1


def test_a_click_says_who_followed_which_link() -> None:
    world, person = QUIET
    clicks = [
        member
        for task in world.platform.taken
        for member in task.members
        if isinstance(member, Click)
    ]
    for click in clicks:
        batch_id, index = split_mid(click.mid)
        message = world.batches()[batch_id].messages[index]
        assert (click.client_ref, click.to) == (message.client_ref, message.to)
        assert click.short_url in message.text
        assert click.url == person.led_to[click.short_url]
        assert click.at_s == NOW + VISITED_AT_S


@each(deaths(RUN))
def test_a_process_that_dies_loses_no_click(fault: Fault) -> None:
    world, _ = run(fault.faults())
    assert world.killed == 1
    assert world.faults.calls[fault.number] == fault.call


@each(deaths(run(None, *UNLUCKY)[0].faults))
def test_nor_does_it_when_the_platform_fails_at_first(fault: Fault) -> None:
    world, _ = run(fault.faults(), *UNLUCKY)
    assert world.faults.calls[fault.number] == fault.call


@each(lost_answers(RUN))
def test_a_lost_answer_tells_no_click_twice(fault: Fault) -> None:
    world, person = run(fault.faults())
    assert world.faults.calls[fault.number] == fault.call
    assert set(world.reported_clicks().values()) == {1}
    assert not world.callbacks_in_doubt()


@given(
    kill_before=st.sets(st.integers(0, CALLS), max_size=4),
    kill_after=st.sets(st.integers(0, CALLS), max_size=4),
    lose_answer=st.sets(st.integers(0, CALLS), max_size=8),
)
def test_many_deaths_and_losses_together_lose_no_click(
    kill_before: set[int], kill_after: set[int], lose_answer: set[int]
) -> None:
    run(Faults(kill_before, kill_after, lose_answer), *UNLUCKY)


def test_many_clicks_at_once_are_told_once() -> None:
    world, person = run(visits=200)
    assert set(person.clicked.values()) == {200}
    assert set(world.reported_clicks().values()) == {1}
    assert world.counts["repeated"] == 4 * 199
    assert len([event for event in world.log_events if "first_clicks" in event.counts]) == 4


def test_every_click_is_told_where_the_callback_wants_it() -> None:
    world = World(account=LINKING)
    settings = CallbackEndpoint(id="main", url=URL, every_click=True)
    world.destinations.by_id["main"] = Destination(settings, CallbackSecrets())
    person = Person(world)
    answers = world.send([campaign.record("0000")._replace(text=SHARED, options=ASKED)])
    for number in range(5):
        world.at(VISITED_AT_S + number, person.follow_all)
    world.run()
    check_without_a_kill(world, answers)
    assert world.reported_clicks() == person.clicked
    assert set(person.clicked.values()) == {5}


def test_a_click_on_a_message_that_nobody_wants_to_hear_of_is_put_down() -> None:
    world = World(account=LINKING.model_copy(update={"default_callback": ""}))
    person = Person(world)
    world.send([campaign.record("0000")._replace(text=SHARED, options=ASKED)])
    world.at(VISITED_AT_S, person.follow_all)
    world.run()
    assert not world.platform.taken
    assert [kind for _, kind in world.store.entries if kind.startswith("click#")] == [
        "click#0000#0"
    ]


def test_a_click_on_a_message_that_is_kept_no_more_is_done_with() -> None:
    world = World(account=LINKING)
    person = Person(world)
    world.send([campaign.record("0000")._replace(text=SHARED, options=ASKED)])
    world.at(8 * 86_400, person.follow_all)
    world.run()
    assert person.clicked
    assert not world.reported_clicks()
    assert world.counts["batch_missing"] == 1


def test_the_timeline_shows_the_first_click_and_how_it_was_told() -> None:
    world, person = run(None, 200, 200, 500)
    (mid,) = {mid for mid, link in person.clicked if person.led_to[link].endswith("0000")}
    timeline = ask(world, mid)["timeline"]
    steps = [step["step"] for step in timeline]
    reported = timeline[steps.index("clicked") :]
    assert steps[: -len(reported)] == ["accepted", "submitted", "delivered", "callback"]
    assert {step["url"] for step in reported if step["step"] == "clicked"} == {
        SHARED,
        "https://acme.in/0000",
    }
    assert {step["at"] for step in reported if step["step"] == "clicked"} == {
        "2023-11-14T22:23:20.000Z"
    }
    assert [step["step"] for step in reported].count("callback") == 2


def test_a_repeat_is_told_by_its_own_urls_though_each_link_is_another() -> None:
    world = World(account=LINKING.model_copy(update={"duplicate_window_s": 600}))
    record = campaign.record("0000")._replace(options=ASKED)
    first, other = (record._replace(text=f"See {url}") for url in (SHARED, "https://acme.in/x"))
    for records in ([first, other], [first, first._replace(client_ref="again"), other]):
        world.send(records)
        world.run(60)
    codes = [dlr.code for dlr in world.platform.dlrs]
    assert sorted(codes) == ["", "", "DUPLICATE", "DUPLICATE", "DUPLICATE"]
    texts = {batch.messages[0].text for batch in world.batches().values()}
    assert len(texts) == 2
