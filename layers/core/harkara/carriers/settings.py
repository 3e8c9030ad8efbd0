"""The operator's settings of carriers: URLs, options and secrets.

Secrets are stored as KMS ciphertext, bound to the carrier's name; tokens of receipt routes are
stored as hashes.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, field_validator, model_validator

from harkara.base.codes import Code
from harkara.base.keys import Networks
from harkara.carriers.http_options import HttpOptions, IdBase, normal_id
from harkara.carriers.http_placeholders import NOT_IN_URLS, placeholders_of
from harkara.carriers.signatures import HEADERS, Scheme
from harkara.model.fields import OperatorRecord
from harkara.model.messages import Category, State
from harkara.model.rcs import Channel

KindName = Literal["datasend", "kannel", "aws", "http"]
SignatureEncoding = Literal["hex", "base64"]
RECEIPT_TOKENS = 2
"""The number of valid tokens of a receipt route: the present and the previous one."""

# Kannel's events: 1 delivered, 2 not delivered, 16 refused by the SMSC. These are final.
FINAL_EVENTS = 1 | 2 | 16

_HEADER = r"^[a-z0-9-]{0,64}$"
# Values that AWS allows, by the service model of pinpoint-sms-voice-v2; "" for an unset option.
_REGION = r"^[a-z]{2}(-[a-z]+)+-[0-9]$"
_NAME_OR_ARN = r"^[A-Za-z0-9_:/-]{0,256}$"
_IDENTITY = r"^[A-Za-z0-9_:/+-]{1,256}$"
_PRICE = r"^([0-9]{0,2}\.[0-9]{1,5})?$"
_TOPIC = r"^(arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256})?$"


class KannelOptions(OperatorRecord):
    """Parameters of Kannel's sendsms besides the message.

    `dlr_mask` requests receipts by Kannel's events. `max_messages` must be that of Kannel's
    sendsms-user, which drops segments beyond it. The `_tlv` options are the names, in Kannel's
    configuration (group smpp-tlv), of the optional parameters (TLVs) for DLT ids, "" for none;
    `operator_tlv` is that of the phone's operator in receipts (0x1411 in India).
    `parameters` are sent with every message: `smsc`, `deferred` (minutes), `binfo`, ...
    """

    model_config = ConfigDict(extra="forbid")

    dlr_mask: int = Field(default=FINAL_EVENTS, ge=FINAL_EVENTS, le=31)
    max_messages: int = Field(default=10, ge=1, le=255)
    priority: int = Field(default=0, ge=0, le=3)
    urgent_priority: int = Field(default=3, ge=0, le=3)
    pe_id_tlv: str = "peid"
    template_id_tlv: str = "templateid"
    chain_hash_tlv: str = ""
    operator_tlv: str = ""
    parameters: dict[str, str] = {}

    @model_validator(mode="after")
    def _leaves_the_message_alone(self) -> "KannelOptions":
        if self.dlr_mask & FINAL_EVENTS != FINAL_EVENTS:
            raise ValueError("dlr_mask must ask for 1, 2 and 16: without them no message ends")
        if self.parameters.keys() - KANNEL_PARAMETERS:
            raise ValueError(f"parameters: there are {', '.join(sorted(KANNEL_PARAMETERS))}")
        if not all(value.isascii() and value.isprintable() for value in self.parameters.values()):
            raise ValueError("parameters: a value is one line of ASCII")
        return self


KANNEL_PARAMETERS = frozenset(
    {"smsc", "binfo", "deferred", "mclass", "mwi", "pid", "rpi", "alt-dcs", "compress"}
)
"""Parameters of sendsms that do not depend on the single message."""


class AwsOptions(OperatorRecord):
    """AWS End User Messaging SMS: the sending region, and parameters of SendTextMessage.

    `topic_arn` is the SNS topic for the configuration set's events; if empty, they come by
    EventBridge. `origination_identities` maps headers to origination identities (number, sender id,
    pool; id or ARN); other headers are sent as they are. Promotional and service-explicit messages
    are PROMOTIONAL to AWS, the others TRANSACTIONAL, unless `message_types` overrides that.
    `max_price` is for a message, in US dollars. `dry_run`: AWS checks messages, and sends none.
    `inbound_topic_arn` is the topic of two-way messages.
    """

    model_config = ConfigDict(extra="forbid")

    region: str = Field(pattern=_REGION)
    configuration_set: str = Field(default="", pattern=_NAME_OR_ARN)
    topic_arn: str = Field(default="", pattern=_TOPIC)
    inbound_topic_arn: str = Field(default="", pattern=_TOPIC)
    origination_identities: dict[str, Annotated[str, Field(pattern=_IDENTITY)]] = {}
    message_types: dict[Category, Literal["TRANSACTIONAL", "PROMOTIONAL"]] = {}
    max_price: str = Field(default="", pattern=_PRICE)
    protect_configuration: str = Field(default="", pattern=_NAME_OR_ARN)
    dry_run: bool = False


class CarrierSettings(OperatorRecord):
    """The settings of one carrier.

    `receipt_url` (ciphertext) is for the kinds that send it to the carrier with each message.
    Receipts are accepted only from `receipt_networks`, if there are any. They must be signed with
    `receipt_secret` (ciphertext) if there is a `receipt_signature_header` (lower case), or if
    `receipt_signature` is not `body`; see `harkara.carriers.signatures`. `timeout_s` is for a
    request, `connections` for a process. `chain_hash_field` names the field for the PE-TM chain
    hash, for which operators use different names; if empty, the hash is not sent.

    `rate_segments_per_s` applies to all processes together, 0 for no limit; `priority_share` of it
    is for OTP and transactional messages. `deduplicates`: the carrier accepts one message for each
    reference. `echoes_reference`: its receipts contain our reference; otherwise they contain the
    carrier's own id, which is written in `id_base` and compared in a normal form, and is `{uuid}`
    if the request holds that. `states` maps the
    carrier's words for states to ours (null: not final; case is ignored), and `failures` maps its
    codes; both override the tables of its kind. `inbound` maps a number that phones send to, as
    "<number>", or "<number> <KEYWORD>" if accounts share it, to an account. `channel` is `rcs` for
    a provider of kind `http` to which messages' RCS content goes in place of their texts.
    """

    name: str
    kind: KindName
    channel: Channel = Channel.SMS
    url: str = ""
    username: str = ""
    secret: bytes = b""
    receipt_url: bytes = b""
    receipt_token_hashes: tuple[str, ...] = Field(min_length=1, max_length=RECEIPT_TOKENS)
    receipt_networks: Networks = ()
    receipt_signature: Scheme = "body"
    receipt_signature_header: str = Field(default="", pattern=_HEADER)
    receipt_signature_encoding: SignatureEncoding = "hex"
    receipt_secret: bytes = b""
    timeout_s: float = Field(default=15, gt=0, le=30)
    connections: int = Field(default=64, ge=1, le=512)
    records_per_request: int = Field(default=1, ge=1, le=1000)
    chain_hash_field: str = ""
    rate_segments_per_s: float = Field(default=0, ge=0)
    priority_share: float = Field(default=0.2, gt=0, lt=1)
    deduplicates: bool = False
    paused: bool = False
    echoes_reference: bool = True
    id_base: IdBase = "text"
    states: dict[str, State | None] = {}
    failures: dict[str, Code] = {}
    inbound: dict[str, str] = {}
    kannel: KannelOptions | None = None
    aws: AwsOptions | None = None
    http: HttpOptions | None = None

    @field_validator("states")
    @classmethod
    def _in_upper_case(cls, states: dict[str, State | None]) -> dict[str, State | None]:
        return {word.strip().upper(): state for word, state in states.items()}

    @model_validator(mode="after")
    def _fits_its_kind(self) -> "CarrierSettings":
        if self.kind in type(self).model_fields and getattr(self, self.kind) is None:
            raise ValueError(f"a carrier of kind {self.kind} takes the options of its kind")
        if self.kind != "aws" and not self.url:
            raise ValueError("url: it is missing")
        if self._sends_receipt_url and not self.receipt_url:
            raise ValueError("receipt_url: it is told with each message, so renew it once")
        takes_records = self.http.record is not None if self.http else self.kind == "datasend"
        if not takes_records and self.records_per_request != 1:
            raise ValueError("records_per_request: a request of this kind holds one message")
        if self.signature_header and not self.receipt_secret:
            raise ValueError("receipt_secret: a signature needs it")
        if self.channel is Channel.RCS and self.kind != "http":
            raise ValueError("channel: rcs is of carriers of kind http")
        if self.kind != "http" and not self.echoes_reference:
            raise ValueError("echoes_reference: carriers of this kind do")
        if self.states and self.kind in ("http", "aws"):
            raise ValueError("states: carriers of this kind take them in their options, or none")
        if self.kind == "http" and self.http is not None:
            self._check_http(self.http)
        return self

    def normal_id(self, carrier_id: str) -> str:
        """Return the normal form of an id in an answer, for comparisons."""
        return normal_id(carrier_id, self.id_base)

    @property
    def takes_our_ids(self) -> bool:
        """Whether its id of a message is the UUID of our reference, known before the submit."""
        return self.http is not None and "uuid" in self.http.placeholders | placeholders_of(
            self.url
        )

    @property
    def signature_header(self) -> str:
        """The header that holds a receipt's signature, "" if receipts are not signed."""
        return self.receipt_signature_header or HEADERS[self.receipt_signature]

    @property
    def _sends_receipt_url(self) -> bool:
        in_http = self.http is not None and "receipt_url" in self.http.placeholders
        return self.kind == "kannel" or (self.kind == "http" and in_http)

    def _check_http(self, options: HttpOptions) -> None:
        try:
            names = options.placeholders | placeholders_of(self.url)
        except ValueError as error:
            raise ValueError(f"url: {error}") from None
        if NOT_IN_URLS & placeholders_of(self.url):
            raise ValueError("url: {token} stands in headers, query or body, {index} in a record")
        if "{" in urlsplit(self.url).netloc:
            raise ValueError("url: its host is no placeholder")
        if "#" in self.url:
            raise ValueError("url: what is behind # is never sent")
        if "to" not in names or not names & {"text", "template_id"}:
            raise ValueError("http: the request must hold {to} and {text}, or {template_id}")
        sends_sms = self.channel is Channel.SMS
        if sends_sms and (options.revoke or options.suggestions):
            raise ValueError("http: revoke and suggestions are for the channel rcs")
        if sends_sms and "template_id" in names and not options.templates:
            raise ValueError("http: {template_id} takes the provider's templates (--templates)")
        if bool(options.form) + bool(options.xml_body) + (options.json_body is not None) > 1:
            raise ValueError("http: the body is form or json_body or xml_body, one of them")
        if not (options.answer.id or (options.answer.status and options.answer.taken)):
            raise ValueError("http: answer takes id, or status with what is taken")
        if self.echoes_reference and not ("reference" in names and options.receipts.reference):
            raise ValueError(
                "http: send {reference} and name it in receipts, or set echoes_reference to false"
            )
        if options.receipts.counts_segments and not self.echoes_reference:
            raise ValueError("http: segments are counted where receipts name our reference")
        if not self.echoes_reference and not (options.answer.id and options.receipts.id):
            raise ValueError("http: name the carrier's id in answer and in receipts")


@dataclass(frozen=True, slots=True)
class CarrierSecrets:
    """A carrier's decrypted secrets; `repr` does not show them."""

    password: str = field(default="", repr=False)
    receipt_url: str = field(default="", repr=False)


def hash_token(token: str) -> str:
    """Return the hash of a receipt route's random token, as it is stored."""
    return hashlib.sha256(token.encode()).hexdigest()


def token_matches(token: str, expected_hashes: tuple[str, ...]) -> bool:
    """Return whether a token in a receipt route's URL is one of the valid ones."""
    digest = hash_token(token)
    return any([hmac.compare_digest(digest, expected) for expected in expected_hashes])
