"""What became of messages: today, and by campaign. A campaign can wait, and go on."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, cast
from urllib.parse import quote, unquote, urlencode

from console import pages
from console.pages import View
from console.screens.messages import meaning
from console.site import Answer, Screens, Visit
from harkara.activity.counting import STATES
from harkara.activity.filters import ACCEPTED, DAYS_LIMIT, IST, PENDING, REFUSED, last_days
from harkara.activity.newest import newest
from harkara.activity.stats import Campaign, Measures
from harkara.activity.today import today
from harkara.base.codes import Code
from harkara.model.people import Role
from harkara.model.routing import Rules

SCREENS = Screens()
BASE = "/console/campaigns"
CAMPAIGNS_SHOWN = 50
REASONS_SHOWN = 5
CHART = (480, 100)
MESSAGES = "/console/messages"
WAITING = "waiting"
# The filters of messages that a column's number counts.
COLUMNS: Mapping[str, Mapping[str, str]] = {
    "accepted": {"state": ACCEPTED},
    "submitted": {"event": "submitted"},
    **{state: {"state": state} for state in STATES},
    WAITING: {"state": PENDING},
    "refused": {"state": REFUSED},
}
_ALWAYS = ("accepted", "submitted", "delivered", "failed", WAITING)
_Filters = Mapping[str, str]


class Number(NamedTuple):
    """A count, and where its messages are listed, "" for nowhere."""

    value: int
    url: str


class Bar(NamedTuple):
    """An hour of the chart: a rectangle's class, top and height for each part."""

    hour: str
    left: int
    value: int
    parts: Sequence[tuple[str, float, float]]


@SCREENS.get("/console/today")
def of_today(visit: Visit) -> Answer:
    """Show what became of the messages of today, and of those of the last 48 hours by hour."""
    stats = today(visit.services.manage.stats, visit.account)
    of_day = {"from": stats["day"], "to": stats["day"]}
    totals, hours = stats["totals"], stats["hours"]
    rows = [
        (each["key"], _numbers(each, {**of_day, "category": each["key"]}))
        for each in stats["groups"]
    ]
    by_hour = [(each["key"], _numbers(each, _hour_of(each["key"]))) for each in hours]
    values = {
        "all": _numbers(totals, of_day),
        "columns": _columns(totals),
        "hour_columns": _columns(*hours),
        "rows": rows,
        "reasons": _reasons(totals["codes"], of_day),
        "otp": totals["otp_delay"],
        "carriers": stats["carriers"],
        "hours": by_hour,
        "bars": bars_of(by_hour, "accepted"),
        "highest": max(each["accepted"] for each in hours),
        "chart": CHART,
        "as_of": stats["as_of"],
    }
    return View("today.html", values)


@SCREENS.get(BASE)
def campaigns(visit: Visit) -> Answer:
    """List the newest campaigns, or all by id, with what became of their messages."""
    after, order, stats = visit.query("after"), visit.query("order"), visit.services.manage.stats
    if order == "id":
        page = stats.campaigns(visit.account, after, CAMPAIGNS_SHOWN)
    else:
        page = newest(stats, visit.account, CAMPAIGNS_SHOWN)
    rules = visit.services.manage.campaigns.rules(visit.account)
    days = _kept_days(visit)
    values = {
        "rows": [
            {"campaign": each, "is_paused": rules.pauses(each["campaign"]), **_campaign(each, days)}
            for each in page["campaigns"]
        ],
        "next": page["next"],
        "after": after,
        "order": "id" if order == "id" else "newest",
        "as_of": page["as_of"],
    }
    return View("campaigns.html", values)


@SCREENS.get(f"{BASE}/<campaign_id>")
def campaign(visit: Visit, campaign_id: str) -> Answer:
    """Show what became of a campaign's messages."""
    found = visit.services.manage.stats.campaign(visit.account, unquote(campaign_id))
    rules = visit.services.manage.campaigns.rules(visit.account)
    days = {**_kept_days(visit), "campaign": found["campaign"]}
    values = {
        "campaign": found,
        "columns": _columns(found),
        "reasons": _reasons(found["codes"], days),
        "is_paused": found["campaign"] in rules.own.paused_campaigns,
        "is_held": _is_held(rules, found["campaign"]),
        **_campaign(found, days),
    }
    return View("campaign.html", values)


