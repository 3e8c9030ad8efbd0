"""Make the link by which `make up` lets one into the console without a password."""

import os
import time
from urllib.parse import urlencode

from harkara.aws.clients import aws_errors, values_of
from harkara.base.errors import StoreUnavailable
from harkara.base.keys import Keys
from harkara.wiring.people import wire_people
from local import campaign
from local.settings import LocalStackError
from local.stack import Stack


def console_link(stack: Stack, mid: str = "") -> str:
    """Return a URL that signs in to the campaign's account, once and within an hour.

    It opens the page of a message, without one that of the templates. Raises LocalStackError.
    """
    people = wire_people(
        dynamodb=stack.client("dynamodb"),
        kms=stack.client("kms"),
        accounts_table=stack.outputs["AccountsTableName"],
        messages_table=stack.outputs["MessagesTableName"],
        secrets_key_id=stack.outputs["SecretsKeyId"],
        pepper=Keys(lambda: _peppers(stack)),
        clock=time.time,
        randomness=os.urandom,
        local=True,
    )
    try:
        query = {"token": people.sign_in_link(campaign.ACCOUNT)}
    except StoreUnavailable as error:
        raise LocalStackError(f"the stack does not answer: {error}") from error
    if mid:
        query["next"] = f"/console/messages/{mid}"
    return f"{stack.endpoint}/console/link?{urlencode(query, safe='/')}"


def _peppers(stack: Stack) -> list[bytes]:
    with aws_errors():
        answer = stack.client("secretsmanager").get_secret_value(
            SecretId=stack.outputs["PepperSecretId"]
        )
    return values_of(answer["SecretString"])
