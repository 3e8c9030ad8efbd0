"""A world whose messages go by RCS first, to a provider that decides by the last four digits."""

import re
from collections import Counter
from typing import Any

from pydantic_core import to_json

from harkara.accept.requests import Options, Record
from harkara.base.errors import ExchangeOutcomeUnknown, ExchangeUnreachable, HttpAnswer, Outside
from harkara.carriers.contract import Connected
from harkara.carriers.generic_http import ConfiguredCarrier
from harkara.carriers.receipts import ReceiptRequest
from harkara.carriers.settings import CarrierSecrets, CarrierSettings, hash_token
from harkara.model.accounts import Account
from harkara.model.rcs import Rcs
from harkara.model.routing import Routing
from tests.support.fakes import Faults, ProcessKilled, no_texts
from tests.support.wired import ACCOUNT, CARRIER, TOKEN
from tests.support.world import World

NOT_BY_RCS, REVOKED, REVOKE_FAILS, READ = "9011", "9012", "9013", "9014"
EXPIRES, FAILS, LOST, NEVER_ANSWERED = "9015", "9016", "9017", "9007"
REFUSED, THROTTLED = "9005", "9018"
CONTENT = Rcs("Hello by RCS")
WAIT_S = 120

RCS = CarrierSettings.model_validate(
    {
        "name": "rcs",
        "kind": "http",
        "channel": "rcs",
        "url": "https://rcs.example/phones/+{to}/messages?id={reference}",
        "receipt_token_hashes": (hash_token(TOKEN),),
        "http": {
            "json_body": {"text": "{text}", "ttl": "{validity_s}"},
            "answer": {"id": "/id", "error": "/error"},
            "receipts": {
                "reference": "/id",
                "state": "/event",
                "states": {
                    "delivered": "delivered",
                    "read": "read",
                    "failed": "failed",
                    "expired": "expired",
                    "revoke failed": None,
                },
            },
            "revoke": {"url": "https://rcs.example/phones/+{to}/messages/{reference}"},
        },
    }
)


class RcsProvider:
    """Takes RCS messages, and revokes those that no phone has yet; see docs/carriers.md (digits).

    `taken` has the messages that it took, `revoked` those that no phone will get.
    """

    def __init__(self, world: "RcsWorld") -> None:
        self.world = world
        self.taken: Counter[str] = Counter()
        self.revoked: set[str] = set()
        self.asked: Counter[str] = Counter()
        self.dead = False
        self.mute = False

    @property
    def settings(self) -> CarrierSettings:
        """The settings of this provider as a carrier."""
        return RCS

    def connect(self) -> Connected:
        """Return the connection of a process to it."""
        outside = Outside(self.exchange, no_texts)
        return Connected(RCS, ConfiguredCarrier(RCS, CarrierSecrets("secret"), outside))

    def receipt(self, reference: str, event: str) -> ReceiptRequest:
        """Return its report of an event."""
        return ReceiptRequest("POST", {}, {}, to_json({"id": reference, "event": event}))

    def may_have_come(self, mid: str) -> bool:
        """Whether a phone has a message, or may get it yet."""
        return self.taken[mid] > 0 and mid not in self.revoked

    async def exchange(
        self, method: str, url: str, headers: object, content: bytes, timeout_s: float
    ) -> HttpAnswer:
        if self.dead:
            raise ExchangeUnreachable("nobody listens")
        number = self.world.faults.before("rcs")
        reference = re.split("messages/|id=", url)[1]
        magic = re.search(r"([0-9]{4})/messages", url)[1]  # type: ignore[index]
        answer = self._revoke if method == "DELETE" else self._take
        found = answer(reference.partition(".")[0], reference, magic)
        self.world.faults.after(number)
        if found is None:
            raise ExchangeOutcomeUnknown("no answer")
        return found

    def _take(self, mid: str, reference: str, magic: str) -> HttpAnswer | None:
        if magic == NOT_BY_RCS:
            return HttpAnswer(404, {}, b'{"error": "NOT_FOUND"}')
        if magic == REFUSED:
            return HttpAnswer(400, {}, b'{"error": "INVALID"}')
        if magic == THROTTLED:
            return HttpAnswer(429, {"retry-after": "600"}, b"")
        if magic == LOST:
            return None
        self.taken[mid] += 1
        receipts = {
            REVOKED: [],
            REVOKE_FAILS: [(900.0, "delivered")],
            EXPIRES: [(20.0, "expired")],
            FAILS: [(1.0, "failed")],
            READ: [(0.5, "delivered"), (60.0, "read")],
        }.get(magic, [(0.5, "delivered")])
        for delay_s, event in receipts:
            if event in ("expired", "failed"):
                self.revoked.add(mid)
            self.world.receipts.append((self.world.now + delay_s, reference, event, "rcs"))
        return None if magic == NEVER_ANSWERED else _answer(reference)

    def _revoke(self, mid: str, reference: str, magic: str) -> HttpAnswer | None:
        self.asked[mid] += 1
        if self.mute:
            return None
        if self.taken[mid] and magic in (REVOKED, EXPIRES, FAILS):
            self.revoked.add(mid)
            return _answer(reference)
        return HttpAnswer(404, {}, b"")


