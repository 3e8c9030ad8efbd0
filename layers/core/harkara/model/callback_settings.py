"""The settings of a callback that an account chooses, apart from secrets."""

import re
from typing import Annotated, Literal, get_args

from pydantic import Field
from typing_extensions import TypeAliasType

from harkara.base.retries import SCHEDULE_LIMIT_S
from harkara.model.events import ON_REQUEST, EventKind
from harkara.model.fields import CALLBACK_ID, Name, Part, Rule, unique
from harkara.model.messages import State

FormatName = TypeAliasType(
    "FormatName",
    Literal["clevertap", "moengage", "moengage_batch", "webengage", "generic", "standard"],
)
FORMAT_NAMES: tuple[str, ...] = get_args(FormatName.__value__)

EVENT_FIELDS = (
    *(
        "event",
        "mid",
        "smsgid",
        "from",
        "to",
        "status",
        "was",
        "code",
        "reason",
        "carrier_code",
        "carrier_words",
    ),
    *("segments", "channel", "text", "url", "short_url", "ts"),
)
"""All names in an event of the format `generic`, in the order in which they are written."""
RETRIES_LIMIT = 20
DUE_LIMIT_S = 12 * 3600
CONCURRENCY_LIMIT = 1_000
RATE_LIMIT_PER_S = 10_000
FIELD_NAME = re.compile(r"[A-Za-z0-9_.:$-]{1,64}")


def _fields(names: dict[str, str]) -> dict[str, str]:
    platform_names = names.values()
    if not names.keys() <= {*EVENT_FIELDS} or not all(map(FIELD_NAME.fullmatch, platform_names)):
        raise ValueError
    if len(set(platform_names)) < len(platform_names):
        raise ValueError("each name for one thing alone")
    if names and not names.keys() & {"mid", "smsgid"}:
        raise ValueError("mid or smsgid among them: which message it is")
    return names


def _schedule(delays_s: tuple[int, ...]) -> tuple[int, ...]:
    if sum(delays_s) > SCHEDULE_LIMIT_S:
        raise ValueError
    return delays_s


class CallbackSettings(Part):
    """What an account chooses for a callback, apart from secrets."""

    name_field = "id"

    id: Annotated[
        str,
        Field(description="An id of your choice.", examples=["clevertap-main"]),
        Rule("1 to 64 letters, digits, hyphens and underscores, not a hyphen alone", CALLBACK_ID),
    ]
    name: Name = ""
    url: Annotated[
        str,
        Field(
            description="https, on a host that the account allows.",
            examples=["https://in1.api.clevertap.com/sms/dlr"],
        ),
        Rule("an https URL", re.compile(r"\S+")),
    ]
    format: Annotated[
        FormatName,
        Field(description="What is posted: the platform's own format."),
        Rule(f"one of {', '.join(FORMAT_NAMES)}"),
    ] = "clevertap"
    states: Annotated[
        tuple[State, ...],
        Field(description="The final states that are posted; all, if there are none."),
        Rule(f"a list of {', '.join(State)}", check=unique),
    ] = ()
    events: Annotated[
        tuple[EventKind, ...],
        Field(
            description="The events that are posted, of those that the format has; if there are"
            f" none, all of them but {' and '.join(sorted(ON_REQUEST))}."
        ),
        Rule(f"a list of {', '.join(EventKind)}", check=unique),
    ] = ()
    concurrency: Annotated[
        int,
        Field(ge=0, le=CONCURRENCY_LIMIT, description="Posts at a time; 0: any number."),
        Rule(f"a whole number from 0 to {CONCURRENCY_LIMIT:,}"),
    ] = 0
    rate_per_s: Annotated[
        float,
        Field(ge=0, le=RATE_LIMIT_PER_S, description="Posts a second; 0: any number."),
        Rule(f"a number from 0 to {RATE_LIMIT_PER_S:,}"),
    ] = 0.0
    fields: Annotated[
        dict[str, Annotated[str, Field(json_schema_extra={"pattern": f"^{FIELD_NAME.pattern}$"})]],
        Field(
            description="Of the format `generic`: the fields that are posted, and their names"
            " there, `mid` or `smsgid` among them; all by these names, if there are none.",
            json_schema_extra={"propertyNames": {"enum": [*EVENT_FIELDS]}},
        ),
        Rule(
            f"an object of {', '.join(EVENT_FIELDS)}, or some of them, each with a name of 1 to 64"
            " letters, digits and _ . : $ -",
            check=_fields,
        ),
    ] = {}
    as_array: Annotated[
        bool,
        Field(description="Of the format `generic`: whether events come in an array, up to 100."),
        Rule("true or false"),
    ] = False
    retry_delays_s: Annotated[
        tuple[Annotated[int, Field(ge=1, le=DUE_LIMIT_S)], ...],
        Field(
            max_length=RETRIES_LIMIT,
            description="Pauses in seconds between the attempts at a post; then it is parked. If it"
            " is absent, the format's own (`clevertap`: 600, 1,200, ..., 38,400), or the gateway's,"
            " which is also that of an empty list.",
        ),
        Rule(
            f"up to {RETRIES_LIMIT} whole numbers of seconds from 1 to {DUE_LIMIT_S:,}, together at"
            f" most {SCHEDULE_LIMIT_S:,}",
            check=_schedule,
        ),
    ] = ()
    every_click: Annotated[
        bool,
        Field(description="Whether each click is posted, not only the first a message and link."),
        Rule("true or false"),
    ] = False
