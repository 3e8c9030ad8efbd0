"""Write the API's description from the routes and models: `make openapi`.

A route's decorator (harkara.api.description) and docstring describe it, the types of its bodies
their schemas. The table of routes, from which a wrong method is answered with 405, is written from
the same description. tests/unit/api/test_openapi.py holds both files to the code.
"""

import inspect
import json
import re
import runpy
from collections.abc import Iterator
from pathlib import Path

from aws_lambda_powertools.event_handler.api_gateway import Route

from harkara.api.description import ABOUT, PATH_PARAMETERS, About
from harkara.api.docs import DOCUMENT
from harkara.api.resolver import TABLE
from harkara.base.codes import MEANINGS, Code
from harkara.manage.resources import RESOURCES
from harkara.model.fields import names_of
from tools.openapi_answers import HEADERS, responses
from tools.openapi_schemas import Delivery, Schema, Schemas, resource_name

FUNCTIONS = Path(__file__).parent.parent / "functions"
PROSE = Path(__file__).with_name("openapi.md")
METHODS = ("get", "head", "post", "put", "delete")
# All pages of the console are one route for API Gateway, and none of them is described.
CONSOLE = ("/console GET", "/console/{path+} GET POST")
TAGS = {
    "Send": "Send messages, in the format of a platform or in Harkara's own.",
    "Messages": "Look messages up, and cancel them.",
    "Account": "Change what an account has registered.",
    "Carriers": "For carriers alone: receipts, and messages from phones.",
    "Links": "For the readers of messages.",
    "Description": "This description, and whether the gateway answers.",
}
# Fields of a query that are security schemes of their own.
CREDENTIALS = ("username", "password")

SECURITY: Schema = {
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "User name and secret; or an API key in place of both.",
    },
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key: `<user name>.<secret>`; or the secret alone, if the body names"
        " the user.",
    },
    "apiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Api-Key",
        "description": "An API key: `<user name>.<secret>`.",
    },
    "hookUser": {"type": "apiKey", "in": "query", "name": "user"},
    "hookSignature": {
        "type": "apiKey",
        "in": "header",
        "name": "webhook-signature",
        "description": "A signature as Standard Webhooks 1.0.0 specifies, beside `webhook-id` and"
        " `webhook-timestamp`. The operator gives the secret.",
    },
    "queryUser": {"type": "apiKey", "in": "query", "name": "username"},
    "queryPassword": {"type": "apiKey", "in": "query", "name": "password"},
}
IDEMPOTENCY_KEY: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "1 to 255 printable ASCII characters. The same request under the same key is"
    " served once, for at least 24 hours: a repeat gets the first answer. Another request under the"
    " key is refused with IDEMPOTENCY_CONFLICT.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": 255,
        "pattern": "^[!-~]([ -~]*[!-~])?$",
    },
}


def routes() -> Iterator[tuple[Route, About, str]]:
    """Yield each described route with its description, and the collection that it is for or "".

    A route of all collections is one route for each that has no route of its own.
    """
    seen = set[tuple[str, str]]()
    for function in ("send", "manage", "receipt", "inbound", "link"):
        for route in runpy.run_path(str(FUNCTIONS / function / "app.py"))["api"].routes:
            if not route.include_in_schema:
                continue
            for collection in RESOURCES if "{collection}" in route.openapi_path else [""]:
                key = route.method, route.openapi_path.replace("{collection}", collection)
                if key not in seen:
                    seen.add(key)
                    yield route, route.openapi_extensions[ABOUT], collection


def document() -> Schema:
    """Return the OpenAPI document."""
    found = list(routes())
    schemas = Schemas([about for _, about, _ in found])
    paths: dict[str, Schema] = {}
    for route, about, collection in found:
        path = route.openapi_path.replace("{collection}", collection)
        several = sum(each.func is route.func and c == collection for each, _, c in found) > 1
        operation = _operation(schemas, route, about, collection, several=several)
        paths.setdefault(path, {})[route.method.lower()] = operation
    for route, about, collection in found:
        _link(paths, route, about, collection)
    prose, _, posted = PROSE.read_text().partition("\n## ")
    title, _, delivery = posted.partition("\n")
    webhook: Schema = {
        "operationId": "delivery",
        "summary": title,
        "description": _flowing(delivery),
        "security": [],
        "requestBody": {"required": True, "content": schemas.content(Delivery)},
        "responses": {"200": {"description": "It has arrived."}},
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Harkara",
            "version": "1",
            "description": _flowing(prose),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": words} for name, words in TAGS.items()],
        "paths": {
            path: {method: item[method] for method in METHODS if method in item}
            for path, item in paths.items()
        },
        "webhooks": {"delivery": {"post": webhook}},
        "components": {
            "schemas": schemas.components([paths, webhook]),
            "headers": HEADERS,
            "parameters": {"IdempotencyKey": IDEMPOTENCY_KEY},
            "securitySchemes": SECURITY,
        },
        "x-codes": {code.value: meaning._asdict() for code, meaning in MEANINGS.items()},
    }


