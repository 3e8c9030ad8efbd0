"""Read and change an account's resources and messages, and describe the API.

Next: the routes in `harkara.api.message_routes`, `harkara.api.stats_routes`,
`harkara.api.list_routes` and `harkara.api.resource_routes`, which call the services of
`harkara.manage` and `harkara.activity`. functions/send uses a change within a minute, and at once
if it would refuse a request without it; a cancel enqueues for functions/dlr.
"""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from harkara.api import docs, list_routes, message_routes, resource_routes, stats_routes
from harkara.api.authentication import presented
from harkara.api.description import HTML, about
from harkara.model.accounts import Caller, Scope
from harkara.runtime.snapshot import built_early
from harkara.wiring.api import new_api
from harkara.wiring.manage import on_aws

api = new_api()
services = built_early(on_aws)


def caller_for(scope: Scope, username: str = "", password: str = "") -> Caller:
    request = api.client_request
    if request.method != "GET":  # a GET changes nothing, so it may ask for a dry run
        api.refuse_dry_run()
    secret = presented(request.headers, username, password)
    return services().authenticator.authenticate(secret, scope, request.source_ip)


# The first matching route is taken: those of any collection come last.
for add in (
    message_routes.add_messages,
    message_routes.add_lists,
    stats_routes.add_stats,
    stats_routes.add_campaigns,
    stats_routes.add_pauses,
    list_routes.add_suppressions,
    list_routes.add_consents,
    resource_routes.add_callbacks,
    resource_routes.add_templates,
    resource_routes.add_resources,
):
    add(api, caller_for, lambda: services())


@api.get("/openapi.json", **about("Description", {200: dict[str, Any]}))
def openapi() -> Response[str]:
    """Read this description."""
    return docs.document()


@api.get("/docs", **about("Description", {200: {HTML: str}}))
def docs_page() -> Response[Any]:
    """Read this description as a page."""
    return docs.page(packed=api.client_request.accepts_gzip)


handler = api.resolve
