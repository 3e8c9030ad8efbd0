"""Answer STOP, START and HELP by the messages that an account has set for them.

An answer goes through the acceptance of any message, and then to a number that is on the account's
list now. Before the list changes, it takes a place among the number's answers of the day, which
holds what its batch's id is made of. So a repeat, also after a death at any line, accepts the same
batch again, which `submit` sends once.

Two gateways that answer each other stop at `ANSWERS_A_DAY` answers to each keyword.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from harkara.accept.idempotency import DeterministicIds
from harkara.accept.requests import Options, Record, SendRequest
from harkara.accept.service import AcceptService
from harkara.accept.validation import RecordChecker
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused, StoreUnavailable
from harkara.base.ids import Randomness, ReferenceSigner
from harkara.base.log_events import EventSink, LogEvent
from harkara.base.time import DAY_S, IST_OFFSET_S, Clock
from harkara.model.accounts import Account, Caller, Credential, Sender, Template
from harkara.model.answers import Keyword, KeywordAnswer
from harkara.model.callbacks import UrlRules
from harkara.model.ledger import LedgerEntry
from harkara.model.suppressions import Source
from harkara.ports import MessageStore, Registry, SuppressionList

ANSWERS_A_DAY = 3
"""So many answers to each keyword a number gets on a day of IST."""
SAME_WITHIN_S = 600
"""A keyword that comes again so soon, with no other between, gets no second answer."""

_INDIAN_NUMBER = "919876543210"


@dataclass(frozen=True, slots=True)
class AnswerService:
    """Answers keywords in the `inbound` function."""

    acceptance: AcceptService
    registry: Registry
    store: MessageStore
    lists: SuppressionList
    signer: ReferenceSigner
    clock: Clock
    randomness: Randomness
    emit: EventSink

    def claim(
        self, account: Account, number: str, keyword: str, at_s: int, name: str
    ) -> LedgerEntry | None:
        """Return the place of a keyword's answer, the same at every repeat; None if none is due.

        STOP is answered where the number is not on the account's list yet, START where it is. Call
        it before that changes. `name` is the same at every repeat, "" if it is not known. Raises
        StoreUnavailable.
        """
        if not account.answers or keyword not in [*Keyword]:
            return None
        pseudonym = self.signer.pseudonyms("answers", account.id, number)[-1]
        day, places = (at_s + IST_OFFSET_S) // DAY_S, len(Keyword) * ANSWERS_A_DAY
        keys = [(f"answers#{account.id}#{pseudonym}", f"{day}#{each}") for each in range(places)]
        while True:
            taken = [entry for entry in self.store.get_entries(keys) if entry]
            if earlier := _same(taken, keyword, at_s, name):
                return earlier
            count = sum(each.data["keyword"] == keyword for each in taken)
            if count >= ANSWERS_A_DAY or not self._is_due(account, number, keyword, at_s):
                return None
            data = {
                "keyword": keyword,
                "at": at_s,
                "now_ms": int(self.clock() * 1000),
                "seed": self.randomness(16).hex(),
            }
            entry = LedgerEntry(*keys[len(taken)], name, "", 0, data)
            (existing,) = self.store.put_if_absent([entry])
            if existing.data == data:
                return existing

    def send(self, account: Account, number: str, place: LedgerEntry) -> bool:
        """Accept the answer of a place; return whether there is one. A refusal is logged.

        Raises StoreUnavailable.
        """
        answer = account.answers.get(place.data["keyword"])
        if answer is None:
            return False
        names = DeterministicIds(bytes.fromhex(place.data["seed"]), place.data["now_ms"])
        caller = _caller_of(self.registry, account, answer)
        try:
            self.acceptance.accept(caller, _request_of(answer, number), names)
        except RequestRefused as refused:
            if refused.code is Code.TRY_AGAIN:
                raise StoreUnavailable("an answer was not accepted") from refused
            about = {"account_id": account.id, "keyword": answer.keyword, "code": refused.code}
            self.emit(LogEvent("answer refused", about, {"answers_refused": 1}))
            return False
        return True

    def _is_due(self, account: Account, number: str, keyword: str, at_s: int) -> bool:
        if keyword == Keyword.HELP:
            return True
        entries = self.lists.entries(account.id, [number])
        since_s = [entry.since_s for entry in entries if entry.source is not Source.DND]
        return not since_s if keyword == Keyword.STOP else 0 < max(since_s, default=0) < at_s


def check_answer(registry: Registry, account: Account, answer: KeywordAnswer) -> None:
    """Raise RequestRefused where an account for India could not send an answer to Indian numbers.

    Raises StoreUnavailable.
    """
    if "IN" not in account.countries:
        return
    checker = RecordChecker(_caller_of(registry, account, answer), "", 0, UrlRules())
    for _, refused in checker.check(_request_of(answer, _INDIAN_NUMBER).records).refused:
        detail = f"{refused.refusal} {checker.details.get(0, '')}".rstrip()
        raise RequestRefused(Code.INVALID_REQUEST, f"(this answer would be refused: {detail})")


def _same(taken: Sequence[LedgerEntry], keyword: str, at_s: int, name: str) -> LedgerEntry | None:
    """Return the place that a keyword took already, None for another request."""
    own = [each for each in taken if each.data["keyword"] == keyword]
    if name and (named := [each for each in own if each.task_id == name]):
        return named[0]
    last = own[-1] if own and own[-1] is taken[-1] else None
    return last if last and abs(at_s - last.data["at"]) < SAME_WITHIN_S else None


def _caller_of(registry: Registry, account: Account, answer: KeywordAnswer) -> Caller:
    """Return the account as the sender of an answer, with its present senders and templates.

    Nobody is called back, and the phone's next reply is still to the message before.
    """
    if answer.template_id:
        found = registry.get(account.id, Template, answer.template_id)
        templates = [found] if found else []
    else:
        templates = registry.find(account.id, Template)
    changes = {
        "senders": {each.header: each for each in registry.find(account.id, Sender)},
        "templates": {each.dlt_template_id: each for each in templates},
        "callbacks": {},
        "two_way": False,
        "duplicate_window_s": 0,
        "shorten_urls": False,
        "version": 0,  # it is in the ids of batches
    }
    credential = Credential(username="answers", account_id=account.id, secrets=())
    return Caller(account.model_copy(update=changes), credential)


def _request_of(answer: KeywordAnswer, number: str) -> SendRequest:
    record = Record(
        to=number,
        sender_id=answer.header,
        text=answer.text,
        dlt_template_id=answer.template_id,
        options=Options(category=answer.category),
    )
    return SendRequest([record], answers=True)
