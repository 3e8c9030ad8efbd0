"""Take what phones send to numbers of ours: who asks to stop is out before the carrier hears 200.

What was said is passed on after that, for accounts that want to hear it (`services.replies`).

A text is read in whole, without case and punctuation, and without the keyword of a number that
several accounts share. STOP at its beginning will do: rather one too many is out.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from harkara.accounts import Account
from harkara.carrier_settings import CarrierSettings
from harkara.carriers import parse_inbound
from harkara.errors import RequestRefused
from harkara.marks import INBOUND_KIND, Mark, carrier_partition
from harkara.numbers import normalise, with_plus
from harkara.ports import AccountStore, Clock, MessageStore, SuppressionList
from harkara.received import InboundMessage, ReceiptRequest
from harkara.services.ingress import CarrierDoor
from harkara.services.replies import Heard, ReplyService
from harkara.suppressions import Source, opt_out

# 47 CFR 64.1200(a)(10) names stop, quit, end, revoke, opt out, cancel and unsubscribe.
STOP_WORDS = frozenset(
    {"stop", "stopall", "stop all", "unsubscribe", "end", "quit", "cancel", "revoke", "optout"}
    | {"opt out", "end all", "quit all", "cancel all", "exit", "remove", "delete me", "dnd", "dnc"}
    | {"do not disturb", "no more", "no more sms", "no more messages", "no sms", "block", "band"}
    | {"band kro", "band kar do", "withdraw consent", "stop1", "not interested"}
)
# At its beginning these will do, whatever follows.
STOP_BEGINNINGS = (
    *("stop", "stopall", "unsubscribe", "un subscribe", "unsub", "unsuscribe", "revoke", "optout"),
    *("opt out", "remove me", "remove my", "do not text", "do not message", "do not send"),
    *("don't text", "don't message", "don't send", "dont text", "dont message", "dont send"),
    *("fully block", "block dnd"),
)
# In verb-final languages, and at the end of a sentence in English, at its end as well.
STOP_ENDINGS = ("unsubscribe", "optout", "opt out", "band karo", "band kijiye", "mat bhejo")
# "Stop" in the scripts of India: the loan word, and its own in the forms in which it is asked.
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

_CLOCK_LIMIT_S = 7 * 86_400


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
                account_id, lambda known: known.two_way and _asked(text, known) != OTHER
            )
        if account is None:
            return "unowned", None
        try:
            number, _ = normalise(with_plus(message.sender))
        except RequestRefused:  # a short code, or a name
            return "no_number", None
        asked, at_s = _asked(text, account), self._time_s(message, settings.name)
        if asked == "stop":
            self.lists.put(account.id, opt_out(number, at_s))
        elif asked == "start":
            self.lists.remove(account.id, number, Source.OPT_OUT, at_s)
        name = f"{settings.name} {message.carrier_id}" if message.carrier_id else ""
        return asked, Heard(account, number, message.receiver, message.text, at_s, name)

    def _time_s(self, message: InboundMessage, carrier: str) -> int:
        """Return when a message was written: by the carrier unless that is to come, or far off.

        Else it is when the message came, for the first time where the carrier names an id of it:
        START must not undo a later STOP because it comes again.
        """
        now_s = int(self.clock())
        if now_s - _CLOCK_LIMIT_S < message.at_s <= now_s:
            return message.at_s
        if not message.carrier_id:
            return now_s
        partition = carrier_partition(INBOUND_KIND, carrier, message.carrier_id)
        mark = Mark(partition, INBOUND_KIND, carrier, "", 0, {"at": now_s})
        (first,) = self.store.put_once([mark])
        return int(first.data["at"])


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
    plain = " ".join(word for word in text.split() if word not in POLITE_WORDS)
    asked = {text, plain}
    if asked & START_WORDS.union(map(fold, account.start_words)):
        return "start"
    stop_words = STOP_WORDS.union(map(fold, account.stop_words))
    if asked & stop_words or _BEGINS.match(plain) or _ENDS.search(plain):
        return "stop"
    return "help" if text in HELP_WORDS else OTHER


def fold(text: str) -> str:
    """Return a text as it is compared: no case, no punctuation around words, single spaces.

    A dash of any kind is a space: opt-out is opt out. A Malayalam chillu that is spelled with a
    joiner is the letter of its own.
    """
    plain = unicodedata.normalize("NFKC", text).casefold().replace("\u2019", "'")
    for spelled, letter in _CHILLUS.items():
        plain = plain.replace(spelled, letter)
    plain = "".join(each for each in plain if each not in _JOINERS)
    plain = "".join(" " if _is_dash(each) else each for each in plain)
    words = (_bare(word) for word in plain.split())
    return " ".join(filter(None, words))


_JOINERS = "\u200c\u200d"
# Unicode 5.1 gave them code points; before, each was its consonant, a virama and a joiner.
_CHILLUS = {
    consonant + "\u0d4d\u200d": chillu for consonant, chillu in zip("ണനരലളക", "ൺൻർൽൾൿ", strict=True)
}


def _is_dash(character: str) -> bool:
    return character == "\N{MINUS SIGN}" or unicodedata.category(character) == "Pd"


def _bare(word: str) -> str:
    marks = "".join(each for each in word if unicodedata.category(each)[0] in "PSC")
    return word.strip(marks)


def _any_of(phrases: Iterable[str]) -> str:
    return "|".join(sorted({re.escape(fold(each)) for each in phrases}, key=len, reverse=True))


# A word ends where a space or the text does: \\b does not know vowel signs.
_BEGINS = re.compile(rf"(?:{_any_of((*STOP_BEGINNINGS, *STOP_ENDINGS, *STOP_IN_SCRIPTS))})(?: |$)")
_ENDS = re.compile(rf"(?:^| )(?:{_any_of((*STOP_ENDINGS, *STOP_IN_SCRIPTS))})$")