class RcsWorld(World):
    """A world with an RCS carrier before the SMS carrier `sim`."""

    def __init__(
        self,
        faults: Faults | None = None,
        account: Account = ACCOUNT,
        provider: "type[RcsProvider] | None" = None,
        **rcs: Any,
    ) -> None:
        self.rcs = (provider or RcsProvider)(self)
        super().__init__(faults, account=account, carriers=[CARRIER, self.rcs.settings])
        self.carrier = self._connect
        self.route(**rcs)

    def route(self, **rcs: Any) -> None:
        """Set the routing: RCS first, with these fields of the route."""
        first = {"carrier": "rcs", "wait_s": WAIT_S, **rcs}
        routes = [{"carriers": [{"carrier": "sim"}], "rcs": first}]
        self.routing.routing["acme"] = Routing.model_validate({"routes": routes})

    async def _connect(self, name: str) -> Connected:
        return self.rcs.connect() if name == "rcs" else await self.providers.connect(name)

    async def take_receipts(self) -> None:
        """Deliver the due receipts of each carrier to its own route."""
        due = [each for each in self.receipts if each[0] <= self.now and each[3] == "rcs"]
        self.receipts = [each for each in self.receipts if each not in due]
        for receipt in due:
            _, reference, event, _ = receipt
            try:
                request = self.rcs.receipt(reference, event)
                self.receive_service().receive("rcs", TOKEN, request)
            except ProcessKilled:
                self.killed += 1
                self.receipts.append((self.now + 10, *receipt[1:]))
        if any(each[0] <= self.now for each in self.receipts):
            await super().take_receipts()

    def doubles(self) -> set[str]:
        """Ids of the messages that a phone may have by both channels."""
        return {mid for mid in self.providers.taken() if self.rcs.may_have_come(mid)}

    def admitted_doubles(self) -> set[str]:
        """Ids of the messages whose attempt by SMS may double the one by RCS, by the ledger."""
        return {
            batch.mid(index)
            for (pk, kind), entry in self.store.entries.items()
            if kind.startswith("claim#") and entry.data.get("double")
            for batch in [self.batches()[pk]]
            for index in entry.data["indexes"]
        }


def by_rcs(magic: str, **fields: Any) -> Record:
    """Return a record with RCS content, to a number with these last digits."""
    options = Options(rcs=CONTENT, **fields)
    text, ref = f"Hello {magic}", f"ref-{magic}"
    return Record(f"91987654{magic}", "ACMEBK", text, ref, options=options)


def _answer(reference: str) -> HttpAnswer:
    return HttpAnswer(200, {}, to_json({"id": reference}))
