"""Let the messages of an account, a carrier or a campaign wait until they are resumed."""

from cli import carriers
from cli.arguments import AccountOrAll, CampaignId, CarrierName
from cli.command import CommandRefused, noun, verb
from cli.deployment import Deployment, no_carrier
from cli.printing import Answer
from cli.routes import check_account
from harkara.base.errors import RequestRefused

app = noun()


@verb(app, asks="Let the messages of the account {account} wait?")
def account(deployment: Deployment, account: AccountOrAll) -> Answer:
    """Let the messages of an account wait."""
    return pause_account(deployment, account, paused=True)


@verb(app, asks="Let the messages of the carrier {carrier} wait?")
def carrier(deployment: Deployment, carrier: CarrierName) -> Answer:
    """Let the messages of a carrier wait."""
    return pause_carrier(deployment, carrier, paused=True)


@verb(app, asks="Let the messages of the campaign {campaign} wait?")
def campaign(deployment: Deployment, account: AccountOrAll, campaign: CampaignId) -> Answer:
    """Let the messages of a campaign wait."""
    return pause_campaign(deployment, account, campaign, paused=True)


def pause_account(deployment: Deployment, account: str, *, paused: bool) -> Answer:
    """Pause or resume an account, or all."""
    check_account(deployment, account)
    deployment.operator.change_routing(
        account, lambda routing: routing.model_copy(update={"paused": paused})
    )
    return {"account": account, "paused": paused}


def pause_carrier(deployment: Deployment, carrier: str, *, paused: bool) -> Answer:
    """Pause or resume a carrier. Raises CommandRefused if there is none."""
    try:
        carriers.service(deployment).pause(carrier, paused=paused)
    except RequestRefused as error:
        raise CommandRefused(no_carrier(carrier)) from error
    return {"carrier": carrier, "paused": paused}


def pause_campaign(deployment: Deployment, account: str, campaign: str, *, paused: bool) -> Answer:
    """Pause or resume a campaign of an account, or of any."""
    check_account(deployment, account)
    deployment.operator.change_routing(
        account, lambda routing: routing.with_campaign(campaign, paused=paused)
    )
    return {"account": account, "campaign": campaign, "paused": paused}
