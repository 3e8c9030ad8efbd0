"""The routes of what an account has registered: senders, templates, callbacks, answers.

The first matching route is taken, so those of one collection come before those of all.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import Response

from harkara.accept.formats.record_parsing import check_length, object_of
from harkara.api import queries
from harkara.api.authentication import CallerFor
from harkara.api.description import CSV, GZIP, JSON, MISSING, changes, reads
from harkara.api.request import Request
from harkara.api.resolver import Api, answer, csv_file, ok
from harkara.base.codes import Code
from harkara.base.json import encode
from harkara.callbacks.registration import RenewSecret
from harkara.manage import template_audit
from harkara.manage.callbacks import EndpointService, RenewedSecret, Replayed
from harkara.manage.dead_letter_fields import CallbackResult, ParkedPage, Replay
from harkara.manage.registry import ImportReport, RegistryService, counts, report_of
from harkara.manage.resources import fields_of, fields_with_warning, kind_of
from harkara.manage.template_audit import AuditReport, AuditService, MarkedTemplatePage
from harkara.model.accounts import Account, Scope, Template
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.fields import Part
from harkara.runtime.logging import logger


class ResourceServices(Protocol):
    """The services of these routes."""

    @property
    def registry(self) -> RegistryService:
        """Reads and changes resources."""

    @property
    def endpoints(self) -> EndpointService:
        """Tries callbacks, renews their secrets, and posts dead letters again."""

    @property
    def audit(self) -> AuditService:
        """Marks templates that operators refuse."""


def add_callbacks(
    api: Api, caller_for: CallerFor, services: Callable[[], ResourceServices]
) -> None:
    """Add the routes of callbacks alone."""

    @api.post(
        "/v1/callbacks/<id>/secret",
        **changes({201: RenewedSecret}, Code.NOT_FOUND, body=RenewSecret | None),
    )
    def renew_callback_secret(id: str) -> Response[str]:
        """Make another signing secret.

        Posts are signed as Standard Webhooks specifies: with this secret, and until it ends with
        the one before it, too. A callback has at most two.
        """
        account = caller_for(Scope.ADMIN).account
        fields = object_of(api.client_request.body or b"{}")
        renewed = services().endpoints.renew_secret(account, unquote(id), fields)
        logger.info("signing secret renewed", account_id=account.id)
        return answer(201, encode(renewed))

    @api.delete("/v1/callbacks/<id>/secret", **changes({204: None}, *MISSING))
    def remove_callback_secret(id: str) -> Response[str]:
        """Turn signing off: both secrets end at once."""
        services().endpoints.stop_signing(caller_for(Scope.ADMIN).account, unquote(id))
        return Response(204, body="")

    @api.post("/v1/callbacks/<id>/test", **changes({200: CallbackResult}, *MISSING))
    def test_callback(id: str) -> Response[str]:
        """Post a sample: the end of a message that is called `test` in every field of its name."""
        account = caller_for(Scope.ADMIN).account
        tried = asyncio.run(services().endpoints.test(account, unquote(id)))
        logger.info("callback tried", account_id=account.id, status=tried["status"])
        return ok(tried)

    @api.get(
        "/v1/callbacks/<id>/parked",
        **reads({200: ParkedPage}, *MISSING, query=queries.ParkedPageQuery),
    )
    def list_parked_callbacks(id: str) -> Response[str]:
        """List the callbacks that are tried no more, oldest first.

        They are kept as long as messages are.
        """
        account = caller_for(Scope.READ).account
        fields, limit = queries.parked_page_of(api.client_request.query)
        return ok(services().endpoints.dead_letter_page(account, unquote(id), fields, limit))

    @api.post("/v1/callbacks/<id>/replay", **changes({200: Replayed}, Code.NOT_FOUND, body=Replay))
    def replay_callbacks(id: str) -> Response[str]:
        """Post parked callbacks again: by ids, by time, or all of them.

        Each begins its schedule again under the same `webhook-id`.
        """
        account, deadline = caller_for(Scope.ADMIN).account, api.deadline
        fields = object_of(api.client_request.body)
        done = services().endpoints.replay(account, unquote(id), fields, deadline)
        logger.info("callbacks replayed", account_id=account.id, **done)
        return ok(done)

    @api.delete("/v1/callbacks/<name>", **changes({204: None}, *MISSING, Code.IN_USE))
    def remove_callback(name: str) -> Response[str]:
        """Remove a callback that nothing refers to."""
        account = caller_for(Scope.ADMIN).account
        return _remove(services().registry, account, "callbacks", CallbackEndpoint, unquote(name))


def add_templates(
    api: Api, caller_for: CallerFor, services: Callable[[], ResourceServices]
) -> None:
    """Add the routes of templates alone."""

    def import_templates(account: Account, asked: Request) -> Response[str]:
        check_length(asked.body)
        category = queries.type_of(asked.query)
        report = services().registry.import_templates(account, asked.body, api.deadline, category)
        logger.info("templates imported", account_id=account.id, counts=counts(report))
        return ok(report_of(report))

    @api.get(
        "/v1/templates",
        **reads(
            {200: {JSON: MarkedTemplatePage, CSV: str}},
            Code.INVALID_REQUEST,
            query=queries.PageQuery,
        ),
    )
    def list_templates() -> Response[Any]:
        """List templates with their marks.

        With `Accept: text/csv` all of them as a file, without.
        """
        account = caller_for(Scope.READ).account
        if api.client_request.accepts_csv:
            content = services().registry.export_templates(account)
            return csv_file("templates.csv", content, api.client_request)
        found = services().registry.page(
            account, Template, *queries.page_of(api.client_request.query)
        )
        marks = services().audit.marks(account, found.parts)
        rows = [
            {**fields_of(part), "marks": own} for part, own in zip(found.parts, marks, strict=True)
        ]
        return ok({"templates": rows, "next": found.next_name})

    @api.get(
        "/v1/templates/audit", **reads({200: {JSON: AuditReport, CSV: str}}, Code.INVALID_REQUEST)
    )
    def audit_templates() -> Response[Any]:
        """Audit all templates: what India's operators refuse in them, or soon will.

        A mark says what to do and by which rule; it refuses nothing by itself. With
        `Accept: text/csv` it is a file with a row for each mark.
        """
        audited = services().audit.audit(caller_for(Scope.READ).account)
        if api.client_request.accepts_csv:
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

        A file in the columns of the operators' DLT portals (entity id, header, template id,
        template name, content, type, status, variable tags) and in their words, cells between
        commas, semicolons, tabs or bars, at most 20,000 rows and 4 MB. It may be packed with gzip,
        and encoded in UTF-16, if it is sent as application/octet-stream or application/gzip; else
        it is UTF-8. A body that is no JSON object is taken for a file, whatever its content type,
        except application/json.
        """
        account, asked = caller_for(Scope.ADMIN).account, api.client_request
        if asked.is_file:
            return import_templates(account, asked)
        return _create(services().registry, account, "templates", Template, asked.body)


