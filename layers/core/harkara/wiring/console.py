"""Build the services of functions/console: those of functions/manage and of functions/send."""

from typing import NamedTuple

from harkara.aws.clients import session
from harkara.aws.operator import OperatorStore
from harkara.manage.links import LinkSettingsService
from harkara.runtime.settings import ConsoleSettings
from harkara.wiring import manage, send


class ConsoleServices(NamedTuple):
    manage: manage.ManageServices
    send: send.SendServices
    links: LinkSettingsService


def on_aws() -> ConsoleServices:
    """Build the services on AWS. Raises StoreUnavailable if a secret cannot be read."""
    settings = ConsoleSettings.from_environment()
    accounts = OperatorStore(session().client("dynamodb"), settings.accounts_table)
    return ConsoleServices(
        manage.on_aws(), send.on_aws(), LinkSettingsService(accounts.change_account)
    )
