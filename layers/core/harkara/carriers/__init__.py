"""Carriers, one module a kind, each with the same parts in the same order.

`connect` makes a Carrier of a carrier's settings; `parse_receipts` reads what it posts to us.
"""

from collections.abc import Callable
from typing import NamedTuple

from harkara.accounts import CarrierSettings
from harkara.carriers import datasend
from harkara.ids import ReferenceSigner
from harkara.ports import Carrier, HttpExchange, ReceiptRequest, ReceivedReceipts


class Kind(NamedTuple):
    """The two parts of a carrier's module."""

    connect: Callable[[CarrierSettings, str, HttpExchange], Carrier]
    parse_receipts: Callable[[ReceiptRequest, ReferenceSigner], ReceivedReceipts]


KINDS = {"datasend": Kind(datasend.DatasendCarrier, datasend.parse_receipts)}


def connect(settings: CarrierSettings, password: str, exchange: HttpExchange) -> Carrier:
    """Return the carrier that the settings describe, with its password in clear."""
    return KINDS[settings.kind].connect(settings, password, exchange)


def parse_receipts(kind: str, request: ReceiptRequest, signer: ReferenceSigner) -> ReceivedReceipts:
    """Return the receipts in a request of a carrier of this kind.

    Raises RequestRefused(INVALID_RECEIPT) for what has not the carrier's shape.
    """
    return KINDS[kind].parse_receipts(request, signer)
