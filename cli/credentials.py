"""Credentials: user names of an account with their secrets and scopes."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from cli.arguments import AccountId, Username, duration_s, time_s
from cli.command import AsJson, CommandRefused, UsageError, noun, verb
from cli.deployment import Deployment
from cli.printing import Answer, Row, shown
from harkara.base.codes import Code
from harkara.base.errors import FieldRefused, RequestRefused
from harkara.base.time import DAY_S
from harkara.manage.credentials import IssuedSecret, hook_url
from harkara.model.accounts import Credential, Scope
from harkara.model.messages import Category

app = noun()
# The fields of a credential in a list for people.
_SHOWN = ("username", "scopes", "callback", "expires")


@verb(app)
def create(
    deployment: Deployment,
    account: AccountId,
    username: Username,
    scopes: Annotated[
        list[Scope] | None, typer.Option(help="The rights of the credential (default: all).")
    ] = None,
    networks: Annotated[
        list[str] | None,
        typer.Option(metavar="CIDR...", help="Networks it may be used from (default: any)."),
    ] = None,
    callback: Annotated[str, typer.Option(metavar="ID", help="Callback of its messages.")] = "",
    default_category: Annotated[
        Category | None, typer.Option(help="Category of messages that name none.")
    ] = None,
    expires: Annotated[
        int | None,
        typer.Option(parser=time_s, metavar="TIME", help="When it expires (default: never)."),
    ] = None,
) -> Answer:
    """Create a credential; its secret is shown only once."""
    fields = {
        "scopes": scopes,
        "networks": networks,
        "callback": callback,
        "default_category": default_category,
        "expires_at_s": expires,
    }
    try:
        issued = deployment.credentials.create(deployment.account(account).id, username, fields)
    except RequestRefused as refused:
        raise _in_words(refused, account, username, callback) from refused
    return _with_secret(issued)


@verb(app)
def rotate(
    deployment: Deployment,
    username: Username,
    overlap_s: Annotated[
        int | None,
        typer.Option(
            "--overlap",
            parser=duration_s,
            metavar="24h",
            help="How long the old secret stays valid (default: 24h); 0s: not at all.",
        ),
    ] = None,
) -> Answer:
    """Make a new secret, shown only once; the old one expires later."""
    account_id = _found(deployment, username).account_id
    overlap_s = DAY_S if overlap_s is None else overlap_s
    return _with_secret(deployment.credentials.rotate(account_id, username, overlap_s))


@verb(app)
def show(deployment: Deployment, username: Username) -> Answer:
    """Show a credential, without its secrets."""
    found = _found(deployment, username)
    return {"account": found.account_id, **_row(found)}


@verb(app, asks="Remove the credential {username}, which then sends no more?")
def revoke(deployment: Deployment, username: Username) -> Answer:
    """Remove a credential; it may work for up to a minute more."""
    deployment.credentials.revoke(_found(deployment, username).account_id, username)
    return {"revoked": username}


class Platform(StrEnum):
    """A platform whose hook signs its requests."""

    SUPABASE = "supabase"


@verb(app)
def hook(deployment: Deployment, username: Username, platform: Platform) -> Answer:
    """Print the URL and the secret for a platform that signs its requests."""
    credential = _found(deployment, username)
    return {
        "url": hook_url(deployment.outputs["ApiUrl"], username, platform),
        "secret": deployment.credentials.hook_secret(credential),
        "note": "rotates with the credential: the old secret works until its overlap ends",
    }


@verb(app)
def list_(deployment: Deployment, account: AccountId, as_json: AsJson = False) -> Answer:
    """List an account's credentials, without their secrets; all fields with --json."""
    found = deployment.registry.registry.credentials(deployment.account(account).id)
    return shown([_row(each) for each in found], _SHOWN, as_json=as_json)


def _row(credential: Credential) -> Row:
    return {
        "username": credential.username,
        "scopes": credential.scopes,
        "networks": credential.networks,
        "callback": credential.callback,
        "default_category": credential.default_category,
        "expires": _time(credential.expires_at_s),
        "secrets_expire": [_time(secret.expires_at_s) for secret in credential.secrets],
    }


def _with_secret(issued: IssuedSecret) -> Answer:
    return {
        "username": issued.username,
        "password": issued.secret,
        "api_key": issued.api_key,
        "note": "keep it: the secret is shown only once",
    }


def _found(deployment: Deployment, username: str) -> Credential:
    found = deployment.operator.credential(username)
    if found is None:
        raise CommandRefused(
            f"there is no credential {username}: see `harkara credential list <account>`"
        )
    return found


def _in_words(
    refused: RequestRefused, account: str, username: str, callback: str
) -> CommandRefused | UsageError:
    """Return the command's words for a credential that cannot be created."""
    if refused.code is Code.ALREADY_EXISTS:
        return CommandRefused(
            f"the user name {username} is taken: choose another,"
            f" or renew its secret with `harkara credential rotate {username}`"
        )
    match refused.__cause__:
        case FieldRefused(field="callback"):
            return CommandRefused(
                f"there is no callback {callback}: add it with `harkara callback add {account}`"
            )
        case FieldRefused(field="expires_at_s", rule=rule):
            return UsageError(f"--expires is past: give {rule}")
        case cause:
            return UsageError(f"--{cause}")


def _time(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at_s else "never"
