"""Take messages from phones to our numbers: an opt-out is stored before the carrier hears 200.

Replies are passed on afterwards, for accounts that want them (`harkara.inbound.replies`).

If several accounts share a number, the text is read without the account's keyword.
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
from harkara.model.ledger import INBOUND_KIND, LedgerEntry, carrier_partition
from harkara.model.suppressions import Source, opt_out
from harkara.ports import AccountStore, MessageStore, SuppressionList
from harkara.receipts.webhook_auth import WebhookAuthenticator
from harkara.text.phone_numbers import normalise, with_plus

# A time further off is wrong, and an id remembered for longer is of another message.
_WEEK_S = 7 * 86_400


@dataclass(frozen=True, slots=True)
class InboundService:
    """Takes phone messages in the `inbound` function.

    `confirm` fetches a URL, or raises StoreUnavailable.
    """

    door: WebhookAuthenticator
    accounts: AccountStore
    lists: SuppressionList
    clock: Clock
    confirm: Callable[[str], None]
    store: MessageStore
    replies: ReplyService

    def receive(self, carrier: str, token: str, request: ReceiptRequest) -> Counter[str]:
        """Act on the messages of a request; return their number by keyword, and `replies`.

        The same request again changes nothing, unless the carrier names neither a time nor an id of
        the message: replies are then posted again, and the person may have written again meanwhile.
        A request without content does nothing. Raises RequestRefused: as WebhookAuthenticator does,
        INVALID_RECEIPT if the request cannot be read; StoreUnavailable.
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
        # A message without an account or a keyword may match settings changed a moment ago.
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
        """Return the time of a message, and a name for it if the carrier has an id for it.

        The time is the carrier's, unless that is in the future or far off; then it is the time of
        arrival. A repeated message keeps its first time: START must not undo a later STOP because
        it is repeated. Some carriers reuse ids, or have one for all messages: a message with
        another content, or a week later, is a new message.
        """
        now_s = int(self.clock())
        at_s = message.at_s if now_s - _WEEK_S < message.at_s <= now_s else now_s
        if not message.carrier_id:
            return at_s, ""
        said = self._pseudonym(message)
        partition = carrier_partition(INBOUND_KIND, carrier, message.carrier_id)
        mark = LedgerEntry(partition, INBOUND_KIND, said, "", 0, {"at": at_s, "came": now_s})
        (first,) = self.store.put_if_absent([mark])
        if first.owner != said or first.data["came"] <= now_s - _WEEK_S:
            self.store.put_over([mark])
            first = mark
        at_s = int(first.data["at"])
        return at_s, f"{partition} {said} {at_s}"

    def _pseudonym(self, message: InboundMessage) -> str:
        """Return a pseudonym of a message's whole content, which may hold lone surrogates."""
        fields = message.sender, message.receiver, message.text, str(message.at_s)
        texts = (each.encode(errors="replace").decode() for each in fields)
        return self.replies.signer.pseudonyms("inbound", *texts)[-1]


def _owner(message: InboundMessage, settings: CarrierSettings) -> tuple[str, str]:
    """Return the account id of a message, "" for none, and its text without a shared keyword.

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
