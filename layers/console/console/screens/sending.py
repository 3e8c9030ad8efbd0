"""Send a test: one number, a header, a text or a template; the message's page shows the rest."""

import hashlib
import secrets
from typing import Any

from console import pages
from console.forms import Form, Problem, problem_of
from console.pages import View
from console.site import Answer, Screens, Visit
from harkara.accept.formats import native
from harkara.accept.idempotency import Answer as KeptAnswer
from harkara.accept.requests import IdSource, RecordResult, SendRequest
from harkara.accept.service import NothingAccepted
from harkara.base.codes import MEANINGS, Code
from harkara.base.errors import RequestRefused
from harkara.base.json import decode, encode
from harkara.model.accounts import Account, Caller, Credential, Sender
from harkara.model.people import Role

SCREENS = Screens()
BASE = "/console/test"
# Which field of the form a refusal is about; any other is about the text.
FIELDS = {
    **dict.fromkeys((Code.INVALID_NUMBER, Code.COUNTRY_NOT_ALLOWED), "to"),
    **dict.fromkeys(
        (Code.INVALID_HEADER, Code.HEADER_NOT_REGISTERED, Code.HEADER_CATEGORY), "from"
    ),
    **dict.fromkeys(
        (Code.INVALID_TEMPLATE_ID, Code.TEMPLATE_NOT_REGISTERED, Code.TEMPLATE_HEADER),
        "template_id",
    ),
    **dict.fromkeys(
        (
            *(Code.EMPTY_TEXT, Code.TEXT_TOO_LONG, Code.TEMPLATE_MISMATCH, Code.URL_NOT_ALLOWED),
            *(Code.TEMPLATE_NOT_FOUND, Code.UNFILLED_PLACEHOLDER, Code.UNICODE_NOT_ALLOWED),
        ),
        "text",
    ),
    Code.INVALID_VARIABLES: "variables",
}
CREDENTIAL = "console"


@SCREENS.get(BASE, Role.MARKETER)
def form(visit: Visit) -> Answer:
    """Show the form, perhaps with a template in it."""
    given = {name: visit.query(name) for name in ("from", "template_id")}
    return _form(
        visit, {"to": "", "text": "", "variables": "", "key": secrets.token_hex(16), **given}
    )


@SCREENS.post(BASE, Role.MARKETER)
def send(visit: Visit) -> Answer:
    """Check the message, or send it and go to its page. The same form twice sends once."""
    given = _given(visit.form)
    account = visit.services.send.authenticator.accounts.account(visit.account.id) or visit.account
    caller = caller_of(account)
    try:
        request = native.parse(encode(_fields_of(given)))
        if visit.form.text("action") != "send":
            (result,) = visit.services.send.accept.dry_run(caller, request)
            return _form(visit, given, checked=_described(account, request, result))
        mid = _send_once(visit, caller, request, given)
    except NothingAccepted as refused:
        described = _described(account, request, refused.results[0])
        return _form(visit, given, checked=described, status=MEANINGS[refused.code].http_status)
    except RequestRefused as refused:
        problem = problem_of(refused, FIELDS)
        return _form(visit, given, problem, status=MEANINGS[refused.code].http_status)
    visit.record("message.test", mid)
    return pages.redirect(f"/console/messages/{mid}")


def caller_of(account: Account) -> Caller:
    """Return the account as the caller of its own services: the session is the credential."""
    return Caller(account, Credential(username=CREDENTIAL, account_id=account.id, secrets=()))


def _send_once(visit: Visit, caller: Caller, request: SendRequest, given: dict[str, str]) -> str:
    """Send a form's message once, and return its mid. A form that was changed is another one."""
    accept, idempotency = visit.services.send.accept, visit.services.send.idempotency

    def produce(names: IdSource | None) -> KeptAnswer:
        results = accept.accept(caller, request, names)
        return KeptAnswer(200, native.answer(caller.account, request, results))

    until_s = idempotency.clock() + visit.deadline.remaining_s()
    content = encode([request.records[0]._asdict(), BASE])
    key = hashlib.sha256(encode(given)).hexdigest()
    answered = idempotency.once(caller, f"console-{key}", content, int(until_s * 1000), produce)
    return str(decode(answered.body)["mid"])


def _described(account: Account, request: SendRequest, result: RecordResult) -> dict[str, Any]:
    answered = native.answer(account, request, [result], dry_run=True)
    described: dict[str, Any] = decode(answered)["messages"][0]
    return described


def _given(form: Form) -> dict[str, str]:
    names = ("to", "from", "template_id", "key")
    return {
        **{name: form.text(name) for name in names},
        "text": form.raw("text"),
        "variables": form.raw("variables"),
    }


def _fields_of(given: dict[str, str]) -> dict[str, Any]:
    """Return the message in the API's own form; variables stand in a line each."""
    variables = [line.strip() for line in given["variables"].split("\n") if line.strip()]
    fields: dict[str, Any] = {
        name: given[name] for name in ("to", "from", "text", "template_id") if given[name]
    }
    return {**fields, **({"variables": variables} if variables else {}), "to": given["to"]}


def _form(
    visit: Visit,
    given: dict[str, str],
    problem: Problem | None = None,
    checked: dict[str, Any] | None = None,
    status: int = 200,
) -> View:
    if checked and checked["error"]:
        code = Code(checked["error"]["code"])
        problem = Problem(FIELDS.get(code, ""), checked["error"]["message"])
    values = {
        "given": given,
        "headers": visit.names(Sender),
        "problem": problem,
        "checked": checked,
    }
    return View("test.html", values, status)
