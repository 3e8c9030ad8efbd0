"""Who may post to a carrier's routes: its token, source address and signature, in that order.

None of it reads more than the carrier's settings, which are cached: what is forged costs nothing.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass

from harkara.carrier_settings import CarrierSettings, token_matches
from harkara.codes import Code
from harkara.errors import RequestRefused
from harkara.networks import may_come_from
from harkara.ports import AccountStore
from harkara.received import ReceiptRequest


@dataclass(frozen=True, slots=True)
class CarrierDoor:
    """Lets a carrier's requests in. `secret` decrypts what the carrier signs them with."""

    accounts: AccountStore
    secret: Callable[[CarrierSettings], bytes]

    def admit(self, carrier: str, token: str, request: ReceiptRequest) -> CarrierSettings:
        """Return the carrier's settings.

        Raises RequestRefused: NOT_FOUND for a wrong carrier or token, ADDRESS_NOT_ALLOWED,
        UNAUTHORIZED for a wrong signature; StoreUnavailable.
        """
        settings = self.accounts.carrier(carrier)
        expected = settings.receipt_token_hashes if settings else ()
        if not token_matches(token, expected) or settings is None:
            raise RequestRefused(Code.NOT_FOUND)
        if not may_come_from(settings.receipt_networks, request.source_ip):
            raise RequestRefused(Code.ADDRESS_NOT_ALLOWED)
        if settings.receipt_signature_header:
            signature = request.headers.get(settings.receipt_signature_header, "")
            given = _decoded(signature.removeprefix("sha256="), settings)
            expected_mac = hmac.digest(self.secret(settings), request.body, hashlib.sha256)
            # The signature is of the body: a query beside it could be anybody's.
            if request.query or not hmac.compare_digest(given, expected_mac):
                raise RequestRefused(Code.UNAUTHORIZED, "The signature is not that of the body.")
        return settings


def _decoded(signature: str, settings: CarrierSettings) -> bytes:
    try:
        if settings.receipt_signature_encoding == "hex":
            return bytes.fromhex(signature)
        return base64.b64decode(signature)
    except ValueError:
        return b""