def _operation(
    schemas: Schemas, route: Route, about: About, collection: str, *, several: bool
) -> Schema:
    words, name = inspect.getdoc(route.func) or "", route.func.__name__
    if collection:
        resource = resource_name(collection)
        words = words.replace("{collection}", collection).replace("{resource}", resource.lower())
        name = name.replace("resource", resource.lower())
    summary, _, description = _flowing(words).partition(".")
    scope = f"Scope `{about.scope}`." if about.scope else ""
    first, *more = name.split("_")
    method = route.method.title() if several else ""
    parameters = [*_path_parameters(route, collection), *_query_parameters(schemas, about)]
    if Code.IDEMPOTENCY_CONFLICT in about.codes:
        parameters.append({"$ref": "#/components/parameters/IdempotencyKey"})
    operation: Schema = {
        "operationId": first + "".join(map(str.title, more)) + method,
        "tags": route.tags,
        "summary": summary,
        "description": " ".join(filter(None, [scope, description.strip()])),
        "security": route.security,
        "parameters": parameters,
        "responses": responses(schemas, route.openapi_path, about, collection),
    }
    if about.body and route.method not in ("GET", "HEAD"):
        operation["requestBody"] = schemas.request_body(about.body, collection)
    return {key: value for key, value in operation.items() if value or key == "security"}


def _path_parameters(route: Route, collection: str) -> Iterator[Schema]:
    for name in re.findall(r"{(\w+)}", route.openapi_path.replace("{collection}", "")):
        known: Schema = dict(PATH_PARAMETERS[name])
        if name == "name":
            kind = RESOURCES[collection or route.openapi_path.split("/")[2]][0]
            field = names_of(kind)[kind.name_field]
            known = {"description": field.description, "example": (field.examples or [""])[0]}
        schema = known.pop("schema", {"type": "string", "minLength": 1})
        yield {"name": name, "in": "path", "required": True, **known, "schema": schema}


def _query_parameters(schemas: Schemas, about: About) -> Iterator[Schema]:
    if about.query:
        model = schemas.resolved(about.query)
        for name, field in model["properties"].items():
            if name not in CREDENTIALS:
                schema = dict(field)
                words = schema.pop("description", "")
                if "anyOf" in schema or isinstance(schema.get("type"), list):
                    schema = {"type": "string"}  # one of several types, which a URL cannot tell
                needed = {"required": True} if name in model.get("required", ()) else {}
                parameter = {"name": name, "in": "query", "description": words}
                yield {**parameter, **needed, "schema": schema}


def _link(paths: dict[str, Schema], route: Route, about: About, collection: str) -> None:
    """Link an answer to the operations that take a value of it in their path."""
    path = route.openapi_path.replace("{collection}", collection)
    pointer, below = about.links, ""
    for name, (kind, _) in RESOURCES.items():
        if (route.method, path) == ("POST", f"/v1/{name}"):
            pointer, below = f"/{kind.name_field}", path
    if not pointer:
        return
    parameter = "name" if below else pointer.rpartition("/")[2]
    followers = (
        operation["operationId"]
        for other, item in paths.items()
        if other.startswith(below) and f"{{{parameter}}}" in other
        for operation in item.values()
    )
    answers = paths[path][route.method.lower()]["responses"]
    answers[str(next(iter(about.answers)))]["links"] = {
        each: {"operationId": each, "parameters": {parameter: f"$response.body#{pointer}"}}
        for each in followers
    }


def _flowing(words: str) -> str:
    """Return text with the lines of each paragraph joined."""
    return re.sub(r"(?<!\n)\n(?![\n|-])", " ", words).strip()


def table(described: Schema) -> str:
    """Return the table of routes: a path and its methods in each line."""
    lines = (
        " ".join([path, *(method.upper() for method in METHODS if method in item)])
        for path, item in described["paths"].items()
    )
    return "\n".join(["# Written by tools/write_openapi.py", *lines, *CONSOLE]) + "\n"


def files() -> dict[Path, str]:
    """Return the generated files with their contents."""
    described = document()
    return {
        DOCUMENT: json.dumps(described, indent=1, ensure_ascii=False) + "\n",
        TABLE: table(described),
    }


if __name__ == "__main__":
    for file, text in files().items():
        file.write_text(text)
