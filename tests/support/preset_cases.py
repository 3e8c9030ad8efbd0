"""Public documents of the providers with presets, as cases: one file each in tests/cases/presets.

A file has a request (`sent`, and its differences for a Hindi text), answers, receipts and a reply,
with the pages' titles, and in `protocol` the pages' requirements on any request. `$TO`, `$TEXT`,
`$REF`, `$UUID`, `$HOOK` stand for a message's number, text and reference, the UUID of that, and for
the URL of receipts.
"""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from _pytest.mark import ParameterSet

from cli import preset_files as presets
from harkara.aws.carriers import DynamoCarrierStore
from harkara.base.ids import uuid_of
from harkara.carriers.settings import CarrierSettings
from tests.local.operators import Operator
from tests.unit.carrier_cases import MESSAGE, REFERENCE

FOLDER = Path(__file__).parent.parent / "cases" / "presets"
RCS_FOLDER = FOLDER.parent / "rcs_presets"
SECRET = "s3cret"
TEXTS = {"english": "123456 is your code", "hindi": "123456 आपका कोड है"}


def load(path: Path) -> dict[str, Any]:
    text = path.read_text()
    for name, value in {"$TO": MESSAGE.to, "$REF": REFERENCE, "$UUID": uuid_of(REFERENCE)}.items():
        text = text.replace(name, value)
    case: dict[str, Any] = json.loads(text)
    return case


CASES = {path.stem: load(path) for path in sorted(FOLDER.glob("*.json"))}
RCS_CASES = {path.stem: load(path) for path in sorted(RCS_FOLDER.glob("*.json"))}
"""RCS providers, which take the RCS content of a message: tests/functions/test_rcs_providers.py."""


class SetUp(NamedTuple):
    """A carrier that the command has set up, and the URL for its receipts."""

    operator: Operator
    settings: CarrierSettings
    receipt_url: str

    @property
    def store(self) -> DynamoCarrierStore:
        return self.operator.store


def rows(section: str, *without: str) -> list[ParameterSet]:
    """Return (provider, key of a row) for each row of a section."""
    return [
        pytest.param(name, key, id=f"{name}: {key}")
        for name, case in CASES.items()
        for key in case[section]
        if key not in without
    ]


def put(folder: Path, name: str, *more: str, secret: str = SECRET) -> SetUp:
    """Set up the carrier `acme` from a preset, with the command."""
    operator, case = Operator(), (CASES | RCS_CASES)[name]
    words = ["carrier", "put", "acme", "--preset", name, "--secret-file", "-", "--json"]
    if presets.read_preset(name).username:
        words += ["--username", case["username"]]
    if "with" in case:
        words += ["--with", *case["with"]]
    if "templates" in case:
        (folder / "templates.json").write_text(json.dumps(case["templates"]))
        words += ["--templates", str(folder / "templates.json")]
    done = operator.run([*words, *more], io.StringIO(f"{secret}\n"))
    assert (done.status, done.err) == (0, "")
    settings = operator.store.carrier("acme")
    assert settings is not None
    return SetUp(operator, settings, json.loads(done.out)["receipt_url"])


def sent(name: str, language: str, receipt_url: str) -> Any:
    """Return the documented request body for the text of a language."""
    case, text = CASES[name], TEXTS[language]
    documented = json.dumps(body_of(case["sent"])).replace("$HOOK", receipt_url)
    body = json.loads(documented.replace("$TEXT", text).replace("$WORDS", text[7:]))
    for pointer, value in (case["hindi"] if language == "hindi" else {}).items():
        parents, _, last = pointer.rpartition("/")
        at(body, parents)[last] = value
    return body


def body_of(request: Mapping[str, Any]) -> Any:
    """Return a request's form or JSON, or its XML as JSON."""
    return next(request[each] for each in ("form", "json", "xml") if each in request)


def at(document: Any, pointer: str) -> Any:
    """Return the value at a JSON pointer, "" if there is none."""
    for name in pointer.split("/")[1:]:
        if isinstance(document, list):
            document = document[int(name)]
        else:
            document = document.get(name, "") if isinstance(document, dict) else ""
    return document
