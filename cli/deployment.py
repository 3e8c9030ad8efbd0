"""Connect to the deployment that a command names, and build its services."""

import getpass
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from random import SystemRandom
from typing import Any, TextIO

from botocore.exceptions import BotoCoreError, ClientError

from cli import local_stack
from cli.command import CommandRefused, Target
from harkara.activity.cursors import Cursors
from harkara.activity.index import Digests
from harkara.activity.search import SearchService
from harkara.activity.stats import StatsService
from harkara.aws.activity import DynamoActivityStore
from harkara.aws.carriers import DynamoCarrierStore, encrypt_secret
from harkara.aws.clients import PATIENT, aws_errors, session, values_of
from harkara.aws.contents import DynamoContents
from harkara.aws.destinations import KmsCipher
from harkara.aws.exports import DynamoExportStore, S3Files
from harkara.aws.limits import DynamoLimitStore
from harkara.aws.messages import DynamoDeadLetterStore, DynamoLastMessages, DynamoMessageStore
from harkara.aws.operator import OperatorStore
from harkara.aws.people import DynamoUserStore
from harkara.aws.queues import SqsTaskQueues
from harkara.aws.registry import DynamoRegistry
from harkara.aws.suppressions import DynamoSuppressionList
from harkara.base.ids import Randomness, ReferenceSigner
from harkara.base.keys import Keys
from harkara.base.time import DAY_S, Clock
from harkara.callbacks.posting import CallbackPoster
from harkara.manage.callbacks import EndpointService
from harkara.manage.cancels import CancelService
from harkara.manage.credentials import CredentialService
from harkara.manage.erasure import ErasureService
from harkara.manage.number_lists import ConsentService, SuppressionService
from harkara.manage.people import People
from harkara.manage.registry import RegistryService
from harkara.model.accounts import Account
from harkara.model.callbacks import CallbackEndpoint, UrlRules
from harkara.model.rcs import Channel
from harkara.model.tasks import QueueName
from harkara.net.callback_poster import TIMEOUT_S, SinglePoster
from harkara.net.client import CONNECT_TIMEOUT_S
from harkara.wiring.manage import wire_resources
from harkara.wiring.people import wire_people


