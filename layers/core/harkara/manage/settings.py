"""Change an account's settings: how each is written, who changes it, and what must hold.

Its admins change what harms nobody else. What others or the operator's bill depend on (limits,
prices, countries, carriers, DLT's rules), operators change.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from hashlib import blake2b
from typing import Any, NamedTuple

from pydantic import ValidationError

from harkara.base.codes import Code
from harkara.base.errors import FieldRefused, RequestRefused, UnknownCallback
from harkara.base.json import encode
from harkara.base.time import duration_s, duration_text
from harkara.carriers.settings import CarrierSettings
from harkara.manage.audit import refusals
from harkara.manage.links import ChangeAccount
from harkara.model.accounts import Account, Enforcement, Limits, OtpLimit
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.fields import CALLBACK_ID, NAME_LIMIT, SITE_PATTERN, SITE_RULE
from harkara.model.messages import Category
from harkara.model.rates import Rate
from harkara.model.rcs import Channel
from harkara.ports import Registry
from harkara.text.phone_numbers import may_begin_number

# An item of DynamoDB has at most 400 KB.
SETTINGS_LIMIT_BYTES = 300_000
_RATE = re.compile(r"([0-9]{1,15})(?::(?!rcs=)([a-z_]+))?(?::(rcs))?=([0-9]{1,6}(?:\.[0-9]{1,6})?)")
_OTP_LIMIT = re.compile(r"\+?([0-9]{1,15})=([1-9][0-9]{0,8})/(minute|hour|day)")
_AMOUNT = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?")
_COUNTRY = re.compile(r"[A-Z]{2}|\*")
_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*")
_NAME = re.compile(rf"[^\x00-\x1f\x7f-\x9f\u2028\u2029]{{1,{NAME_LIMIT}}}")
_KEY = re.compile("[A-Za-z0-9_-]{1,64}")
_ANSWERS = ("yes", "no")


def country(text: str) -> str:
    """Return an ISO code, or `*` for all countries; like all of these, raises ValueError."""
    return _fitting(_COUNTRY, text, "use ISO codes of two capital letters, or '*'")


def site(text: str) -> str:
    """Return a domain, perhaps with a path, or "" for none."""
    return text and _fitting(re.compile(SITE_PATTERN), text, f"give {SITE_RULE}, in small letters")


def host(text: str) -> str:
    """Return a host."""
    return _fitting(_HOST, text, "give the host alone, as in hooks.acme.in")


def rate(text: str) -> Rate:
    """Return the price of a segment, or of a message that RCS delivers."""
    match = _RATE.fullmatch(text)
    if match is None or (match[2] and match[2] not in [*Category]):
        raise ValueError("write a rate as 91=0.25, 91:otp=0.20 or 91:rcs=0.30")
    category = Category(match[2]) if match[2] else None
    channel = Channel(match[3] or Channel.SMS)
    return Rate(prefix=match[1], category=category, channel=channel, price=Decimal(match[4]))


def rate_text(each: Rate) -> str:
    """Return a rate as it is written."""
    channel = "" if each.channel is Channel.SMS else each.channel
    return f"{':'.join(filter(None, (each.prefix, each.category, channel)))}={each.price:f}"


def currency(text: str) -> str:
    """Return a currency's code, or "" for none."""
    rule = "give a currency by its three letters (ISO 4217), as in INR"
    return text and _fitting(re.compile("[A-Z]{3}"), text, rule)


def otp_limit(text: str) -> OtpLimit:
    """Return a limit of the OTPs to a prefix."""
    match = _OTP_LIMIT.fullmatch(text)
    if match is None:
        raise ValueError("write a limit as +9198=100/hour, each minute, hour or day")
    if not may_begin_number(match[1]):
        raise ValueError("begin the prefix with a country code, as in +9198 or +44")
    return OtpLimit.model_validate({"prefix": match[1], "count": match[2], "every": match[3]})


