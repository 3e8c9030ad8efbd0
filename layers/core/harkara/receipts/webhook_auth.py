"""Who may post to a carrier's routes: its token, source address and signature, in that order.

None of it reads more than the carrier's settings, which are remembered, and read anew before a
request is refused by them, once in some seconds: what is forged costs next to nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass

from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.base.log_events import Note, Notes
from harkara.base.networks import may_come_from
from harkara.carriers.documents import names_in
from harkara.carriers.received import ReceiptRequest
from harkara.carriers.settings import CarrierSettings, token_matches
from harkara.carriers.signatures import is_signed
from harkara.ports import AccountStore

_CODES = {
    "carrier": Code.NOT_FOUND,
    "token": Code.NOT_FOUND,
    "network": Code.ADDRESS_NOT_ALLOWED,
    "signature": Code.UNAUTHORIZED,
}


@dataclass(frozen=True, slots=True)
class CarrierDoor:
    """Lets a carrier's requests in. `secret` decrypts what the carrier signs them with.

    Notes say what was refused, at which carrier where there is one of the name, and why.
    """

    accounts: AccountStore
    secret: Callable[[CarrierSettings], bytes]
    notes: Notes

    def admit(self, carrier: str, token: str, request: ReceiptRequest) -> CarrierSettings:
        """Return the carrier's settings.

        Raises RequestRefused: NOT_FOUND for a wrong carrier or token, ADDRESS_NOT_ALLOWED,
        UNAUTHORIZED for a wrong signature; StoreUnavailable.
        """
        settings = self.accounts.carrier(
            carrier, lambda known: self._wrong(known, token, request) is None
        )
        wrong = self._wrong(settings, token, request)
        if wrong is not None or settings is None:
            raise self._refused(settings, wrong or "carrier")
        return settings

    def note_unread(self, settings: CarrierSettings, request: ReceiptRequest) -> None:
        """Note that a request which was let in could not be read, and its fields' names."""
        names = names_in(request)
        self.notes(
            Note("request not read", {"fields": names}, {"unread": 1}, carrier=settings.name)
        )

    def _wrong(
        self, settings: CarrierSettings | None, token: str, request: ReceiptRequest
    ) -> str | None:
        """Return what is wrong with a request, None for nothing."""
        expected = settings.receipt_token_hashes if settings else ()
        if not token_matches(token, expected) or settings is None:
            return "token" if settings else "carrier"
        if not may_come_from(settings.receipt_networks, request.source_ip):
            return "network"
        must_sign = settings.signature_header and not request.is_probe
        if must_sign and not self._is_signed(request, settings):
            return "signature"
        return None

    def _is_signed(self, request: ReceiptRequest, settings: CarrierSettings) -> bool:
        """Whether a request is signed with any of the carrier's secrets: each is a line."""
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
        # Only a name that is set up: what else stands there may be a misplaced token.
        name = settings.name if settings else ""
        self.notes(Note("refused at the door", {"wrong": wrong}, {"refused": 1}, carrier=name))
        detail = "The signature is not that of the request." if wrong == "signature" else ""
        return RequestRefused(_CODES[wrong], detail)
