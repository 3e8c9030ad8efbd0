"""GET and POST /inbound/{carrier}/{token}: take messages from phones to our numbers.

Next: `harkara.inbound.service`. An opt-out counts in functions/submit at once; functions/dlr posts
replies.
"""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from harkara.api.description import TEXT, about
from harkara.api.resolver import carrier_request
from harkara.base.codes import Code
from harkara.base.log_events import LogEvent
from harkara.runtime import metrics
from harkara.runtime.snapshot import built_early
from harkara.wiring.api import new_api
from harkara.wiring.inbound import on_aws

api = new_api()
services = built_early(on_aws)


@api.route(
    "/inbound/<carrier>/<token>",
    ["GET", "HEAD", "POST"],
    **about("Carriers", {200: {TEXT: str}}, Code.INVALID_RECEIPT, Code.NOT_FOUND, body=Any),
)
def inbound(carrier: str, token: str) -> Response[str]:
    """Take messages that phones sent to a number, in the carrier's own format.

    The answer has no body.
    """
    # Kannel escapes a text in the bytes of its own charset.
    request = carrier_request(api.client_request, errors="surrogateescape")
    counts = services().receive(carrier, token, request)
    metrics.write(LogEvent("inbound messages taken", {}, counts, carrier=carrier))
    # The body stays empty, since a carrier may send it to the phone.
    return Response(200, "text/plain", "")


handler = api.resolve