@dataclass(frozen=True)
class Deployment:
    """A deployment's stores, services and keys, with the clock and input of this machine."""

    outputs: Mapping[str, str]
    """Outputs of the CloudFormation stack; `ApiUrl` is the API's base URL."""
    client: Callable[[str], Any]
    """Returns a boto3 client of a service."""
    callback_urls: UrlRules = UrlRules()
    """The deployment's rules for callback URLs."""
    clock: Clock = time.time
    randomness: Randomness = os.urandom
    stdin: TextIO = field(default_factory=lambda: sys.stdin)
    poster: CallbackPoster | None = None
    """Posts samples; None posts them from this machine."""
    timeouts_s: tuple[float, float] = (TIMEOUT_S, CONNECT_TIMEOUT_S)
    """How long the post of a sample may take, and its connection."""
    retention_s: int = 30 * DAY_S
    """How long messages are kept."""
    is_local: bool = False
    """Whether this is the stack on one machine, whose links sign in without a password."""

    @classmethod
    def open(cls, target: Target) -> "Deployment":
        """Connect to the deployment that a command is for. Raises CommandRefused."""
        if target.local or not target.stack:
            return _on_this_machine()
        return _on_aws(target.stack, target.region, target.profile)

    @cached_property
    def operator(self) -> OperatorStore:
        """Return the store to change and list accounts and credentials."""
        return OperatorStore(self.client("dynamodb"), self.outputs["AccountsTableName"])

    @cached_property
    def store(self) -> DynamoCarrierStore:
        """Return the store of accounts and carriers as the functions read them."""
        return DynamoCarrierStore(self.client("dynamodb"), self.outputs["AccountsTableName"])

    @property
    def credentials(self) -> CredentialService:
        """Return the service of credentials."""
        registry, pepper = self.registry.registry, self._keys("PepperSecretId")
        return CredentialService(registry, self.operator, pepper, self.clock, self.randomness)

    @cached_property
    def messages(self) -> DynamoMessageStore:
        """Return the store of messages."""
        dynamodb, table = self.client("dynamodb"), self.outputs["MessagesTableName"]
        return DynamoMessageStore(dynamodb, table, self.retention_s, self.clock)

    @cached_property
    def activity(self) -> DynamoActivityStore:
        """Return the store of counters and lists, to read them."""
        dynamodb, table = self.client("dynamodb"), self.outputs["ActivityTableName"]
        return DynamoActivityStore(dynamodb, table, retention_s=0, clock=self.clock)

    @cached_property
    def search(self) -> SearchService:
        """Return the service that finds messages."""
        pepper, store = self._keys("PepperSecretId"), self.messages
        return SearchService(self.activity, store, Digests(pepper), Cursors(pepper), self.clock)

    @cached_property
    def erasure(self) -> ErasureService:
        """Return the service that erases a person."""
        dynamodb, outputs = self.client("dynamodb"), self.outputs
        messages, signer = outputs["MessagesTableName"], ReferenceSigner(self._keys("TagSecretId"))
        urls = {QueueName.RECEIPT: outputs["ReceiptQueueUrl"]}
        queues = SqsTaskQueues(self.client("sqs"), urls)
        return ErasureService(
            batches=DynamoContents(dynamodb, messages, "packed"),
            entries=DynamoContents(dynamodb, messages, "data"),
            rows=DynamoContents(dynamodb, outputs["ActivityTableName"], "packed"),
            tasks=DynamoContents(dynamodb, outputs["DueTableName"], "body"),
            cancels=CancelService(self.messages, queues, self.clock),
            lists=DynamoSuppressionList(dynamodb, outputs["AccountsTableName"]),
            last=DynamoLastMessages(dynamodb, messages, signer, self.retention_s, self.clock),
            exports=DynamoExportStore(dynamodb, outputs["ActivityTableName"], self.clock),
            files=S3Files(self.client("s3"), outputs["FilesBucketName"]),
            digests=Digests(self._keys("PepperSecretId")),
            signer=signer,
            record=DynamoUserStore(dynamodb, outputs["AccountsTableName"]).record,
            clock=self.clock,
        )

    @cached_property
    def stats(self) -> StatsService:
        """Return the service that counts messages."""
        return StatsService(self.activity, self.clock)

    @property
    def registry(self) -> RegistryService:
        """Return the service to change and list the resources of accounts."""
        return self.endpoints.registry

    @cached_property
    def endpoints(self) -> EndpointService:
        """Return the service for other operations on callbacks; it posts from this machine."""
        dynamodb, table = self.client("dynamodb"), self.outputs["MessagesTableName"]
        urls = {QueueName.CALLBACK: self.outputs["CallbackQueueUrl"]}
        return wire_resources(
            registry=DynamoRegistry(dynamodb, self.outputs["AccountsTableName"]),
            cipher=KmsCipher(self.client("kms"), self.outputs["SecretsKeyId"]),
            dead_letters=DynamoDeadLetterStore(dynamodb, table, self.messages, self.clock),
            counted=DynamoLimitStore(dynamodb, table),
            queues=SqsTaskQueues(self.client("sqs"), urls),
            poster=self.poster or SinglePoster(self.callback_urls, *self.timeouts_s),
            callback_urls=self.callback_urls,
            clock=self.clock,
            random_fraction=SystemRandom().random,
            randomness=self.randomness,
        )

    @cached_property
    def suppressions(self) -> SuppressionService:
        """Return the service to change and read the suppressions of accounts."""
        lists = DynamoSuppressionList(self.client("dynamodb"), self.outputs["AccountsTableName"])
        return SuppressionService(lists, self.clock)

    @cached_property
    def consents(self) -> ConsentService:
        """Return the service to change and read the consents of accounts."""
        users = DynamoUserStore(self.client("dynamodb"), self.outputs["AccountsTableName"])
        return ConsentService(self.suppressions.lists, self.clock, users.record)

    @cached_property
    def people(self) -> People:
        """Return the service of the people who use the console."""
        return wire_people(
            dynamodb=self.client("dynamodb"),
            kms=self.client("kms"),
            accounts_table=self.outputs["AccountsTableName"],
            messages_table=self.outputs["MessagesTableName"],
            secrets_key_id=self.outputs["SecretsKeyId"],
            pepper=self._keys("PepperSecretId"),
            clock=self.clock,
            randomness=self.randomness,
            local=self.is_local,
        )

    def account(self, account_id: str) -> Account:
        """Return an account with its callbacks. Raises CommandRefused if there is none.

        It is read without its templates, which are thousands.
        """
        account = self.operator.account(account_id)
        if account is None:
            raise CommandRefused(no_account(account_id))
        callbacks = self.registry.registry.find(account_id, CallbackEndpoint)
        return account.model_copy(update={"callbacks": {each.id: each for each in callbacks}})

    def check_carrier(self, name: str, channel: Channel = Channel.SMS) -> None:
        """Raise CommandRefused unless there is a carrier of this name and channel."""
        carrier = self.store.carrier(name)
        if carrier is None:
            raise CommandRefused(
                f"there is no carrier {name}: set it up with `harkara carrier put`"
            )
        if carrier.channel is not channel:
            raise CommandRefused(
                f"the carrier {name} is for {carrier.channel}: RCS is `route set --rcs`, in front"
                " of carriers for sms"
            )

    def _keys(self, output: str) -> Keys:
        """Return the keys in the secret that an output of the stack names."""

        def read() -> list[bytes]:
            with aws_errors():
                secrets = self.client("secretsmanager")
                answer = secrets.get_secret_value(SecretId=self.outputs[output])
            return values_of(answer["SecretString"])

        return Keys(read, self.clock)

    def encrypt(self, carrier: str, secret: str) -> bytes:
        """Return a carrier's secret in its encrypted, stored form."""
        return encrypt_secret(self.client("kms"), self.outputs["SecretsKeyId"], carrier, secret)


