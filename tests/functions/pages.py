"""The integration pages as data: the tables of a platform's form, the bodies, the requests."""

import base64
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from tests.functions.invoking import Event, http_event

FOLDER = Path(__file__).parent.parent.parent / "docs" / "integrations"
USER, SECRET = "acme", "acme-secret"
OURS = {"<API URL>": "https://api.example", "<user name>": USER, "<secret>": SECRET}

Form = dict[str, list[str]]


def page(name: str) -> str:
    """Return a page with the reader's own values filled in."""
    return str(fill((FOLDER / f"{name}.md").read_text(), OURS))


def blocks(text: str, kind: str) -> list[str]:
    """Return the blocks of one kind: `json`, `form`, `http`."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.S | re.M)


def tables(text: str) -> list[Form]:
    """Return the tables as maps from first to second column, without code marks."""
    found: list[Form] = []
    for block in re.findall(r"(?:^\|.*\n)+", text, re.M):
        rows = [re.split(r" *\| *", line.strip("| "))[:2] for line in block.splitlines()[2:]]
        table: Form = {}
        for field, *value in rows:
            table.setdefault(field.strip("`"), []).append("".join(value).partition("`, ")[0])
        found.append({field: [_plain(each) for each in values] for field, values in table.items()})
    return found


def rows(text: str, first: str) -> list[list[str]]:
    """Return the rows of the table with this title of its first column."""
    (block,) = re.findall(rf"^\| {first} .*\n\|[-|]+\n((?:\|.*\n)+)", text, re.M)
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()]


def fill(value: Any, values: Mapping[str, str]) -> Any:
    """Return text or JSON with a platform's placeholders replaced in every string."""
    if isinstance(value, dict):
        return {name: fill(each, values) for name, each in value.items()}
    if isinstance(value, list):
        return [fill(each, values) for each in value]
    if isinstance(value, str):
        for placeholder, replacement in values.items():
            value = value.replace(placeholder, replacement)
    return value


def request(form: Form, body: str, **headers: str) -> Event:
    """Return the request that a platform makes of its form and a body."""
    url = next(value[0] for name, value in form.items() if value[0].startswith("https://"))
    method = next(value[0] for value in form.values() if value[0] in ("GET", "POST"))
    lines = [line.partition(": ")[::2] for line in form.get("Header", [])]
    found = {name.lower(): value for name, value in lines} | headers
    if form.get("Authentication") == ["Basic"]:
        found |= basic(form["User name"][0], form["Password"][0])
    return http_event(method, url.removeprefix("https://api.example"), body, found)


def basic(user: str, secret: str) -> dict[str, str]:
    """Return the header of Basic authentication."""
    return {"authorization": "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()}


def form_body(block: str, values: Mapping[str, str]) -> str:
    """Return a form's body of lines `name=value`, encoded as a browser does it."""
    pairs = [line.partition("=")[::2] for line in block.splitlines()]
    return urlencode([(name, fill(value, values)) for name, value in pairs])


def exchanges(text: str) -> list[tuple[Event, Any]]:
    """Return the requests written out as HTTP, each with the answer that follows it, or None."""
    pattern = r"^```http\n(.*?)^```$(?:\n\n```json\n(.*?)^```$)?"
    return [
        (event_of(written), json.loads(answer) if answer else None)
        for written, answer in re.findall(pattern, text, re.S | re.M)
    ]


def event_of(written: str) -> Event:
    """Return a request that is written out as HTTP."""
    line, headers, body = message_of(written)
    method, target = line.split(" ")
    path, _, query = target.partition("?")
    event = http_event(method, path, body or None, headers)
    event["rawQueryString"] = query
    if query:
        event["queryStringParameters"] = dict(parse_qsl(query))
    return event


def message_of(written: str) -> tuple[str, dict[str, str], str]:
    """Return the first line, headers and body of a message that is written out as HTTP."""
    head, _, body = written.partition("\n\n")
    line, *lines = head.strip().splitlines()
    headers = {name.lower(): value for name, value in (each.split(": ", 1) for each in lines)}
    return line, headers, body.strip()


def is_like(written: Any, answered: Any) -> bool:
    """Whether an answer is like the page's: other message ids are fine, ["..."] is any list."""
    if written == ["..."]:
        return isinstance(answered, list)
    if isinstance(written, dict) and isinstance(answered, dict):
        return list(written) == list(answered) and all(
            (name == "mid" and bool(each) == bool(answered[name])) or is_like(each, answered[name])
            for name, each in written.items()
        )
    if isinstance(written, list) and isinstance(answered, list):
        return len(written) == len(answered) and all(map(is_like, written, answered))
    return bool(written == answered)


def _plain(cell: str) -> str:
    code = re.match(r"`([^`]*)`?", cell)
    return code[1] if code else cell
