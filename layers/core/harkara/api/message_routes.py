"""The routes of messages: what became of them, cancels, feedback, lists and files."""

from collections.abc import Callable
from functools import partial
from typing import Protocol
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import Response

from harkara.accept.formats.record_parsing import object_of, top_level
from harkara.activity import filters
from harkara.activity.exports import Export, ExportService
from harkara.activity.search import MessagePage, SearchService
from harkara.api.authentication import CallerFor
from harkara.api.description import IN_BODY, MISSING, about
from harkara.api.resolver import Api, answer, ok
from harkara.base.codes import Code
from harkara.base.json import encode
from harkara.manage.cancels import Cancel, CancelResult, CancelService
from harkara.manage.feedback import Feedback, FeedbackResult, FeedbackService
from harkara.manage.messages import HistoryService, MessageHistory
from harkara.model.accounts import Account, Scope
from harkara.runtime.logging import logger

_REFUSED = (*MISSING, Code.TOO_LATE_TO_CANCEL)
cancels = partial(about, "Messages", {200: CancelResult}, *_REFUSED, scope=Scope.SEND)
ASKING = (Code.INVALID_REQUEST, Code.RANGE_TOO_LONG, Code.UNKNOWN_FILTER)


class MessageServices(Protocol):
    """The services of these routes."""

    @property
    def history(self) -> HistoryService:
        """Tells what became of a message."""

    @property
    def cancel(self) -> CancelService:
        """Cancels messages."""

    @property
    def feedback(self) -> FeedbackService:
        """Takes feedback about OTPs."""

    @property
    def search(self) -> SearchService:
        """Lists messages."""

    @property
    def exports(self) -> ExportService:
        """Makes files of messages."""


def add_messages(api: Api, caller_for: CallerFor, services: Callable[[], MessageServices]) -> None:
    """Add the routes of single messages."""

    @api.get(
        "/v1/messages/<mid>",
        **about("Messages", {200: MessageHistory}, Code.NOT_FOUND, scope=Scope.READ),
    )
    def read_message(mid: str) -> Response[str]:
        """Read what became of a message."""
        return ok(services().history.message(caller_for(Scope.READ).account, mid))

    @api.delete("/v1/messages/<mid>", **cancels())
    def cancel_message(mid: str) -> Response[str]:
        """Cancel a message that is not submitted yet."""
        return cancelled(caller_for(Scope.SEND).account, mid)

    @api.post("/cancel-scheduled/sms", **cancels(security=IN_BODY, body=Cancel))
    def cancel_scheduled() -> Response[str]:
        """Cancel a message that is not submitted yet, in ICS Mobile's format."""
        fields = object_of(api.client_request.body)
        user, password, mid = (top_level(fields, name) for name in ("user", "pass", "mid"))
        return cancelled(caller_for(Scope.SEND, user, password).account, mid)

    def cancelled(account: Account, mid: str) -> Response[str]:
        result = services().cancel.cancel(account, mid)
        logger.info("message cancelled", account_id=account.id, mid=mid)
        return ok(result)

    @api.post(
        "/v1/messages/<mid>/feedback",
        **about(
            "Messages",
            {200: FeedbackResult},
            *(Code.NOT_FOUND, Code.NOT_AN_OTP),
            scope=Scope.SEND,
            body=Feedback,
        ),
    )
    def put_feedback(mid: str) -> Response[str]:
        """Tell whether an OTP was verified.

        The first answer about a message stands, and each later one gets it back: tell once the
        person gave the code back, or can do so no more. `GET /v1/stats?by=prefix` counts them.
        """
        account = caller_for(Scope.SEND).account
        return ok(services().feedback.put(account, mid, object_of(api.client_request.body)))


def add_lists(api: Api, caller_for: CallerFor, services: Callable[[], MessageServices]) -> None:
    """Add the routes of lists and exports."""

    @api.get(
        "/v1/messages",
        **about(
            "Messages",
            {200: MessagePage},
            *(*ASKING, Code.INVALID_CURSOR, Code.INVALID_NUMBER),
            scope=Scope.READ,
            query=filters.MessageFilter,
        ),
    )
    def list_messages() -> Response[str]:
        """List messages and refused records, newest first.

        A request that was refused as a whole is listed as one record, without a number.
        `to` and `from` span 31 days at most, by default the last day. A page may hold fewer
        messages than `limit`, or none: go on as long as `next` is there. A message is listed a
        second or two after it was accepted; `as_of` says up to when all are.
        """
        own = caller_for(Scope.READ).account
        query = filters.query_of(filters.MessageFilter, api.client_request.query)
        return ok(services().search.page(own, query))

    @api.post(
        "/v1/exports",
        **about(
            "Messages",
            {202: Export},
            *(*ASKING, Code.INVALID_NUMBER, Code.TOO_MANY_EXPORTS),
            scope=Scope.READ,
            body=filters.ExportFilter | None,
        ),
    )
    def create_export() -> Response[str]:
        """Begin an export: a CSV file of messages and refused records, newest first.

        The body has the filters of the list: without any, or without a body, all of the last day.
        The file has any number of messages. An account has three exports under way at most. Files
        are kept for a week.
        """
        own = caller_for(Scope.READ).account
        fields = object_of(api.client_request.body or b"{}")
        return answer(202, encode(services().exports.create(own, fields)))

    @api.get(
        "/v1/exports/<export>",
        **about("Messages", {200: Export}, Code.NOT_FOUND, scope=Scope.READ),
    )
    def read_export(export: str) -> Response[str]:
        """Read the progress of an export, and the link to its file once it is done.

        A link is good for an hour at most, for whoever has it; each call returns a new one. The
        columns of the file are the fields of the list; no cell of it is a formula.
        """
        return ok(services().exports.read(caller_for(Scope.READ).account, unquote(export)))
