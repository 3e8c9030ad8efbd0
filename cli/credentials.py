"""Credentials: user names of an account with their secrets and scopes."""

from argparse import Namespace
from datetime import UTC, datetime

from cli.command import ACCOUNT, CommandRefused, UsageError, Verbs, duration_s, name, time_s
from cli.deployment import Deployment
from cli.printing import Answer
from harkara.api.authentication import api_key, new_secret
from harkara.model.accounts import Credential, Scope, Secret, has_expired
from harkara.model.messages import Category

NOUN = "credential"
DAY_S = 24 * 3600


def add_verbs(verbs: Verbs) -> None:
    """Register create, rotate, revoke and list."""
    create = verbs.add(
        "create", _create, "create a credential; its secret is shown only once", ACCOUNT
    )
    create.add_argument("username", type=name, help="a name that no other account uses")
    create.add_argument(
        "--scopes", nargs="+", choices=[*Scope], help="what it may do (default: all)"
    )
    create.add_argument(
        "--networks",
        nargs="+",
        default=(),
        metavar="CIDR",
        help="networks it may be used from (default: any)",
    )
    create.add_argument("--callback", metavar="ID", default="", help="callback of its messages")
    create.add_argument(
        "--default-category", choices=[*Category], help="category of messages that name none"
    )
    create.add_argument(
        "--expires", type=time_s, metavar="TIME", help="when it expires (default: never)"
    )
    rotate = verbs.add(
        "rotate", _rotate, "make a new secret, shown only once; the old one expires later"
    )
    rotate.add_argument("username", type=name)
    rotate.add_argument(
        "--overlap",
        type=duration_s,
        default=DAY_S,
        metavar="24h",
        help="how long the old secret stays valid (default: 24h); 0s: not at all",
    )
    revoke = verbs.add(
        "revoke", _revoke, "remove a credential; it may work for up to a minute more"
    )
    revoke.add_argument("username", type=name)
    verbs.add("list", _list, "list an account's credentials, without their secrets", ACCOUNT)


def _create(deployment: Deployment, arguments: Namespace) -> Answer:
    username, callback = arguments.username, arguments.callback
    account = deployment.account(arguments.account)
    if callback and callback not in account.callbacks:
        raise CommandRefused(
            f"there is no callback {callback}: add it with `harkara callback add {account.id}`"
        )
    # Times up to 0 would mean never.
    if arguments.expires is not None and arguments.expires <= deployment.clock():
        raise UsageError("--expires is past: give a time to come")
    secret = new_secret(deployment.randomness)
    credential = Credential(
        username=username,
        account_id=account.id,
        secrets=(Secret(hash=deployment.hash(secret)),),
        scopes=tuple(arguments.scopes or Scope),
        networks=tuple(arguments.networks),
        callback=callback,
        default_category=arguments.default_category,
        expires_at_s=arguments.expires or 0,
    )
    if not deployment.operator.create_credential(credential):
        raise CommandRefused(
            f"the user name {username} is taken: choose another,"
            f" or renew its secret with `harkara credential rotate {username}`"
        )
    return _with_secret(username, secret)


def _rotate(deployment: Deployment, arguments: Namespace) -> Answer:
    secret = new_secret(deployment.randomness)
    secret_hash = deployment.hash(secret)
    now_s = int(deployment.clock())

    def renew(credential: Credential) -> Credential:
        ends_s = now_s + arguments.overlap
        older = [
            Secret(hash=each.hash, expires_at_s=min(each.expires_at_s or ends_s, ends_s))
            for each in credential.secrets
        ]
        still_valid = [each for each in older if not has_expired(each.expires_at_s, now_s)]
        return credential.model_copy(update={"secrets": (Secret(hash=secret_hash), *still_valid)})

    if deployment.operator.change_credential(arguments.username, renew) is None:
        raise CommandRefused(_no_credential(arguments.username))
    return _with_secret(arguments.username, secret)


def _revoke(deployment: Deployment, arguments: Namespace) -> Answer:
    if not deployment.operator.remove_credential(arguments.username):
        raise CommandRefused(_no_credential(arguments.username))
    return {"revoked": arguments.username}


def _list(deployment: Deployment, arguments: Namespace) -> Answer:
    account = deployment.account(arguments.account)
    return [
        {
            "username": each.username,
            "scopes": each.scopes,
            "networks": each.networks,
            "callback": each.callback,
            "default_category": each.default_category,
            "expires": _time(each.expires_at_s),
            "secrets_expire": [_time(secret.expires_at_s) for secret in each.secrets],
        }
        for each in deployment.registry.registry.credentials(account.id)
    ]


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
