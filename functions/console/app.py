"""The console: pages for the people of an account, below /console.

Next: `console.site`, which serves the screens of layers/console/console/screens; they call the
services of functions/manage and functions/send.
"""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from console.screens import (
    accounts,
    activity,
    answers,
    callbacks,
    campaign,
    carriers,
    credentials,
    dlt_templates,
    exports,
    finding,
    links,
    messages,
    numbers,
    own_code,
    queues,
    reports,
    senders,
    sending,
    settings,
    sign_in,
    users,
)
from console.site import Site, failed
from harkara.runtime.snapshot import built_early
from harkara.wiring.api import new_api
from harkara.wiring.console import on_aws

api = new_api(failed=failed)
services = built_early(on_aws)

site = Site(api, lambda: services())
sign_in.add_to(site)
accounts.add_to(site)
site.add_assets()
for screens in (
    dlt_templates,
    senders,
    campaign,
    sending,
    messages,
    exports,
    callbacks,
    links,
    numbers,
    answers,
    activity,
    reports,
    credentials,
    settings,
    users,
    own_code,
    carriers,
    queues,
    finding,
):
    site.add(screens.SCREENS)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return api.resolve(event, context)
