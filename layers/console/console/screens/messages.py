"""Messages: find them by filters; what became of one, each attempt with its answer."""

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import unquote

from console import pages
from console.forms import form_view, status_of
from console.pages import View
from console.site import Answer, Screens, Visit
from harkara.activity.filters import ACCEPTED, PENDING, REFUSED, MessageFilter, query_of
from harkara.activity.happenings import EVENTS
from harkara.activity.search import MessagePage
from harkara.base.codes import MEANINGS, Code
from harkara.base.errors import RequestRefused
from harkara.manage.messages import MessageHistory
from harkara.model.fields import names_of
from harkara.model.messages import Category, State
from harkara.model.people import Role

SCREENS = Screens()
BASE = "/console/messages"
_SUBMITS = ("submitted", "refused", "not_taken", "in_doubt")
# What only some steps of a timeline have.
_PARTS = (
    *("try", "code", "carrier_code", "carrier_message_id", "send_at", "url", "status", "reason"),
    *(
        "carrier_words",
        "operator",
        "channel",
        "duration_ms",
        "answer",
        "acknowledged",
        "in_doubt",
        "parked",
        "unprocessed",
        "unwanted",
    ),
)
# How long a page goes on asking after the last event, for the callback's acknowledgement.
_FOLLOWED_S = 60
_BEFORE_CARRIER = ("accepted", "scheduled")
FILTERS = tuple(name for name in names_of(MessageFilter) if name not in ("limit", "after"))
STATES = (ACCEPTED, PENDING, *State, REFUSED)
_FIELDS = {Code.INVALID_NUMBER: "number", Code.RANGE_TOO_LONG: "from"}


@SCREENS.get(BASE)
def listed(visit: Visit) -> Answer:
    """List the messages that fit all filters, newest first, a page at a time."""
    given = {name: visit.query(name) for name in visit.request.query}
    return listing(visit, {name: each for name, each in given.items() if each})


def listing(visit: Visit, given: Mapping[str, str]) -> View:
    """Return the list of messages for a query of `GET /v1/messages`, or what is wrong with it."""
    page: MessagePage | None = None
    refused: RequestRefused | None = None
    try:
        page = visit.services.manage.search.page(visit.account, query_of(MessageFilter, given))
    except RequestRefused as error:
        refused = error
    filters = {name: given[name] for name in FILTERS if name in given}
    values = {
        "given": {**dict.fromkeys(FILTERS, ""), **filters},
        "filters": filters,
        "after": given.get("after", ""),
        "page": page,
        "states": STATES,
        "categories": [*Category],
        "events": EVENTS,
        "codes": [*Code],
    }
    return form_view("messages.html", values, refused, _FIELDS)


@SCREENS.get(f"{BASE}/<mid>")
def show(visit: Visit, mid: str) -> Answer:
    """Show a message; the page asks again until the state is final."""
    return _shown(visit, unquote(mid))


@SCREENS.post(f"{BASE}/<mid>/cancel", Role.MARKETER)
def cancel(visit: Visit, mid: str) -> Answer:
    """Cancel a message that no carrier has."""
    try:
        visit.services.manage.cancel.cancel(visit.account, unquote(mid))
    except RequestRefused as refused:
        if refused.code is not Code.TOO_LATE_TO_CANCEL:
            raise
        return _shown(visit, unquote(mid), refused)
    visit.record("message.cancel", unquote(mid))
    return pages.redirect(f"{BASE}/{mid}?done=cancelled")


def meaning(code: str) -> str:
    """Return what a code of ours asks for; "" for one of a carrier."""
    return MEANINGS[Code(code)].advice if code in [*Code] else ""


def _shown(visit: Visit, mid: str, refused: RequestRefused | None = None) -> View:
    history = visit.services.manage.history
    message = history.message(visit.account, mid)
    is_operator = visit.session.may(Role.OPERATOR)
    carriers = history.carriers(visit.account, mid) if is_operator else {}
    steps = [
        {
            **dict.fromkeys(_PARTS),
            **step,
            "meaning": meaning(step.get("code", "")),
            "carrier": carriers.get(step.get("try", 0)) if step["step"] in _SUBMITS else None,
        }
        for step in message["timeline"]
    ]
    values = {
        "message": message,
        "steps": steps,
        "is_final": message["state"] in [*State],
        "is_followed": _is_followed(message, history.clock()),
        "may_cancel": message["state"] in _BEFORE_CARRIER,
        "api": _api_of(visit.request.headers.get("host", "")),
        "problem": refused.message if refused else "",
    }
    return View("message.html", values, status_of(refused))


def _api_of(host: str) -> str:
    """Return the base URL of the API on a host; on this machine it has no TLS."""
    return f"http{'' if host.startswith('127.0.0.1:') else 's'}://{host}"


def _is_followed(message: MessageHistory, now_s: float) -> bool:
    """Return whether a page asks again: the state is open, or a callback may come soon."""
    if message["state"] not in [*State]:
        return bool(message["state"] != "scheduled")
    *_, last = message["timeline"]
    ended_s = datetime.fromisoformat(last["at"].replace("Z", "+00:00")).timestamp()
    return last["step"] != "callback" and now_s - ended_s < _FOLLOWED_S