def author() -> str:
    """Return the author of log entries: this command, and the login name on this machine."""
    try:
        return f"command:{getpass.getuser()}"
    except (OSError, KeyError, ImportError):
        return "command:somebody"


def no_account(account_id: str) -> str:
    """Return the message for an account that does not exist."""
    return f"there is no account {account_id}: `harkara account list` shows those that are"


def no_carrier(carrier: str) -> str:
    """Return the message for a carrier that does not exist."""
    return f"there is no carrier {carrier}: `harkara carrier list` shows those that are"


def _on_this_machine() -> Deployment:
    stack = local_stack.find()
    make = partial(session().client, config=PATIENT, **local_stack.AWS, endpoint_url=stack.aws_url)
    client: Callable[..., Any] = make
    return Deployment(stack.outputs, client, UrlRules(loopback=True), is_local=True)


def _on_aws(stack: str, region: str | None, profile: str | None) -> Deployment:
    try:
        aws = session(profile, region)
        cloudformation = aws.client("cloudformation", config=PATIENT)
        (found,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            where = aws.region_name
            raise CommandRefused(f"there is no stack {stack} in {where}: check --region") from error
        raise CommandRefused(_no_access(error.response["Error"]["Code"])) from error
    except BotoCoreError as error:
        raise CommandRefused(_no_access(str(error))) from error
    outputs = {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}
    if "AccountsTableName" not in outputs:
        raise CommandRefused(f"the stack {stack} is none of Harkara's: it has no AccountsTableName")
    parameters = {each["ParameterKey"]: each["ParameterValue"] for each in found["Parameters"]}
    ports = tuple(map(int, parameters["CallbackPorts"].split(",")))
    rules = UrlRules(ports, parameters["AllowPrivateCallbacks"] == "true")
    client: Callable[..., Any] = aws.client
    timeout_s = float(parameters.get("CallbackTimeoutSeconds", TIMEOUT_S))
    connect_timeout_s = float(parameters.get("CallbackConnectTimeoutSeconds", CONNECT_TIMEOUT_S))
    return Deployment(
        outputs,
        partial(client, config=PATIENT),
        rules,
        timeouts_s=(timeout_s, connect_timeout_s),
        retention_s=int(parameters.get("RetentionDays", 30)) * DAY_S,
    )


def _no_access(reason: str) -> str:
    return f"AWS did not answer ({reason}): check --profile, --region and your AWS credentials"
