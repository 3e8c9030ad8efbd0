"""Read the deployment's secrets from Secrets Manager: one or more values, separated by blanks."""

from botocore.config import Config

from harkara.aws.clients import aws_errors, client
from harkara.base.errors import StoreUnavailable
from harkara.base.keys import Keys

# For rereading a known secret: the caller goes on with the old value if this fails.
_QUICK = Config(connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 1})


def secret_keys(secret_id: str) -> Keys:
    """Return a secret's values as keys. Raises StoreUnavailable: the function asks again."""
    config: Config | None = None

    def read() -> list[bytes]:
        secrets = client("secretsmanager", config=config) if config else client("secretsmanager")
        with aws_errors():
            answer = secrets.get_secret_value(SecretId=secret_id)
        return values_of(str(answer["SecretString"]))

    keys = Keys(read)
    config = _QUICK
    return keys


def values_of(text: str) -> list[bytes]:
    """Return the values of a secret's text, newest first. Raises StoreUnavailable for none."""
    values = [each.encode() for each in text.split()]
    if not values:
        raise StoreUnavailable("a secret holds no value")
    return values