@SCREENS.post(f"{BASE}/<campaign_id>", Role.MARKETER)
def pause(visit: Visit, campaign_id: str) -> Answer:
    """Let a campaign's messages wait, or go on. The service notes it in the audit log."""
    name, paused = unquote(campaign_id), visit.form.text("paused") == "true"
    visit.services.manage.campaigns.pause(visit.account, name, visit.actor, paused=paused)
    return pages.redirect(f"{BASE}/{quote(name, safe='')}?done=changed")


def _numbers(measures: Measures, filters: _Filters) -> Mapping[str, Number]:
    """Return the count of each column, with the list of its messages."""
    counts = {name: cast(int, measures.get(name, 0)) for name in COLUMNS}
    # A final state may be counted before its message.
    counts[WAITING] = max(0, counts["accepted"] - sum(counts[each] for each in STATES))
    return {
        name: Number(count, url_of({**filters, **COLUMNS[name]})) for name, count in counts.items()
    }


def url_of(filters: Mapping[str, str]) -> str:
    """Return where the messages of filters are listed."""
    return f"{MESSAGES}?{urlencode(filters)}"


def _columns(*rows: Measures) -> list[str]:
    """Return the columns to show: a rare one if it has a number in one of the rows."""
    return [name for name in COLUMNS if name in _ALWAYS or any(each.get(name) for each in rows)]


def _reasons(codes: Mapping[Code, int], filters: _Filters) -> list[tuple[str, str, Number]]:
    """Return the most frequent codes with what to do, and their messages."""
    most = sorted(codes, key=lambda code: -codes[code])[:REASONS_SHOWN]
    return [
        (code, meaning(code), Number(codes[code], url_of({**filters, "code": code})))
        for code in most
    ]


def _campaign(found: Campaign, days: _Filters) -> dict[str, object]:
    """Return a campaign's numbers. A record that was refused was requested too."""
    own = {**days, "campaign": found["campaign"]}
    duplicates = found["codes"].get(Code.DUPLICATE, 0)
    return {
        "all": _numbers(found, own),
        "requested": Number(found["accepted"] + found["refused"], url_of(own)),
        "duplicate": Number(duplicates, url_of({**own, "code": Code.DUPLICATE})),
        "clicks": Number(found["clicks"], url_of({**own, "event": "clicked"})),
    }


def _kept_days(visit: Visit) -> _Filters:
    """Return the days whose messages can be listed at once; counters go back further."""
    return last_days(DAYS_LIMIT, int(visit.services.manage.search.clock() * 1000))


def _is_held(rules: Rules, campaign_id: str) -> bool:
    """Return whether the operator lets a campaign's messages wait, with others."""
    held = rules.own.paused or rules.general.paused
    return held or campaign_id in rules.general.paused_campaigns


def _hour_of(hour: str) -> _Filters:
    """Return the filters of an hour of India, `2026-11-30T14`."""
    begin = datetime.fromisoformat(hour).replace(tzinfo=IST)
    return {"from": begin.isoformat(), "to": (begin + timedelta(hours=1)).isoformat()}


def bars_of(hours: Sequence[tuple[str, Mapping[str, Number]]], whole: str) -> list[Bar]:
    """Return a chart of hours' numbers: what was delivered below, what waits on top.

    `whole` is the column that the others are parts of.
    """
    width, height = CHART
    rows = []
    for hour, numbers in hours:
        ended = sum(numbers[state].value for state in STATES)
        delivered, waiting = numbers["delivered"].value, numbers[WAITING].value
        shares = (("good", delivered), ("bad", ended - delivered), ("soft", waiting))
        rows.append((hour, numbers[whole].value, shares, ended + waiting))
    scale = height / max(1, *(total for *_, total in rows))
    bars = []
    for place, (hour, count, shares, _) in enumerate(rows):
        top, parts = float(height), []
        for name, part in shares:
            top -= part * scale
            if part:
                parts.append((name, round(top, 1), round(part * scale, 1)))
        bars.append(Bar(hour, place * width // len(hours), count, parts))
    return bars