def otp_limit_text(each: OtpLimit) -> str:
    """Return a limit of OTPs as it is written."""
    return f"+{each.prefix}={each.count}/{each.every}"


def amount(text: str) -> Decimal:
    """Return an amount in the unit of the rates."""
    rule = "write an amount as 5000 or 0.25, in the unit of the rates"
    return Decimal(_fitting(_AMOUNT, text, rule))


def name(text: str) -> str:
    """Return a name for people to read."""
    return _fitting(_NAME, text, f"1 to {NAME_LIMIT} characters in one line")


class Setting(NamedTuple):
    """A setting as forms have it: one text, or one in each line.

    `choices` are all that there are, or none for free text. `read` raises ValueError.
    """

    read: Callable[[str], Any] = str
    write: Callable[[Any], str] = str
    of_admins: bool = False
    lines: bool = False
    choices: Sequence[str] = ()


def _key(text: str) -> str:
    return _fitting(_KEY, text, "the name of a carrier for SMS")


def _callback(text: str) -> str:
    return text and _fitting(CALLBACK_ID, text, "the id of a registered callback")


def _number(text: str) -> str:
    return _fitting(_AMOUNT, text, "a number, such as 20 or 0.5")


def _whole(text: str) -> str:
    return _fitting(re.compile("[0-9]{1,12}"), text, "a whole number")


def _is_yes(text: str) -> bool:
    return _fitting(re.compile("yes|no"), text, "yes or no") == "yes"


def _yes_or_no(is_so: object) -> str:
    return "yes" if is_so else "no"


def _plain(number: float) -> str:
    return f"{number:f}".rstrip("0").rstrip(".")


_COUNT = Setting(_whole)
_RATE_A_SECOND = Setting(_number, _plain)
_SPEND = Setting(amount, "{:f}".format)
_SWITCH = Setting(_is_yes, _yes_or_no, choices=_ANSWERS)
_TIME = Setting(duration_s, duration_text)
_WORDS = Setting(lines=True)
_OWN_WORDS = Setting(lines=True, of_admins=True)

SETTINGS: Mapping[str, Setting] = {
    "name": Setting(name, of_admins=True),
    "carrier": Setting(_key),
    "draining": _SWITCH,
    "default_callback": Setting(_callback, of_admins=True),
    "callback_hosts": Setting(host, lines=True),
    "countries": Setting(country, lines=True),
    "default_category": Setting(choices=tuple(Category), of_admins=True),
    "segment_limit": _COUNT,
    "smart_encoding": _SWITCH._replace(of_admins=True),
    "duplicate_window_s": _TIME._replace(of_admins=True),
    "out_of_hours": Setting(choices=("defer", "refuse"), of_admins=True),
    "dead_numbers": _SWITCH,
    "dlt": Setting(choices=tuple(Enforcement)),
    "strict_templates": _SWITCH,
    "variable_limit": _COUNT,
    "numeric_limit": _COUNT,
    "alphanumeric_limit": _COUNT,
    "alphanumeric_marks": Setting(),
    "url_limit": _COUNT,
    "registered_urls": _OWN_WORDS,
    "call_back_numbers": _OWN_WORDS,
    "brands": _OWN_WORDS,
    "telemarketer_ids": _WORDS,
    "two_way": _SWITCH,
    "stop_words": _OWN_WORDS,
    "start_words": _WORDS,
    "short_domain": Setting(site),
    "link_days": Setting(_whole, of_admins=True),
    "otp_cooldown_s": _TIME,
    "otp_per_day": _COUNT,
    "otp_limits": Setting(otp_limit, otp_limit_text, lines=True),
    "requests_per_s": _RATE_A_SECOND,
    "segments_per_s": _RATE_A_SECOND,
    "segments_per_day": _COUNT,
    "spend_per_day": _SPEND,
    "spend_per_month": _SPEND,
    "currency": Setting(currency),
    "rates": Setting(rate, rate_text, lines=True),
}
"""The settings by name. Whether texts get short links has a switch of its own (`manage.links`)."""


