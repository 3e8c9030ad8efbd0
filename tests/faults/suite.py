"""Runs a campaign under each fault, beside one of an account that the fault does not affect."""

import contextlib
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from harkara.aws.carriers import DynamoCarrierStore, encrypt_secret
from harkara.carriers.settings import CarrierSettings, hash_token
from harkara.model.accounts import ANY_COUNTRY, Account, Enforcement
from local.settings import CARRIER_PASSWORD, CARRIER_USER, HOST
from tests.faults.carrier import End, IllCarriers
from tests.faults.faults import AT_LENGTH, FAULTS, ILL, KILLS, MESSAGES, STORMS, Fault
from tests.faults.kills import killing
from tests.faults.runs import Campaign, Run
from tests.stack.campaigns import Lab, campaign, ends, wait_until
from tests.support.fakes import calling_back

REQUEST = 125
BESIDE = 100 if AT_LENGTH else 25
CARRIER_TIMEOUT_S = 1.5
SENT_WITHIN_S = 60
SEND_AGAIN_S = 0.3
# How long a fault lasts at the most.
THROUGH_WITHIN_S = 150 if AT_LENGTH else 10
END_WITHIN_S = 300 if AT_LENGTH else 180
# The request is still in work, nothing was accepted, or the outcome is unknown.
AGAIN = (409, 500, 502, 503, 504)


@dataclass(frozen=True)
class Suite:
    """A stack with faults in its functions' AWS calls and in its carriers."""

    lab: Lab
    carriers: IllCarriers
    carriers_url: str

    def set_up(self) -> None:
        """Add an account and its carrier for each fault, and an account with a healthy carrier."""
        stack = self.lab.stack
        kms, key = stack.client("kms"), stack.outputs["SecretsKeyId"]
        self._add_account("beside", "sim")
        for fault in FAULTS:
            name = fault.slug
            ill_url, well_url = f"{self.carriers_url}/{name}", f"{stack.carrier_url}/datasend"
            self._add_account(name, name).put_carrier(
                CarrierSettings(
                    name=name,
                    kind="datasend",
                    url=ill_url if fault.illness else well_url,
                    username=CARRIER_USER,
                    secret=encrypt_secret(kms, key, name, CARRIER_PASSWORD),
                    receipt_token_hashes=(hash_token(name),),
                    timeout_s=CARRIER_TIMEOUT_S,
                    # A block takes longer so, and its process can die within it.
                    records_per_request=1 if fault.kills else 10,
                    connections=10 if fault.kills else 64,
                )
            )

    def run(self) -> dict[Fault, Run]:
        """Run a campaign under each fault; return the outcomes.

        Kills come first, since messages of a killed process come back late; then the storms, which
        would disturb the checks of messages in doubt if they came last. Carriers stay faulty to the
        end.
        """
        runs = {fault: self._run_under(fault) for fault in (KILLS, *STORMS)}
        for fault in ILL:
            runs[fault] = self._start(fault)
            if AT_LENGTH:
                self._wait_until_through(runs[fault])
        for fault in ILL:
            self._wait_until_through(runs[fault])
        self._wait_until_ended([run.campaign for run in runs.values()])
        found = ends(self.lab)
        for run in runs.values():
            run.campaign.judge(found)
            run.beside.judge(found)
            run.deaths = self.lab.deaths("submit") - run.deaths
            if run.fault.illness:
                self._judge_illness(run)
        return runs

    def _judge_illness(self, run: Run) -> None:
        mids = run.campaign.mids
        run.refs_struck = {ref for ref, mid in mids.items() if mid in self.carriers.struck}
        run.struck = len(run.refs_struck)
        run.too_early = {ref for ref, mid in mids.items() if mid in self.carriers.too_early}

    def _run_under(self, fault: Fault) -> Run:
        """Run a campaign under kills or a storm, which lasts until the campaign is through."""
        with self._under(fault) as struck:
            run = self._start(fault)
            self._wait_until_through(run)
        run.struck = struck()
        return run

    def _add_account(self, name: str, carrier: str) -> DynamoCarrierStore:
        return self.lab.add_account(
            Account(
                id=name,
                name=name,
                carrier=carrier,
                **calling_back(self.lab.callback_url(name)),
                callback_hosts=(HOST,),
                countries=(ANY_COUNTRY,),
                dlt=Enforcement.OFF,
            )
        )

    def _start(self, fault: Fault) -> Run:
        """Send a campaign, and after its first request the one beside it."""
        name, deaths = fault.slug, self.lab.deaths("submit")
        rows = campaign(name, MESSAGES)
        beside = campaign(f"beside-{name}", BESIDE)
        for row in beside:
            row["dlrurl"] = self.lab.callback_url(f"beside-{name}")
        first = Campaign(name, time.time(), self._send(name, rows[:REQUEST]))
        second = Campaign(f"beside-{name}", time.time(), self._send("beside", beside))
        for at in range(REQUEST, MESSAGES, REQUEST):
            first.mids |= self._send(name, rows[at : at + REQUEST])
        return Run(fault, first, second, deaths=deaths)

    def _send(self, account: str, rows: Sequence[Mapping[str, str]]) -> dict[str, str]:
        """Send records; repeat a failed request under its idempotency key until it is accepted."""
        deadline = time.monotonic() + SENT_WITHIN_S
        while True:
            with contextlib.suppress(httpx.TransportError):
                answer = self.lab.send(rows, account, key=rows[0]["smsgid"])
                if answer.status_code == 200:
                    return {each["smsgid"]: each["mid"] for each in answer.json()}
                assert answer.status_code in AGAIN, answer.text
            assert time.monotonic() < deadline, "a request is not accepted"
            time.sleep(SEND_AGAIN_S)

    @contextmanager
    def _under(self, fault: Fault) -> Iterator[Callable[[], int]]:
        """Inject a fault; yield a function that counts its effects so far."""
        proxy = self.lab.proxy
        if fault.storm is None:
            before = len(proxy.killed)
            with killing(self.lab, fault.kills):
                yield lambda: len(proxy.killed) - before
            return
        storm = fault.storm(self.lab.stack)
        proxy.storm = storm
        try:
            yield lambda: storm.struck
        finally:
            proxy.storm = None
            wait_until(lambda: storm.is_over, SENT_WITHIN_S)

    def _wait_until_through(self, run: Run) -> None:
        """Wait for the callbacks of all messages except those in doubt, which wait for receipts."""
        struck: Collection[str] = ()
        if run.fault.illness and run.fault.illness.end is End.IN_DOUBT:
            struck = self.carriers.struck
        if not run.fault.kills:  # messages of a killed process come back late
            run.beside_ended = wait_until(lambda: self._has_ended(run.beside), END_WITHIN_S, 0.5)

        def is_through() -> bool:
            left = run.campaign.mids.keys() - self.lab.received(run.campaign.path)
            return all(run.campaign.mids[ref] in struck for ref in left)

        wait_until(is_through, THROUGH_WITHIN_S, 0.5)

    def _wait_until_ended(self, campaigns: Sequence[Campaign]) -> None:
        left = list(campaigns)

        def have_ended() -> bool:
            while left and self._has_ended(left[-1]):
                left.pop()
            return not left

        if not wait_until(have_ended, END_WITHIN_S, 1):
            # On a slow machine a message batch needs a third check, from the Due table.
            self.lab.make_due("check")
            self.lab.sweep()
            wait_until(have_ended, END_WITHIN_S, 1)

    def _has_ended(self, each: Campaign) -> bool:
        return self.lab.received(each.path) >= each.mids.keys()
