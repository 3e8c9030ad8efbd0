"""Collect the schemas of the types that routes name, as components of the API's description."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from harkara.accept.formats import native
from harkara.accept.formats.refusals import TYPES
from harkara.api.description import FORM, JSON, About
from harkara.base.codes import MEANINGS
from harkara.callbacks.formats.clevertap import CleverTapEvent
from harkara.manage.resources import RESOURCES
from harkara.model.fields import names_of

Schema = dict[str, Any]
PREFIX = "#/components/schemas/"
ADVICE: Schema = {
    "type": "string",
    "description": "What may be wrong with it, although it can be registered so.",
}
NEXT: Schema = {
    "type": ["string", "null"],
    "description": "The `after` of the next page; null if there is none.",
}
READ_BACK: Schema = {"readOnly": True, "description": "Of an answer; ignored in a request."}


Delivery = list[CleverTapEvent]


class _Untitled(GenerateJsonSchema):
    """Leaves out the titles of fields, which only repeat their names."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def resource_name(collection: str) -> str:
    """Return the name of a collection's resources in schemas and operations: `Sender`."""
    return collection.title().removesuffix("s")


def example_of(model: type[BaseModel]) -> Schema:
    """Return an example of a model, of the fields that have one."""
    return {name: field.examples[0] for name, field in names_of(model).items() if field.examples}


class Schemas:
    """The schemas of all types in the descriptions of routes.

    Answers have no other properties than are described, unless their type says so. A request may
    have null for any field that it may leave out.
    """

    def __init__(self, abouts: Sequence[About]) -> None:
        models = [each for pair in RESOURCES.values() for each in pair]
        given = [each for about in abouts for each in about.answers.values()]
        answers = [*_types(given), native.Error, *TYPES.values()]
        bodies = [*_types([about.body for about in abouts])]
        queries = [*_types([about.query for about in abouts])]
        # By identity: not every type has a hash.
        types = {str(id(each)): each for each in (*models, *answers, *bodies, *queries, Delivery)}
        found, schemas = TypeAdapter.json_schemas(
            [(key, "validation", TypeAdapter(each)) for key, each in types.items()],
            ref_template=f"{PREFIX}{{model}}",
            schema_generator=_Untitled,
        )
        self._components: Schema = {name: _plain(each) for name, each in schemas["$defs"].items()}
        self._of = {key: _plain(schema) for (key, _), schema in found.items()}
        self._components["Code"]["description"] = _table_of_codes()
        self._enums: dict[tuple[Any, ...], str] = {}
        self._name_enums()
        for body in chain.from_iterable(get_args(each) or [each] for each in bodies):
            if isinstance(body, type) and issubclass(body, BaseModel):
                self._components[body.__name__] |= _given(self._components[body.__name__])
                self._components[body.__name__].setdefault("examples", [example_of(body)])
        for name in self._reached(map(self.of, answers)):
            if "properties" in self._components[name]:
                self._components[name].setdefault("additionalProperties", False)
        self._examples = {
            name: each.pop("examples")[0]
            for name, each in self._components.items()
            if "examples" in each
        }
        for collection in RESOURCES:
            self._add_resource(collection)

    def of(self, kind: Any, collection: str = "") -> Schema:
        """Return the schema of a type, or a reference to a component by name."""
        if isinstance(kind, str):
            name = kind.format(name=resource_name(collection)) if collection else kind
            return {"$ref": f"{PREFIX}{name}"}
        found: Schema = self._of[str(id(kind))]
        return found

    def referenced(self, schema: Schema) -> Schema:
        """Return the component that a schema refers to, else the schema itself."""
        if "$ref" in schema:
            component: Schema = self._components[schema["$ref"].removeprefix(PREFIX)]
            return component
        return schema

    def resolved(self, kind: Any) -> Schema:
        """Return the schema of a type with properties."""
        return self.referenced(self.of(kind))

    def content(self, given: Any, collection: str = "") -> Schema:
        """Return a body in all its media types."""
        kinds = given if isinstance(given, Mapping) else {JSON: given}
        return {media: {"schema": self.of(kind, collection)} for media, kind in kinds.items()}

    def request_body(self, given: Any, collection: str) -> Schema:
        """Return a request's body, with an example for each of its components."""
        content = self.content(given, collection)
        required = True
        for media, body in content.items():
            schemas = body["schema"].get("anyOf", [body["schema"]])
            kept = [each for each in schemas if each.get("type") != "null"]
            required = required and len(kept) == len(schemas)
            body["schema"] = kept[0] if len(kept) == 1 else {"anyOf": kept}
            names = [each["$ref"].removeprefix(PREFIX) for each in kept if "$ref" in each]
            examples = {
                name: {"value": self._examples[name]} for name in names if name in self._examples
            }
            if media == FORM:
                body["schema"] = self._form(names)
                examples = {name: examples[name] for name in names[-1:]}
            if examples:
                body["examples"] = examples
        return {"required": required, "content": content}

    def components(self, described: Any) -> Schema:
        """Return the components that a description refers to, by name."""
        return {name: self._components[name] for name in sorted(self._reached([described]))}

    def _reached(self, schemas: Iterable[Any]) -> set[str]:
        """Return the names of all components that schemas refer to."""
        found = set[str]()
        ahead = [name for schema in schemas for name in _references(schema)]
        while ahead:
            name = ahead.pop()
            if name not in found:
                found.add(name)
                ahead += _references(self._components[name])
        return found

    def _form(self, names: Sequence[str]) -> Schema:
        """Return a form with all fields of these components, as strings."""
        fields = {
            field: {
                "type": "string",
                **{key: schema[key] for key in ("description", "examples") if key in schema},
            }
            for name in names
            for field, schema in self._components[name]["properties"].items()
        }
        name = f"{names[-1]}Form"
        self._components[name] = {"type": "object", "properties": fields}
        return {"$ref": f"{PREFIX}{name}"}

    def _name_enums(self) -> None:
        """Make each enum of a property a component: `WebEngageMetadataCampaignType`."""
        for name, component in list(self._components.items()):
            for field, schema in component.get("properties", {}).items():
                words = (word[:1].upper() + word[1:] for word in field.split("_"))
                component["properties"][field] = self._named(schema, name + "".join(words))

    def _named(self, schema: Schema, name: str) -> Schema:
        if len(schema.get("enum", ())) > 1:
            more = {key: value for key, value in schema.items() if key not in ("enum", "type")}
            name = self._enums.setdefault(tuple(schema["enum"]), name)
            self._components[name] = {"type": schema["type"], "enum": schema["enum"]}
            return {"$ref": f"{PREFIX}{name}", **more}
        if "propertyNames" in schema:
            keys = self._named({"type": "string", **schema["propertyNames"]}, f"{name}Key")
            return {**schema, "propertyNames": keys}
        if "anyOf" in schema:
            return {**schema, "anyOf": [self._named(each, name) for each in schema["anyOf"]]}
        return schema

    def _add_resource(self, collection: str) -> None:
        """Add the components of a collection: as it is shown, registered, given, and in a page."""
        shown, requested = RESOURCES[collection]
        name, key = resource_name(collection), shown.name_field
        properties = self._components[shown.__name__]["properties"]
        request = self._components[requested.__name__]
        new, changed = _given(request), _given(request, key)
        for each in (new, changed):
            own = properties.keys() - request["properties"].keys()
            each["properties"] |= {field: READ_BACK for field in properties if field in own}
        advised = {**properties, "warning": ADVICE}
        rows = {"type": "array", "items": {"$ref": f"{PREFIX}{name}"}}
        self._components |= {
            name: _closed(properties),
            f"Registered{name}": _closed(advised) | {"required": [*properties]},
            f"New{name}": new,
            f"Changed{name}": changed,
            f"{name}Page": _closed({collection: rows, "next": NEXT}),
        }
        self._examples |= dict.fromkeys((f"New{name}", f"Changed{name}"), example_of(requested))