def written(account: Account) -> dict[str, str]:
    """Return all settings of an account as they are written in a form."""
    values = {**dict(account), **dict(account.limits)}
    return {
        name: "\n".join(map(each.write, values[name])) if each.lines else each.write(values[name])
        for name, each in SETTINGS.items()
    }


def fingerprint(account: Account) -> str:
    """Return what tells whether an account's settings are those that somebody saw."""
    return blake2b(encode(written(account)), digest_size=12).hexdigest()


def with_settings(account: Account, values: Mapping[str, Any]) -> Account:
    """Return an account with other values of settings. Raises ValidationError."""
    limits = {name: values[name] for name in Limits.model_fields if name in values}
    own = {name: values[name] for name in Account.model_fields if name in values}
    every = {**dict(account), **own, "limits": {**dict(account.limits), **limits}}
    return Account.model_validate(every)


@dataclass(frozen=True, slots=True)
class SettingsService:
    """Changes the settings of accounts: for operators any, for an account's admins some."""

    change: ChangeAccount
    carrier: Callable[[str], CarrierSettings | None]
    registry: Registry

    def put(
        self, account: Account, given: Mapping[str, str], seen: str, *, is_operator: bool
    ) -> list[str]:
        """Change settings to these texts of a form; return the names of those that changed.

        `seen` is the fingerprint of the settings that the form was made of: where they were
        changed since, nothing is. Raises RequestRefused: INVALID_REQUEST, whose cause names the
        field (`seen` for those that were changed since), SCOPE_MISSING, NOT_FOUND; and
        StoreUnavailable.
        """
        if not is_operator and any(not SETTINGS[name].of_admins for name in given):
            raise RequestRefused(Code.SCOPE_MISSING, "(role: operator)")
        with refusals():
            values = {name: _read(name, text) for name, text in given.items()}
            self._check(account.id, values)
            known = {seen}
            before: dict[str, str] = {}

            def changed(current: Account) -> Account:
                if fingerprint(current) not in known:
                    raise FieldRefused("seen", "they were changed since: look at them, and save")
                changed = _valid(current, values)
                # After a lost answer these are the current ones.
                known.add(fingerprint(changed))
                before.update(before or written(current))
                return changed

            after = self.change(account.id, changed)
        if after is None:
            raise RequestRefused(Code.NOT_FOUND)
        return [name for name, text in written(after).items() if before[name] != text]

    def _check(self, account_id: str, values: Mapping[str, Any]) -> None:
        """Raise FieldRefused for a carrier or a callback that does not exist."""
        if (carrier := values.get("carrier")) is not None:
            found = self.carrier(carrier)
            if found is None or found.channel is not Channel.SMS:
                raise FieldRefused("carrier", "the name of a carrier for SMS")
        callback = values.get("default_callback")
        if callback and self.registry.get(account_id, CallbackEndpoint, callback) is None:
            raise UnknownCallback("default_callback")


def _read(name: str, text: str) -> Any:
    """Return the value of a setting's text. Raises FieldRefused."""
    setting = SETTINGS[name]
    lines = list(filter(None, map(str.strip, text.splitlines())))
    try:
        return [setting.read(line) for line in lines] if setting.lines else setting.read(text)
    except ValueError as error:
        raise FieldRefused(name, str(error)) from None


def _valid(account: Account, values: Mapping[str, Any]) -> Account:
    """Return an account with other settings. Raises FieldRefused."""
    try:
        changed = with_settings(account, values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = next((str(each) for each in first["loc"] if each in SETTINGS), "settings")
        rule = first["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
        raise FieldRefused(field, rule) from None
    if len(encode(written(changed))) > SETTINGS_LIMIT_BYTES:
        raise FieldRefused("settings", f"at most {SETTINGS_LIMIT_BYTES // 1000} KB: shorten a list")
    return changed


def _fitting(pattern: re.Pattern[str], text: str, rule: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(rule)
    return text
