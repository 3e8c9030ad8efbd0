"""Users: the people of an account, and the operators, who may sign in to the console."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from cli.arguments import account_or_all, one_of
from cli.command import CommandRefused, UsageError, noun, verb
from cli.deployment import Deployment, author
from cli.printing import Answer, Row
from cli.routes import check_account
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.base.time import utc_text
from harkara.manage.audit import AUDIT_PAGE, refusals
from harkara.model.people import Role, Session, User, email_of, user_id_of
from harkara.model.routing import EVERYONE

app = noun()
_ROLES = [role for role in Role if role is not Role.OPERATOR]
_ROLE_NAMES = ", ".join(_ROLES)
AccountOrOperators = Annotated[
    str,
    typer.Argument(metavar="ACCOUNT", parser=account_or_all, help="Its id, or '*': the operators."),
]
Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The user's address.")]


@verb(app)
def invite(
    deployment: Deployment,
    account: AccountOrOperators,
    email: Email,
    role: Annotated[
        str | None,
        typer.Option(
            "--role",
            parser=one_of(_ROLES),
            metavar="ROLE",
            help=f"Of a user of an account: {_ROLE_NAMES}.",
        ),
    ] = None,
) -> Answer:
    """Print a link, once, by which to set a password."""
    account_id = _account(deployment, account)
    if (account_id is None) == bool(role):
        raise UsageError("give --role; for operators ('*') leave it out, they have one role")
    try:
        token = deployment.people.invite(email, account_id, Role(role or Role.OPERATOR), by())
    except RequestRefused as error:
        if error.code is not Code.ALREADY_EXISTS:
            raise
        where = "in another account, or disabled (`harkara user enable`)"
        raise CommandRefused(f"{email} is a user {where}") from error
    base = deployment.outputs.get(
        "ConsoleUrl", f"{deployment.outputs['ApiUrl'].rstrip('/')}/console"
    )
    return {
        "user": email,
        "link": f"{base.rstrip('/')}/invitation?token={token}",
        "note": "it works once, within an hour, and is shown this once",
    }


@verb(app)
def list_(deployment: Deployment, account: AccountOrOperators) -> Answer:
    """List the users of an account, or the operators."""
    return [_row(user) for user in deployment.people.users(_account(deployment, account))]


@verb(app)
def show(deployment: Deployment, email: Email) -> Answer:
    """Show a user."""
    with refusals():
        user = deployment.people.store.get(user_id_of(email_of(email)))
    if user is None:
        raise CommandRefused(_no_user(email))
    return {"account": user.account_id or EVERYONE, **_row(user)}


@verb(app)
def role(
    deployment: Deployment,
    email: Email,
    role: Annotated[str, typer.Argument(parser=one_of(_ROLES), metavar="ROLE", help=_ROLE_NAMES)],
) -> Answer:
    """Give a user of an account another role; sessions end."""
    with _named(email):
        deployment.people.change_role(email, Role(role), by())
    return {"user": email, "role": role}


@verb(app, asks="Let {email} in no more?")
def disable(deployment: Deployment, email: Email) -> Answer:
    """Let a user in no more; sessions end at once."""
    with _named(email):
        deployment.people.disable(email, by())
    return {"disabled": email}


@verb(app)
def enable(deployment: Deployment, email: Email) -> Answer:
    """Let a disabled user in again."""
    with _named(email):
        deployment.people.enable(email, by())
    return {"enabled": email}


@verb(app, asks="Remove the user {email}?")
def remove(deployment: Deployment, email: Email) -> Answer:
    """Remove a user; the log stays."""
    with _named(email):
        deployment.people.remove(email, by())
    return {"removed": email}


@verb(app, asks="End all sessions of {email}?")
def sign_out(deployment: Deployment, email: Email) -> Answer:
    """End all sessions of a user at once."""
    with _named(email):
        deployment.people.revoke_all(email, by())
    return {"signed_out": email}


@verb(app)
def reset_totp(deployment: Deployment, email: Email) -> Answer:
    """Ask a user who lost the app for no code."""
    with _named(email):
        deployment.people.reset_totp(email, by())
    return {"reset": email}


@verb(app)
def audit(
    deployment: Deployment,
    account: AccountOrOperators,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", help="How many to list.")
    ] = AUDIT_PAGE,
) -> Answer:
    """List who changed what, newest first."""
    account_id, rows, cursor = _account(deployment, account), list[Row](), ""
    while True:
        page = deployment.people.audit(account_id, cursor)
        rows += [
            {
                "time": utc_text(entry.at_ms),
                "who": entry.email,
                "action": entry.action,
                "subject": entry.subject,
                "address": entry.address,
            }
            for entry in page.entries
        ]
        if page.cursor is None or len(rows) >= limit:
            return rows[: max(0, limit)]
        cursor = page.cursor


@verb(app, asks="Remove all users of {account}, with its log?")
def erase(deployment: Deployment, account: AccountOrOperators) -> Answer:
    """Remove all users of an account, with its log."""
    if account == EVERYONE:
        raise UsageError("name an account: the operators' log is kept")
    # The account itself may be gone.
    return {"erased": account, "users": deployment.people.erase(account, by())}


def _account(deployment: Deployment, account: str) -> str | None:
    """Return the account, None for the operators. Raises CommandRefused if there is none."""
    check_account(deployment, account)
    return None if account == EVERYONE else account


def by() -> Session:
    """Return the signed-in operator, as the author of log entries."""
    return Session("", author(), None, Role.OPERATOR)


def _row(user: User) -> Row:
    state = "disabled" if user.disabled else "invited" if user.is_invited else "active"
    return {
        "email": user.email,
        "role": user.role,
        "state": state,
        "code": user.has_totp,
        "created": utc_text(user.created_at_s * 1000),
    }


@contextmanager
def _named(email: str) -> Iterator[None]:
    """Raise CommandRefused, naming the address, if there is no such user."""
    try:
        yield
    except RequestRefused as error:
        if error.code is not Code.NOT_FOUND:
            raise
        raise CommandRefused(_no_user(email)) from error


def _no_user(email: str) -> str:
    return f"there is no user {email}: `harkara user list` shows an account's"
