"""Read and change an account's resources and messages, and describe the API.

Next: `harkara.manage.registry`, `harkara.manage.callbacks`, `harkara.manage.messages`, and for
lists `harkara.api.lists`. functions/send uses a change within a minute, and at once if it would
refuse a request without it; a cancel enqueues for functions/dlr.
"""

import asyncio
from functools import partial
from typing import Any
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from harkara.accept.formats.record_parsing import check_length, object_of, top_level
from harkara.api import docs, lists, queries
from harkara.api.authentication import presented
from harkara.api.description import CSV, GZIP, HTML, IN_BODY, JSON, MISSING, about, changes, reads
from harkara.api.files import accepts_gzip, csv_file, is_file
from harkara.api.list_routes import add_consents, add_suppressions
from harkara.api.resolver import answer, ok, refuse_dry_run
from harkara.base.codes import Code
from harkara.base.json import encode
from harkara.callbacks.registration import RenewSecret
from harkara.manage import template_audit
from harkara.manage.callbacks import RenewedSecret, Replayed
from harkara.manage.cancels import Cancel, CancelResult
from harkara.manage.dead_letter_fields import CallbackResult, ParkedPage, Replay
from harkara.manage.messages import MessageHistory
from harkara.manage.registry import ImportReport, counts, report_of
from harkara.manage.resources import fields_of, fields_with_warning, kind_of
from harkara.manage.template_audit import AuditReport, MarkedTemplatePage
from harkara.model.accounts import Account, Caller, Scope, Template
from harkara.runtime.logging import logger
from harkara.runtime.snapshot import built_early
from harkara.wiring.api import new_api
from harkara.wiring.manage import on_aws

api = new_api()
services = built_early(on_aws)
refused = (*MISSING, Code.TOO_LATE_TO_CANCEL)
cancels = partial(about, "Messages", {200: CancelResult}, *refused, scope=Scope.SEND)


def caller_for(scope: Scope, username: str = "", password: str = "") -> Caller:
    request = api.client_request
    if request.method != "GET":  # a GET changes nothing, so it may ask for a dry run
        refuse_dry_run(request)
    secret = presented(request.headers, username, password)
    return services().authenticator.authenticate(secret, scope, request.source_ip)


def account_for(scope: Scope, username: str = "", password: str = "") -> Account:
    return caller_for(scope, username, password).account


# Before the routes of any collection: the first matching route is taken.
add_suppressions(api, caller_for, lambda: services().suppressions)
add_consents(api, caller_for, lambda: services().consents)
lists.add_feedback(api, caller_for, lambda: services().feedback)
lists.add_pauses(api, caller_for, lambda: services().campaigns)
lists.add_routes(api, lambda: account_for(Scope.READ), lambda: services())


@api.get("/openapi.json", **about("Description", {200: dict[str, Any]}))
def openapi() -> Response[str]:
    """Read this description."""
    return docs.document()


@api.get("/docs", **about("Description", {200: {HTML: str}}))
def docs_page() -> Response[Any]:
    """Read this description as a page."""
    return docs.page(packed=accepts_gzip(api.client_request))


@api.get(
    "/v1/messages/<mid>",
    **about("Messages", {200: MessageHistory}, Code.NOT_FOUND, scope=Scope.READ),
)
def read_message(mid: str) -> Response[str]:
    """Read what became of a message."""
    return ok(services().history.message(account_for(Scope.READ), mid))


@api.delete("/v1/messages/<mid>", **cancels())
def cancel_message(mid: str) -> Response[str]:
    """Cancel a message that is not submitted yet."""
    return cancelled(account_for(Scope.SEND), mid)


@api.post("/cancel-scheduled/sms", **cancels(security=IN_BODY, body=Cancel))
def cancel_scheduled() -> Response[str]:
    """Cancel a message that is not submitted yet, in ICS Mobile's format."""
    fields = object_of(api.client_request.body)
    user, password, mid = (top_level(fields, name) for name in ("user", "pass", "mid"))
    return cancelled(account_for(Scope.SEND, user, password), mid)


