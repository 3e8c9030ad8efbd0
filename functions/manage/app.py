"""Read and change an account's own resources and messages, and describe the API.

The resources are registered senders, templates, callbacks and suppressions. Messages can be read
and cancelled.

Next: `harkara.manage.registry`, `harkara.manage.callbacks`, `harkara.manage.messages` and
`harkara.manage.messages`. functions/send uses a change within a minute, and at once if it would
refuse a request without the change; a cancel enqueues for functions/dlr.
"""

import asyncio
import gzip
from functools import cache
from typing import Any
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from harkara.accept.formats.record_parsing import check_length, object_of, top_level
from harkara.api.authentication import presented
from harkara.api.openapi import page
from harkara.api.openapi.document import document
from harkara.api.request import after_name, is_file, page_limit, sources, type_of
from harkara.api.resolver import answer, ok, refuse_dry_run
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.base.json import encode
from harkara.manage.callbacks import PAGE_LIMIT as PARKED_PAGE_LIMIT
from harkara.manage.registry import NAME_LIMIT, PAGE_LIMIT, counts, report_of
from harkara.manage.resources import fields_of, fields_with_warning
from harkara.model.accounts import Account, Scope, Sender, Template
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.fields import Part
from harkara.model.suppressions import fields_of as entry_fields
from harkara.runtime.logging import logger
from harkara.wiring.api import new_api
from harkara.wiring.manage import on_aws

# Lambda answers at most 6 MB, and this is sent as base64.
EXPORT_LIMIT_BYTES = 4_400_000
COLLECTIONS: dict[str, type[Part]] = {
    "senders": Sender,
    "templates": Template,
    "callbacks": CallbackEndpoint,
}
CSV = "text/csv"

api = new_api()
services = cache(on_aws)


@api.get("/openapi.json")
def openapi() -> Response[str]:
    return ok(document())


@api.get("/docs")
def docs() -> Response[str]:
    return Response(200, "text/html; charset=utf-8", page.render(document()), dict(page.HEADERS))


@api.get("/v1/messages/<mid>")
def message(mid: str) -> Response[str]:
    return ok(services().history.message(account_for(Scope.READ), mid))


@api.delete("/v1/messages/<mid>")
def cancel(mid: str) -> Response[str]:
    return cancelled(account_for(Scope.SEND), mid)


@api.post("/cancel-scheduled/sms")
def cancel_scheduled() -> Response[str]:
    fields = object_of(api.client_request.body)
    user, password, mid = (top_level(fields, name) for name in ("user", "pass", "mid"))
    return cancelled(account_for(Scope.SEND, user, password), mid)


# Before the routes of any collection: the first matching route is taken.
@api.get("/v1/suppressions")
def suppressions() -> Response[str]:
    found = services().suppressions.page(account_for(Scope.ADMIN), *page_of())
    entries = [entry_fields(entry) for entry in found.entries]
    return ok({"suppressions": entries, "next": found.next_number})


@api.post("/v1/suppressions")
def suppress() -> Response[str]:
    account = account_for(Scope.ADMIN)
    entry = services().suppressions.add(account, object_of(api.client_request.body))
    logger.info("suppressed", account_id=account.id, source=entry.source)
    return answer(201, encode(entry_fields(entry)))


@api.get("/v1/suppressions/<number>")
def suppression(number: str) -> Response[str]:
    found = services().suppressions.check(account_for(Scope.ADMIN), unquote(number))
    return ok({"suppressions": [entry_fields(entry) for entry in found]})


@api.delete("/v1/suppressions/<number>")
def unsuppress(number: str) -> Response[str]:
    account = account_for(Scope.ADMIN)
    services().suppressions.remove(account, unquote(number), sources(api.client_request.query))
    logger.info("no longer suppressed", account_id=account.id)
    return Response(204, body="")


@api.post("/v1/callbacks/<id>/secret")
def renew_secret(id: str) -> Response[str]:
    account = account_for(Scope.ADMIN)
    fields = object_of(api.client_request.body or b"{}")
    renewed = services().endpoints.renew_secret(account, unquote(id), fields)
    logger.info("signing secret renewed", account_id=account.id)
    return answer(201, encode(renewed))


@api.post("/v1/callbacks/<id>/test")
def test(id: str) -> Response[str]:
    account = account_for(Scope.ADMIN)
    tried = asyncio.run(services().endpoints.test(account, unquote(id)))
    logger.info("callback tried", account_id=account.id, status=tried["status"])
    return ok(tried)


