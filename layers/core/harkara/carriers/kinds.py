"""The kinds of carriers, one module each, with the same sections in the same order.

    docstring        the provider's documents, and the shapes of requests, answers and receipts
    STATES           a total table from its words for states to ours, None for states not final
    FAILURES         a table from its codes to ours (kind http: in the options)
    the class        connects, and submits
    parse_receipts   reads the receipts that it posts to us
    parse_inbound    reads messages from phones to numbers of ours
    answer           returns our answer to its receipts
    helpers

A state that is not in the table is counted as unknown, and never guessed.
"""

from collections.abc import Callable
from typing import NamedTuple

from harkara.base.errors import HttpAnswer, Outside
from harkara.base.ids import ReferenceSigner
from harkara.carriers import aws_sms, datasend, generic_http, kannel
from harkara.carriers.contract import Carrier
from harkara.carriers.receipts import ReceiptRequest, ReceivedMessages, ReceivedReceipts
from harkara.carriers.settings import CarrierSecrets, CarrierSettings


class Kind(NamedTuple):
    """The functions of a carrier's module.

    `parse_receipts` and `parse_inbound` raise RequestRefused(INVALID_RECEIPT) if the request does
    not have the carrier's shape. `answer` is sent once the receipts are durable.
    """

    connect: Callable[[CarrierSettings, CarrierSecrets, Outside], Carrier]
    parse_receipts: Callable[[ReceiptRequest, CarrierSettings, ReferenceSigner], ReceivedReceipts]
    parse_inbound: Callable[[ReceiptRequest, CarrierSettings], ReceivedMessages]
    answer: Callable[[ReceivedReceipts, CarrierSettings], HttpAnswer]


KINDS = {
    "aws": Kind(aws_sms.AwsCarrier, aws_sms.parse_receipts, aws_sms.parse_inbound, datasend.answer),
    "datasend": Kind(
        datasend.DatasendCarrier, datasend.parse_receipts, datasend.parse_inbound, datasend.answer
    ),
    "kannel": Kind(
        kannel.KannelCarrier, kannel.parse_receipts, kannel.parse_inbound, kannel.answer
    ),
    "http": Kind(
        generic_http.ConfiguredCarrier,
        generic_http.parse_receipts,
        generic_http.parse_inbound,
        generic_http.answer,
    ),
}


def connect(settings: CarrierSettings, secrets: CarrierSecrets, outside: Outside) -> Carrier:
    """Return the carrier that the settings describe."""
    return KINDS[settings.kind].connect(settings, secrets, outside)
