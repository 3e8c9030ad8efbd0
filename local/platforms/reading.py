"""Common checks of all platforms: content type, JSON, and the exact members of an object."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic_core import from_json

DELIVERED = "delivered"
FAILED = "failed"
REPLIED = "replied"
CLICKED = "clicked"
SUBMITTED = "submitted"
CORRECTED = "corrected"
READ = "read"


class NotTaken(Exception):
    """The platform refuses a callback with this HTTP status; the message says why."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.status = status


class Post(NamedTuple):
    """A callback as received; header names are in lower case."""

    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the decoded body. Raises NotTaken."""
        content_type = self.headers.get("content-type", "").partition(";")[0]
        if content_type != "application/json":
            raise NotTaken(f"the content type is {content_type}")
        try:
            return from_json(self.body)
        except ValueError as error:
            raise NotTaken(f"not JSON: {error}") from error


class Entry(NamedTuple):
    """An event of a message in a callback.

    `ref` is the message's name at the platform. The event is one of the words above. `detail` tells
    it from others: a failure's code, a reply, a click.
    """

    ref: str
    what: str
    detail: str = ""

    @property
    def key(self) -> tuple[str, ...]:
        """Return the key that repeated deliveries of the same event share."""
        final = self.what in (DELIVERED, FAILED)
        return (self.ref,) if final else tuple(self)


def check(holds: bool, reason: str) -> None:
    """Raise NotTaken unless it holds."""
    if not holds:
        raise NotTaken(reason)


def check_members(value: Any, what: str, *names: str, by_rcs: bool = False) -> None:
    """Raise NotTaken for anything but an object of exactly these members.

    With `by_rcs` there may be `"channel": "rcs"` too.
    """
    if by_rcs and isinstance(value, dict) and value.get("channel") == "rcs":
        names += ("channel",)
    exact = isinstance(value, dict) and value.keys() == set(names)
    check(exact, f"{what} has not exactly the members {', '.join(sorted(names))}")


def check_texts(payload: Mapping[str, Any], *names: str) -> None:
    """Raise NotTaken if one of these members is no text, or empty."""
    for name in names:
        check(isinstance(payload[name], str) and payload[name] != "", f"{name} is not a text")


def check_time(value: Any, name: str = "ts") -> None:
    """Raise NotTaken for anything but Unix seconds of ten digits."""
    check(type(value) is int and 10**9 <= value < 10**10, f"{name} is not a time in seconds")
