"""Recognise keywords in texts of phones: STOP, START and HELP, also in the languages of India.

The whole text is compared, without case and punctuation. STOP also counts at the beginning of a
text, and at the end in languages that put the verb last: rather one opt-out too many than one too
few.
"""

import re
import unicodedata
from collections.abc import Iterable

from harkara.model.accounts import Account

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


def asked_in(text: str, account: Account) -> str:
    """Return the request that a folded text makes: `stop`, `start`, `help` or `other`."""
    plain = " ".join(word for word in text.split() if word not in POLITE_WORDS)
    asked = {text, plain}
    if asked & START_WORDS.union(map(fold, account.start_words)):
        return "start"
    stop_words = STOP_WORDS.union(map(fold, account.stop_words))
    if asked & stop_words or _BEGINS.match(plain) or _ENDS.search(plain):
        return "stop"
    return "help" if text in HELP_WORDS else OTHER


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
