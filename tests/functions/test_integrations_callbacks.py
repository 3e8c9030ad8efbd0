"""The callbacks shown on the pages are those that are posted."""

import json

import pytest

from harkara.base.codes import Code
from harkara.callbacks.formats import FORMATS
from harkara.model.callbacks import unregistered
from harkara.model.events import Click, Corrected, Dlr, Event, EventKind, Read, Reply, Submitted
from harkara.model.messages import Endpoint, State
from tests.functions import pages

MID, REF, MSISDN, AT_S = (
    "101M80PKPVGTZQN98QP2VKS1J1800",
    "order-4711",
    "919876543210",
    1_767_258_002,
)
LONG, SHORT = "https://acme.example/orders/4711", "https://hk.example/7yQe2LbU0aXw4R"
EVENTS: list[tuple[EventKind, Event]] = [
    (EventKind.STATUS, Dlr(MID, REF, State.DELIVERED, AT_S, "", MSISDN, 1)),
    (
        EventKind.STATUS,
        Dlr(MID, REF, State.FAILED, AT_S, Code.ABSENT_SUBSCRIBER, MSISDN, 1, "27", "UNDELIV"),
    ),
    (EventKind.REPLIED, Reply(MID, REF, AT_S + 58, MSISDN, "56161", "Where is it?")),
    (EventKind.CLICKED, Click(MID, REF, AT_S + 88, MSISDN, LONG, SHORT)),
    (EventKind.SUBMITTED, Submitted(MID, REF, AT_S - 1, MSISDN, 1)),
    (EventKind.CORRECTED, Corrected(MID, REF, AT_S + 1_798, MSISDN, 1, State.FAILED)),
    (EventKind.READ, Read(MID, REF, AT_S + 118, MSISDN)),
]
# By format: the page, and the marks of its blocks there.
BLOCKS = {
    "clevertap": ("clevertap", "json posted"),
    "moengage": ("moengage", "json posted"),
    "moengage_batch": ("moengage", "json posted batch"),
    "webengage": ("webengage", "json posted"),
    "generic": ("http", "json posted generic"),
    "standard": ("http", "json posted standard"),
}


@pytest.mark.parametrize("name", FORMATS)
def test_a_page_shows_each_event_as_it_is_posted(name: str) -> None:
    page, mark = BLOCKS[name]
    written = [json.loads(block) for block in pages.blocks(pages.page(page), mark)]
    used, settings = FORMATS[name], unregistered(Endpoint("https://acme.example", name)).settings
    posted = [
        json.loads(used.render([event], settings)) for kind, event in EVENTS if kind in used.kinds
    ]
    assert written == posted
    # Also in the order of members.
    assert json.dumps(written) == json.dumps(posted)


def test_the_page_for_all_says_how_many_messages_a_format_holds_and_what_it_tells_of() -> None:
    words = {
        EventKind.STATUS: "final states",
        EventKind.REPLIED: "answers",
        EventKind.CLICKED: "clicks",
        EventKind.SUBMITTED: "submissions",
        EventKind.CORRECTED: "corrections",
        EventKind.READ: "openings",
    }
    rows = pages.rows(pages.page("http"), "format")
    written = {name.strip("[").split("`")[1]: rest for name, *rest in rows}
    assert written == {
        name: [
            f"1, or {each.member_limit} as an array" if each.one_by_one else str(each.member_limit),
            ", ".join(word for kind, word in words.items() if kind in each.kinds),
        ]
        for name, each in FORMATS.items()
    }


def test_moengage_maps_fields_that_there_are() -> None:
    mapped = pages.tables(pages.page("moengage"))[-1]
    body = json.loads(pages.blocks(pages.page("moengage"), "json posted")[0])
    for name in ("Unique id in the DLR", "Status field", "Reason field"):
        assert mapped[name][0] in body
    assert mapped["Success values"] == [body["status"]]
