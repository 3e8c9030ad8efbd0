"""The carriers, for operators: how each does, over all accounts; pause one, or its circuit."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast
from urllib.parse import quote, unquote, urlsplit

from console import pages
from console.forms import form_view
from console.pages import View
from console.screens.activity import CHART, WAITING, Number, bars_of
from console.screens.messages import meaning
from console.site import Answer, Screens, Visit
from harkara.activity.carriers import CarrierDay
from harkara.activity.counting import STATES
from harkara.activity.stats import Measures
from harkara.base.codes import Code
from harkara.base.errors import FieldRefused, RequestRefused
from harkara.base.time import utc_text
from harkara.carriers.settings import CarrierSettings
from harkara.manage.audit import refusals
from harkara.manage.carriers import CarrierService, CarrierStanding
from harkara.model.people import Role

SCREENS = Screens()
BASE = "/console/carriers"
COLUMNS = ("submitted", "delivered", "failed", "expired", "unknown", WAITING)
MINUTES = ("5", "15", "60", "240")
REASONS_SHOWN = 8
# More names of accounts than these are only counted.
NAMES_SHOWN = 20
_SECRETS = ("secret", "receipt_url", "receipt_secret")
_PLAIN = (
    *("rate_segments_per_s", "priority_share", "timeout_s", "connections", "records_per_request"),
    *("deduplicates", "echoes_reference"),
)


class Row(NamedTuple):
    """A carrier as lists show it."""

    name: str
    standing: CarrierStanding
    phase: str
    open_until: str
    numbers: dict[str, Number]
    """The counts of its messages, by column."""


@SCREENS.get(BASE, Role.OPERATOR)
def listed(visit: Visit) -> Answer:
    """List all carriers."""
    service = visit.services.carriers
    rows = [_row(service, each) for each in service.standings()]
    return View("carriers.html", {"rows": rows, "columns": COLUMNS, "as_of": service.as_of()})


@SCREENS.get(f"{BASE}/<name>", Role.OPERATOR)
def show(visit: Visit, name: str) -> Answer:
    """Show a carrier."""
    return _shown(visit, unquote(name))


@SCREENS.post(f"{BASE}/<name>", Role.OPERATOR)
def change(visit: Visit, name: str) -> Answer:
    """Pause or resume a carrier, or open or close its circuit breaker, once that is confirmed."""
    carrier, act = unquote(name), visit.form.text("act")
    if act not in _ACTS:
        raise RequestRefused(Code.INVALID_REQUEST, f"(act: one of {', '.join(_ACTS)})")
    try:
        visit.confirm(act)
        with refusals():
            _ACTS[act](visit.services.carriers, carrier, visit)
    except RequestRefused as refused:
        if refused.code is not Code.INVALID_REQUEST:
            raise
        return _shown(visit, carrier, refused)
    visit.record(f"carrier.{act}", carrier)
    return pages.redirect(f"{BASE}/{quote(carrier, safe='')}?done=changed")


def _open(service: CarrierService, carrier: str, visit: Visit) -> None:
    minutes = visit.form.text("minutes")
    if minutes not in MINUTES:
        raise FieldRefused("minutes", f"one of {', '.join(MINUTES)}")
    service.open_breaker(carrier, int(minutes) * 60)


_ACTS: dict[str, Callable[[CarrierService, str, Visit], None]] = {
    "pause": lambda service, carrier, _: service.pause(carrier, paused=True),
    "resume": lambda service, carrier, _: service.pause(carrier, paused=False),
    "open": _open,
    "close": lambda service, carrier, _: service.close_breaker(carrier),
}


def _shown(visit: Visit, carrier: str, refused: RequestRefused | None = None) -> View:
    service = visit.services.carriers
    standing = service.standing(carrier)
    row, settings = _row(service, standing), standing.settings
    values = {
        "row": row,
        "columns": COLUMNS,
        "settings": _facts(settings),
        "secrets": {name: bool(getattr(settings, name)) for name in _SECRETS},
        "lanes": service.lanes(settings),
        "uses": {
            kind: (names[:NAMES_SHOWN], max(0, len(names) - NAMES_SHOWN))
            for kind, names in standing.uses._asdict().items()
        },
        **_happened(standing.day),
        "acts": _acts(settings, row.phase),
        "minutes": MINUTES,
        "as_of": service.as_of(),
    }
    return form_view("carrier.html", values, refused)


def _happened(day: CarrierDay) -> dict[str, Any]:
    """Return the values of what became of a carrier's messages."""
    totals = day["totals"]
    codes, hours = totals["codes"], [(each["key"], _numbers(each)) for each in day["hours"]]
    return {
        "delays": {"otp": totals["otp_delay"], "others": totals["delay"]},
        "reasons": [
            (code, meaning(code), Number(codes[code], ""))
            for code in sorted(codes, key=lambda code: -codes[code])[:REASONS_SHOWN]
        ],
        "hours": hours,
        "bars": bars_of(hours, "submitted"),
        "highest": max(numbers["submitted"].value for _, numbers in hours),
        "chart": CHART,
    }


def _row(service: CarrierService, standing: CarrierStanding) -> Row:
    now_ms = int(service.stats.clock() * 1000)
    breaker = standing.breaker
    until = utc_text(breaker.open_until_ms) if breaker.open_for_s(now_ms) else ""
    numbers = _numbers(standing.day["totals"])
    return Row(standing.settings.name, standing, breaker.phase(now_ms), until, numbers)


def _acts(settings: CarrierSettings, phase: str) -> Sequence[str]:
    """Return what may be done with a carrier."""
    pausing = "resume" if settings.paused else "pause"
    return (pausing, "open") if phase == "closed" else (pausing, "open", "close")


def _numbers(measures: Measures) -> dict[str, Number]:
    """Return the count of each column; over all accounts, no list has their messages."""
    counts = {name: cast(int, measures.get(name, 0)) for name in ("submitted", *STATES)}
    # A message that the carrier refused has ended, and was not submitted.
    waiting = max(0, counts["submitted"] - sum(counts[state] for state in STATES))
    return {name: Number(count, "") for name, count in {**counts, WAITING: waiting}.items()}


def _facts(settings: CarrierSettings) -> dict[str, Any]:
    """Return what a carrier is set to, without a secret: of its URL the host alone."""
    return {
        "kind": settings.kind,
        "channel": settings.channel,
        "host": urlsplit(settings.url).hostname or "",
        **{name: getattr(settings, name) for name in _PLAIN},
    }
