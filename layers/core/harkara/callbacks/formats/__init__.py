"""Render callbacks as platforms expect them, one module per format.

A format's module has the name of the format and defines `FORMAT`; `FormatName` lists the names.
"""

from importlib import import_module
from urllib.parse import urlsplit

from harkara.callbacks.formats.contract import Format
from harkara.model.callback_settings import FORMAT_NAMES
from harkara.model.callbacks import Destination, is_among
from harkara.model.events import KIND_OF, ON_REQUEST, Dlr, Event, EventKind
from harkara.model.messages import Endpoint

FORMATS: dict[str, Format] = {
    name: import_module(f"{__name__}.{name}").FORMAT for name in FORMAT_NAMES
}

PLATFORM_FORMATS = {
    host: tuple(name for name, each in FORMATS.items() if each.host == host)
    for host in sorted({each.host for each in FORMATS.values()} - {""})
}
"""The formats that platforms read, by their hosts; the first is the default."""


def group_limit(endpoint: Endpoint) -> int:
    """Return how many events go to an endpoint in one callback at most."""
    used = FORMATS[endpoint.format]
    return 1 if used.one_by_one and not endpoint.as_array else used.member_limit


def format_of(url: str, usual: str) -> str:
    """Return the format of an unregistered URL: the usual one, if its platform reads that."""
    host = urlsplit(url).hostname or ""
    read = (forms for name, forms in PLATFORM_FORMATS.items() if is_among(host, (name,)))
    forms = next(read, (usual,))
    return usual if usual in forms else forms[0]


def wants(destination: Destination, event: Event) -> bool:
    """Whether a destination gets an event: its format has the kind, and its settings select it."""
    settings = destination.settings
    kind = KIND_OF[type(event)]
    if kind not in (settings.events or EventKind) or (not settings.events and kind in ON_REQUEST):
        return False
    if isinstance(event, Dlr) and settings.states and event.state not in settings.states:
        return False
    carrying = FORMATS[settings.format]
    return kind in carrying.kinds and bool(event.mid or carrying.without_message)
