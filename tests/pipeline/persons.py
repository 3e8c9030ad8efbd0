"""An account with messages to a person and to others, and all that comes of them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from harkara.accept.requests import Options, Record
from harkara.base.json import encode
from harkara.carriers.receipts import ReceiptRequest
from harkara.manage.erased import Person
from harkara.manage.erasure import Change
from harkara.manage.erasure_plan import plan
from harkara.model.consents import Consent, ConsentSource
from harkara.model.rcs import Rcs
from harkara.model.suppressions import opt_out
from tests.pipeline import campaign
from tests.pipeline.callbacks import FAILED
from tests.support.erasing import erasure_of, texts_of, unpacked
from tests.support.streams import FIRST_SEQUENCE, SHARD, Stream, record_of
from tests.support.wired import ACCOUNT, CARRIER, NOW, TOKEN
from tests.support.world import World

CODE = "56161"
NUMBER, NATIONAL = "919812345678", "9812345678"
NAME = "Asha of Pune"
PRIVATE = f"https://acme.in/orders/asha?{NAME.split()[0].lower()}-of-pune"
SHARED = "https://acme.in/sale"
TWO_WAY = ACCOUNT.model_copy(
    update={"two_way": True, "short_domain": "hk.example/ACMEBK", "duplicate_window_s": 3600}
)


class Case(NamedTuple):
    """What the person's account has done by the time of the erasure."""

    hours: Sequence[int]
    """How long after the first messages they are erased, again and again."""
    failures: int
    """How many posts of callbacks fail."""
    options: Options
    has_opted_out: bool = False
    has_consented: bool = True


def records(options: Options) -> list[Record]:
    """Return records to a person, and to others, with links and references of all kinds."""
    plain = Record(NUMBER, "ACMEBK", f"Dear {NAME}, hello", "ref-1", options=options)
    linked = plain.options._replace(shorten_urls=True)
    latin = plain.options._replace(unicode_allowed=False)
    others = [campaign.record(magic)._replace(options=options) for magic in campaign.EXPECTED]
    others[0] = others[0]._replace(options=options._replace(rcs=Rcs("Hello by RCS")))
    return [
        plain._replace(options=options._replace(rcs=Rcs(f"{NAME}, hello by RCS"))),
        plain._replace(text=f"{NAME}: {PRIVATE} {SHARED}", client_ref="ref-2", options=linked),
        *others[:6],
        plain._replace(text=f"Again {NAME}", client_ref=f"order of {NATIONAL}"),
        *others[6:],
        others[0]._replace(text=f"Sale: {SHARED}", client_ref="other link", options=linked),
        plain._replace(to=f"+{NUMBER}", text=f"नमस्ते {NAME}", client_ref="ref-4", options=latin),
    ]


class Erased(World):
    """An account with a person's messages, which are then erased."""

    def __init__(self, case: Case) -> None:
        super().__init__(
            account=TWO_WAY, carriers=(CARRIER.model_copy(update={"inbound": {CODE: "acme"}}),)
        )
        self.trust()
        self.stream = Stream(self.store.table, self.clock)
        self.person = Person(NUMBER)
        self.platform.script = [FAILED] * case.failures
        self.send(records(case.options))
        self.send([records(case.options)[0]._replace(client_ref="alone", text=f"Only {NAME}")])
        self.at(1800, self.reply)
        self.at(1900, self.click)
        if case.has_opted_out:
            self.suppressions.put(self.account.id, opt_out(NUMBER, int(NOW) + 60))
        if case.has_consented:
            given_ = Consent(
                number=NUMBER, header="ACMEBK", source=ConsentSource.DCA, purpose="", since_s=1
            )
            self.suppressions.put(self.account.id, given_)

    def reply(self) -> None:
        """Answer by the person's phone."""
        said = {"from": NUMBER, "to": CODE, "text": f"Yes, {NAME}", "ts": int(self.now)}
        self.inbound_service().receive("sim", TOKEN, ReceiptRequest("POST", {}, {}, encode(said)))

    def click(self) -> None:
        """Follow each short link that is in a text still."""
        for batch in self.batches().values():
            for message in batch.messages:
                for word in message.text.split():
                    host, _, rest = word.removeprefix("https://").partition("/")
                    path, _, code = rest.rpartition("/")
                    if host == "hk.example":
                        self.link_service().visit(host, f"/{path}", code, is_person=True)

    def count(self) -> None:
        """Count what is new in the stream."""
        self.activity_service().count(SHARD, self.stream.poll())

    def count_changes(self) -> None:
        """Count records that say that all items were changed."""
        first = FIRST_SEQUENCE + 10**6 + len(self.stream.records)
        items = self.store.table.items.values()
        records = [record_of(item, first + at, self.now) for at, item in enumerate(items)]
        self.activity_service().count(
            "another shard", [{**each, "eventName": "MODIFY"} for each in records]
        )

    def plan(self) -> list[Change]:
        self.count()
        return plan(erasure_of(self), self.account, self.person)

    def erase(self) -> list[Change]:
        changes = self.plan()
        erasure_of(self).erase(self.account, self.person, changes, "dpo@acme.in")
        return changes

    def holding(self) -> list[Any]:
        """Return what holds the number or a text still, but for suppressions."""
        digests = erasure_of(self).digests
        items = unpacked(self)
        found = [
            (key, text)
            for key, item in items.items()
            for text in texts_of([*key, item])
            if any(each in text for each in (NATIONAL, NAME, PRIVATE))
        ]
        rows = [
            key
            for key, item in items.items()
            if key[1] == "numbers#acme"
            and digests.candidates("numbers", "acme", NUMBER, item["packed"])
        ]
        return [each for each in found if not each[0][1].startswith("blocked#")] + rows

    def counters(self) -> Any:
        return {
            key: item
            for key, item in unpacked(self).items()
            if key[1].startswith(("account#", "campaigns#")) and key[0] == "ActivityTable"
        }
