"""Accounts: the customers, with their rules for sending and their prices."""

from typing import Annotated

import typer

from cli.account_fields import AccountFields
from cli.arguments import AccountId, key_name
from cli.command import CommandRefused, noun, verb
from cli.deployment import Deployment, no_account
from cli.printing import Answer
from harkara.manage.settings import otp_limit_text, rate_text, with_settings
from harkara.model.accounts import Account

app = noun()


@verb(app)
def create(
    deployment: Deployment,
    account: AccountId,
    carrier: Annotated[
        str,
        typer.Option(
            "--carrier",
            metavar="CARRIER",
            parser=key_name,
            help="The carrier that gets its messages.",
        ),
    ],
    fields: AccountFields,
) -> Answer:
    """Create an account."""
    deployment.check_carrier(carrier)
    created = _with_fields(Account(id=account, name=account, carrier=carrier), fields)
    if not deployment.operator.create_account(created):
        raise CommandRefused(f"the account {account} exists: change it with `harkara account set`")
    return {"account": account}


@verb(app)
def set_(
    deployment: Deployment,
    account: AccountId,
    fields: AccountFields,
    carrier: Annotated[
        str | None, typer.Option("--carrier", metavar="CARRIER", parser=key_name)
    ] = None,
    default_callback: Annotated[
        str | None,
        typer.Option(metavar="ID", help="The registered callback of its messages; '': none."),
    ] = None,
) -> Answer:
    """Change the given settings of an account."""
    if carrier:
        deployment.check_carrier(carrier)
    if default_callback and default_callback not in deployment.account(account).callbacks:
        raise CommandRefused(
            f"there is no callback {default_callback}: add it with `harkara callback add {account}`"
        )
    own = {"carrier": carrier, "default_callback": default_callback}
    changed = deployment.operator.change_account(
        account, lambda found: _with_fields(found, fields, **own)
    )
    if changed is None:
        raise CommandRefused(no_account(account))
    return {"account": account}


@verb(app, asks="Refuse all requests of the account {account}?")
def drain(deployment: Deployment, account: AccountId) -> Answer:
    """Refuse its requests; accepted messages go on (`harkara resume account` ends it)."""
    drained = deployment.operator.change_account(
        account, lambda found: found.model_copy(update={"draining": True})
    )
    if drained is None:
        raise CommandRefused(no_account(account))
    return {"account": account, "draining": True}


@verb(app)
def show(deployment: Deployment, account: AccountId) -> Answer:
    """Show an account."""
    found = deployment.store.account(account)
    if found is None:
        raise CommandRefused(no_account(account))
    fields = found.model_dump(mode="json", exclude={"limits", "rates", "otp_limits", "version"})
    return {
        **fields,
        **found.limits.model_dump(mode="json"),
        "rates": [rate_text(each) for each in found.rates],
        "otp_limits": [otp_limit_text(each) for each in found.otp_limits],
        # Phone numbers of people and thousands of texts are not shown.
        "call_back_numbers": len(found.call_back_numbers),
        "senders": sorted(found.senders),
        "templates": len(found.templates),
        "callbacks": sorted(found.callbacks),
        "answers": sorted(found.answers),
    }


@verb(app)
def list_(deployment: Deployment) -> Answer:
    """List the accounts; reads the whole table."""
    return [
        {
            "account": account.id,
            "name": account.name,
            "carrier": account.carrier,
            "dlt": account.dlt,
            "countries": account.countries,
        }
        for account in deployment.operator.accounts()
    ]


@verb(app, asks="Remove the account {account} with its templates, senders, callbacks and lists?")
def remove(deployment: Deployment, account: AccountId) -> Answer:
    """Remove a drained account that nobody uses; reads the whole table."""
    if reason := _in_use(deployment, account):
        raise CommandRefused(f"the account {account} is in use: {reason}")
    if not deployment.operator.remove_account(account):
        raise CommandRefused(no_account(account))
    return {"removed": account}


def _in_use(deployment: Deployment, account: str) -> str:
    """Return why an account cannot be removed, "" if it can, with the remedy."""
    if not deployment.account(account).draining:
        return f"it takes requests, which `harkara account drain {account}` ends"
    routing = deployment.operator.routing(account)
    if routing.paused or routing.paused_campaigns:
        return "its paused messages would go out; resume them, or wait until they have expired"
    if credentials := deployment.registry.registry.credentials(account):
        names = ", ".join(each.username for each in credentials)
        return f"revoke its credentials, {names}"
    if deployment.people.users(account):
        return f"it has users, whom `harkara user erase {account}` removes"
    carriers = [each for each in deployment.operator.carriers() if account in each.inbound.values()]
    if carriers:
        names = ", ".join(each.name for each in carriers)
        return f"phones send to it, by --inbound of {names}"
    return ""


def _with_fields(account: Account, fields: AccountFields, **more: str | None) -> Account:
    """Return an account with the given fields. Raises ValidationError."""
    given = {**vars(fields), **more}
    return with_settings(account, {name: each for name, each in given.items() if each is not None})
