"""Visits of a short link of the sample batch, and the clicks they put into the queue."""

from collections.abc import Sequence
from typing import Any

from harkara.base.ids import set_id_of
from harkara.links.codec import LinkKey, LinkSet, pack_links
from harkara.model.ledger import LedgerEntry, links_key
from harkara.model.tasks import QueueName, decode_dlr
from tests.functions.handlers import Gateway
from tests.functions.invoking import BATCH_ID, NOW, Event, Logs, http_event

URL = "https://acme.example/offer?id=4711"
HOST = "hk.example"
PERSON = {"user-agent": "Mozilla/5.0 (Linux; Android 14)", "accept": "text/html,*/*;q=0.8"}
SET = set_id_of(BATCH_ID)


def put_links(
    gateway: Gateway,
    url: str = URL,
    expires_at_s: int = int(NOW) + 1,
    path: str = "",
    headers: Sequence[str] = (),
) -> None:
    """Store the URLs of the sample batch's links."""
    base = f"https://{HOST}{path}"
    links = LinkSet("sandbox", BATCH_ID, base, expires_at_s, [url], [[0], [], [0]], headers)
    packed = {"links": pack_links(links)}
    gateway.store.put_if_absent([LedgerEntry(*links_key(SET), BATCH_ID, "", 0, packed)])


def code_of(gateway: Gateway, message: int = 0, number: int = 0, host: str = HOST) -> str:
    return gateway.link_signer.code(host, LinkKey(SET, message, number))


def request(code: str, method: str = "GET", path: str = "", **headers: str) -> Event:
    return http_event(method, f"{path}/{code}", None, {"host": HOST, **PERSON, **headers})


def clicks(gateway: Gateway) -> list[Any]:
    return [decode_dlr(body) for body in gateway.bodies(QueueName.CALLBACK)]


def counted(logs: Logs) -> list[tuple[str, str | None]]:
    names = ("clicks", "clicks_lost", "bots", "links_ended", "links_unknown")
    return [
        (name, line.get("account_id"))
        for line in logs.lines("link visited")
        for name in names
        if name in line
    ]
