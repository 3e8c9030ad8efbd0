"""Describe the routes for messages, resources and carriers, and for this description."""

from typing import Any

from harkara.api.openapi.answers import ALWAYS, AUTHENTICATED, BODY, links, ok, refusals
from harkara.api.openapi.results import RESOURCES, name_of
from harkara.api.openapi.sending import BODY_SECURITY, HEADER_SECURITY
from harkara.api.openapi.shapes import CSV, JSON, Schema, content, example_of, lenient, ref, text
from harkara.base.codes import Code
from harkara.manage.template_portals import TYPES
from harkara.model.fields import names_of

PAGE_LIMIT = 1_000

ACCESS = (*AUTHENTICATED, *ALWAYS)
_MID_EXAMPLE = "101M80PKPVGTZQN98QP2VKS1J1800"
_MID: Schema = {
    "name": "mid",
    "in": "path",
    "required": True,
    "description": "Our id of the message, as the answer to the send had it.",
    "schema": {"type": "string", "minLength": 1},
    "example": _MID_EXAMPLE,
}
PAGING: list[Schema] = [
    {
        "name": "limit",
        "in": "query",
        "description": "How many at most.",
        "schema": {"type": "integer", "minimum": 1, "maximum": PAGE_LIMIT, "default": 100},
    },
    {
        "name": "after",
        "in": "query",
        "description": "`next` of the page before.",
        "schema": {"type": "string", "maxLength": 64},
    },
]
_GZIP = "application/gzip"
_FILE = (
    "A file in the columns of the operators' DLT portals (entity id, header, template id, template"
    " name, content, type, status, variable tags) and in their words, cells between commas,"
    " semicolons, tabs or bars, at most 20,000 rows and 4 MB. It may be packed with gzip, and"
    " encoded in UTF-16, where it is sent as application/octet-stream or application/gzip; else it"
    " is UTF-8. What is no JSON object is taken for a file, whatever its content type, but"
    " application/json."
)


_TYPE: Schema = {
    "name": "type",
    "in": "query",
    "description": "Of a file: the type of rows that name none, in any portal's words.",
    "schema": {"type": "string", "enum": [*TYPES.values()]},
}


def operation(name: str, tag: str, summary: str, description: str = "", **more: Any) -> Schema:
    """Return an operation by its name."""
    described = {"description": description} if description else {}
    return {"operationId": name, "tags": [tag], "summary": summary, **described, **more}


def guarded(name: str, summary: str, scope: str, **more: Any) -> Schema:
    """Return an operation on an account's data, which needs a credential with `scope`."""
    tag = "Messages" if scope == "send" or name == "readMessage" else "Account"
    description = f"Scope `{scope}`. {more.pop('description', '')}".strip()
    return operation(name, tag, summary, description, security=HEADER_SECURITY, **more)


def _collection(collection: str) -> Schema:
    """Return the paths of one kind of an account's resources."""
    model = RESOURCES[collection][0]
    name, key = name_of(collection), model.name_field
    path, example = f"/v1/{collection}", example_of(model)
    of = {
        "name": "name",
        "in": "path",
        "required": True,
        "description": names_of(model)[key].description,
        "schema": {"type": "string", "minLength": 1},
        "example": example[key],
    }
    part, registered = content(ref(name)), content(ref(f"Registered{name}"))
    new = {"required": True, "content": content(ref(f"New{name}"), example=example)}
    page = content(ref(f"{name}Page"))
    named = (f"read{name}", f"replace{name}", f"remove{name}")
    linked = links("name", f"/{key}", *named)
    in_use = (Code.IN_USE,) if collection == "callbacks" else ()
    return {
        path: {
            "get": guarded(
                f"list{name}s",
                f"List {collection}",
                "read",
                parameters=PAGING,
                responses={**ok("A page.", page), **refusals((Code.INVALID_REQUEST, *ACCESS))},
            ),
            "post": guarded(
                f"create{name}",
                f"Register a {name.lower()}",
                "admin",
                requestBody=new,
                responses={
                    **ok("It is registered.", registered, 201, linked),
                    **refusals((*BODY, Code.ALREADY_EXISTS, *ACCESS)),
                },
            ),
        },
        f"{path}/{{name}}": {
            "parameters": [of],
            "get": guarded(
                f"read{name}",
                f"Read a {name.lower()}",
                "read",
                responses={**ok("It.", part), **refusals((Code.NOT_FOUND, *ACCESS))},
            ),
            "put": guarded(
                f"replace{name}",
                f"Replace a {name.lower()}",
                "admin",
                description="The name in the body may be left out; another is refused.",
                requestBody={**new, "content": content(ref(f"Changed{name}"), example=example)},
                responses={
                    **ok("As it is from here on.", registered),
                    **refusals((*BODY, Code.NOT_FOUND, *ACCESS)),
                },
            ),
            "delete": guarded(
                f"remove{name}",
                f"Take a {name.lower()} out",
                "admin",
                responses={
                    "204": {"description": "It is out."},
                    **refusals((Code.INVALID_REQUEST, Code.NOT_FOUND, *in_use, *ACCESS)),
                },
            ),
        },
    }


