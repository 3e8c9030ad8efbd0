"""Secrets: the keys of the deployment, which change while they are in use; none is ever shown."""

from typing import Annotated

import typer

from cli.arguments import one_of
from cli.command import CommandRefused, noun, verb
from cli.deployment import Deployment
from cli.printing import Answer
from harkara.aws.clients import aws_errors, values_of
from harkara.base.keys import new_secret

app = noun()
OUTPUTS = {"pepper": "PepperSecretId", "tags": "TagSecretId", "links": "LinkSecretId"}
SecretName = Annotated[
    str, typer.Argument(metavar="NAME", parser=one_of(OUTPUTS), help=", ".join(OUTPUTS))
]


@verb(app)
def rotate(deployment: Deployment, name: SecretName) -> Answer:
    """Add a new first key; the older keys still verify."""
    values = _read(deployment, name)
    return _write(deployment, name, [new_secret(deployment.randomness), *values])


@verb(app, asks="Remove the oldest key of {name}, and make invalid what it has signed?")
def drop(deployment: Deployment, name: SecretName) -> Answer:
    """Remove the oldest key; its signatures become invalid."""
    values = _read(deployment, name)
    if len(values) == 1:
        raise CommandRefused(f"{name} has one key: put another before it, `harkara secret rotate`")
    return _write(deployment, name, values[:-1])


@verb(app)
def list_(deployment: Deployment) -> Answer:
    """List how many keys there are of each kind."""
    return [{"name": name, "keys": len(_read(deployment, name))} for name in OUTPUTS]


def _read(deployment: Deployment, name: str) -> list[str]:
    secret_id = deployment.outputs[OUTPUTS[name]]
    with aws_errors():
        answer = deployment.client("secretsmanager").get_secret_value(SecretId=secret_id)
    return [value.decode() for value in values_of(answer["SecretString"])]


def _write(deployment: Deployment, name: str, values: list[str]) -> Answer:
    with aws_errors():
        deployment.client("secretsmanager").put_secret_value(
            SecretId=deployment.outputs[OUTPUTS[name]], SecretString="\n".join(values)
        )
    return {"name": name, "keys": len(values)}