@api.post(
    "/v1/callbacks/<id>/secret",
    **changes({201: RenewedSecret}, Code.NOT_FOUND, body=RenewSecret | None),
)
def renew_callback_secret(id: str) -> Response[str]:
    """Make another signing secret.

    Posts are signed as Standard Webhooks specifies: with this secret, and until it ends with the
    one before it, too. A callback has at most two.
    """
    account = account_for(Scope.ADMIN)
    fields = object_of(api.client_request.body or b"{}")
    renewed = services().endpoints.renew_secret(account, unquote(id), fields)
    logger.info("signing secret renewed", account_id=account.id)
    return answer(201, encode(renewed))


@api.delete("/v1/callbacks/<id>/secret", **changes({204: None}, *MISSING))
def remove_callback_secret(id: str) -> Response[str]:
    """Turn signing off: both secrets end at once."""
    services().endpoints.stop_signing(account_for(Scope.ADMIN), unquote(id))
    return Response(204, body="")


@api.post("/v1/callbacks/<id>/test", **changes({200: CallbackResult}, *MISSING))
def test_callback(id: str) -> Response[str]:
    """Post a sample: the end of a message that is called `test` in every field of its name."""
    account = account_for(Scope.ADMIN)
    tried = asyncio.run(services().endpoints.test(account, unquote(id)))
    logger.info("callback tried", account_id=account.id, status=tried["status"])
    return ok(tried)


@api.get(
    "/v1/callbacks/<id>/parked", **reads({200: ParkedPage}, *MISSING, query=queries.ParkedPageQuery)
)
def list_parked_callbacks(id: str) -> Response[str]:
    """List the callbacks that are tried no more, oldest first.

    They are kept as long as messages are.
    """
    account = account_for(Scope.READ)
    fields, limit = queries.parked_page_of(api.client_request.query)
    return ok(services().endpoints.dead_letter_page(account, unquote(id), fields, limit))


@api.post("/v1/callbacks/<id>/replay", **changes({200: Replayed}, Code.NOT_FOUND, body=Replay))
def replay_callbacks(id: str) -> Response[str]:
    """Post parked callbacks again: by ids, by time, or all of them.

    Each begins its schedule again under the same `webhook-id`.
    """
    account, deadline = account_for(Scope.ADMIN), api.deadline
    fields = object_of(api.client_request.body)
    done = services().endpoints.replay(account, unquote(id), fields, deadline)
    logger.info("callbacks replayed", account_id=account.id, **done)
    return ok(done)


@api.get(
    "/v1/templates",
    **reads(
        {200: {JSON: MarkedTemplatePage, CSV: str}}, Code.INVALID_REQUEST, query=queries.PageQuery
    ),
)
def list_templates() -> Response[Any]:
    """List templates with their marks. With `Accept: text/csv` all of them as a file, without."""
    account = account_for(Scope.READ)
    if wants_csv():
        content = services().registry.export_templates(account)
        return csv_file("templates.csv", content, api.client_request)
    found = services().registry.page(account, Template, *queries.page_of(api.client_request.query))
    marks = services().audit.marks(account, found.parts)
    rows = [{**fields_of(part), "marks": own} for part, own in zip(found.parts, marks, strict=True)]
    return ok({"templates": rows, "next": found.next_name})


@api.get("/v1/templates/audit", **reads({200: {JSON: AuditReport, CSV: str}}, Code.INVALID_REQUEST))
def audit_templates() -> Response[Any]:
    """Audit all templates: what India's operators refuse in them, or soon will.

    A mark says what to do and by which rule; it refuses nothing by itself. With `Accept: text/csv`
    it is a file with a row for each mark.
    """
    audited = services().audit.audit(account_for(Scope.READ))
    if wants_csv():
        return csv_file("audit.csv", template_audit.as_csv(audited), api.client_request)
    return ok(template_audit.report_of(audited))


