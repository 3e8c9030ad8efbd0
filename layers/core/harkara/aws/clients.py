"""Create clients of AWS services, translate their errors, repeat calls, and read secrets."""

import itertools
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
from botocore.session import get_session

from harkara.base.errors import StoreUnavailable
from harkara.base.keys import Keys
from harkara.base.time import ANSWER_S, left_s
from harkara.runtime.library_logs import quieten
from harkara.runtime.snapshot import has_snapshot

# The clients' types (types-boto3) are installed for development only.
if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient as DynamoDBClient
    from types_boto3_kms import KMSClient as KMSClient
    from types_boto3_pinpoint_sms_voice_v2 import (
        PinpointSMSVoiceV2Client as PinpointSMSVoiceV2Client,
    )
    from types_boto3_sqs import SQSClient as SQSClient
else:
    DynamoDBClient = KMSClient = PinpointSMSVoiceV2Client = SQSClient = Any

quieten()

# A call that hangs, with the pauses between its retries (up to 1 s, then 2), fails before the
# shortest timeout of a function of the API: the API's client then gets TRY_AGAIN, not API Gateway's
# own 503. Functions that read queues have longer timeouts, and use PATIENT.
_CONFIG = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=50,
    tcp_keepalive=True,
    # Validation takes a third of a call's CPU, and the tests do it.
    parameter_validation=False,
)

PATIENT = Config(
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 4},
)
"""Settings for functions that read queues, and for the command: no client of the API waits.

If AWS does not confirm a lease or outcome within all retries, its block is left in doubt.
"""


@cache
def session(profile: str | None = None, region: str | None = None) -> boto3.Session:
    """Return the session that makes clients: `session().client("sqs", config=PATIENT)`.

    Its clients have the common settings, which `config` overrides, and threads may share them. It
    finds credentials when the first client is made, or at its first call where a snapshot would
    hold them. A function gives neither profile nor region.
    """
    # boto3's own session takes no settings for all clients, the one that it wraps does.
    core = get_session()
    core.set_default_client_config(_CONFIG)
    if has_snapshot():
        late = _LateCredentials(core.get_component("credential_provider").load_credentials)
        provider = SimpleNamespace(load_credentials=lambda: late)
        core.register_component("credential_provider", provider)
    return boto3.Session(botocore_session=core, profile_name=profile, region_name=region)


class _LateCredentials(Credentials):
    """The credentials of a function with a snapshot, which are found at its first call."""

    def __init__(self, find: Callable[[], Credentials | None]) -> None:
        super().__init__("", "", method="late")
        self._find = cache(find)

    def get_frozen_credentials(self) -> ReadOnlyCredentials:
        found = self._find()
        if found is None:
            raise NoCredentialsError
        return found.get_frozen_credentials()


@contextmanager
def aws_errors() -> Iterator[None]:
    """Raise StoreUnavailable for AWS errors that remain after botocore's own retries."""
    try:
        yield
    except ClientError as error:
        raise StoreUnavailable(str(error.response.get("Error", {}).get("Code"))) from error
    except BotoCoreError as error:
        raise StoreUnavailable(type(error).__name__) from error


FIRST_S = 0.05
CEILING_S = 2.0
# Limit of all pauses of one call together: a command at a terminal has no deadline.
PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Backoff:
    """Repeats calls that a table or queue was too busy for, after pauses with full jitter.

    A pause is uniform between zero and a ceiling that doubles with each retry. Full jitter spreads
    simultaneous clients best and needs the fewest calls for the same work (AWS Architecture Blog,
    "Exponential Backoff And Jitter"). `random_fraction` returns a random number in [0, 1).
    """

    pause: Callable[[float], None] = time.sleep
    # SnapStart would restore the shared generator in the same state in every process.
    random_fraction: Callable[[], float] = random.SystemRandom().random

    def attempts(self) -> Iterator[None]:
        """Yield once for each try, pausing in between; end when the next pause would not fit."""
        paused_s = 0.0
        for number in itertools.count():
            yield
            pause_s = self.random_fraction() * min(CEILING_S, FIRST_S * 2 ** min(number, 10))
            if pause_s > min(PATIENCE_S - paused_s, left_s() - ANSWER_S):
                return
            self.pause(pause_s)
            paused_s += pause_s


# For rereading a known secret: the caller goes on with the old value if this fails.
_QUICK = Config(connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 1})


def secret_keys(secret_id: str) -> Keys:
    """Return a secret's values as keys, which are read on first use."""
    patient = session().client("secretsmanager")
    quick = cache(lambda: session().client("secretsmanager", config=_QUICK))
    is_known = False

    def read() -> list[bytes]:
        nonlocal is_known
        with aws_errors():
            client = quick() if is_known else patient
            answer = client.get_secret_value(SecretId=secret_id)
        is_known = True
        return values_of(str(answer["SecretString"]))

    return Keys(read)


def values_of(text: str) -> list[bytes]:
    """Return the values of a secret's text, newest first. Raises StoreUnavailable for none."""
    values = [each.encode() for each in text.split()]
    if not values:
        raise StoreUnavailable("a secret holds no value")
    return values
