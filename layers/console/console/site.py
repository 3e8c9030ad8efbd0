"""Serve the screens: find the session and its account, check the role, show errors as pages."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.shared.cookies import Cookie
from markupsafe import Markup

from console import assets, forms, guard, navigation, pages
from console.forms import Form
from console.pages import View
from harkara.api.request import Request
from harkara.api.resolver import Api, refusal_for
from harkara.base.codes import MEANINGS, Code
from harkara.base.errors import FieldRefused, RequestRefused
from harkara.base.time import Deadline
from harkara.manage.audit import Actor, refusals
from harkara.manage.people import People
from harkara.model.accounts import Account
from harkara.model.fields import Part, name_of
from harkara.model.people import Role, Session
from harkara.wiring.console import ConsoleServices

Answer = View | Response[Any]
HOME = "/console/today"
SIGN_IN = "/console/sign-in"
ACCOUNTS = "/console/accounts"
# Where a person may be led after signing in: a page of the console, never another host.
_NEXT = re.compile(r"/console(/[A-Za-z0-9_.-]+)*")
_AUDITED_CHARACTERS = 100


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of a person who is signed in, to a screen."""

    request: Request
    deadline: Deadline
    services: ConsoleServices
    session: Session
    account: Account
    form: Form = field(default_factory=Form)

    def query(self, name: str) -> str:
        """Return a value of the query without white space around it, "" for none."""
        return self.request.query.get(name, "").strip()

    @property
    def origin(self) -> str:
        """The beginning of our URLs, as the browser of a form has it."""
        # On this machine there is no TLS.
        host = self.request.headers.get("host", "")
        return self.request.headers.get("origin") or f"https://{host}"

    def names(self, kind: type[Part]) -> list[str]:
        """Return the names of the account's resources of a kind, for a form to choose from."""
        found = self.services.manage.registry.page(self.account, kind).parts
        return [name_of(each) for each in found]

    def confirm(self, act: str) -> None:
        """Raise RequestRefused unless the box was ticked that confirms an act."""
        with refusals():
            if self.form.text("sure") != act:
                raise FieldRefused(f"sure-{act}", pages.text("form.confirm"))

    def current_account(self) -> Account:
        """Return the account as it is now, without its templates; `account` may be a minute old."""
        found = self.services.manage.authenticator.accounts.account(
            self.account.id, lambda _: False
        )
        if found is None:
            raise RequestRefused(Code.NOT_FOUND)
        return found

    @property
    def actor(self) -> Actor:
        """The person, as services name them in the audit log."""
        return Actor(self.session.email, self.request.source_ip)

    def record(self, action: str, subject: str) -> None:
        """Put what was done into the audit log."""
        self.services.people.record(self.session, action, subject, self.request.source_ip)