def _types(bodies: Iterable[Any]) -> Iterator[Any]:
    """Yield the types of bodies in all their media types, without components' names."""
    for body in bodies:
        kinds = body.values() if isinstance(body, Mapping) else [body]
        yield from (kind for kind in kinds if kind is not None and not isinstance(kind, str))


def _references(schema: Any) -> list[str]:
    if isinstance(schema, dict):
        own = [schema["$ref"]] if isinstance(schema.get("$ref"), str) else []
        names = [each.removeprefix(PREFIX) for each in own if each.startswith(PREFIX)]
        return names + [name for each in schema.values() for name in _references(each)]
    return (
        [name for each in schema for name in _references(each)] if isinstance(schema, list) else []
    )


def _plain(schema: Any) -> Any:
    """Return a schema without titles, and with `type: [a, b]` for a choice of types.

    If one has more than a type, it may only be chosen beside null.
    """
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {
        key: _plain(each)
        for key, each in schema.items()
        if not (key == "title" and isinstance(each, str))
    }
    if plain.get("default", ...) in (None, {}):  # generators of clients refuse the latter
        del plain["default"]
    choices = plain.get("anyOf", [{}])
    if all(isinstance(each.get("type"), str) and "enum" not in each for each in choices):
        kinds = [each["type"] for each in choices]
        bounded = [each for each in choices if each.keys() != {"type"}]
        if len(bounded) <= (kinds[1:] == ["null"]):
            plain = {**plain, **dict(*bounded), "type": kinds}
            del plain["anyOf"]
    return plain


def _closed(properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": [*properties],
        "additionalProperties": False,
    }


def _given(schema: Schema, *absent: str) -> Schema:
    """Return the schema of a request: optional fields may be null, and `absent` ones be absent."""
    needed = schema.get("required", ())
    properties = {
        name: each if name in needed else _nullable(each)
        for name, each in schema["properties"].items()
    }
    required = [name for name in needed if name not in absent]
    return {**_closed(properties), "required": required}


def _nullable(schema: Schema) -> Schema:
    if isinstance(schema.get("type"), str):
        return {**schema, "type": [schema["type"], "null"]}
    more = {key: value for key, value in schema.items() if key not in ("$ref", "anyOf")}
    choices = schema.get("anyOf") or [{"$ref": schema["$ref"]}]
    return {"anyOf": [*choices, {"type": "null"}], **more}


def _table_of_codes() -> str:
    rows = (
        f"| `{code}` | {each.http_status} | {each.clevertap} | {each.webengage} | {each.advice} |"
        for code, each in MEANINGS.items()
    )
    head = ("Codes never change.", "", "| code | HTTP | CleverTap | WebEngage | advice |")
    return "\n".join([*head, "|---|---|---|---|---|", *rows])
