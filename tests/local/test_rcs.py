"""The RCS side of the carrier simulator, spoken to by a carrier of its own settings."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from pydantic_core import to_json

from harkara.base.codes import Code
from harkara.base.errors import HttpAnswer, Outside
from harkara.carriers.contract import Refused, Revocation, Submission, Taken
from harkara.carriers.generic_http import parse_receipts
from harkara.carriers.kinds import connect
from harkara.carriers.receipts import ReceiptRequest
from harkara.carriers.settings import CarrierSecrets
from harkara.model.messages import State
from harkara.model.rcs import Channel, Rcs, Suggestion
from local import rcs
from local.settings import CARRIER_PASSWORD
from tests.local.servers import Client
from tests.local.test_carrier import carrier
from tests.support.fakes import no_texts
from tests.unit.carrier_cases import MESSAGE, SIGNER

CONTENT = Rcs("Hello", suggestions=(Suggestion("Open", "https://a.example/"),))


def submission(magic: str) -> Submission:
    message = MESSAGE._replace(to=f"91987654{magic}", rcs=CONTENT)
    return Submission(SIGNER.sign(f"1{magic}".ljust(29, "0"), 1), message, validity_s=10)


async def talk(
    client: Client, magic: str, password: str = CARRIER_PASSWORD, *, revokes: bool = True
) -> Any:
    """Submit a message, and revoke it; return both answers."""

    async def exchange(
        method: str, url: str, headers: Mapping[str, str], content: bytes, timeout_s: float
    ) -> HttpAnswer:
        async with client.request(
            method, url.removeprefix("http://127.0.0.1:8091"), headers=headers, data=content
        ) as answer:
            return HttpAnswer(answer.status, {}, await answer.read())

    settings = rcs.settings_at("http://127.0.0.1:8091", b"")
    connected = connect(settings, CarrierSecrets(password), Outside(exchange, no_texts))
    (outcome,) = await connected.submit([submission(magic)])
    if not revokes:
        return outcome
    return outcome, await connected.revoke(submission(magic), 10)


@pytest.mark.parametrize(
    ("magic", "said"),
    [(rcs.REVOKED, Revocation.REVOKED), (rcs.REVOKE_FAILS, Revocation.KEPT)],
)
def test_digits_say_whether_a_message_is_revoked(magic: str, said: Revocation) -> None:
    async def main() -> Any:
        async with carrier() as (client, _):
            return await talk(client, magic)

    assert asyncio.run(main()) == (Taken(submission(magic).reference), said)


def test_a_phone_without_rcs_and_a_wrong_password_are_refused() -> None:
    async def main() -> Any:
        async with carrier() as (client, _):
            return await talk(client, rcs.NOT_BY_RCS), await talk(client, "0000", "wrong")

    (unreached, nothing), (stranger, _) = asyncio.run(main())
    assert unreached == Refused(Code.UNKNOWN_SUBSCRIBER, "404")
    assert nothing is Revocation.KEPT
    assert not isinstance(stranger, Taken | Refused)


def test_events_are_receipts_that_the_carrier_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    events = {rcs.READ: [(0.0, "delivered"), (0.01, "read")], rcs.EXPIRES: [(0.0, "expired")]}
    monkeypatch.setattr(rcs, "EVENTS", events)

    async def main() -> list[dict[str, Any]]:
        async with carrier() as (client, receiver):
            for magic in (rcs.READ, rcs.EXPIRES):
                await talk(client, magic, revokes=False)
            await receiver.wait_for(3)
            return receiver.receipts

    settings, found = rcs.settings_at("http://127.0.0.1:8091", b""), set()
    for receipt in asyncio.run(main()):
        request = ReceiptRequest("POST", {}, {}, to_json(receipt))
        (read,) = parse_receipts(request, settings, SIGNER).receipts
        assert read.channel is Channel.RCS
        found.add((read.mid[1:5], read.state, read.read))
    assert found == {
        (rcs.READ, State.DELIVERED, False),
        (rcs.READ, State.DELIVERED, True),
        (rcs.EXPIRES, State.EXPIRED, False),
    }
