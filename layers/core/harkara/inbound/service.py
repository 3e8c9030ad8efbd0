"""Take messages from phones to our numbers: an opt-out is stored before the carrier hears 200.

Replies are passed on afterwards, for accounts that want them (`harkara.inbound.replies`). Keywords
are answered, for accounts that have set answers (`harkara.inbound.answers`).

If several accounts share a number, the text is read without the account's keyword.

Recognise keywords in texts of phones: STOP, START and HELP, also in the languages of India.

The whole text is compared, without case and punctuation. STOP also counts at the beginning of a
text, and at the end in languages that put the verb last: rather one opt-out too many than one too
few.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from harkara.base.errors import RequestRefused
from harkara.base.time import Clock
from harkara.carriers.kinds import KINDS
from harkara.carriers.receipts import InboundMessage, ReceiptRequest
from harkara.carriers.settings import CarrierSettings
from harkara.inbound.answers import AnswerService
from harkara.inbound.replies import ReceivedMessage, ReplyService
from harkara.model.accounts import Account
from harkara.model.ledger import INBOUND_KIND, LedgerEntry, carrier_partition
from harkara.model.suppressions import Source, opt_out
from harkara.ports import CarrierStore, MessageStore, SuppressionList
from harkara.receipts.webhook_auth import WebhookAuthenticator
from harkara.text.phone_numbers import normalise, with_plus

# 47 CFR 64.1200(a)(10) names stop, quit, end, revoke, opt out, cancel and unsubscribe.
STOP_WORDS = frozenset(
    {"stop", "stopall", "stop all", "unsubscribe", "end", "quit", "cancel", "revoke", "optout"}
    | {"opt out", "end all", "quit all", "cancel all", "exit", "remove", "delete me", "dnd", "dnc"}
    | {"do not disturb", "no more", "no more sms", "no more messages", "no sms", "block", "band"}
    | {"band kro", "band kar do", "withdraw consent", "stop1", "not interested"}
)
# These also count at the beginning of a text, before other words.
STOP_BEGINNINGS = (
    *("stop", "stopall", "unsubscribe", "un subscribe", "unsub", "unsuscribe", "revoke", "optout"),
    *("opt out", "remove me", "remove my", "do not text", "do not message", "do not send"),
    *("don't text", "don't message", "don't send", "dont text", "dont message", "dont send"),
    *("fully block", "block dnd"),
)
# These also count at the end: in verb-final languages, and in English sentences.
STOP_ENDINGS = ("unsubscribe", "optout", "opt out", "band karo", "band kijiye", "mat bhejo")
# "Stop" in the scripts of India: the loan word, and native words in their usual imperative forms.
STOP_IN_SCRIPTS = (
    *("स्टॉप", "स्टाप", "बंद", "बन्द", "बंद करो", "बंद करें", "बंद करे", "बंद कर दो", "बंद कीजिए"),
    *("बंद करा", "रोको", "रोकें", "रोक दो", "रुको", "थांबा", "थांबवा", "मत भेजो"),
    *("स्टप", "स्टॉप करा", "বন্ধ", "বন্ধ করুন", "বন্ধ করো", "বন্ধ কৰক", "স্টপ", "ষ্টপ"),
    *("બંધ", "બંધ કરો", "રોકો", "સ્ટોપ", "ਬੰਦ", "ਬੰਦ ਕਰੋ", "ਸਟਾਪ", "ਰੋਕੋ"),
    *("ବନ୍ଦ", "ବନ୍ଦ କରନ୍ତୁ", "ଷ୍ଟପ୍", "நிறுத்து", "நிறுத்தவும்", "நிறுத்துங்கள்", "ஸ்டாப்"),
    *("ఆపు", "ఆపండి", "ఆపేయండి", "స్టాప్", "ನಿಲ್ಲಿಸಿ", "ನಿಲ್ಲಿಸು", "ಸ್ಟಾಪ್"),
    *("നിർത്തുക", "നിർത്തൂ", "സ്റ്റോപ്പ്", "سٹاپ", "اسٹاپ", "بند", "بند کرو", "بند کریں", "روکو"),
)
START_WORDS = frozenset({"start", "unstop", "subscribe", "optin", "opt in"})
POLITE_WORDS = frozenset({"please", "pls", "plz", "kindly"})
HELP_WORDS = frozenset({"help", "info"})
OTHER = "other"

_JOINERS = "\u200c\u200d"
# Unicode 5.1 gave these letters code points; before, each was a consonant, a virama and a joiner.
_CHILLUS = {
    consonant + "\u0d4d\u200d": chillu for consonant, chillu in zip("ണനരലളക", "ൺൻർൽൾൿ", strict=True)
}


def keyword_in(text: str, account: Account) -> str:
    """Return the request that a folded text makes: `stop`, `start`, `help` or `other`."""
    plain = " ".join(word for word in text.split() if word not in POLITE_WORDS)
    forms = {text, plain}
    if forms & START_WORDS.union(map(fold, account.start_words)):
        return "start"
    stop_words = STOP_WORDS.union(map(fold, account.stop_words))
    if forms & stop_words or _BEGINS.match(plain) or _ENDS.search(plain):
        return "stop"
    return "help" if forms & HELP_WORDS else OTHER


def fold(text: str) -> str:
    """Normalise a text for comparison: no case, no punctuation around words, single spaces.

    A dash of any kind is a space: opt-out is opt out. A Malayalam chillu that is spelled with a
    joiner becomes the single letter.
    """
    plain = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")
    for spelled, letter in _CHILLUS.items():
        plain = plain.replace(spelled, letter)
    plain = "".join(each for each in plain if each not in _JOINERS)
    plain = "".join(" " if _is_dash(each) else each for each in plain)
    words = (_bare(word) for word in plain.split())
    return " ".join(filter(None, words))


def _is_dash(character: str) -> bool:
    return character == "\N{MINUS SIGN}" or unicodedata.category(character) == "Pd"


def _bare(word: str) -> str:
    marks = "".join(each for each in word if unicodedata.category(each)[0] in "PSC")
    return word.strip(marks)


def _any_of(phrases: Iterable[str]) -> str:
    return "|".join(sorted({re.escape(fold(each)) for each in phrases}, key=len, reverse=True))


# A word ends at a space or at the end of the text: \\b does not know vowel signs.
_BEGINS = re.compile(rf"(?:{_any_of((*STOP_BEGINNINGS, *STOP_ENDINGS, *STOP_IN_SCRIPTS))})(?: |$)")
_ENDS = re.compile(rf"(?:^| )(?:{_any_of((*STOP_ENDINGS, *STOP_IN_SCRIPTS))})$")


# A time further off is wrong, and an id remembered for longer is of another message.
_WEEK_S = 7 * 86_400


@dataclass(frozen=True, slots=True)
class InboundService:
    """Takes phone messages in the `inbound` function.

    `confirm` fetches a URL, or raises StoreUnavailable.
    """

    authenticator: WebhookAuthenticator
    accounts: CarrierStore
    lists: SuppressionList
    clock: Clock
    confirm: Callable[[str], None]
    store: MessageStore
    replies: ReplyService
    answers: AnswerService

    def receive(self, carrier: str, token: str, request: ReceiptRequest) -> Counter[str]:
        """Act on the messages of a request; return counts by keyword, of `replies` and `answers`.

        The same request again changes nothing, unless the carrier names neither a time nor an id of
        the message: replies are then posted again, and the person may have written again meanwhile.
        A request without content does nothing. Raises RequestRefused: as WebhookAuthenticator does,
        INVALID_RECEIPT if the request cannot be read; StoreUnavailable.
        """
        settings = self.authenticator.admit(carrier, token, request)
        if request.is_probe:
            return Counter()
        try:
            received = KINDS[settings.kind].parse_inbound(request, settings)
        except RequestRefused:
            self.authenticator.log_unread(settings, request)
            raise
        if received.confirm_url:
            self.confirm(received.confirm_url)
        taken = [self._take(message, settings) for message in received.messages]
        replies = self.replies.pass_on([reply for _, reply in taken if reply])
        counts = sum((Counter(each) for each, _ in taken), Counter[str]())
        return counts + Counter(replies=replies)

    def _take(
        self, message: InboundMessage, settings: CarrierSettings
    ) -> tuple[Sequence[str], ReceivedMessage | None]:
        # A message without an account or a keyword may match settings changed a moment ago.
        renewed = self.accounts.carrier(
            settings.name, lambda current: bool(_owner(message, current)[0])
        )
        account_id, text = _owner(message, renewed or settings)
        account = None
        if account_id:
            account = self.accounts.account(
                account_id,
                lambda current: current.two_way and keyword_in(text, current) in current.answers,
            )
        if account is None:
            return ["unowned"], None
        try:
            number, _ = normalise(with_plus(message.sender))
        except RequestRefused:  # a short code, or a name
            return ["no_number"], None
        keyword = keyword_in(text, account)
        at_s, name = self._first_receipt(message, settings.name)
        reply = ReceivedMessage(account, number, message.receiver, message.text, at_s, name)
        known_as = name or (f"at {at_s}" if at_s == message.at_s else "")
        place, counts = None, True
        try:
            place = self.answers.claim(account, number, keyword, at_s, known_as)
        finally:  # an opt-out waits for nothing
            if keyword == "stop":
                counts = self.lists.put(account.id, opt_out(number, at_s))
        if keyword == "start":
            for source in (Source.OPT_OUT, Source.CARRIER):
                self.lists.remove(account.id, number, source, at_s)
        answered = place and counts and self.answers.send(account, number, place)
        return [keyword, *(["answers"] if answered else [])], reply

    def _first_receipt(self, message: InboundMessage, carrier: str) -> tuple[int, str]:
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
        pseudonym = self._pseudonym(message)
        partition = carrier_partition(INBOUND_KIND, carrier, message.carrier_id)
        entry = LedgerEntry(partition, INBOUND_KIND, pseudonym, "", 0, {"at": at_s, "came": now_s})
        (first,) = self.store.put_if_absent([entry])
        if first.task_id != pseudonym or first.data["came"] <= now_s - _WEEK_S:
            self.store.put_over([entry])
            first = entry
        at_s = int(first.data["at"])
        return at_s, f"{partition} {pseudonym} {at_s}"

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
