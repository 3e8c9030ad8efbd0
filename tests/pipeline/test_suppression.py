"""Numbers in an account's suppression lists, from the request to the callback, despite deaths."""

import pytest

from harkara.accept.requests import Options
from harkara.base.errors import StoreUnavailable
from harkara.base.ids import split_mid
from harkara.base.json import encode
from harkara.carriers.receipts import ReceiptRequest
from harkara.model.consents import Consent, ConsentSource
from harkara.model.messages import Category
from harkara.model.routing import EVERYONE, Routing
from harkara.model.suppressions import Source, Suppression, opt_out
from tests.pipeline import campaign
from tests.pipeline.invariants import check, check_without_a_kill
from tests.support.fakes import Faults, ProcessKilled
from tests.support.wired import ACCOUNT, CARRIER, NOW, TOKEN
from tests.support.world import World

FREE, OUT, REGISTERED = "919876540000", "919876541000", "919876542000"
EXPLICIT = Options(category=Category.SERVICE_EXPLICIT)
PROMOTION = Options(category=Category.PROMOTIONAL)


def send(world: World, options: Options = EXPLICIT) -> None:
    """Send to a number in no list, to one that opted out and to one in the DND register."""
    rows = [campaign.record("0000", to=to, client_ref=to) for to in (FREE, OUT, REGISTERED)]
    answers = world.send([row._replace(options=options) for row in rows])
    world.run()
    check(world, answers)


def listed(faults: Faults | None = None, *, account: str = "acme") -> World:
    """Return a world whose account has a number of each source, with suppression enabled."""
    world = World(faults)
    world.routing.routing[account] = Routing(suppression=True, promotion=2)
    world.suppressions.put("acme", opt_out(OUT, int(NOW)))
    entry = Suppression(number=REGISTERED, source=Source.DND, preferences=(2,), since_s=int(NOW))
    world.suppressions.put("acme", entry)
    world.faults.calls.clear()
    return world


def called_back(world: World) -> dict[str, str]:
    """Return the code by client_ref, "" for a delivered message."""
    return {dlr.client_ref: dlr.code for dlr in world.platform.dlrs}


@pytest.mark.parametrize(
    ("category", "codes"),
    [
        pytest.param(Category.OTP, ("", "", ""), id="otp"),
        pytest.param(Category.TRANSACTIONAL, ("", "", ""), id="transactional"),
        pytest.param(Category.SERVICE_IMPLICIT, ("", "OPTED_OUT", ""), id="service implicit"),
        pytest.param(Category.SERVICE_EXPLICIT, ("", "OPTED_OUT", ""), id="service explicit"),
        pytest.param(Category.PROMOTIONAL, ("", "OPTED_OUT", "DND"), id="promotional"),
    ],
)
@pytest.mark.parametrize("account", ["acme", EVERYONE])
def test_a_listed_number_gets_no_message_of_what_it_blocks(
    category: Category, codes: tuple[str, ...], account: str
) -> None:
    world = listed(account=account)
    send(world, Options(category=category))
    assert called_back(world) == dict(zip((FREE, OUT, REGISTERED), codes, strict=True))
    assert sum(world.providers.taken().values()) == codes.count("")


def test_lists_that_do_not_count_are_not_read() -> None:
    world = listed()
    world.routing.routing["acme"] = Routing()
    send(world)
    assert set(called_back(world).values()) == {""}
    assert "entries" not in world.faults.calls


def test_another_accounts_list_does_not_count() -> None:
    world = World()
    world.routing.routing["acme"] = Routing(suppression=True)
    world.suppressions.put("other", opt_out(OUT, int(NOW)))
    send(world)
    assert set(called_back(world).values()) == {""}


def test_the_list_is_read_again_before_each_try() -> None:
    world = listed()
    answers = world.send([campaign.record("9006")._replace(options=EXPLICIT)])
    assert answers
    number = "919876549006"  # the carrier throttles it at first
    world.provider.throttled[answers[0].mid] = 2
    world.at(1, lambda: world.suppressions.put("acme", opt_out(number, int(world.now))))
    world.run()
    check_without_a_kill(world, answers)
    assert called_back(world) == {"ref-9006": "OPTED_OUT"}
    assert not world.providers.taken()


