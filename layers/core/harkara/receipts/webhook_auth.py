"""Authenticate requests to a carrier's routes: its token, source address and signature, in order.

Authentication reads only the carrier's settings. They are cached, and read anew before a request is
refused, at most once in some seconds: forged requests cost next to nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass

from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.base.keys import may_come_from
from harkara.base.log_events import EventSink, LogEvent
from harkara.carriers.documents import names_in
from harkara.carriers.receipts import ReceiptRequest
from harkara.carriers.settings import CarrierSettings, token_matches
from harkara.carriers.signatures import is_signed
from harkara.ports import CarrierStore

_CODES = {
    "carrier": Code.NOT_FOUND,
    "token": Code.NOT_FOUND,
    "network": Code.ADDRESS_NOT_ALLOWED,
    "signature": Code.UNAUTHORIZED,
}


@dataclass(frozen=True, slots=True)
class WebhookAuthenticator:
    """Authenticates a carrier's requests. `secret` decrypts the keys of the carrier's signatures.

    Log events of refused requests say the reason, and the carrier if one of that name is set up.
    """

    accounts: CarrierStore
    secret: Callable[[CarrierSettings], bytes]
    emit: EventSink

    def admit(self, carrier: str, token: str, request: ReceiptRequest) -> CarrierSettings:
        """Return the carrier's settings.

        Raises RequestRefused: NOT_FOUND for a wrong carrier or token, ADDRESS_NOT_ALLOWED,
        UNAUTHORIZED for a wrong signature; StoreUnavailable.
        """
        settings = self.accounts.carrier(
            carrier, lambda current: self._wrong(current, token, request) is None
        )
        wrong = self._wrong(settings, token, request)
        if wrong is not None or settings is None:
            raise self._refused(settings, wrong or "carrier")
        return settings

    def log_unread(self, settings: CarrierSettings, request: ReceiptRequest) -> None:
        """Log that an authenticated request could not be read, with the names of its fields."""
        names = names_in(request)
        self.emit(
            LogEvent("request not read", {"fields": names}, {"unread": 1}, carrier=settings.name)
        )

    def _wrong(
        self, settings: CarrierSettings | None, token: str, request: ReceiptRequest
    ) -> str | None:
        """Return the part of a request that is wrong, None if it is admitted."""
        expected = settings.receipt_token_hashes if settings else ()
        if not token_matches(token, expected) or settings is None:
            return "token" if settings else "carrier"
        networks = settings.receipt_networks
        if networks and not may_come_from(networks, request.source_ip):
            return "network"
        must_sign = settings.signature_header and not request.is_probe
        if must_sign and not self._is_signed(request, settings):
            return "signature"
        return None

    def _is_signed(self, request: ReceiptRequest, settings: CarrierSettings) -> bool:
        """Whether a request is signed with any of the carrier's secrets, one on each line."""
        return any(
            is_signed(
                request,
                settings.receipt_signature,
                settings.signature_header,
                settings.receipt_signature_encoding,
                key,
            )
            for key in self.secret(settings).splitlines()
            if key
        )

    def _refused(self, settings: CarrierSettings | None, wrong: str) -> RequestRefused:
        # Log only names that are set up: any other text there may be a misplaced token.
        name = settings.name if settings else ""
        self.emit(LogEvent("webhook refused", {"wrong": wrong}, {"refused": 1}, carrier=name))
        detail = "The signature is not that of the request." if wrong == "signature" else ""
        return RequestRefused(_CODES[wrong], detail)
