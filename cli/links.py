"""Short links: what to register of them with DLT."""

from cli.arguments import AccountId
from cli.command import CommandRefused, noun, verb
from cli.deployment import Deployment
from cli.printing import Answer
from cli.resources import parts_of
from harkara.links.codec import HEADER, bases_of
from harkara.model.accounts import INDIAN_HEADER, Sender

app = noun()


@verb(app)
def entries(deployment: Deployment, account: AccountId) -> Answer:
    """List the beginnings of links to register with DLT."""
    site = deployment.account(account).short_domain
    if not site:
        rule = f"`harkara account set {account} --short-domain` gives it one"
        raise CommandRefused(f"the account {account} has no short domain: {rule}")
    headers = [each.header for each in parts_of(deployment, account, Sender)]
    # Numbers and names abroad are not known to DLT.
    indian = [each for each in headers if INDIAN_HEADER.fullmatch(each)]
    return [
        {"header": header, "url": f"{base}/"}
        for header in (indian if HEADER in site else [""])
        for base in bases_of(site, [header])
    ]