def _with_csv(paths: Schema) -> Schema:
    """Return the paths of templates with CSV added to requests and answers."""
    listing, creating = paths["/v1/templates"]["get"], paths["/v1/templates"]["post"]
    listing["description"] += " With `Accept: text/csv` all of them as a file."
    listing["responses"]["200"]["content"] |= content(text("The file."), CSV)
    creating["description"] += f" Or many at once. {_FILE}"
    packed = {"type": "string", "contentMediaType": _GZIP, "description": "The file, packed."}
    creating["parameters"] = [_TYPE]
    creating["requestBody"]["content"] |= content(text("The file."), CSV) | content(packed, _GZIP)
    creating["responses"] |= ok("Of a file: what became of each row.", content(ref("ImportReport")))
    creating["responses"] |= refusals((*BODY, Code.INVALID_CSV, Code.ALREADY_EXISTS, *ACCESS))
    return paths


TOKEN_PATH: list[Schema] = [
    {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": {"type": "string", "minLength": 1},
    }
    for name, description in (
        ("carrier", "The carrier's name."),
        ("token", "What the operator of the gateway gave the carrier."),
    )
]
_RECEIPT_ANSWERS = {
    **ok("They are queued.", content(ref("ReceiptsTaken"))),
    **refusals((Code.INVALID_RECEIPT, Code.NOT_FOUND, *ALWAYS)),
}
_CANCEL_ANSWERS = {
    **ok("It will not go out.", content(ref("Cancelled"))),
    **refusals((Code.INVALID_REQUEST, Code.NOT_FOUND, Code.TOO_LATE_TO_CANCEL, *ACCESS)),
}


def _receipts(name: str, **more: Any) -> Schema:
    return operation(
        name,
        "Carriers",
        "Receipts of a carrier",
        "For carriers alone, in the carrier's own format.",
        security=[],
        parameters=TOKEN_PATH,
        responses=_RECEIPT_ANSWERS,
        **more,
    )


PATHS: Schema = {
    "/v1/messages/{mid}": {
        "parameters": [_MID],
        "get": guarded(
            "readMessage",
            "Read what became of a message",
            "read",
            responses={
                **ok("What became of it, without its text.", content(ref("MessageHistory"))),
                **refusals((Code.NOT_FOUND, *ACCESS)),
            },
        ),
        "delete": guarded(
            "cancelMessage",
            "Cancel a message that is not submitted yet",
            "send",
            responses=_CANCEL_ANSWERS,
        ),
    },
    "/cancel-scheduled/sms": {
        "post": guarded(
            "cancelScheduled",
            "Cancel a message that is not submitted yet, in ICS Mobile's format",
            "send",
            requestBody={
                "required": True,
                "content": content(ref("Cancel"), example={"mid": _MID_EXAMPLE}),
            },
            responses={
                **_CANCEL_ANSWERS,
                **refusals((*BODY, Code.NOT_FOUND, Code.TOO_LATE_TO_CANCEL, *ACCESS)),
            },
        )
        | {"security": BODY_SECURITY}
    },
    **_collection("senders"),
    **_with_csv(_collection("templates")),
    **_collection("callbacks"),
    "/receipts/{carrier}/{token}": {
        "get": _receipts("receiptsGet"),
        "head": _receipts("receiptsHead"),
        "post": _receipts("receiptsPost", requestBody={"content": {JSON: {"schema": {}}}}),
    },
    "/openapi.json": {
        "get": operation(
            "openapi",
            "Description",
            "This document",
            security=[],
            responses=ok("OpenAPI 3.1.", content({"type": "object"})),
        )
    },
    "/docs": {
        "get": operation(
            "docs",
            "Description",
            "This document as a page",
            security=[],
            responses=ok("HTML.", content({"type": "string"}, "text/html")),
        )
    },
}

SCHEMAS: Schema = {
    "Cancel": {
        "type": "object",
        "properties": {
            "mid": lenient("Our id of the message."),
            "user": lenient("The user name, unless a header authenticates."),
            "pass": lenient("Its secret."),
        },
        "required": ["mid"],
    }
}
