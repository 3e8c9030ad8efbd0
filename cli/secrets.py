"""Secrets: the keys of the deployment, which change while they are in use; none is ever shown."""

from argparse import Namespace

from cli.command import CommandRefused, Verbs
from cli.deployment import Deployment
from cli.printing import Answer
from harkara.api.authentication import new_secret
from harkara.aws.clients import aws_errors, values_of

NOUN = "secret"
OUTPUTS = {"pepper": "PepperSecretId", "tags": "TagSecretId", "links": "LinkSecretId"}


def add_verbs(verbs: Verbs) -> None:
    """Register rotate, drop and list."""
    rotate = verbs.add("rotate", _rotate, "add a new first key; the older keys still verify")
    rotate.add_argument("name", choices=[*OUTPUTS])
    drop = verbs.add("drop", _drop, "remove the oldest key; its signatures become invalid")
    drop.add_argument("name", choices=[*OUTPUTS])
    verbs.add("list", _list, "list how many keys there are of each kind")


def _rotate(deployment: Deployment, arguments: Namespace) -> Answer:
    values = _read(deployment, arguments.name)
    return _write(deployment, arguments.name, [new_secret(deployment.randomness), *values])


def _drop(deployment: Deployment, arguments: Namespace) -> Answer:
    values = _read(deployment, arguments.name)
    if len(values) == 1:
        name = arguments.name
        raise CommandRefused(f"{name} has one key: put another before it, `harkara secret rotate`")
    return _write(deployment, arguments.name, values[:-1])


def _list(deployment: Deployment, _: Namespace) -> Answer:
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
