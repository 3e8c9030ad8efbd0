"""Kind `aws`: AWS End User Messaging SMS, SendTextMessage of the API pinpoint-sms-voice-v2.

Documents: botocore's service model, and the user guide (docs.aws.amazon.com/sms-voice).

Submit: one call a message. AWS has no idempotency token, so no call is repeated; our reference goes
into `Context`, which the events return. The answer is a MessageId, or an error with a Reason.

Receipts are events, alone or in an array:
  {"eventType": "TEXT_DELIVERED", "eventTimestamp": milliseconds, "isFinal": true,
   "context": {"reference": ...}, ...}
They come by HTTPS from the SNS topic in the settings, in its envelope ({"Type": "Notification",
"TopicArn", "Message": the event as a string}) or raw (the topic in a header), or from an API
destination of EventBridge ({"source": "aws.sms-voice", "detail": the event}). SNS first asks for a
confirmation of the subscription. Its signatures are not verified, because the package has no X.509
(docs/decisions.md); the route's token, the topic and our reference's tag are verified.

Inbound ("two-way") messages come from another topic: {"originationNumber", "destinationNumber",
"messageBody", ...}, without a time.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from harkara.base.codes import Code
from harkara.base.errors import Outside, RequestRefused, TextAnswer
from harkara.base.ids import ReferenceSigner
from harkara.base.json import decode, text_of
from harkara.carriers.base import TurnTakingCarrier
from harkara.carriers.contract import InDoubt, NotTaken, Outcome, Refused, Submission, Taken
from harkara.carriers.receipts import (
    ReceiptRequest,
    ReceivedMessages,
    ReceivedReceipts,
    Report,
    collect,
    inbound,
    member,
)
from harkara.carriers.settings import AwsOptions, CarrierSecrets, CarrierSettings
from harkara.carriers.times import time_of
from harkara.model.messages import Category, State

# The user guide's event types. None: not final; events with `isFinal` false are not final either.
STATES: Mapping[str, State | None] = {
    "TEXT_QUEUED": None,
    "TEXT_PENDING": None,
    "TEXT_SENT": None,
    # If phones do not confirm messages, the operator's acceptance is the last event.
    "TEXT_SUCCESSFUL": State.DELIVERED,
    "TEXT_DELIVERED": State.DELIVERED,
    "TEXT_TTL_EXPIRED": State.EXPIRED,
    "TEXT_UNKNOWN": State.UNKNOWN,
    "TEXT_INVALID": State.FAILED,
    "TEXT_INVALID_MESSAGE": State.FAILED,
    "TEXT_UNREACHABLE": State.FAILED,
    "TEXT_CARRIER_UNREACHABLE": State.FAILED,
    "TEXT_BLOCKED": State.FAILED,
    "TEXT_CARRIER_BLOCKED": State.FAILED,
    "TEXT_SPAM": State.FAILED,
    "TEXT_PROTECT_BLOCKED": State.FAILED,
}

# Event types, then errors' Reasons, or the types of resources not found.
FAILURES: Mapping[str, Code] = {
    "TEXT_INVALID": Code.UNKNOWN_SUBSCRIBER,
    "TEXT_INVALID_MESSAGE": Code.REFUSED_BY_CARRIER,
    "TEXT_UNREACHABLE": Code.ABSENT_SUBSCRIBER,
    "TEXT_CARRIER_UNREACHABLE": Code.UNDELIVERED,
    "TEXT_BLOCKED": Code.DND,
    "TEXT_CARRIER_BLOCKED": Code.REFUSED_BY_CARRIER,
    "TEXT_SPAM": Code.REFUSED_BY_CARRIER,
    "TEXT_PROTECT_BLOCKED": Code.REFUSED_BY_CARRIER,
    "DESTINATION_PHONE_NUMBER_OPTED_OUT": Code.OPTED_OUT,
    "DESTINATION_PHONE_NUMBER_NOT_VERIFIED": Code.REFUSED_BY_CARRIER,
    "DESTINATION_PHONE_NUMBER_BLOCKED_BY_PROTECT_NUMBER_OVERRIDE": Code.REFUSED_BY_CARRIER,
    "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION": Code.COUNTRY_NOT_ALLOWED,
    "DESTINATION_COUNTRY_BLOCKED": Code.COUNTRY_NOT_ALLOWED,
    "COUNTRY_NOT_ENABLED": Code.COUNTRY_NOT_ALLOWED,
    "INTERNATIONAL_SENDING_NOT_SUPPORTED": Code.COUNTRY_NOT_ALLOWED,
    "INVALID_IDENTITY_FOR_DESTINATION_COUNTRY": Code.DLT_HEADER,
    "SENDER_ID_NOT_REGISTERED": Code.DLT_HEADER,
    "SENDER_ID_NOT_SUPPORTED": Code.DLT_HEADER,
    "SENDER_ID_REQUIRES_REGISTRATION": Code.DLT_HEADER,
    "sender-id": Code.DLT_HEADER,
    "phone-number": Code.DLT_HEADER,
    "MAXIMUM_SIZE_EXCEEDED": Code.TEXT_TOO_LONG,
}

# Reasons of a ValidationException that are caused by our settings, not by the message.
_OF_SETTINGS = frozenset({"CHANNEL_NOT_ENABLED", "INVALID_ARN", "RESOURCE_NOT_ACCESSIBLE"})
# Errors of a single message, and throttling: they do not count as failures of the carrier.
_OF_ONE_MESSAGE = frozenset(
    {
        "ConflictException",
        "ResourceNotFoundException",
        "ThrottlingException",
        "ValidationException",
    }
)
_PROMOTIONAL = (Category.PROMOTIONAL, Category.SERVICE_EXPLICIT)
_REFERENCE = "reference"
_NOT_FINAL = "TEXT_PENDING"
# SendTextMessage's limits.
_TTL_MIN_S, _TTL_MAX_S = 5, 259_200

_ENVELOPES = ("Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation")
_TOKEN = re.compile(r"[A-Za-z0-9]{1,1024}")


class AwsCarrier(TurnTakingCarrier):
    """Submits by SendTextMessage in a region, one call a message."""

    def __init__(
        self, settings: CarrierSettings, secrets: CarrierSecrets, outside: Outside
    ) -> None:
        super().__init__(settings)
        self._options = _options(settings)
        self._texts = outside.texts

    async def _exchanged(
        self, submissions: Sequence[Submission], timeout_s: float
    ) -> list[Outcome]:
        (submission,) = submissions
        request = self._request(submission)
        return [_outcome(await self._texts(self._options.region, request, timeout_s))]

    def _request(self, submission: Submission) -> dict[str, Any]:
        message, options = submission.message, self._options
        identities = options.origination_identities
        usual = "PROMOTIONAL" if submission.category in _PROMOTIONAL else "TRANSACTIONAL"
        dlt = {"IN_ENTITY_ID": message.pe_id, "IN_TEMPLATE_ID": message.dlt_template_id}
        request = {
            "DestinationPhoneNumber": f"+{message.to}",
            "OriginationIdentity": identities.get(message.sender_id, message.sender_id),
            "MessageBody": message.text,
            "MessageType": options.message_types.get(submission.category, usual),
            "Context": {_REFERENCE: submission.reference},
            "DestinationCountryParameters": {name: value for name, value in dlt.items() if value},
            "ConfigurationSetName": options.configuration_set,
            "ProtectConfigurationId": options.protect_configuration,
            "MaxPrice": options.max_price,
            "DryRun": options.dry_run,
        }
        if submission.validity_s:
            request["TimeToLive"] = min(max(submission.validity_s, _TTL_MIN_S), _TTL_MAX_S)
        return {name: value for name, value in request.items() if value}


def parse_receipts(
    request: ReceiptRequest, settings: CarrierSettings, signer: ReferenceSigner
) -> ReceivedReceipts:
    """Return the events of a request, or the URL that confirms a subscription.

    Raises RequestRefused(INVALID_RECEIPT), also for a topic that is not in the settings.
    """
    bodies, confirm_url = _opened(request, _options(settings).topic_arn)
    if not bodies:
        return ReceivedReceipts([], confirm_url=confirm_url)
    (body,) = bodies
    entries = body if isinstance(body, list) else [body]
    return collect(map(_report, entries), STATES, {**FAILURES, **settings.failures}, signer)


def parse_inbound(request: ReceiptRequest, settings: CarrierSettings) -> ReceivedMessages:
    """Return the two-way message of a request, or the URL that confirms a subscription.

    Raises RequestRefused(INVALID_RECEIPT), also for a topic that is not in the settings.
    """
    bodies, confirm_url = _opened(request, _options(settings).inbound_topic_arn)
    if not bodies:
        return ReceivedMessages([], confirm_url)
    names = ("originationNumber", "destinationNumber", "messageBody", "", "inboundMessageId")
    return inbound(bodies, member, names)


def _options(settings: CarrierSettings) -> AwsOptions:
    if settings.aws is None:
        raise TypeError("settings of another kind")
    return settings.aws


def _opened(request: ReceiptRequest, topic: str) -> tuple[list[Any], str]:
    """Return (bodies, confirmation URL) of a request, with or without an SNS envelope.

    There is one body, or none in a message about a subscription; only a request to confirm one has
    a URL.
    """
    body = _decode(request.body)
    named = request.headers.get("x-amz-sns-topic-arn")
    if isinstance(body, dict) and body.get("Type") in _ENVELOPES:
        if not topic or body.get("TopicArn") != topic:
            raise RequestRefused(Code.INVALID_RECEIPT, "It is of another topic.")
        if body["Type"] == "SubscriptionConfirmation":
            return [], _confirm_url(topic, body.get("Token"))
        if body["Type"] == "UnsubscribeConfirmation":
            return [], ""
        body = _decode(str(body.get("Message")).encode())
    elif named is not None and named != topic:
        raise RequestRefused(Code.INVALID_RECEIPT, "It is of another topic.")
    return [body], ""


def _outcome(answer: TextAnswer) -> Outcome:
    """Return the outcome by an answer; after a failure in AWS itself the message is in doubt."""
    if not answer.error:
        return Taken(answer.message_id) if answer.message_id else InDoubt()
    if answer.status >= 500:
        return InDoubt()
    if answer.reason in FAILURES:
        return Refused(FAILURES[answer.reason], answer.reason)
    if answer.error == "ValidationException" and answer.reason not in _OF_SETTINGS:
        return Refused(Code.REFUSED_BY_CARRIER, answer.reason or answer.error)
    # Retried: AWS throttled it, or an operator must correct settings, permissions or a quota.
    return NotTaken(failed=answer.error not in _OF_ONE_MESSAGE)


def _decode(body: bytes) -> Any:
    try:
        return decode(body)
    except ValueError as error:
        raise RequestRefused(Code.INVALID_RECEIPT) from error


def _report(event: Any) -> Report | None:
    if isinstance(event, dict) and event.get("source") == "aws.sms-voice":
        event = event.get("detail")  # EventBridge's envelope
    context = event.get("context") if isinstance(event, dict) else None
    if not isinstance(context, dict):
        return None
    event_type = status = text_of(event.get("eventType"))
    if status in STATES and event.get("isFinal") is False:
        status = _NOT_FINAL
    at_s = time_of(text_of(event.get("eventTimestamp")))
    words = text_of(event.get("messageStatusDescription"))
    return Report(text_of(context.get(_REFERENCE)), status, at_s, event_type, words=words)


def _confirm_url(topic: str, token: Any) -> str:
    """Return the URL that confirms a subscription, made from our topic and not the request's URL.

    SNS accepts only a token that it issued for this topic.
    """
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise RequestRefused(Code.INVALID_RECEIPT)
    _, partition, _, region, *_ = topic.split(":")
    suffix = "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com"
    query = {"Action": "ConfirmSubscription", "TopicArn": topic, "Token": token}
    return f"https://sns.{region}.{suffix}/?{urlencode(query)}"
