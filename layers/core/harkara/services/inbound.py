"""Take what phones send to numbers of ours: who asks to stop is out before the carrier hears 200.

What was said is passed on after that, for accounts that want to hear it (`services.replies`).

A text is read in whole, without case and punctuation, and without the keyword of a number that
several accounts share. STOP at its beginning will do: rather one too many is out.
"""

import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from harkara.accounts import Account
from harkara.carrier_settings import CarrierSettings
from harkara.carriers import parse_inbound
from harkara.errors import RequestRefused
from harkara.numbers import normalise, with_plus
from harkara.ports import AccountStore, Clock, SuppressionList
from harkara.received import InboundMessage, ReceiptRequest
from harkara.services.ingress import CarrierDoor
from harkara.services.replies import Heard, ReplyService
from harkara.suppressions import Source, opt_out

STOP = "stop"
STOP_WORDS = frozenset(
    {STOP, "stopall", "unsubscribe", "end", "quit", "cancel", "optout", "opt-out", "opt out"}
)
START_WORDS = frozenset({"start", "unstop", "subscribe", "optin", "opt-in", "opt in"})
HELP_WORDS = frozenset({"help", "info"})
OTHER = "other"

_CLOCK_LIMIT_S = 7 * 86_400


@dataclass(frozen=True, slots=True)
class InboundService:
    """What `inbound` does with a request. `confirm` fetches a URL, or raises StoreUnavailable."""

    door: CarrierDoor
    accounts: AccountStore
    lists: SuppressionList
    clock: Clock
    confirm: Callable[[str], None]
    replies: ReplyService

    def receive(self, carrier: str, token: str, request: ReceiptRequest) -> Counter[str]:
        """Do what the messages of a request ask for; count how many asked for what, and `replies`.

        The same request again changes nothing, unless the carrier says no time: replies are then
        posted again, and the person may have written again meanwhile. Raises RequestRefused: as
        CarrierDoor does, INVALID_RECEIPT for what cannot be read; StoreUnavailable.
        """
        settings = self.door.admit(carrier, token, request)
        received = parse_inbound(request, settings)
        if received.confirm_url:
            self.confirm(received.confirm_url)
        taken = [self._take(message, settings) for message in received.messages]
        replies = self.replies.pass_on([heard for _, heard in taken if heard])
        return Counter(asked for asked, _ in taken) + Counter(replies=replies)

    def _take(self, message: InboundMessage, settings: CarrierSettings) -> tuple[str, Heard | None]:
        # What is nobody's, or asks for nothing, may do so by what was set a moment ago.
        renewed = self.accounts.carrier(
            settings.name, lambda known: bool(_owner(message, known)[0])
        )
        account_id, text = _owner(message, renewed or settings)
        account = None
        if account_id:
            account = self.accounts.account(
                account_id, lambda known: known.two_way and _asked(text, known) != OTHER
            )
        if account is None:
            return "unowned", None
        try:
            number, _ = normalise(with_plus(message.sender))
        except RequestRefused:  # a short code, or a name
            return "no_number", None
        asked, at_s = _asked(text, account), self._time_s(message.at_s)
        if asked == "stop":
            self.lists.put(account.id, opt_out(number, at_s))
        elif asked == "start":
            self.lists.remove(account.id, number, Source.OPT_OUT, at_s)
        return asked, Heard(account, number, message.receiver, message.text, at_s)

    def _time_s(self, at_s: int) -> int:
        """Return the carrier's time unless that is to come, or far off."""
        now_s = int(self.clock())
        return at_s if now_s - _CLOCK_LIMIT_S < at_s <= now_s else now_s


def _owner(message: InboundMessage, settings: CarrierSettings) -> tuple[str, str]:
    """Return whose message it is, "" for nobody's, and its text without a shared number's keyword.

    The keyword is its first word, or its last as in STOP OFFERS.
    """
    receiver, text = message.receiver.strip().lstrip("+"), fold(message.text)
    first, _, after = text.partition(" ")
    before, _, last = text.rpartition(" ")
    shared = {fold(name): account for name, account in settings.inbound.items()}
    for keyword, rest in ((first, after), (last, before)):
        if keyword and (account := shared.get(fold(f"{receiver} {keyword}"))):
            return account, rest
    return shared.get(fold(receiver), ""), text


def _asked(text: str, account: Account) -> str:
    if text in START_WORDS.union(map(fold, account.start_words)):
        return "start"
    stop_words = STOP_WORDS.union(map(fold, account.stop_words))
    if text in stop_words or text.partition(" ")[0] == STOP:
        return "stop"
    return "help" if text in HELP_WORDS else OTHER


def fold(text: str) -> str:
    """Return a text as it is compared: no case, no punctuation around words, single spaces."""
    words = (_bare(word) for word in unicodedata.normalize("NFKC", text).casefold().split())
    return " ".join(filter(None, words))


def _bare(word: str) -> str:
    marks = "".join(each for each in word if unicodedata.category(each)[0] in "PSC")
    return word.strip(marks)
