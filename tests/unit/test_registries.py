"""A callback format and a kind of carriers are each named in one list; registries find the modules.

CONTRIBUTING.md counts the files that a new one takes; these tests hold the counts.
"""

import pkgutil
from importlib import import_module
from types import ModuleType
from typing import get_args

from harkara import carriers
from harkara.callbacks import formats
from harkara.callbacks.formats import FORMATS
from harkara.callbacks.formats.contract import Format
from harkara.carriers.kinds import KINDS
from harkara.carriers.settings import CarrierSettings
from harkara.model.callback_settings import FORMAT_NAMES


def modules_in(package: ModuleType) -> dict[str, ModuleType]:
    """Return the modules of a folder by their names."""
    return {
        found.name: import_module(f"{package.__name__}.{found.name}")
        for found in pkgutil.iter_modules(package.__path__)
    }


def test_every_format_in_the_folder_is_found_under_the_name_of_its_module() -> None:
    there = {
        name: module.FORMAT
        for name, module in modules_in(formats).items()
        if isinstance(getattr(module, "FORMAT", None), Format)
    }
    assert there == FORMATS
    assert tuple(FORMATS) == FORMAT_NAMES


def test_every_carrier_in_the_folder_is_found_by_its_kind() -> None:
    there = {
        module.__name__
        for name, module in modules_in(carriers).items()
        if hasattr(module, "parse_inbound") and name != "kinds"
    }
    assert {kind.parse_receipts.__module__ for kind in KINDS.values()} == there
    assert KINDS.keys() == set(get_args(CarrierSettings.model_fields["kind"].annotation))
