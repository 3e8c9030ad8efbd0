"""Build the services of functions/console: those of functions/manage and of functions/send."""

from typing import NamedTuple

from harkara.wiring import manage, send


class ConsoleServices(NamedTuple):
    manage: manage.ManageServices
    send: send.SendServices


def on_aws() -> ConsoleServices:
    """Build the services on AWS. Raises StoreUnavailable if a secret cannot be read."""
    return ConsoleServices(manage.on_aws(), send.on_aws())
