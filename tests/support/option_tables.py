"""A model's fields as the tables of docs/carriers.md show them: default, and what they take."""

from typing import Any

from pydantic import BaseModel

WORDS = {"string": "text", "object": "a map", "array": "a list", "boolean": "yes or no"}
NUMBERS = {"integer": "a whole number", "number": "a number"}
LIMITS = {"minimum": "from {}", "exclusiveMinimum": "above {}"}
MOST = {"maximum": "to {}", "exclusiveMaximum": "below {}"}


def cells(model: type[BaseModel]) -> dict[str, list[str]]:
    """Return (default, takes) of each field, by the field's name."""
    schema = model.model_json_schema(by_alias=False)
    return {
        name: [
            _default(name, field, schema),
            _takes(field, schema.get("$defs", {})),
        ]
        for name, field in schema["properties"].items()
    }


def _default(name: str, field: dict[str, Any], schema: dict[str, Any]) -> str:
    if name in schema.get("required", ()):
        return "required"
    value = field.get("default")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict) and "$ref" in field:
        return "as below"
    if isinstance(value, list) and value:
        return ", ".join(f"`{each}`" for each in value)
    return "none" if value in (None, "", {}, []) else f"`{value}`"


def _takes(field: dict[str, Any], kinds: dict[str, Any]) -> str:
    field = {**field, **kinds.get(str(field.get("$ref")).rpartition("/")[2], {})}
    several = [each for each in field.get("anyOf", ()) if each.get("type") != "null"]
    if several:
        return _takes(several[0], kinds)
    if "enum" in field:
        return ", ".join(f"`{each}`" for each in field["enum"])
    if "properties" in field:
        return "options, as below"
    kind = field.get("type", "")
    if kind in NUMBERS:
        limits = [
            words.format(field[name])
            for words_of in (LIMITS, MOST)
            for name, words in words_of.items()
            if name in field
        ]
        return " ".join([NUMBERS[kind], *limits])
    if field.get("pattern") == POINTER:
        return "a pointer"
    return WORDS.get(kind, "any JSON")


POINTER = r"^(/([^~/]|~[01])*)*$"
