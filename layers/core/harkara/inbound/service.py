"""Take what phones send to numbers of ours: who asks to stop is out before the carrier hears 200.

What was said is passed on after that, for accounts that want to hear it (`services.replies`).

A text is read without the keyword of a number that several accounts share.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from harkara.base.errors import RequestRefused
from harkara.base.time import Clock
from harkara.carriers.kinds import parse_inbound
from harkara.carriers.received import InboundMessage, ReceiptRequest
from harkara.carriers.settings import CarrierSettings
from harkara.inbound.keywords import OTHER, asked_in, fold
from harkara.inbound.replies import Heard, ReplyService
from harkara.model.ledger import INBOUND_KIND, Mark, carrier_partition
from harkara.model.suppressions import Source, opt_out
from harkara.ports import AccountStore, MessageStore, SuppressionList
from harkara.receipts.webhook_auth import CarrierDoor
from harkara.text.phone_numbers import normalise, with_plus

# A time that is further off is wrong, and what is remembered for longer is of another message.
_WEEK_S = 7 * 86_400


@dataclass(frozen=True, slots=True)
class InboundService:
    """What `inbound` does with a request. `confirm` fetches a URL, or raises StoreUnavailable."""

    door: CarrierDoor
    accounts: AccountStore
    lists: SuppressionList
    clock: Clock
    confirm: Callable[[str], None]
    store: MessageStore
    replies: ReplyService

    def receive(self, carrier: str, token: str, request: ReceiptRequest) -> Counter[str]:
        """Do what the messages of a request ask for; count how many asked for what, and `replies`.

        The same request again changes nothing, unless the carrier names neither a time nor an id
        of the message: replies are then posted again, and the person may have written again
        meanwhile. A request that holds nothing does nothing. Raises RequestRefused: as CarrierDoor
        does, INVALID_RECEIPT for what cannot be read; StoreUnavailable.
        """
        settings = self.door.admit(carrier, token, request)
        if request.is_probe:
            return Counter()
        try:
            received = parse_inbound(request, settings)
        except RequestRefused:
            self.door.note_unread(settings, request)
            raise
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
                account_id, lambda known: known.two_way and asked_in(text, known) != OTHER
            )
        if account is None:
            return "unowned", None
        try:
            number, _ = normalise(with_plus(message.sender))
        except RequestRefused:  # a short code, or a name
            return "no_number", None
        asked, (at_s, name) = asked_in(text, account), self._heard(message, settings.name)
        if asked == "stop":
            self.lists.put(account.id, opt_out(number, at_s))
        elif asked == "start":
            self.lists.remove(account.id, number, Source.OPT_OUT, at_s)
        return asked, Heard(account, number, message.receiver, message.text, at_s, name)

    def _heard(self, message: InboundMessage, carrier: str) -> tuple[int, str]:
        """Return when a message was written, and its name where the carrier has an id for it.

        The time is the carrier's, unless that is to come, or far off; else it is when the message
        came. What comes again has the time that it had first: START must not undo a later STOP
        because it comes again. Some carriers use ids again, or have one for all messages: what
        says something else, or comes a week later, is another message.
        """
        now_s = int(self.clock())
        at_s = message.at_s if now_s - _WEEK_S < message.at_s <= now_s else now_s
        if not message.carrier_id:
            return at_s, ""
        said = self._pseudonym(message)
        partition = carrier_partition(INBOUND_KIND, carrier, message.carrier_id)
        mark = Mark(partition, INBOUND_KIND, said, "", 0, {"at": at_s, "came": now_s})
        (first,) = self.store.put_once([mark])
        if first.owner != said or first.data["came"] <= now_s - _WEEK_S:
            self.store.put_over([mark])
            first = mark
        at_s = int(first.data["at"])
        return at_s, f"{partition} {said} {at_s}"

    def _pseudonym(self, message: InboundMessage) -> str:
        """Return what stands for all that a message says. It may hold half characters."""
        fields = message.sender, message.receiver, message.text, str(message.at_s)
        texts = (each.encode(errors="replace").decode() for each in fields)
        return self.replies.signer.pseudonyms("inbound", *texts)[-1]


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
