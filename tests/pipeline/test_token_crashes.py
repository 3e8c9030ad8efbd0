"""A carrier that takes a token and records: processes die and answers are lost at each call."""

from pydantic_core import to_json

from harkara.base.errors import Outside
from harkara.base.ids import mid_of
from harkara.carriers.contract import Connected
from harkara.carriers.kinds import connect
from harkara.carriers.receipts import ReceiptRequest
from harkara.carriers.settings import CarrierSecrets
from harkara.submit.service import SubmitService
from tests.pipeline import campaign
from tests.pipeline.deaths import Fault, deaths, each, lost_answers
from tests.support.fakes import Faults, no_texts
from tests.support.tokens import (
    LIFETIME_S,
    PASSWORD,
    TokenProvider,
    token_carrier,
    tokens,
)
from tests.support.wired import ACCOUNT, TOKEN
from tests.support.world import World

COUNT = 5
SETTINGS = token_carrier(records_per_request=2)


class TokenWorld(World):
    """A world with one carrier, which issues tokens. Each process of `submit` remembers its own."""

    def __init__(self, faults: Faults | None = None) -> None:
        super().__init__(faults, account=ACCOUNT.model_copy(update={"carrier": SETTINGS.name}))
        self.accounts.carriers[SETTINGS.name] = SETTINGS
        self.token_provider = TokenProvider(self.clock, self.faults)
        self.carrier = self._connect
        self._of_process: tuple[SubmitService, Connected] | None = None

    async def _connect(self, name: str) -> Connected:
        if self._of_process is None or self._of_process[0] is not self.submit:
            counted = self.ports.of("submit").counted
            issued = tokens(counted, self.clock, self.note, self.sleep)
            outside = Outside(self.token_provider, no_texts, issued)
            carrier = connect(SETTINGS, CarrierSecrets(PASSWORD), outside)
            self._of_process = self.submit, Connected(SETTINGS, carrier)
        return self._of_process[1]

    def campaign(self) -> list[str]:
        """Send messages until after the first token has expired; return the accepted mids."""
        mids = []
        for _ in range(2):
            records = [campaign.record(f"{number:04}") for number in range(COUNT)]
            answers = self.send(records)
            mids += [answer.mid for answer in answers or ()]
            self.run(600)
            self.report()
            self.run(LIFETIME_S)
            self.now += LIFETIME_S
        self.run()
        return mids

    def report(self) -> None:
        """Post a receipt of each message that was taken and has none."""
        finals = self.finals()
        references = [
            each for each in self.token_provider.taken if each.partition(".")[0] not in finals
        ]
        entries = [{"ref": each, "state": "ok"} for each in references]
        if entries:
            request = ReceiptRequest("POST", {}, {}, to_json(entries))
            self.receive_service().receive(SETTINGS.name, TOKEN, request)


def run(faults: Faults) -> tuple[TokenWorld, list[str]]:
    world = TokenWorld(faults)
    return world, world.campaign()


def check(world: TokenWorld, mids: list[str]) -> None:
    """Fail unless each message has an end, was taken once at the most, and was called back once."""
    finals, taken = world.finals(), world.token_provider.taken
    assert set(mids) <= finals.keys()
    assert set(taken.values()) <= {1}, "a reference was taken twice"
    by_mid = [reference.partition(".")[0] for reference in taken]
    assert len(by_mid) == len(set(by_mid)), "a message was taken twice"
    parts = [each.split("#") for each in world.in_doubt()]
    doubtful = {mid_of(batch_id, int(index)) for batch_id, index in parts}
    delivered = {mid for mid, state in finals.items() if state == "delivered"}
    assert delivered == set(by_mid)
    assert finals.keys() - delivered <= doubtful, "what was lost was in doubt"
    assert not world.queues.waiting
    assert not world.queues.waiting_rows


RUN, MIDS = run(Faults())
SUBMITS = [
    fault
    for fault in deaths(RUN.faults)
    if fault.call.startswith(("swap", "login", "carrier", "put_if_absent claim"))
]


def test_a_campaign_over_the_end_of_a_token_takes_two_logins() -> None:
    check(RUN, MIDS)
    assert RUN.in_doubt() == set()
    assert len(MIDS) == 2 * COUNT
    assert RUN.token_provider.logins == 2
    assert RUN.token_provider.previous == ["", "t0ken-1"]


@each(SUBMITS)
def test_a_death_while_a_token_is_renewed_or_used_loses_and_doubles_nothing(fault: Fault) -> None:
    world, mids = run(fault.faults())
    assert world.killed == 1
    check(world, mids)
    assert world.token_provider.logins <= 3, "a token that was not stored is fetched again"


@each([fault for fault in lost_answers(RUN.faults) if fault.call == "swap"])
def test_a_lost_answer_of_the_store_costs_no_login(fault: Fault) -> None:
    world, mids = run(fault.faults())
    check(world, mids)
    assert world.in_doubt() == set()
    assert world.token_provider.logins == 2
