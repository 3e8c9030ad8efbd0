"""Secrets of the deployment, from Secrets Manager."""

from aws_lambda_powertools.utilities.parameters import get_secret
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError

from harkara.errors import StoreUnavailable


def deployment_secret(secret_id: str) -> bytes:
    """Return a secret. Raises StoreUnavailable: the function stays up and asks again."""
    try:
        return str(get_secret(secret_id)).encode()
    except GetParameterError as error:
        raise StoreUnavailable("a secret of the deployment could not be read") from error
