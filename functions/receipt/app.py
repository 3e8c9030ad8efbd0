"""GET and POST /receipts/{carrier}/{token}: take a carrier's reports on messages.

Next: `harkara.receipts.service`, which enqueues for functions/dlr.
"""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from harkara.api.description import about
from harkara.api.resolver import carrier_request
from harkara.base.codes import Code
from harkara.base.ids import BATCH_ID_LENGTH
from harkara.base.log_events import LogEvent
from harkara.carriers.datasend import ReceiptsTaken
from harkara.runtime import metrics
from harkara.runtime.snapshot import built_early
from harkara.wiring.api import new_api
from harkara.wiring.receipt import on_aws

api = new_api()
services = built_early(on_aws)


@api.route(
    "/receipts/<carrier>/<token>",
    ["GET", "HEAD", "POST"],
    **about("Carriers", {200: ReceiptsTaken}, Code.INVALID_RECEIPT, Code.NOT_FOUND, body=Any),
)
def receipts(carrier: str, token: str) -> Response[str]:
    """Take receipts of a carrier, in the carrier's own format."""
    received, response = services().receive(carrier, token, carrier_request(api.client_request))
    counts = {
        "receipts": len(received.receipts) + len(received.by_carrier_id),
        "by_carrier_id": len(received.by_carrier_id),
        "intermediate": received.intermediate_count,
        "foreign": received.foreign_count,
        "unknown_states": received.unknown_count,
        "replaced_times": received.replaced_time_count,
    }
    confirmed = received.confirm_url or received.echo
    done = "subscription confirmed" if confirmed else "receipts enqueued"
    batches = sorted({receipt.mid[:BATCH_ID_LENGTH] for receipt in received.receipts})
    metrics.write(LogEvent(done, {"batches": batches}, counts, carrier=carrier))
    return Response(response.status, response.headers["content-type"], response.body.decode())


handler = api.resolve
