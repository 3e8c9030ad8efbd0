"""Credentials: user names of an account with their secrets and scopes."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from cli.arguments import AccountId, Username, duration_s, time_s
from cli.command import AsJson, CommandRefused, UsageError, noun, verb
from cli.deployment import Deployment
from cli.printing import Answer, Row, shown
from harkara.api.authentication import api_key, new_secret
from harkara.model.accounts import Credential, Scope, Secret, has_expired
from harkara.model.messages import Category

app = noun()
DAY_S = 24 * 3600
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
    if callback and callback not in deployment.account(account).callbacks:
        raise CommandRefused(
            f"there is no callback {callback}: add it with `harkara callback add {account}`"
        )
    # Times up to 0 would mean never.
    if expires is not None and expires <= deployment.clock():
        raise UsageError("--expires is past: give a time to come")
    secret = new_secret(deployment.randomness)
    credential = Credential(
        username=username,
        account_id=deployment.account(account).id,
        secrets=(Secret(hash=deployment.hash(secret)),),
        scopes=tuple(scopes or Scope),
        networks=tuple(networks or ()),
        callback=callback,
        default_category=default_category,
        expires_at_s=expires or 0,
    )
    if not deployment.operator.create_credential(credential):
        raise CommandRefused(
            f"the user name {username} is taken: choose another,"
            f" or renew its secret with `harkara credential rotate {username}`"
        )
    return _with_secret(username, secret)


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
    secret = new_secret(deployment.randomness)
    secret_hash = deployment.hash(secret)
    now_s = int(deployment.clock())

    def renew(credential: Credential) -> Credential:
        ends_s = now_s + (DAY_S if overlap_s is None else overlap_s)
        older = [
            Secret(hash=each.hash, expires_at_s=min(each.expires_at_s or ends_s, ends_s))
            for each in credential.secrets
        ]
        still_valid = [each for each in older if not has_expired(each.expires_at_s, now_s)]
        return credential.model_copy(update={"secrets": (Secret(hash=secret_hash), *still_valid)})

    if deployment.operator.change_credential(username, renew) is None:
        raise CommandRefused(_no_credential(username))
    return _with_secret(username, secret)


@verb(app)
def show(deployment: Deployment, username: Username) -> Answer:
    """Show a credential, without its secrets."""
    found = deployment.store.credential(username)
    if found is None:
        raise CommandRefused(_no_credential(username))
    return {"account": found.account_id, **_row(found)}


@verb(app, asks="Remove the credential {username}, which then sends no more?")
def revoke(deployment: Deployment, username: Username) -> Answer:
    """Remove a credential; it may work for up to a minute more."""
    if not deployment.operator.remove_credential(username):
        raise CommandRefused(_no_credential(username))
    return {"revoked": username}


class Platform(StrEnum):
    """A platform whose hook signs its requests."""

    SUPABASE = "supabase"


@verb(app)
def hook(deployment: Deployment, username: Username, platform: Platform) -> Answer:
    """Print the URL and the secret for a platform that signs its requests."""
    credential = deployment.store.credential(username)
    if credential is None:
        raise CommandRefused(_no_credential(username))
    base = deployment.outputs["ApiUrl"].rstrip("/")
    return {
        "url": f"{base}/hooks/{platform}?user={username}",
        "secret": deployment.hook_secret(credential),
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


def _with_secret(username: str, secret: str) -> Answer:
    return {
        "username": username,
        "password": secret,
        "api_key": api_key(username, secret),
        "note": "keep it: the secret is shown only once",
    }


def _no_credential(username: str) -> str:
    return f"there is no credential {username}: see `harkara credential list <account>`"


def _time(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at_s else "never"
