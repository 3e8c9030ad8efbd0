"""Let the messages of an account, a carrier or a campaign go on; a drained account takes more."""

from cli.arguments import AccountOrAll, CampaignId, CarrierName
from cli.command import noun, verb
from cli.deployment import Deployment
from cli.pause import pause_account, pause_campaign, pause_carrier
from cli.printing import Answer
from harkara.model.routing import EVERYONE

app = noun()


@verb(app)
def account(deployment: Deployment, account: AccountOrAll) -> Answer:
    """Let the messages of an account go on; a drained one takes requests again."""
    answer = pause_account(deployment, account, paused=False)
    if account != EVERYONE:
        deployment.operator.change_account(
            account, lambda found: found.model_copy(update={"draining": False})
        )
    return answer


@verb(app)
def carrier(deployment: Deployment, carrier: CarrierName) -> Answer:
    """Let the messages of a carrier go on."""
    return pause_carrier(deployment, carrier, paused=False)


@verb(app)
def campaign(deployment: Deployment, account: AccountOrAll, campaign: CampaignId) -> Answer:
    """Let the messages of a campaign go on."""
    return pause_campaign(deployment, account, campaign, paused=False)
