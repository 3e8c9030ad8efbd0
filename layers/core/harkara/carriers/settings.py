"""Carriers as the operator set them: where messages go, how, and what for a secret.

Secrets are KMS ciphertext, bound to the carrier's name; tokens of receipt routes are hashes.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import ConfigDict, Field, field_validator, model_validator

from harkara.base.codes import Code
from harkara.base.networks import Networks
from harkara.carriers.http_options import HttpOptions, IdBase, normal_id
from harkara.carriers.http_placeholders import placeholders_of
from harkara.carriers.signatures import HEADERS, Scheme
from harkara.model.messages import Category, State
from harkara.model.operator_records import OperatorRecord

RECEIPT_TOKENS = 2
"""How many tokens of a receipt route are valid: the present one, and the one before it."""

# Kannel's events: 1 delivered, 2 not delivered, 16 refused by the SMSC. These are final.
FINAL_EVENTS = 1 | 2 | 16

_HEADER = r"^[a-z0-9-]{0,64}$"
# What AWS admits, by the service model of pinpoint-sms-voice-v2; "" where an option may be empty.
_REGION = r"^[a-z]{2}(-[a-z]+)+-[0-9]$"
_NAME_OR_ARN = r"^[A-Za-z0-9_:/-]{0,256}$"
_IDENTITY = r"^[A-Za-z0-9_:/+-]{1,256}$"
_PRICE = r"^([0-9]{0,2}\.[0-9]{1,5})?$"
_TOPIC = r"^(arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256})?$"


class KannelOptions(OperatorRecord):
    """What Kannel's sendsms gets beside the message.

    `dlr_mask` asks for receipts by Kannel's events. `max_messages` is that of Kannel's
    sendsms-user: it cuts off what is beyond. DLT ids go into the optional parameters (TLVs) that
    Kannel's configuration (group smpp-tlv) calls so, "" for none. `parameters` are sent with every
    message: `smsc`, `deferred` (minutes), `binfo`, ...
    """

    model_config = ConfigDict(extra="forbid")

    dlr_mask: int = Field(default=FINAL_EVENTS, ge=FINAL_EVENTS, le=31)
    max_messages: int = Field(default=10, ge=1, le=255)
    priority: int = Field(default=0, ge=0, le=3)
    urgent_priority: int = Field(default=3, ge=0, le=3)
    pe_id_tlv: str = "peid"
    template_id_tlv: str = "templateid"
    chain_hash_tlv: str = ""
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
"""What sendsms takes that says nothing of the single message."""


class AwsOptions(OperatorRecord):
    """AWS End User Messaging SMS: the region that sends, and what SendTextMessage gets.

    `topic_arn` is the SNS topic that brings the configuration set's events; empty: EventBridge
    does. A header goes as the origination identity (number, sender id, pool; id or ARN) that
    `origination_identities` has for it, else as it is. Promotional and service-explicit messages
    are PROMOTIONAL to AWS, the others TRANSACTIONAL, unless `message_types` says otherwise.
    `max_price` is of a message, in US dollars. `dry_run`: AWS checks messages, and sends none.
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
    """A carrier's route.

    `receipt_url` (ciphertext) is for the kinds that tell it to the carrier with each message.
    Receipts come only from `receipt_networks`, if there are any. They are signed with
    `receipt_secret` (ciphertext) where there is a `receipt_signature_header` (lower case), or
    `receipt_signature` is not `body`: `harkara.carriers.signatures` has the ways. `timeout_s` is a
    request's, `connections` are those of one process. `chain_hash_field` names the field for the
    PE-TM chain hash, which operators call differently; empty: it is not sent.

    `rate_segments_per_s` is kept over all processes, 0 for no limit; `priority_share` of it is for
    OTP and transactional messages. `deduplicates`: the carrier takes one message a reference.
    `echoes_reference`: its receipts name our reference; else they name the carrier's own id, which
    is written in `id_base` and compared in a normal form. `states` says what
    the carrier's words for states mean (null: not final; case does not count) and `failures` what
    its codes mean, before what its kind knows of them. `inbound` says whose a number is that
    phones send to: the account by "<number>", or by "<number> <KEYWORD>" where several share it.
    """

    name: str
    kind: Literal["datasend", "kannel", "aws", "http"]
    url: str = ""
    username: str = ""
    secret: bytes = b""
    receipt_url: bytes = b""
    receipt_token_hashes: tuple[str, ...] = Field(min_length=1, max_length=RECEIPT_TOKENS)
    receipt_networks: Networks = ()
    receipt_signature: Scheme = "body"
    receipt_signature_header: str = Field(default="", pattern=_HEADER)
    receipt_signature_encoding: Literal["hex", "base64"] = "hex"
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
        if self.kind != "datasend" and getattr(self, self.kind) is None:
            raise ValueError(f"a carrier of kind {self.kind} takes the options of its kind")
        if self.kind != "aws" and not self.url:
            raise ValueError("url: it is missing")
        if self._tells_receipt_url and not self.receipt_url:
            raise ValueError("receipt_url: it is told with each message, so renew it once")
        if self.kind != "datasend" and self.records_per_request != 1:
            raise ValueError("records_per_request: a request of this kind holds one message")
        if self.signature_header and not self.receipt_secret:
            raise ValueError("receipt_secret: a signature needs it")
        if self.kind != "http" and not self.echoes_reference:
            raise ValueError("echoes_reference: carriers of this kind do")
        if self.states and self.kind in ("http", "aws"):
            raise ValueError("states: carriers of this kind take them in their options, or none")
        if self.kind == "http" and self.http is not None:
            self._check_http(self.http)
        return self

    def normal_id(self, carrier_id: str) -> str:
        """Return an id of an answer in the form in which ids are compared."""
        return normal_id(carrier_id, self.id_base)

    @property
    def signature_header(self) -> str:
        """Return the header that holds a receipt's signature, "" where receipts are not signed."""
        return self.receipt_signature_header or HEADERS[self.receipt_signature]

    @property
    def _tells_receipt_url(self) -> bool:
        in_http = self.http is not None and "receipt_url" in self.http.placeholders
        return self.kind == "kannel" or (self.kind == "http" and in_http)

    def _check_http(self, options: HttpOptions) -> None:
        try:
            names = options.placeholders | placeholders_of(self.url)
        except ValueError as error:
            raise ValueError(f"url: {error}") from None
        if "{" in urlsplit(self.url).netloc:
            raise ValueError("url: its host is no placeholder")
        if "#" in self.url:
            raise ValueError("url: what is behind # is never sent")
        if "to" not in names or not names & {"text", "template_id"}:
            raise ValueError("http: the request must hold {to} and {text}, or {template_id}")
        if "template_id" in names and not options.templates:
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
    """A carrier's secrets in clear; `repr` does not show them."""

    password: str = field(default="", repr=False)
    receipt_url: str = field(default="", repr=False)


def hash_token(token: str) -> str:
    """Return the hash under which a receipt route's random token is kept."""
    return hashlib.sha256(token.encode()).hexdigest()


def token_matches(token: str, expected_hashes: tuple[str, ...]) -> bool:
    """Whether a receipt route's token is one that the carrier was given."""
    given = hash_token(token)
    return any([hmac.compare_digest(given, expected) for expected in expected_hashes])
