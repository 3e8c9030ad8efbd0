"""The console: pages for the people of an account, below /console.

Next: `console.site`, which serves the screens of layers/console/console/screens; they call the
services of functions/manage and functions/send.
"""

from console.screens import SCREENS, accounts, sign_in
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
site.add(SCREENS)

handler = api.resolve
