"""The CPU cost of reading and checking 1,000 records of a campaign, without storing them.

Decoding, validation, numbers, segments and DLT: with a given template id, or with a search among
10,000 templates, hostile ones included.
"""

import json
import random
import time
from collections.abc import Callable, Mapping, Sequence

import orjson

from harkara.accept.validation import RecordChecker
from harkara.dlt.matching import render
from harkara.dlt.templates import Kind
from harkara.manage.template_audit import audit
from harkara.model.accounts import Account, Caller, Credential, Enforcement, Sender, Template
from harkara.model.callbacks import UrlRules
from harkara.model.messages import Category
from tests.bench.cpu import ratio
from tests.bench.report import Row
from tests.support.fakes import calling_back
from tests.support.ics_bodies import parse_datasend

RECORDS = 1_000
TEMPLATES = 10_000
HEADER = "ACMEBK"
VAR = "{#var#}"
SEEDED = random.Random(1)  # noqa: S311 - the same templates and campaign at every run
LETTERS = "abcdefghijklmnoprstuvy"
WORDS = ["".join(SEEDED.choices(LETTERS, k=SEEDED.randrange(2, 10))) for _ in range(2_000)]
# As in a language, the second word is half as frequent as the first.
WEIGHTS = [1 / rank for rank in range(1, len(WORDS) + 1)]
LONG = " ".join(SEEDED.choices(WORDS, k=400))[:1_900]
OWN = (
    f"Dear {VAR}, your order {VAR} of Rs {{#numeric#}} was shipped and will reach you by {VAR}."
    f" Track it: {VAR}{VAR} - Acme"
)