def add_resources(
    api: Api, caller_for: CallerFor, services: Callable[[], ResourceServices]
) -> None:
    """Add the routes of all collections."""

    @api.get(
        "/v1/<collection>",
        **reads({200: "{name}Page"}, Code.INVALID_REQUEST, query=queries.PageQuery),
    )
    def list_resources(collection: str) -> Response[str]:
        """List {collection}."""
        kind, account = kind_of(collection), caller_for(Scope.READ).account
        found = services().registry.page(account, kind, *queries.page_of(api.client_request.query))
        return ok({collection: [fields_of(part) for part in found.parts], "next": found.next_name})

    @api.post(
        "/v1/<collection>",
        **changes({201: "Registered{name}"}, Code.ALREADY_EXISTS, body="New{name}"),
    )
    def create_resource(collection: str) -> Response[str]:
        """Register a {resource}."""
        kind, account = kind_of(collection), caller_for(Scope.ADMIN).account
        return _create(services().registry, account, collection, kind, api.client_request.body)

    @api.get("/v1/<collection>/<name>", **reads({200: "{name}"}, Code.NOT_FOUND))
    def read_resource(collection: str, name: str) -> Response[str]:
        """Read a {resource}."""
        kind, account = kind_of(collection), caller_for(Scope.READ).account
        return ok(fields_of(services().registry.get(account, kind, unquote(name))))

    @api.put(
        "/v1/<collection>/<name>",
        **changes({200: "Registered{name}"}, Code.NOT_FOUND, body="Changed{name}"),
    )
    def replace_resource(collection: str, name: str) -> Response[str]:
        """Replace a {resource}. Its name may be missing in the body; another name is refused."""
        kind, account = kind_of(collection), caller_for(Scope.ADMIN).account
        fields = object_of(api.client_request.body)
        part = services().registry.replace(account, kind, unquote(name), fields)
        logger.info("changed", account_id=account.id, collection=collection)
        return ok(fields_with_warning(part))

    @api.delete("/v1/<collection>/<name>", **changes({204: None}, *MISSING))
    def remove_resource(collection: str, name: str) -> Response[str]:
        """Remove a {resource}."""
        kind, account = kind_of(collection), caller_for(Scope.ADMIN).account
        return _remove(services().registry, account, collection, kind, unquote(name))


def _create(
    registry: RegistryService, account: Account, collection: str, kind: type[Part], body: bytes
) -> Response[str]:
    part = registry.create(account, kind, object_of(body))
    logger.info("registered", account_id=account.id, collection=collection)
    return answer(201, encode(fields_with_warning(part)))


def _remove(
    registry: RegistryService, account: Account, collection: str, kind: type[Part], name: str
) -> Response[str]:
    registry.remove(account, kind, name)
    logger.info("removed", account_id=account.id, collection=collection)
    return Response(204, body="")
