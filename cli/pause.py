"""Let the messages of an account, a carrier or a campaign wait until they are resumed."""

from argparse import Namespace
from functools import partial

from cli.command import CommandRefused, Verbs, name
from cli.deployment import Deployment
from cli.printing import Answer
from cli.routes import account_or_all, check_account
from harkara.carriers.settings import CarrierSettings
from harkara.model.routing import EVERYONE, Routing

NOUN = "pause"


def add_verbs(verbs: Verbs) -> None:
    """Register account, carrier and campaign."""
    add_whose(verbs, "let the messages of {} wait", paused=True)


def add_whose(verbs: Verbs, help_text: str, *, paused: bool) -> None:
    """Register the verbs for the messages to pause or resume."""
    account = verbs.add("account", partial(_account, paused=paused), help_text.format("an account"))
    account.add_argument("account", type=account_or_all, help="account id; '*': all accounts")
    carrier = verbs.add("carrier", partial(_carrier, paused=paused), help_text.format("a carrier"))
    carrier.add_argument("carrier", type=name)
    campaign = verbs.add(
        "campaign", partial(_campaign, paused=paused), help_text.format("a campaign")
    )
    campaign.add_argument(
        "account", type=account_or_all, help="the account of the campaign; '*': any"
    )
    campaign.add_argument("campaign", help="campaign id, as in the requests")


def _account(deployment: Deployment, arguments: Namespace, *, paused: bool) -> Answer:
    account_id = arguments.account
    check_account(deployment, account_id)
    deployment.operator.change_routing(
        account_id, lambda routing: routing.model_copy(update={"paused": paused})
    )
    if not paused and account_id != EVERYONE:
        deployment.operator.change_account(
            account_id, lambda account: account.model_copy(update={"draining": False})
        )
    return {"account": account_id, "paused": paused}


def _carrier(deployment: Deployment, arguments: Namespace, *, paused: bool) -> Answer:
    def change(carrier: CarrierSettings) -> CarrierSettings:
        return carrier.model_copy(update={"paused": paused})

    if deployment.operator.change_carrier(arguments.carrier, change) is None:
        raise CommandRefused(
            f"there is no carrier {arguments.carrier}: `harkara carrier list` shows those that are"
        )
    return {"carrier": arguments.carrier, "paused": paused}


def _campaign(deployment: Deployment, arguments: Namespace, *, paused: bool) -> Answer:
    account_id, campaign = arguments.account, arguments.campaign
    check_account(deployment, account_id)

    def change(routing: Routing) -> Routing:
        others = [each for each in routing.paused_campaigns if each != campaign]
        campaigns = (*others, campaign) if paused else tuple(others)
        return routing.model_copy(update={"paused_campaigns": campaigns})

    deployment.operator.change_routing(account_id, change)
    return {"account": account_id, "campaign": campaign, "paused": paused}