HOSTILE: dict[str, Callable[[int], str]] = {
    "variables": lambda n: VAR * (n % 25 + 1) + " " * (n // 25),
    "variables of all kinds": lambda n: "".join(
        f"{{#{SEEDED.choice(list(Kind))}#}}" for _ in range(n % 90 + 1)
    ),
    "commas and variables": lambda n: f"{VAR}," * (n % 90 + 1) + "." * (n // 90),
    "long and alike": lambda n: f"Dear {VAR} {LONG[:900]}{VAR}{n}{VAR}{LONG[900:]}",
    "alike": lambda n: f"Dear {VAR}, your order {VAR}{n}{VAR} of Rs {VAR} was shipped - Acme",
    "control characters": lambda n: f"{VAR}{chr(n % 32) * (n % 90)}{VAR}" + "\x1f" * (n // 90),
    "right-to-left marks": lambda n: "\u200f" * (n % 99) + VAR + "\u202e" * (n // 99) + VAR,
    "a shared word": lambda n: f"Dear {VAR * (n % 15 + 1)}" + " " * (n // 15),
}


def measure() -> list[Row]:
    """Return the rows of this part."""
    usual = [usual_template() for _ in range(TEMPLATES)]
    hostile = {name: [make(n) for n in range(TEMPLATES)] for name, make in HOSTILE.items()}
    existing, found = Check([OWN, *usual], existing=True), Check([OWN, *usual])
    strange = Check(usual)
    return [
        Row(
            f"reading and checking {RECORDS:,} records, template id given / orjson.loads",
            ratio(existing.run, existing.decode),
            "x",
            15,
            note=f"{len(existing.body):,} bytes",
        ),
        Row(
            f"the same, template found among {TEMPLATES:,} / orjson.loads",
            ratio(found.run, found.decode),
            "x",
            25,
        ),
        Row(
            f"template found among {TEMPLATES:,} / among 10",
            ratio(found.run, Check([OWN, *usual[:9]]).run),
            "x",
            4,
        ),
        _worst(
            "template found among hostile ones / among normal ones",
            {name: Check([OWN, *contents]) for name, contents in hostile.items()},
            found,
        ),
        _worst(
            "no template found among hostile ones / among normal ones",
            {name: Check(contents) for name, contents in hostile.items()},
            strange,
        ),
        Row(
            "texts of 960 characters / of 160",
            ratio(Check([" ".join([OWN] * 6), *usual], times=6).run, found.run),
            "x",
            7,
        ),
        Row(f"audit of {TEMPLATES:,} templates", _audit_s(usual), "s", 5),
        _slowest_audit(hostile),
    ]


class Check:
    """A campaign's path through decoding and checking, for one account, warm."""

    def __init__(
        self, registered: Sequence[str], *, existing: bool = False, times: int = 1
    ) -> None:
        """Register templates; with `existing` the records name the first of them.

        The campaign's texts are those of OWN, each repeated `times` times.
        """
        templates = {
            str(key): Template(
                dlt_template_id=str(key),
                name=str(key),
                headers=(HEADER,),
                category=Category.SERVICE_IMPLICIT,
                text=content,
            )
            for key, content in enumerate(registered, 10**18)
        }
        self.account = Account(
            id="demo",
            name="Demo",
            carrier="sim",
            **calling_back("https://eu1.api.clevertap.com/demo"),
            senders={HEADER: Sender(header=HEADER, categories=(Category.SERVICE_IMPLICIT,))},
            templates=templates,
            dlt=Enforcement.WARN,
        )
        credential = Credential(username="demo", account_id="demo", secrets=())
        self._caller = Caller(self.account, credential)
        records = [
            {
                "to": f"9198765{number:05d}",
                "from": HEADER,
                "smstext": " ".join(render(OWN, _values()) for _ in range(times)),
                "smsgid": f"9999999999.1200000000.{number}.20220531.0.wzrk_default.-1.",
                **({"templateid": next(iter(templates))} if existing else {}),
            }
            for number in range(RECORDS)
        ]
        self.body = json.dumps({"user": "demo", "pass": "secret", "smstosend": records}).encode()
        for _ in range(3):
            self.run()

    def run(self) -> None:
        """Read and check the campaign."""
        _, request = parse_datasend(self.body)
        RecordChecker(self._caller, "", 0, UrlRules()).check(request.records)

    def decode(self) -> None:
        """Decode the campaign alone."""
        orjson.loads(self.body)


def usual_template() -> str:
    """Return a template with a variable every five words, of texts of about 160 characters."""
    words = ["Dear", f"{VAR},"]
    for _ in range(4):
        words += [*SEEDED.choices(WORDS, WEIGHTS, k=5), VAR]
    return " ".join([*words, "-", "Acme"])


def _slowest_audit(sets: Mapping[str, Sequence[str]]) -> Row:
    seconds = {name: _audit_s(contents) for name, contents in sets.items()}
    slowest = max(seconds, key=seconds.__getitem__)
    note = f"{slowest}: the slowest of {len(seconds)} sets"
    return Row(f"audit of {TEMPLATES:,} hostile ones", seconds[slowest], "s", note=note)


def _audit_s(contents: Sequence[str]) -> float:
    account = Check(contents).account
    templates = [*account.templates.values()]
    began_s = time.process_time()
    audit(account, templates)
    return time.process_time() - began_s


def _values() -> list[str]:
    """Return a name, an order's number, an amount, a day, and a link in two parts."""
    number = SEEDED.randrange(10**6)
    name = " ".join("".join(SEEDED.choices(LETTERS, k=6)).title() for _ in range(number % 2 + 1))
    link = "https://acme.example/", f"{SEEDED.randrange(10**9)}"
    return [name, f"{number:06d}", f"{number % 9_999}", f"{number % 28 + 1} Jan", *link]


def _worst(name: str, checks: Mapping[str, Check], usual: Check) -> Row:
    ratios = {hostile: ratio(check.run, usual.run) for hostile, check in checks.items()}
    worst = max(ratios, key=ratios.__getitem__)
    return Row(name, ratios[worst], "x", 2, note=f"{worst}: the worst of {len(ratios)} sets")