@api.get("/v1/callbacks/<id>/parked")
def parked(id: str) -> Response[str]:
    account, query = account_for(Scope.READ), api.client_request.query
    fields = {name: query[name] for name in ("from", "to", "after") if name in query}
    limit = page_limit(query, PARKED_PAGE_LIMIT)
    return ok(services().endpoints.parked_page(account, unquote(id), fields, limit))


@api.post("/v1/callbacks/<id>/replay")
def replay(id: str) -> Response[str]:
    account, deadline = account_for(Scope.ADMIN), api.deadline
    fields = object_of(api.client_request.body)
    done = services().endpoints.replay(account, unquote(id), fields, deadline)
    logger.info("callbacks replayed", account_id=account.id, **done)
    return ok(done)


@api.get("/v1/<collection>")
def read_all(collection: str) -> Response[Any]:
    kind, account = kind_of(collection), account_for(Scope.READ)
    if kind is Template and CSV in api.client_request.headers.get("accept", ""):
        return export(account)
    found = services().registry.page(account, kind, *page_of())
    return ok({collection: [fields_of(part) for part in found.parts], "next": found.next_name})


@api.post("/v1/<collection>")
def create(collection: str) -> Response[str]:
    kind, account = kind_of(collection), account_for(Scope.ADMIN)
    if kind is Template and is_file(api.client_request):
        return import_templates(account)
    fields = object_of(api.client_request.body)
    part = services().registry.create(account, kind, fields)
    logger.info("registered", account_id=account.id, collection=collection)
    return answer(201, encode(fields_with_warning(part)))


@api.get("/v1/<collection>/<name>")
def read(collection: str, name: str) -> Response[str]:
    kind, account = kind_of(collection), account_for(Scope.READ)
    return ok(fields_of(services().registry.get(account, kind, unquote(name))))


@api.put("/v1/<collection>/<name>")
def replace(collection: str, name: str) -> Response[str]:
    kind, account = kind_of(collection), account_for(Scope.ADMIN)
    fields = object_of(api.client_request.body)
    part = services().registry.replace(account, kind, unquote(name), fields)
    logger.info("changed", account_id=account.id, collection=collection)
    return ok(fields_with_warning(part))


@api.delete("/v1/<collection>/<name>")
def remove(collection: str, name: str) -> Response[str]:
    kind, account = kind_of(collection), account_for(Scope.ADMIN)
    services().registry.remove(account, kind, unquote(name))
    logger.info("removed", account_id=account.id, collection=collection)
    return Response(204, body="")


def export(account: Account) -> Response[Any]:
    content = services().registry.export_templates(account)
    packs = "gzip" in api.client_request.headers.get("accept-encoding", "")
    body = gzip.compress(content, mtime=0) if packs else content
    if len(body) > EXPORT_LIMIT_BYTES:
        way = "read them in JSON, page by page" if packs else "send Accept-Encoding: gzip"
        raise RequestRefused(Code.INVALID_REQUEST, f"(the file is too large to be sent: {way})")
    headers: dict[str, Any] = {"Content-Disposition": 'attachment; filename="templates.csv"'}
    if packs:
        headers["Content-Encoding"] = "gzip"
    return Response(200, f"{CSV}; charset=utf-8", body if packs else body.decode(), headers)


def import_templates(account: Account) -> Response[str]:
    content = api.client_request.body
    check_length(content)
    deadline = api.deadline
    category = type_of(api.client_request.query)
    report = services().registry.import_templates(account, content, deadline, category)
    logger.info("templates imported", account_id=account.id, counts=counts(report))
    return ok(report_of(report))


def page_of() -> tuple[str, int]:
    query = api.client_request.query
    return after_name(query, NAME_LIMIT), page_limit(query, PAGE_LIMIT)


def kind_of(collection: str) -> type[Part]:
    if collection not in COLLECTIONS:
        raise RequestRefused(Code.NOT_FOUND)
    return COLLECTIONS[collection]


def cancelled(account: Account, mid: str) -> Response[str]:
    result = services().cancel.cancel(account, mid)
    logger.info("message cancelled", account_id=account.id, mid=mid)
    return ok({"status": "cancelled", **result._asdict()})


def account_for(scope: Scope, username: str = "", password: str = "") -> Account:
    request = api.client_request
    if request.method != "GET":  # a GET changes nothing, so it may ask for a dry run
        refuse_dry_run(request)
    shown = presented(request.headers, username, password)
    return services().authenticator.authenticate(shown, scope, request.source_ip).account


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return api.resolve(event, context)
