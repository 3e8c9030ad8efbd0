"""The parser of the command `harkara` as data: its verbs, and the options of each."""

import argparse
from collections.abc import Mapping

import cli
from cli.command import parser_of

COMMON = ("stack", "local", "region", "profile", "json", "help")


def verbs() -> Mapping[str, Mapping[str, list[str]]]:
    """Return the options of each verb by their parameters, [] for one that is no option."""
    found: dict[str, dict[str, list[str]]] = {}
    for noun, below in _below(parser_of(cli.NOUNS)).items():
        for verb, parser in _below(below).items():
            options = found.setdefault(f"{noun} {verb}", {})
            for action in parser._actions:
                options.setdefault(action.dest, []).extend(action.option_strings)
    return found


def _below(parser: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    (choices,) = [
        action.choices
        for action in parser._actions
        if isinstance(action, argparse._SubParsersAction)
    ]
    return choices
