"""Pieces of JSON Schema that the document repeats."""

from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from harkara.model.fields import names_of

Schema = dict[str, Any]

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
CSV = "text/csv"
_REF = "#/components/schemas/{model}"


class _Untitled(GenerateJsonSchema):
    """Leaves out the titles of fields, which only repeat their names."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def schemas_of(*models: type[BaseModel]) -> Schema:
    """Return the schemas of models and of all that they refer to, by name."""
    _, schemas = models_json_schema(
        [(model, "validation") for model in models],
        ref_template=_REF,
        schema_generator=_Untitled,
    )
    found: Schema = schemas["$defs"]
    return found


def schemas_of_answer(answer: type) -> Schema:
    """Return the schemas of a TypedDict, which has no further fields, and of its enums, by name."""
    schema = TypeAdapter(answer).json_schema(ref_template=_REF, schema_generator=_Untitled)
    enums: Schema = schema.pop("$defs")
    return {**enums, answer.__name__: {**schema, "additionalProperties": False}}


def parameters_of(model: type[BaseModel]) -> list[Schema]:
    """Return the fields of a model as parameters of a query."""
    properties = schemas_of(model)[model.__name__]["properties"]
    return [
        {"name": name, "in": "query", "description": each.pop("description"), "schema": each}
        for name, each in properties.items()
    ]


def example_of(model: type[BaseModel]) -> Schema:
    """Return an example of a model, of the fields that have one."""
    return {name: field.examples[0] for name, field in names_of(model).items() if field.examples}


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
    if "$ref" in schema:
        more = {name: value for name, value in schema.items() if name != "$ref"}
        return {"anyOf": [{"$ref": schema["$ref"]}, {"type": "null"}], **more}
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


def given(schema: Schema, *absent: str) -> Schema:
    """Return the schema of a request: optional fields may be null, and `absent` ones be absent."""
    required = [name for name in schema.get("required", ()) if name not in absent]
    properties = {
        name: each if name in schema.get("required", ()) else nullable(each)
        for name, each in schema["properties"].items()
    }
    return {**closed(properties), "required": required}


def content(schema: Schema, media_type: str = JSON, **more: Any) -> Schema:
    """Return a body of one media type."""
    return {media_type: {"schema": schema, **more}}
