"""Worlds whose messages go over several carriers."""

from collections import Counter
from typing import Any

from harkara.accept.requests import Options, Record
from harkara.model.routing import Routing
from tests.pipeline import campaign
from tests.support.fakes import Faults
from tests.support.wired import CARRIER
from tests.support.world import World


def carrier(name: str, **fields: Any) -> Any:
    return CARRIER.model_copy(update={"name": name, **fields})


def route(*names: str, **fields: Any) -> dict[str, Any]:
    """Return a route over these carriers, of equal weights."""
    return {"carriers": [{"carrier": name} for name in names], **fields}


def routed(*names: str, faults: Faults | None = None, **fields: Any) -> World:
    """Return a world whose messages go over these carriers."""
    carriers = [CARRIER, *(carrier(name) for name in names)]
    world = World(faults, carriers=carriers)
    set_routing(world, routes=[route(*names)], **fields)
    return world


def set_routing(world: World, account: str = "acme", **fields: Any) -> None:
    world.routing.routing[account] = Routing.model_validate(fields)


def records(count: int, **fields: Any) -> list[Record]:
    return [
        campaign.record("0000", to=f"9198{number:04d}0000", client_ref=str(number))._replace(
            options=Options(**fields)
        )
        for number in range(count)
    ]


def send(world: World, count: int, **fields: Any) -> list[Any]:
    answers = world.send(records(count, **fields))
    assert answers
    return answers


def taken(world: World) -> Counter[str]:
    """How many messages each carrier accepted."""
    return +Counter({name: each.taken.total() for name, each in world.providers.by_name.items()})
