"""Pieces of JSON Schema that the document repeats."""

from typing import Any

Schema = dict[str, Any]

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
CSV = "text/csv"


def ref(name: str) -> Schema:
    """Return a reference to one of the document's schemas."""
    return {"$ref": f"#/components/schemas/{name}"}


def text(description: str = "", **more: Any) -> Schema:
    """Return the schema of a string."""
    described = {"description": description} if description else {}
    return {"type": "string", **described, **more}


def lenient(description: str, **more: Any) -> Schema:
    """Return the schema of a string in a request, or its digits as an integer; null is absent."""
    return {"type": ["string", "integer", "null"], "description": description, **more}


def whole(description: str, **more: Any) -> Schema:
    """Return the schema of an integer."""
    return {"type": "integer", "description": description, **more}


def nullable(schema: Schema) -> Schema:
    """Return the schema of a value that may also be null."""
    if "enum" in schema:
        return {**schema, "type": [schema["type"], "null"], "enum": [*schema["enum"], None]}
    return {**schema, "type": [schema["type"], "null"]}


def closed(properties: Schema, optional: tuple[str, ...] = (), **more: Any) -> Schema:
    """Return the schema of an object in an answer that has these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
        **more,
    }


def content(schema: Schema, media_type: str = JSON, **more: Any) -> Schema:
    """Return a body of one media type."""
    return {media_type: {"schema": schema, **more}}
