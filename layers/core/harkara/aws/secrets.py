"""Secrets of the deployment, from Secrets Manager."""

from harkara.aws.clients import aws_errors, client


def deployment_secret(secret_id: str) -> bytes:
    """Return a secret. Raises StoreUnavailable: the function stays up and asks again."""
    with aws_errors():
        answer = client("secretsmanager").get_secret_value(SecretId=secret_id)
    return str(answer["SecretString"]).encode()