@api.post(
    "/v1/templates",
    **changes(
        {201: "RegisteredTemplate", 200: ImportReport},
        *(Code.INVALID_CSV, Code.ALREADY_EXISTS),
        body={JSON: "NewTemplate", CSV: str, GZIP: bytes},
        query=queries.ImportQuery,
    ),
)
def create_template() -> Response[str]:
    """Register a template, or many at once.

    A file in the columns of the operators' DLT portals (entity id, header, template id, template
    name, content, type, status, variable tags) and in their words, cells between commas,
    semicolons, tabs or bars, at most 20,000 rows and 4 MB. It may be packed with gzip, and encoded
    in UTF-16, if it is sent as application/octet-stream or application/gzip; else it is UTF-8. A
    body that is no JSON object is taken for a file, whatever its content type, except
    application/json.
    """
    if is_file(api.client_request):
        return import_templates(account_for(Scope.ADMIN))
    return create_resource("templates")


@api.get(
    "/v1/<collection>", **reads({200: "{name}Page"}, Code.INVALID_REQUEST, query=queries.PageQuery)
)
def list_resources(collection: str) -> Response[str]:
    """List {collection}."""
    kind, account = kind_of(collection), account_for(Scope.READ)
    found = services().registry.page(account, kind, *queries.page_of(api.client_request.query))
    return ok({collection: [fields_of(part) for part in found.parts], "next": found.next_name})


@api.post(
    "/v1/<collection>",
    **changes({201: "Registered{name}"}, Code.ALREADY_EXISTS, body="New{name}"),
)
def create_resource(collection: str) -> Response[str]:
    """Register a {resource}."""
    kind, account = kind_of(collection), account_for(Scope.ADMIN)
    part = services().registry.create(account, kind, object_of(api.client_request.body))
    logger.info("registered", account_id=account.id, collection=collection)
    return answer(201, encode(fields_with_warning(part)))


@api.get("/v1/<collection>/<name>", **reads({200: "{name}"}, Code.NOT_FOUND))
def read_resource(collection: str, name: str) -> Response[str]:
    """Read a {resource}."""
    kind, account = kind_of(collection), account_for(Scope.READ)
    return ok(fields_of(services().registry.get(account, kind, unquote(name))))


@api.put(
    "/v1/<collection>/<name>",
    **changes({200: "Registered{name}"}, Code.NOT_FOUND, body="Changed{name}"),
)
def replace_resource(collection: str, name: str) -> Response[str]:
    """Replace a {resource}. Its name may be missing in the body; another name is refused."""
    kind, account = kind_of(collection), account_for(Scope.ADMIN)
    fields = object_of(api.client_request.body)
    part = services().registry.replace(account, kind, unquote(name), fields)
    logger.info("changed", account_id=account.id, collection=collection)
    return ok(fields_with_warning(part))


@api.delete("/v1/callbacks/<name>", **changes({204: None}, *MISSING, Code.IN_USE))
def remove_callback(name: str) -> Response[str]:
    """Remove a callback that nothing refers to."""
    return remove_resource("callbacks", name)


@api.delete("/v1/<collection>/<name>", **changes({204: None}, *MISSING))
def remove_resource(collection: str, name: str) -> Response[str]:
    """Remove a {resource}."""
    kind, account = kind_of(collection), account_for(Scope.ADMIN)
    services().registry.remove(account, kind, unquote(name))
    logger.info("removed", account_id=account.id, collection=collection)
    return Response(204, body="")


def import_templates(account: Account) -> Response[str]:
    asked, deadline = api.client_request, api.deadline
    check_length(asked.body)
    category = queries.type_of(asked.query)
    report = services().registry.import_templates(account, asked.body, deadline, category)
    logger.info("templates imported", account_id=account.id, counts=counts(report))
    return ok(report_of(report))


def wants_csv() -> bool:
    return CSV in api.client_request.headers.get("accept", "")


def cancelled(account: Account, mid: str) -> Response[str]:
    result = services().cancel.cancel(account, mid)
    logger.info("message cancelled", account_id=account.id, mid=mid)
    return ok(result)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return api.resolve(event, context)
