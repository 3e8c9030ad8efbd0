"""Read presets of providers: ready-made options of kind `http`, one file each.

A file of `cli/presets` repeats facts of a provider's public API pages, names these pages, and lists
values that the operator must provide. `<name>` in it is a variable that the operator sets.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel, ConfigDict, JsonValue

from cli.arguments import Pair
from cli.command import UsageError
from cli.printing import Row
from harkara.base.json import decode

FOLDER = Path(__file__).parent / "presets"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
_VARIABLE = re.compile(r"<([a-z_]+)>")


class Preset(BaseModel):
    """A provider's file.

    `username` and `secret` describe the operator's values for these, "" for none. `variables`
    describe further values by name, and `defaults` hold defaults of some. `notes` are steps to do
    at the provider. `carrier` has the fields of CarrierSettings.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: str
    source: str
    username: str = ""
    secret: str
    variables: dict[str, str] = {}
    defaults: dict[str, str] = {}
    notes: str = ""
    carrier: dict[str, JsonValue]


def read_preset(name: str) -> Preset:
    """Return a provider's file."""
    return Preset.model_validate(decode((FOLDER / f"{name}.json").read_bytes()))


def described(name: str) -> Row:
    """Return a preset's variables, its source, and the steps left to do at the provider."""
    preset = read_preset(name)
    variables = [
        {"with": each, "what": what, "otherwise": preset.defaults.get(each, "")}
        for each, what in preset.variables.items()
    ]
    return {
        "preset": name,
        "provider": preset.provider,
        "username": preset.username,
        "secret": preset.secret,
        "source": preset.source,
        "at the provider": preset.notes,
        "variables": variables,
    }


def carrier_fields(name: str, chosen: Mapping[str, str]) -> dict[str, Any]:
    """Return a carrier's fields from a preset and the operator's variables.

    Raises UsageError if a variable is missing, or not one of the preset's.
    """
    preset = read_preset(name)
    if others := chosen.keys() - preset.variables.keys():
        names = ", ".join(preset.variables) or "none"
        raise UsageError(f"the preset {name} has no variable {min(others)}: it has {names}")
    values = {**preset.defaults, **chosen}
    if missing := [each for each in preset.variables if each not in values]:
        missing_values = " ".join(f"{each}=... ({preset.variables[each]})" for each in missing)
        raise UsageError(f"the preset {name} takes --with {missing_values}")
    # Double the braces of a value, so that they are no placeholders.
    literal = {each: re.sub(r"[{}]", r"\g<0>\g<0>", value) for each, value in values.items()}
    fields: dict[str, Any] = _filled(preset.carrier, literal)
    return {"kind": "http", **({} if preset.username else {"username": ""}), **fields}


def variables_in(template: Any) -> list[str]:
    """Return the variables in all strings of a value."""
    if isinstance(template, str):
        return _VARIABLE.findall(template)
    values = template.values() if isinstance(template, dict) else template
    nested = values if isinstance(template, list | dict) else ()
    return [name for value in nested for name in variables_in(value)]


def variable(text: str) -> Pair:
    """Return a preset's variable and its value, written as in sid=acme1."""
    name, _, value = text.partition("=")
    if not name or not value.isprintable() or not value:
        raise typer.BadParameter("write it as sid=acme1")
    return Pair(name, value)


def _filled(template: Any, values: Mapping[str, str]) -> Any:
    if isinstance(template, str):
        return _VARIABLE.sub(lambda match: values[match[1]], template)
    if isinstance(template, list):
        return [_filled(each, values) for each in template]
    if isinstance(template, dict):
        return {name: _filled(each, values) for name, each in template.items()}
    return template
