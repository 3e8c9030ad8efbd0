"""The routes of what is counted: statistics, reports and campaigns, which can be paused."""

from collections.abc import Callable
from functools import partial
from typing import Any, Protocol
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import Response

from harkara.accept.requests import ANSWER_LIMIT_BYTES, answer_bytes
from harkara.activity import filters
from harkara.activity.newest import newest
from harkara.activity.reports import Report, as_csv, report
from harkara.activity.stats import CampaignPage, CountedCampaign, Stats, StatsService
from harkara.api import queries
from harkara.api.authentication import CallerFor
from harkara.api.description import CSV, JSON, MISSING, about
from harkara.api.message_routes import ASKING
from harkara.api.resolver import Api, answer, csv_file, ok
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.base.json import encode
from harkara.manage.audit import Actor
from harkara.manage.campaigns import CampaignService, PausedCampaign
from harkara.model.accounts import Scope

_TOO_LARGE = "(the report is too large for JSON: ask for fewer days, or with Accept: text/csv)"


class StatsServices(Protocol):
    """The services of these routes."""

    @property
    def stats(self) -> StatsService:
        """Sums up counters."""

    @property
    def campaigns(self) -> CampaignService:
        """Pauses campaigns."""


def add_stats(api: Api, caller_for: CallerFor, services: Callable[[], StatsServices]) -> None:
    """Add the routes of statistics and reports."""

    @api.get(
        "/v1/stats",
        **about("Messages", {200: Stats}, *ASKING, scope=Scope.READ, query=filters.StatsQuery),
    )
    def read_stats() -> Response[str]:
        """Count messages by hour, day, state, code, category, sender, template or other.

        A message counts in the hour in which it was accepted, whatever happens to it later. A range
        is extended to whole hours of India, and has 31 days at most. Beyond a hundred senders,
        templates, countries or campaigns an hour, further ones count as `other`. `series` are those
        of Indian numbers that got OTPs, under the operator to which each was first allotted;
        `operator` is what a carrier's receipts name, which few do. A `prefix` is the first four
        digits of numbers that got OTPs: how many were accepted, verified and unverified.
        """
        own = caller_for(Scope.READ).account
        query = filters.query_of(filters.StatsQuery, api.client_request.query)
        return ok(services().stats.stats(own, query))

    @api.get(
        "/v1/reports",
        **about(
            "Messages",
            {200: {JSON: Report, CSV: str}},
            *ASKING,
            scope=Scope.READ,
            query=filters.ReportQuery,
        ),
    )
    def read_report() -> Response[Any]:
        """Count messages by day, sender, category, country and state at once, with their price.

        A message counts on the day on which it was accepted, in the state in which it is now. A
        range is extended to whole hours of India, and has 31 days at most. Beyond a hundred
        combinations of category, country and sender an hour, further ones have `other` as sender
        and country. With `Accept: text/csv` it is a file, of which no cell is a formula.
        """
        own = caller_for(Scope.READ).account
        query = filters.query_of(filters.ReportQuery, api.client_request.query)
        found = report(services().stats, own, query)
        if api.client_request.accepts_csv:
            return csv_file("report.csv", as_csv(found), api.client_request)
        body = encode(found)
        if answer_bytes(body) > ANSWER_LIMIT_BYTES:
            raise RequestRefused(Code.RANGE_TOO_LONG, _TOO_LARGE)
        return answer(200, body)


def add_campaigns(api: Api, caller_for: CallerFor, services: Callable[[], StatsServices]) -> None:
    """Add the routes of campaigns."""

    @api.get(
        "/v1/campaigns",
        **about(
            "Messages",
            {200: CampaignPage},
            Code.INVALID_REQUEST,
            scope=Scope.READ,
            query=queries.CampaignQuery,
        ),
    )
    def list_campaigns() -> Response[str]:
        """List the campaigns of the last 13 months, with what became of their messages."""
        own, query = caller_for(Scope.READ).account, api.client_request.query
        after, limit = queries.page_of(query)
        if queries.is_newest(query):
            return ok(newest(services().stats, own, limit))
        return ok(services().stats.campaigns(own, after, limit))

    @api.get(
        "/v1/campaigns/<campaign>",
        **about("Messages", {200: CountedCampaign}, Code.NOT_FOUND, scope=Scope.READ),
    )
    def read_campaign(campaign: str) -> Response[str]:
        """Read what became of a campaign's messages."""
        return ok(services().stats.campaign(caller_for(Scope.READ).account, unquote(campaign)))


def add_pauses(api: Api, caller_for: CallerFor, services: Callable[[], StatsServices]) -> None:
    """Add the routes that pause campaigns."""
    pauses = partial(about, "Messages", {200: PausedCampaign}, *MISSING, scope=Scope.SEND)

    def change(campaign: str, *, paused: bool) -> Response[str]:
        caller = caller_for(Scope.SEND)
        by = Actor(caller.credential.username, api.client_request.source_ip)
        return ok(services().campaigns.pause(caller.account, unquote(campaign), by, paused=paused))

    @api.post("/v1/campaigns/<campaign>/pause", **pauses())
    def pause_campaign(campaign: str) -> Response[str]:
        """Let the messages of a campaign wait until it is resumed.

        It counts within half a minute. What waits can be cancelled, and expires when its validity
        ends. A message of the campaign must have been counted, a second or two after it was
        accepted; an account may have 100 paused campaigns.
        """
        return change(campaign, paused=True)

    @api.post("/v1/campaigns/<campaign>/resume", **pauses())
    def resume_campaign(campaign: str) -> Response[str]:
        """Let the messages of a campaign go on.

        What waited for long goes out within 17 minutes. What the operator paused still waits.
        """
        return change(campaign, paused=False)
