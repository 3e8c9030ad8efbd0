"""The routes of lists and statistics: what happened to an account's messages."""

from collections.abc import Callable
from typing import Protocol
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import Response

from harkara.activity import filters
from harkara.activity.search import MessagePage, SearchService
from harkara.activity.stats import CampaignPage, CountedCampaign, Stats, StatsService
from harkara.api import queries
from harkara.api.description import about
from harkara.api.resolver import Api, ok
from harkara.base.codes import Code
from harkara.model.accounts import Account, Scope

_ASKING = (Code.INVALID_REQUEST, Code.RANGE_TOO_LONG, Code.UNKNOWN_FILTER)


class Lists(Protocol):
    """The services of these routes."""

    @property
    def search(self) -> SearchService:
        """Lists messages."""

    @property
    def stats(self) -> StatsService:
        """Sums up counters."""


def add_routes(api: Api, account: Callable[[], Account], services: Callable[[], Lists]) -> None:
    """Add the routes; `account` authenticates the request at hand."""

    @api.get(
        "/v1/messages",
        **about(
            "Messages",
            {200: MessagePage},
            *(*_ASKING, Code.INVALID_CURSOR, Code.INVALID_NUMBER),
            scope=Scope.READ,
            query=filters.MessageFilter,
        ),
    )
    def list_messages() -> Response[str]:
        """List messages and refused records, newest first.

        `to` and `from` span 31 days at most, by default the last day. A page may hold fewer
        messages than `limit`, or none: go on as long as `next` is there. A message is listed a
        second or two after it was accepted; `as_of` says up to when all are.
        """
        own = account()
        query = filters.query_of(filters.MessageFilter, api.client_request.query)
        return ok(services().search.page(own, query))

    @api.get(
        "/v1/stats",
        **about("Messages", {200: Stats}, *_ASKING, scope=Scope.READ, query=filters.StatsQuery),
    )
    def read_stats() -> Response[str]:
        """Count messages by hour, day, state, code, category, sender, template or other.

        A message counts in the hour in which it was accepted, whatever happens to it later. A range
        is extended to whole hours of India, and has 31 days at most. Beyond a hundred senders,
        templates, countries or campaigns an hour, further ones count as `other`. `series` are those
        of Indian numbers that got OTPs, under the operator to which each was first allotted;
        `operator` is what a carrier's receipts name, which few do.
        """
        own = account()
        query = filters.query_of(filters.StatsQuery, api.client_request.query)
        return ok(services().stats.stats(own, query))

    @api.get(
        "/v1/campaigns",
        **about(
            "Messages",
            {200: CampaignPage},
            Code.INVALID_REQUEST,
            scope=Scope.READ,
            query=queries.PageQuery,
        ),
    )
    def list_campaigns() -> Response[str]:
        """List the campaigns of the last 13 months, with what became of their messages."""
        own = account()
        return ok(services().stats.campaigns(own, *queries.page_of(api.client_request.query)))

    @api.get(
        "/v1/campaigns/<campaign>",
        **about("Messages", {200: CountedCampaign}, Code.NOT_FOUND, scope=Scope.READ),
    )
    def read_campaign(campaign: str) -> Response[str]:
        """Read what became of a campaign's messages."""
        return ok(services().stats.campaign(account(), unquote(campaign)))
