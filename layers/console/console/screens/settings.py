"""Settings: what an account is and may; its admins change some, operators all."""

from collections.abc import Mapping

from console import pages
from console.forms import Problem, problem_of, status_of
from console.pages import View
from console.site import Answer, Screens, Visit
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.base.time import DAY_S
from harkara.manage.settings import SETTINGS, fingerprint, written
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.people import Role

SCREENS = Screens()
BASE = "/console/settings"
GROUPS = {
    "account": ("name", "carrier", "draining"),
    "sending": (
        *("default_category", "countries", "segment_limit", "smart_encoding"),
        *("duplicate_window_s", "out_of_hours", "dead_numbers"),
    ),
    "callbacks": ("default_callback", "callback_hosts", "two_way"),
    "dlt": (
        *("registered_urls", "call_back_numbers", "brands", "dlt", "strict_templates"),
        *("variable_limit", "numeric_limit", "alphanumeric_limit", "alphanumeric_marks"),
        *("url_limit", "telemarketer_ids"),
    ),
    "words": ("stop_words", "start_words"),
    "links": ("link_days", "short_domain"),
    "otp": ("otp_cooldown_s", "otp_per_day", "otp_limits"),
    "limits": (
        *("requests_per_s", "segments_per_s", "segments_per_day"),
        *("spend_per_day", "spend_per_month"),
    ),
    "prices": ("currency", "rates"),
}


@SCREENS.get(BASE)
def show(visit: Visit) -> Answer:
    """Show the settings, in a form those that the person may change."""
    return _shown(visit, {})


@SCREENS.post(BASE, Role.ADMIN)
def put(visit: Visit) -> Answer:
    """Change settings, if they are still those that were shown."""
    form = visit.form
    given = {
        name: form.raw(name) if each.lines else form.text(name)
        for name, each in SETTINGS.items()
        if name in form.fields
    }
    service, is_operator = visit.services.settings, visit.session.may(Role.OPERATOR)
    try:
        changed = service.put(visit.account, given, form.text("seen"), is_operator=is_operator)
    except RequestRefused as refused:
        if refused.code is not Code.INVALID_REQUEST:
            raise
        return _shown(visit, given, refused)
    if changed:
        visit.record("settings.put", " ".join(changed))
    return pages.redirect(f"{BASE}?done=changed")


def _shown(visit: Visit, given: Mapping[str, str], refused: RequestRefused | None = None) -> View:
    """Return the page. Where the settings were changed meanwhile, it shows what they are now."""
    account = visit.current_account()
    problem = problem_of(refused) if refused else None
    if problem and problem.field not in SETTINGS:
        given = {} if problem.field == "seen" else given
        problem = Problem("", problem.message)
    is_admin, is_operator = visit.session.may(Role.ADMIN), visit.session.may(Role.OPERATOR)
    values = {
        "sections": GROUPS,
        "settings": SETTINGS,
        "changeable": {
            name for name, each in SETTINGS.items() if is_operator or (is_admin and each.of_admins)
        },
        "given": {**written(account), **given},
        "seen": fingerprint(account),
        "callbacks": visit.names(CallbackEndpoint),
        "shorten_urls": account.shorten_urls,
        "retention_days": visit.services.retention_s // DAY_S,
        "problem": problem,
    }
    return View("settings.html", values, status_of(refused))
