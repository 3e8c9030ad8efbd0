"""Render the document as a page: plain HTML without scripts and external resources."""

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from html import escape
from typing import Any

from harkara.api.openapi.shapes import Schema

_STYLE = """
body { max-width: 62rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; }
h2 { border-bottom: 1px solid; margin-top: 3rem; }
h3 { margin-top: 2.5rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { border-top: 1px solid #8888; padding: .3rem .6rem .3rem 0; text-align: left; }
th, td { vertical-align: top; overflow-wrap: anywhere; }
code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
pre { overflow-x: auto; padding: .8rem; background: #8881; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_METHODS = ("get", "head", "post", "put", "delete")


def render(document: Schema) -> str:
    """Return the page of a document of `harkara.api.openapi.document`."""
    return "\n".join(_Page(document).lines())


class _Page:
    def __init__(self, document: Schema) -> None:
        self._document = document
        self._components = document["components"]

    def lines(self) -> Iterator[str]:
        info = self._document["info"]
        yield '<!doctype html><html lang="en"><meta charset="utf-8">'
        yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
        yield f"<title>{escape(info['title'])}</title><style>{_STYLE}</style>"
        yield f"<h1>{escape(info['title'])}</h1>"
        yield from map(_paragraph, info["description"].split("\n\n"))
        yield '<p>For programs: <a href="openapi.json">openapi.json</a>.'
        yield "<h2>Authentication</h2>"
        yield from _table(
            (_code(name), _prose(scheme.get("description", f"In the {scheme.get('in')}.")))
            for name, scheme in self._components["securitySchemes"].items()
        )
        for tag in self._document["tags"]:
            yield f"<h2>{escape(tag['name'])}</h2>"
            for path, item in self._document["paths"].items():
                for method in _METHODS:
                    if tag["name"] in item.get(method, {}).get("tags", ()):
                        yield from self._operation(f"{method.upper()} {path}", item[method], item)
        yield "<h2>Callbacks</h2>"
        for name, item in self._document["webhooks"].items():
            yield from self._operation(f"POST to your URL: {name}", item["post"], item)
        yield from self._schemas()
        yield from self._codes()

    def _operation(self, title: str, operation: Schema, item: Schema) -> Iterator[str]:
        yield f'<h3 id="{operation["operationId"]}"><code>{escape(title)}</code></h3>'
        yield f"<p><strong>{escape(operation['summary'])}.</strong>"
        yield _paragraph(operation.get("description", ""))
        parameters = [*item.get("parameters", ()), *operation.get("parameters", ())]
        yield from _table(map(self._parameter, parameters))
        for media_type, body in operation.get("requestBody", {}).get("content", {}).items():
            yield f"<p>{_code(media_type)}: {self._kind(body.get('schema', {}))}"
            examples = [each["value"] for each in body.get("examples", {}).values()]
            for example in [*examples, *filter(None, [body.get("example")])]:
                yield f"<pre>{escape(json.dumps(example, indent=2))}</pre>"
        yield from _table(
            (_code(status), self._answer(answer))
            for status, answer in operation["responses"].items()
        )

    def _parameter(self, parameter: Schema) -> tuple[str, str, str]:
        if "$ref" in parameter:
            parameter = self._components["parameters"][_name(parameter)]
        where = f"{parameter['in']}{', required' if parameter.get('required') else ''}"
        return _code(parameter["name"]), where, _prose(parameter.get("description", ""))

    def _answer(self, answer: Schema) -> str:
        bodies = answer.get("content", {})
        codes = [
            code
            for body in bodies.values()
            for code in body["schema"].get("properties", {}).get("Error", {}).get("enum", ())
        ]
        if codes:
            return ", ".join(f'<a href="#{code}">{_code(code)}</a>' for code in codes)
        kinds = [f"{_code(name)}: {self._kind(body['schema'])}" for name, body in bodies.items()]
        return "<br>".join([*map(_prose, answer["description"].split("\n")), *kinds])

    def _schemas(self) -> Iterator[str]:
        yield "<h2>Objects</h2>"
        for name, schema in self._components["schemas"].items():
            yield f'<h3 id="{name}">{escape(name)}</h3>'
            yield f"<p>{_prose(schema.get('description', ''))} {self._kind(schema)}"
            required = schema.get("required", ())
            yield from _table(
                (
                    _code(field),
                    f"{self._kind(each)}{', required' if field in required else ''}",
                    _prose(each.get("description", "")),
                )
                for field, each in schema.get("properties", {}).items()
            )

    def _kind(self, schema: Schema) -> str:
        """Return a few words for the values that a schema allows."""
        if "$ref" in schema:
            name = _name(schema)
            return f'<a href="#{name}">{escape(name)}</a>'
        if "const" in schema:
            return _code(json.dumps(schema["const"]))
        if "enum" in schema:
            return " | ".join(_code(json.dumps(each)) for each in schema["enum"])
        if "anyOf" in schema:
            return " or ".join(map(self._kind, schema["anyOf"]))
        kinds = schema.get("type", "anything")
        words = " or ".join([kinds] if isinstance(kinds, str) else kinds)
        return f"{words} of {self._kind(schema['items'])}" if "items" in schema else words

    def _codes(self) -> Iterator[str]:
        yield "<h2>Codes</h2>"
        yield from _table(
            (
                f'<span id="{code}">{_code(code)}</span>',
                str(meaning["http_status"]),
                meaning["clevertap"],
                str(meaning["webengage"]),
                _prose(meaning["advice"]),
            )
            for code, meaning in self._document["x-codes"].items()
        )


def _table(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    cells = ["".join(f"<td>{cell}" for cell in row) for row in rows]
    if cells:
        yield f"<table>{''.join(f'<tr>{each}' for each in cells)}</table>"


def _paragraph(prose: str) -> str:
    return f"<p>{_prose(prose)}" if prose else ""


def _prose(prose: str) -> str:
    return re.sub("`([^`]*)`", r"<code>\1</code>", escape(prose))


def _code(word: str) -> str:
    return f"<code>{escape(word)}</code>"


def _name(reference: dict[str, Any]) -> str:
    return str(reference["$ref"]).rpartition("/")[2]
