"""The routes of the lists of numbers that an account keeps: suppressions and consents.

They come before those of any collection, since the first matching route is taken.
"""

from collections.abc import Callable
from typing import Protocol
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import Response

from harkara.accept.formats.record_parsing import object_of
from harkara.api import queries
from harkara.api.authentication import CallerFor
from harkara.api.description import MISSING, changes
from harkara.api.resolver import Api, answer, ok
from harkara.base.codes import Code
from harkara.base.json import encode
from harkara.manage.audit import Actor
from harkara.manage.number_lists import ConsentService, SuppressionService
from harkara.model import consents, suppressions
from harkara.model.accounts import Account, Scope
from harkara.runtime.logging import logger


class NumberServices(Protocol):
    """The services of these routes."""

    @property
    def suppressions(self) -> SuppressionService:
        """Keeps the numbers that get nothing."""

    @property
    def consents(self) -> ConsentService:
        """Keeps the numbers that agreed to promotion."""


def add_suppressions(
    api: Api, caller_for: CallerFor, services: Callable[[], NumberServices]
) -> None:
    """Add the routes of suppressions."""

    @api.get(
        "/v1/suppressions",
        **changes(
            {200: suppressions.SuppressionPage}, Code.INVALID_REQUEST, query=queries.PageQuery
        ),
    )
    def list_suppressions() -> Response[str]:
        """List the numbers that get no messages of some kind."""
        account, page = caller_for(Scope.ADMIN).account, queries.page_of(api.client_request.query)
        found = services().suppressions.page(account, *page)
        entries = [suppressions.fields_of(entry) for entry in found.entries]
        return ok({"suppressions": entries, "next": found.next_number})

    @api.post(
        "/v1/suppressions",
        **changes({201: suppressions.SuppressionEntry}, body=suppressions.SuppressionRequest),
    )
    def add_suppression() -> Response[str]:
        """Suppress a number, in place of its entry of the same source.

        It counts at once, if the operator has enabled lists.
        """
        account = caller_for(Scope.ADMIN).account
        entry = services().suppressions.add(account, object_of(api.client_request.body))
        logger.info("suppressed", account_id=account.id, source=entry.source)
        return answer(201, encode(suppressions.fields_of(entry)))

    @api.get(
        "/v1/suppressions/<number>", **changes({200: suppressions.SuppressionEntries}, *MISSING)
    )
    def read_suppression(number: str) -> Response[str]:
        """Read the entries of a number."""
        found = services().suppressions.check(caller_for(Scope.ADMIN).account, unquote(number))
        return ok({"suppressions": [suppressions.fields_of(entry) for entry in found]})

    @api.delete(
        "/v1/suppressions/<number>", **changes({204: None}, *MISSING, query=queries.SourceQuery)
    )
    def remove_suppression(number: str) -> Response[str]:
        """Remove the entries of a number."""
        account, chosen = caller_for(Scope.ADMIN).account, queries.sources(api.client_request.query)
        services().suppressions.remove(account, unquote(number), chosen)
        logger.info("no longer suppressed", account_id=account.id)
        return Response(204, body="")


def add_consents(api: Api, caller_for: CallerFor, services: Callable[[], NumberServices]) -> None:
    """Add the routes of consents."""

    def admin() -> tuple[Account, Actor]:
        caller = caller_for(Scope.ADMIN)
        return caller.account, Actor(caller.credential.username, api.client_request.source_ip)

    @api.get(
        "/v1/consents",
        **changes({200: consents.ConsentPage}, Code.INVALID_REQUEST, query=queries.PageQuery),
    )
    def list_consents() -> Response[str]:
        """List the consents to promotional messages."""
        account, _ = admin()
        found = services().consents.page(account, *queries.page_of(api.client_request.query))
        rows = [consents.fields_of(each) for each in found.entries]
        return ok({"consents": rows, "next": found.next_number})

    @api.post("/v1/consents", **changes({201: consents.ConsentEntry}, body=consents.ConsentRequest))
    def add_consent() -> Response[str]:
        """Record a number's consent to a header, in place of its earlier one.

        Promotional messages of this header then go out although the number is registered with DND,
        until it opts out later.
        """
        account, by = admin()
        consent = services().consents.add(account, object_of(api.client_request.body), by)
        logger.info("consent recorded", account_id=account.id, header=consent.header)
        return answer(201, encode(consents.fields_of(consent)))

    @api.get("/v1/consents/<number>", **changes({200: consents.ConsentEntries}, *MISSING))
    def read_consents(number: str) -> Response[str]:
        """Read the consents of a number."""
        account, _ = admin()
        found = services().consents.check(account, unquote(number))
        return ok({"consents": [consents.fields_of(each) for each in found]})

    @api.delete(
        "/v1/consents/<number>", **changes({204: None}, *MISSING, query=queries.HeaderQuery)
    )
    def remove_consent(number: str) -> Response[str]:
        """Remove a number's consent to the header that the query names."""
        account, by = admin()
        header = api.client_request.query.get("header", "")
        services().consents.remove(account, unquote(number), header, by)
        logger.info("consent removed", account_id=account.id, header=header)
        return Response(204, body="")