@pytest.mark.parametrize(
    ("header", "since_s", "codes"),
    [
        pytest.param("", int(NOW) + 1, ("", "", ""), id="of the header, after the opt-out"),
        pytest.param("", int(NOW) - 1, ("", "OPTED_OUT", ""), id="before the opt-out"),
        pytest.param("OTHERS", int(NOW) + 1, ("", "OPTED_OUT", "DND"), id="of another header"),
    ],
)
def test_a_consent_lets_promotion_of_its_header_go_out(
    header: str, since_s: int, codes: tuple[str, ...]
) -> None:
    world = listed()
    for number in (OUT, REGISTERED):
        consent = Consent(
            number=number,
            header=header or campaign.record("0000").sender_id,
            source=ConsentSource.DCA,
            purpose="",
            since_s=since_s,
        )
        world.suppressions.put("acme", consent)
    send(world, PROMOTION)
    assert called_back(world) == dict(zip((FREE, OUT, REGISTERED), codes, strict=True))


def test_what_waits_for_the_morning_is_looked_up_in_the_morning() -> None:
    world = listed()
    world.at(3600, lambda: world.suppressions.put("acme", opt_out(FREE, int(world.now))))
    send(world, PROMOTION)
    assert called_back(world)[FREE] == "OPTED_OUT"


def test_a_list_that_cannot_be_read_delays_and_lets_nothing_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, failures = listed(), [StoreUnavailable("busy")] * 2
    records = world.suppressions.records

    def unreliable(account_id: str, numbers: list[str]) -> tuple[list[Suppression], list[Consent]]:
        if failures:
            raise failures.pop()
        return records(account_id, numbers)

    monkeypatch.setattr(world.suppressions, "records", unreliable)
    send(world)
    assert not failures
    assert called_back(world)[OUT] == "OPTED_OUT"
    assert not world.in_doubt()


def calls() -> list[tuple[int, str]]:
    world = listed()
    send(world)
    return list(enumerate(world.faults.calls))


@pytest.mark.parametrize(("number", "name"), calls(), ids=str)
@pytest.mark.parametrize("moment", ["kill_before", "kill_after"])
def test_a_death_at_any_call_lets_no_message_through(number: int, name: str, moment: str) -> None:
    faults = Faults()
    world = listed(faults)
    setattr(faults, moment, {number})
    send(world)
    assert faults.calls[number] == name
    taken = [split_mid(mid) for mid in world.providers.taken()]
    batches = world.batches()
    assert OUT not in {batches[batch_id].messages[index].to for batch_id, index in taken}


def test_what_was_kept_back_makes_no_later_message_a_duplicate() -> None:
    account = ACCOUNT.model_copy(update={"duplicate_window_s": 3600})
    world = World(account=account)
    world.routing.routing["acme"] = Routing(suppression=True)
    world.suppressions.put("acme", opt_out(OUT, int(NOW)))
    send(world)
    world.suppressions.remove("acme", OUT, Source.OPT_OUT, int(world.now) + 1)
    send(world)
    assert called_back(world)[OUT] == ""


# From the phone to the next message


def stop(world: World, text: str = "STOP") -> None:
    """Post a phone's message of this moment; its carrier repeats a request that got no answer."""
    payload = {"from": FREE, "to": "56161", "text": text, "ts": int(NOW) + 1}
    request = ReceiptRequest("POST", {}, {}, encode(payload))
    try:
        world.inbound_service().receive("sim", TOKEN, request)
    except ProcessKilled:
        world.killed += 1
        stop(world, text)


@pytest.mark.parametrize("moment", ["kill_before", "kill_after"])
@pytest.mark.parametrize("killed", [False, True])
def test_who_writes_stop_gets_no_more_once_that_is_answered(moment: str, killed: bool) -> None:
    faults = Faults()
    carrier = CARRIER.model_copy(update={"inbound": {"56161": "acme"}})
    world = World(faults, carriers=(carrier,))
    world.routing.routing["acme"] = Routing(suppression=True)
    world.now += 2
    if killed:
        setattr(faults, moment, {0})
    stop(world)
    assert faults.calls[0] == "put suppression"
    assert world.killed == killed
    send(world)
    assert called_back(world)[FREE] == "OPTED_OUT"
