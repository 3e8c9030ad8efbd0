"""The command `harkara` as data: its verbs, and the options of each."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from typer.core import TyperOption
from typer.main import get_command

from cli import program

COMMON = ("stack", "local", "region", "profile", "as_json", "yes", "help")
Options = Mapping[str, list[str]]


def verbs() -> Mapping[str, Options]:
    """Return the options of each verb by their parameters, [] for one that is no option."""
    found: dict[str, Options] = {}
    for name, command in _below(program()).items():
        verbs_of_noun = _below(command)
        found |= {f"{name} {verb}": _options(each) for verb, each in verbs_of_noun.items()}
        if not verbs_of_noun:
            found[name] = _options(get_command(import_module(f"cli.{name}").app))
    return found


def _below(command: Any) -> dict[str, Any]:
    listed = command.list_commands(None) if hasattr(command, "list_commands") else []
    return {name: command.get_command(None, name) for name in listed}


def _options(command: Any) -> Options:
    return {
        each.name: [*each.opts, *each.secondary_opts] if isinstance(each, TyperOption) else []
        for each in command.params
    }
