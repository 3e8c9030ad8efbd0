"""`make mutants`: change each of these modules in small ways, and see whether its tests notice.

mutmut makes the changes and runs the tests that reach each. It does so in a separate folder for
each module, `.local/mutants-of/<module>`, with the package at the top: it identifies modules by
their path. Every module has only its nearest quick tests, so that the duration of a run is bounded.

    python -m tests.mutants                   all modules; takes an hour on two processors
    python -m tests.mutants scheduler         these
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from local.settings import HOME
from local.venvs import ensure_venv

ROOT = Path(__file__).parents[2]
CORE = ROOT / "layers/core/harkara"
COPIED = ("tests", "functions", "cli", "local", "template.yaml", "monitoring.yaml")
CHILDREN = int(os.environ.get("CHILDREN", "2"))
BAR = 0.95
FORKED = Path(__file__).with_name("forked.py")

ENDPOINT_HEALTH = tuple(
    f"unit/state/test_endpoint_health{name}.py"
    for name in ("", "_quick", "_open", "_swaps", "_writes")
)
# By module of the package: the tests, by file below tests/.
NEAREST: dict[str, Sequence[str]] = {
    "api/authentication": ("unit/api/test_authentication.py", "unit/api/test_changed_lately.py"),
    "scheduler": (
        "unit/test_scheduler.py",
        "unit/test_scheduler_at_once.py",
        "unit/test_scheduler_failures.py",
        "unit/test_scheduler_spread.py",
        "unit/test_largest.py",
        "pipeline/test_deferral.py",
    ),
    "model/ledger": (
        "unit/model/test_ledger.py",
        "pipeline/test_in_doubt.py",
        "pipeline/test_campaign.py",
    ),
    "runtime/sqs_batches": tuple(
        f"functions/test_{name}.py" for name in ("batch", "queues", "metrics")
    ),
    "state/endpoint_health_record": ("unit/state/test_endpoint_health_record.py", *ENDPOINT_HEALTH),
    "state/endpoint_health": ENDPOINT_HEALTH,
    "receipts/reconcile": tuple(
        f"pipeline/test_{name}.py"
        for name in (
            *("check", "check_finals", "check_tries", "campaign", "callback_schedule"),
            *("callback_timeline", "late_receipts", "check_singles"),
        )
    ),
    "submit/attempts": (
        "unit/submit/test_attempts.py",
        "unit/submit/test_outcomes.py",
        "pipeline/test_shared_outcomes.py",
    ),
    "submit/dispatch": (
        "unit/submit/test_dispatch.py",
        "unit/submit/test_dispatch_duplicates.py",
        "pipeline/test_duplicates.py",
        "pipeline/test_suppression.py",
        "pipeline/test_named_receipts.py",
    ),
    "submit/outcomes": (
        "unit/submit/test_outcomes.py",
        "unit/submit/test_attempts.py",
        "unit/submit/test_outcomes_shared_outcomes.py",
        "pipeline/test_in_doubt.py",
        "unit/submit/test_service_singles.py",
        "pipeline/test_shared_outcomes.py",
    ),
    "submit/follow_up": ("unit/submit/test_follow_up.py", "unit/submit/test_service_follows.py"),
    "receipts/verdicts": (
        "unit/receipts/test_verdicts.py",
        "unit/receipts/test_final_states.py",
        "pipeline/test_counted_segments.py",
    ),
    "receipts/service": ("unit/receipts/test_service_coalesce.py", "functions/test_receipt.py"),
    "submit/service": (
        "unit/submit/test_service.py",
        "unit/submit/test_service_follows.py",
        "unit/submit/test_service_reservations.py",
        "unit/submit/test_service_singles.py",
        "unit/submit/test_service_waits.py",
        "pipeline/test_shared_outcomes.py",
        "pipeline/test_check_singles.py",
    ),
    "callbacks/retries": ("unit/callbacks/test_retries.py", "unit/callbacks/test_retries_waits.py"),
    "callbacks/service": (
        "unit/callbacks/test_service.py",
        "unit/callbacks/test_service_at_once.py",
    ),
    "receipts/final_states": ("unit/receipts/test_final_states.py",),
}
CONFIG = """\
[tool.mutmut]
source_paths = ["harkara"]
only_mutate = ["harkara/{module}.py"]
also_copy = {copied}
pytest_add_cli_args = ["-q", "-x", "--import-mode=importlib", "-p", "no:cacheprovider"]
pytest_add_cli_args_test_selection = {tests}

[tool.pytest.ini_options]
addopts = "-p no:schemathesis"
filterwarnings = ["error"]
asyncio_default_fixture_loop_scope = "function"
markers = ["stack: not here", "kannel: not here"]
"""


class Result(NamedTuple):
    """Results of a module: the number of changes, and those that no test noticed.

    `endless` counts the noticed changes that made a test run until it was stopped.
    """

    module: str
    total: int
    endless: int
    survivors: Mapping[str, str]

    @property
    def noticed(self) -> int:
        """Return how many were noticed."""
        return self.total - len(self.survivors)

    @property
    def share(self) -> float:
        """Return the share that was noticed."""
        return self.noticed / self.total


def main(names: Sequence[str]) -> int:
    """Run the modules of these names, all of them for none; return the exit status."""
    modules = [module for module in NEAREST if not names or module in names]
    if len(modules) < len(names):
        print(f"there are: {', '.join(NEAREST)}")
        return 2
    if sys.version_info >= (3, 13):  # there libcst, which mutmut needs, wants another YAML
        print("make mutants: make .venv with Python 3.11 or 3.12, as its lock is")
        return 2
    python = ensure_venv("mutants", python=sys.executable) / "bin/python"
    results = [run(module, python) for module in modules]
    print(f"\n{'module':<30}{'changes':>8}{'noticed':>8}{'':>8}{'endless':>8}")
    for each in results:
        counts = f"{each.total:>8}{each.noticed:>8}{each.share:>8.1%}{each.endless:>8}"
        print(f"{each.module:<30}{counts}")
    return int(any(each.share < BAR for each in results))


def run(module: str, python: Path) -> Result:
    """Run all changes of one module anew: mutmut would not see that a test has changed."""
    print(f"\n{module}", flush=True)
    folder = HOME / "mutants-of" / module.replace("/", "-")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, source in (("harkara", CORE), *((name, ROOT / name) for name in COPIED)):
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    tests = [f"tests/{test}" for test in NEAREST[module]]
    config = CONFIG.format(module=module, copied=json.dumps(COPIED), tests=json.dumps(tests))
    (folder / "pyproject.toml").write_text(config)
    # Modules are found in the folder alone: the tools' venv has no harkara of its own.
    command = ["nice", "-n", "5", str(python), str(FORKED), str(CHILDREN)]
    subprocess.run(command, cwd=folder, env={**os.environ, "PYTHONPATH": ""}, check=True)
    found = json.loads((folder / "results.json").read_text())
    print(*found["survivors"].values(), sep="\n\n")
    return Result(module, **found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
