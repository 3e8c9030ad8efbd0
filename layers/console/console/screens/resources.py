"""What an account registers, each in a form of its own: enter it, change it, remove it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import quote, unquote

from console import pages
from console.forms import Form, form_view
from console.pages import View
from console.site import Answer, Screens, Visit
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.manage.resources import fields_of
from harkara.model.fields import Fields, Part, name_of
from harkara.model.people import Role

P = TypeVar("P", bound=Part)


@dataclass(frozen=True, slots=True)
class Resource(Generic[P]):
    """The screens of a kind of resource. `name` is that of its template and of its actions."""

    kind: type[P]
    name: str
    role: Role
    """The role that changes it; all others read."""
    read: Callable[[Form], dict[str, Any]]
    """Returns the fields that a form has."""
    values: Callable[[Visit, P | None], dict[str, Any]]
    """Returns what the template shows beside the form's fields."""

    @property
    def base(self) -> str:
        """The path of its list."""
        return f"/console/{self.name}s"

    def add_to(self, screens: Screens) -> None:
        """Register the screens."""
        one = f"{self.base}/<name>"
        screens.get(f"{self.base}/new", self.role)(self.new)
        screens.post(self.base, self.role)(self.create)
        screens.get(one)(self.show)
        screens.post(one, self.role)(self.replace)
        screens.post(f"{one}/remove", self.role)(self.remove)

    def new(self, visit: Visit) -> Answer:
        """Show an empty form, perhaps with a name of the query."""
        key = self.kind.name_field
        return self.view(visit, {**self.read(Form()), key: visit.query(key)}, None)

    def create(self, visit: Visit) -> Answer:
        """Register what a form says."""
        fields = self.read(visit.form)
        try:
            part = visit.services.manage.registry.create(visit.account, self.kind, fields)
        except RequestRefused as refused:
            return self.view(visit, fields, None, refused)
        return self._done(visit, "create", name_of(part))

    def show(self, visit: Visit, name: str) -> Answer:
        """Show one in its form."""
        part = self.get(visit, name)
        return self.view(visit, fields_of(part), part)

    def replace(self, visit: Visit, name: str) -> Answer:
        """Change one. What the form does not have stays, secrets too."""
        part, own = self.get(visit, name), {self.kind.name_field: unquote(name)}
        fields = {**fields_of(part), **self.read(visit.form), **own}
        registry = visit.services.manage.registry
        try:
            registry.replace(visit.account, self.kind, unquote(name), fields)
        except RequestRefused as refused:
            if refused.code is Code.NOT_FOUND:
                raise
            return self.view(visit, fields, part, refused)
        return self._done(visit, "put", unquote(name))

    def remove(self, visit: Visit, name: str) -> Answer:
        """Remove one, once that is confirmed."""
        part = self.get(visit, name)
        try:
            visit.confirm("remove")
            visit.services.manage.registry.remove(visit.account, self.kind, unquote(name))
        except RequestRefused as refused:
            if refused.code is Code.NOT_FOUND:
                raise
            return self.view(visit, fields_of(part), part, refused)
        return self._done(visit, "remove", unquote(name))

    def get(self, visit: Visit, name: str) -> P:
        """Return the one that a path names. Raises NOT_FOUND."""
        return visit.services.manage.registry.get(visit.account, self.kind, unquote(name))

    def view(
        self,
        visit: Visit,
        given: Fields,
        part: P | None,
        refused: RequestRefused | None = None,
        **shown: Any,
    ) -> View:
        """Return the page of one, or of the form for a new one."""
        values = {"given": given, self.name: part, **self.values(visit, part), **shown}
        fields = {Code.ALREADY_EXISTS: self.kind.name_field}
        return form_view(f"{self.name}.html", values, refused, fields)

    def _done(self, visit: Visit, act: str, name: str) -> Answer:
        visit.record(f"{self.name}.{act}", name)
        done = {"create": "created", "put": "changed", "remove": "removed"}[act]
        place = "" if act == "remove" else f"/{quote(name, safe='')}"
        return pages.redirect(f"{self.base}{place}?done={done}")
