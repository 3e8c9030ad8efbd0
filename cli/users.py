"""Users: the people of an account, and the operators, who may sign in to the console."""

import getpass
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager

from cli.command import CommandRefused, Parser, UsageError, Verbs
from cli.deployment import Deployment
from cli.printing import Answer, Row
from cli.routes import account_or_all, check_account
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.base.time import utc_text
from harkara.manage.audit import AUDIT_PAGE
from harkara.model.people import Role, Session, User
from harkara.model.routing import EVERYONE

NOUN = "user"


def add_verbs(verbs: Verbs) -> None:
    """Register invite, list, role, disable, enable, remove, sign-out, reset-totp, audit, erase."""
    invite = verbs.add("invite", _invite, "print a link, once, by which to set a password")
    _add_account(invite)
    _add_email(invite)
    roles = [role for role in Role if role is not Role.OPERATOR]
    invite.add_argument("--role", choices=roles, help="of a user of an account")
    _add_account(verbs.add("list", _list, "list the users of an account, or the operators"))
    role = verbs.add("role", _role, "give a user of an account another role; sessions end")
    _add_email(role)
    role.add_argument("role", choices=roles)
    _add_email(verbs.add("disable", _disable, "let a user in no more; sessions end at once"))
    _add_email(verbs.add("enable", _enable, "let a disabled user in again"))
    _add_email(verbs.add("remove", _remove, "remove a user; the log stays"))
    _add_email(verbs.add("sign-out", _sign_out, "end all sessions of a user at once"))
    _add_email(verbs.add("reset-totp", _reset_totp, "ask a user who lost the app for no code"))
    audit = verbs.add("audit", _audit, "list who changed what, newest first")
    _add_account(audit)
    audit.add_argument("--limit", type=int, default=AUDIT_PAGE, metavar="N", help="at the most")
    erase = verbs.add("erase", _erase, "remove all users of an account, with its log")
    erase.add_argument("account", type=account_or_all, help="its id")


def _add_account(parser: Parser) -> None:
    parser.add_argument("account", type=account_or_all, help="its id, or '*': the operators")


def _add_email(parser: Parser) -> None:
    parser.add_argument("email", help="the user's address")


def _invite(deployment: Deployment, arguments: Namespace) -> Answer:
    account_id = _account(deployment, arguments)
    if (account_id is None) == bool(arguments.role):
        raise UsageError("give --role; for operators ('*') leave it out, they have one role")
    role = Role(arguments.role or Role.OPERATOR)
    try:
        token = deployment.people.invite(arguments.email, account_id, role, _by())
    except RequestRefused as error:
        if error.code is not Code.ALREADY_EXISTS:
            raise
        where = "in another account, or disabled (`harkara user enable`)"
        raise CommandRefused(f"{arguments.email} is a user {where}") from error
    base = deployment.outputs.get(
        "ConsoleUrl", f"{deployment.outputs['ApiUrl'].rstrip('/')}/console"
    )
    return {
        "user": arguments.email,
        "link": f"{base.rstrip('/')}/invitation?token={token}",
        "note": "it works once, within an hour, and is shown this once",
    }


def _list(deployment: Deployment, arguments: Namespace) -> Answer:
    return [_row(user) for user in deployment.people.users(_account(deployment, arguments))]


def _role(deployment: Deployment, arguments: Namespace) -> Answer:
    with _named(arguments.email):
        deployment.people.change_role(arguments.email, Role(arguments.role), _by())
    return {"user": arguments.email, "role": arguments.role}


def _disable(deployment: Deployment, arguments: Namespace) -> Answer:
    with _named(arguments.email):
        deployment.people.disable(arguments.email, _by())
    return {"disabled": arguments.email}


def _enable(deployment: Deployment, arguments: Namespace) -> Answer:
    with _named(arguments.email):
        deployment.people.enable(arguments.email, _by())
    return {"enabled": arguments.email}


def _remove(deployment: Deployment, arguments: Namespace) -> Answer:
    with _named(arguments.email):
        deployment.people.remove(arguments.email, _by())
    return {"removed": arguments.email}


def _sign_out(deployment: Deployment, arguments: Namespace) -> Answer:
    with _named(arguments.email):
        deployment.people.revoke_all(arguments.email, _by())
    return {"signed_out": arguments.email}


def _reset_totp(deployment: Deployment, arguments: Namespace) -> Answer:
    with _named(arguments.email):
        deployment.people.reset_totp(arguments.email, _by())
    return {"reset": arguments.email}


def _audit(deployment: Deployment, arguments: Namespace) -> Answer:
    account_id, rows, cursor = _account(deployment, arguments), list[Row](), ""
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
        if page.cursor is None or len(rows) >= arguments.limit:
            return rows[: max(0, arguments.limit)]
        cursor = page.cursor


def _erase(deployment: Deployment, arguments: Namespace) -> Answer:
    if arguments.account == EVERYONE:
        raise UsageError("name an account: the operators' log is kept")
    # The account itself may be gone.
    return {"erased": arguments.account, "users": deployment.people.erase(arguments.account, _by())}


def _account(deployment: Deployment, arguments: Namespace) -> str | None:
    """Return the account, None for the operators. Raises CommandRefused if there is none."""
    check_account(deployment, arguments.account)
    return None if arguments.account == EVERYONE else arguments.account


def _by() -> Session:
    """Return the author of log entries: this command, and the login name on this machine."""
    try:
        who = getpass.getuser()
    except (OSError, KeyError, ImportError):
        who = "somebody"
    return Session("", f"command:{who}", None, Role.OPERATOR)


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
        there = "`harkara user list` shows an account's"
        raise CommandRefused(f"there is no user {email}: {there}") from error