Screen = Callable[..., Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """A screen at a path, for one method and for people of a role or a higher one.

    A screen for operators is of no account: what they do there is in their own log.
    """

    method: str
    path: str
    role: Role
    screen: Screen


class Screens(list[Route]):
    """The routes of one part of the console."""

    def get(self, path: str, role: Role = Role.VIEWER) -> Callable[[Screen], Screen]:
        """Add a screen that shows something."""
        return partial(self._add, "GET", path, role)

    def post(self, path: str, role: Role) -> Callable[[Screen], Screen]:
        """Add a screen that changes something."""
        return partial(self._add, "POST", path, role)

    def _add(self, method: str, path: str, role: Role, screen: Screen) -> Screen:
        self.append(Route(method, path, role, screen))
        return screen


@dataclass(frozen=True, slots=True)
class Site:
    """All screens on one resolver. Services are made on first use."""

    api: Api
    services: Callable[[], ConsoleServices]
    roles: dict[str, Role] = field(default_factory=dict)
    """The role that the page of each section needs."""

    @property
    def people(self) -> People:
        """The people of the console."""
        return self.services().people

    def add(self, routes: Iterable[Route]) -> None:
        """Register screens for people who are signed in."""
        for route in routes:
            self._register(route.method, route.path, self._visiting(route))
            if route.method == "GET":
                self.roles.setdefault(route.path.removeprefix("/console/"), route.role)

    def add_open(self, method: str, path: str, screen: Callable[["Site"], Answer]) -> None:
        """Register a page for people who are not signed in, too."""

        def opened() -> Response[Any]:
            if method == "POST" and not guard.is_own(self.api.client_request):
                return self._show(_refused_page(RequestRefused(Code.SCOPE_MISSING), "foreign"))
            answer = screen(self)
            return answer if isinstance(answer, Response) else self._show(answer)

        self._register(method, path, opened)

    def add_assets(self) -> None:
        """Register the files that pages load."""

        def asset(version: str, name: str) -> Response[bytes]:
            return assets.serve(self.api.client_request, name)

        self._register("GET", "/console/static/<version>/<name>", asset)

    def cookie(self, name: str = guard.SESSION_COOKIE) -> str:
        """Return a cookie of the present request, by default the session's, "" for none."""
        return guard.cookie_in(self.api.current_event.raw_event, self._kept_name(name))

    def new_cookie(self, name: str, value: str, max_age_s: int) -> Cookie:
        """Return a cookie for the browser to keep; an age of 0 removes it."""
        return guard.cookie(self._kept_name(name), value, max_age_s)

    def _kept_name(self, name: str) -> str:
        """Return the name under which the browser keeps a cookie."""
        is_plain = self.people.local and guard.is_loopback(self.api.client_request)
        return guard.plain(name) if is_plain else name

    def _register(self, method: str, path: str, handler: Callable[..., Response[Any]]) -> None:
        self.api.route(path, [method], include_in_schema=False)(handler)

    def _visiting(self, route: Route) -> Callable[..., Response[Any]]:
        def visited(**names: str) -> Response[Any]:
            return self._visited(route, names)

        return visited

    def _visited(self, route: Route, names: Mapping[str, str]) -> Response[Any]:
        request = self.api.client_request
        session = self.people.person(self.cookie())
        if session is None:
            return self._to_sign_in(request)
        account = self._account_of(session)
        if account is None and session.may(Role.OPERATOR):
            return pages.redirect(ACCOUNTS)
        if account is None:
            return self._show(_refused_page(RequestRefused(Code.SCOPE_MISSING), "no_account"))
        if route.role is not Role.OPERATOR:
            # What an operator does in an account is in the account's log.
            session = session._replace(account_id=account.id)
        visit = Visit(request, self.api.deadline, self.services(), session, account)
        try:
            answer = self._answer(route, visit, names)
        except Exception as error:
            answer = self._failed(visit, error)
        return answer if isinstance(answer, Response) else self._show(answer, visit)

    def _answer(self, route: Route, visit: Visit, names: Mapping[str, str]) -> Answer:
        if not visit.session.may(route.role):
            if route.role is Role.OPERATOR:  # to others there is no such page
                raise RequestRefused(Code.NOT_FOUND)
            raise RequestRefused(Code.SCOPE_MISSING, f"(role: {route.role})")
        if route.method == "GET":
            return route.screen(visit, **names)
        if not guard.is_own(visit.request):
            visit.record("refused.foreign", visit.request.path[:_AUDITED_CHARACTERS])
            return _refused_page(RequestRefused(Code.SCOPE_MISSING), "foreign")
        form = forms.read(visit.request)
        if visit.session.may(Role.OPERATOR) and form.text("account") != visit.account.id:
            # The page was opened before the operator went to another account.
            return _refused_page(RequestRefused(Code.SCOPE_MISSING), "other_account")
        return route.screen(replace(visit, form=form), **names)

    def _failed(self, visit: Visit, error: Exception) -> View:
        refused = refusal_for(error, visit.request)
        if refused.code in (Code.NOT_FOUND, Code.SCOPE_MISSING):
            # Somebody may be trying the names of another account.
            visit.record(
                f"refused.{refused.code.lower()}", visit.request.path[:_AUDITED_CHARACTERS]
            )
        return _refused_page(refused)

    def _account_of(self, session: Session) -> Account | None:
        account_id = session.account_id
        if session.may(Role.OPERATOR):
            account_id = self.cookie(guard.ACCOUNT_COOKIE)
        accounts = self.services().manage.authenticator.accounts
        return accounts.account(account_id) if account_id else None

    def _to_sign_in(self, request: Request) -> Response[Any]:
        back = request.path if request.method == "GET" else ""
        to = f"{SIGN_IN}?next={back}" if _NEXT.fullmatch(back) and back != HOME else SIGN_IN
        if "hx-request" in request.headers:  # a part of a page: the whole is to be left
            return Response(200, body="", headers={**guard.HEADERS, "HX-Redirect": to})
        return pages.redirect(to)

    def _show(self, view: View, visit: Visit | None = None) -> Response[Any]:
        request = self.api.client_request
        groups = navigation.groups(self.roles, visit.session, request.path) if visit else ()
        return show(view, request, visit, groups)


def show(
    view: View,
    request: Request,
    visit: Visit | None = None,
    groups: Sequence[navigation.Group] = (),
) -> Response[Any]:
    """Return the answer of a page, with the frame of the person who is signed in."""
    return pages.render(
        view,
        request,
        groups=groups,
        session=visit.session if visit else None,
        account=visit.account if visit else None,
        role=visit.session.role if visit else None,
        may=lambda name: bool(visit and visit.session.may(Role(name))),
        path=request.path,
        done=visit.query("done") if visit else "",
        account_field=_account_field(visit),
    )


def _account_field(visit: Visit | None) -> Markup:
    """Return the field that says which account an operator's form is of."""
    if visit is None or not visit.session.may(Role.OPERATOR):
        return Markup()
    return Markup('<input type="hidden" name="account" value="{}">').format(visit.account.id)


def failed(error: Exception, request: Request) -> Response[Any]:
    """Return the page for an error outside of a screen: an unknown path, or no store."""
    if isinstance(error, NotFoundError):
        error = RequestRefused(Code.NOT_FOUND)
    return show(_refused_page(refusal_for(error, request)), request)


def safe_next(path: str) -> str:
    """Return the page to go to after signing in."""
    return path if _NEXT.fullmatch(path) and not path.startswith(SIGN_IN) else HOME


def _refused_page(refused: RequestRefused, reason: str = "") -> View:
    headers = {"Retry-After": str(refused.retry_after_s or 5)} if refused.retry_after_s else {}
    values = {"code": refused.code, "message": refused.message, "reason": reason}
    return View("error.html", values, MEANINGS[refused.code].http_status, headers)
