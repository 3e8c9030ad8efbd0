"""Renew the table of Indian number series that `harkara.text.series` reads: `make series`.

It is that of libphonenumber's carrier metadata, of which the package phonenumbers (Apache-2.0) has
a copy; the package of the layer, phonenumberslite, has none. It changes every few weeks.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping

from harkara.text.phone_numbers import PREFIX_DIGITS
from harkara.text.series import TABLE
from tools.renew_crawlers import download

PACKAGE = "phonenumbers"
# In a process of its own, since phonenumberslite has the same modules.
_READ = """
import json
from phonenumbers.carrierdata import CARRIER_DATA
names = {digits: names["en"] for digits, names in CARRIER_DATA.items() if digits[:2] == "91"}
print(json.dumps(names))
"""


def text_of(version: str, operators: Mapping[str, str]) -> str:
    """Return the file of a table of operators by series.

    Raises ValueError for a series that no lookup would find.
    """
    kept: dict[str, list[str]] = {}
    for digits, operator in sorted(operators.items()):
        if not 4 <= len(digits) <= PREFIX_DIGITS or "\t" in operator:
            raise ValueError(f"no series: {digits!r}")
        kept.setdefault(operator, []).append(digits.removeprefix("91"))
    head = f"# {PACKAGE} {version} (libphonenumber, Apache-2.0), written by tools/renew_series.py\n"
    return head + "".join(f"{name}\t{' '.join(kept[name])}\n" for name in sorted(kept))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        wheel = download(PACKAGE, folder)
        env = {**os.environ, "PYTHONPATH": str(wheel)}
        read = subprocess.run(
            [sys.executable, "-c", _READ], env=env, check=True, capture_output=True
        )
        TABLE.write_text(text_of(wheel.name.split("-")[1], json.loads(read.stdout)))
    print(f"wrote {TABLE.name}")


if __name__ == "__main__":
    main()
