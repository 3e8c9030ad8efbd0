"""Hostile requests: nearly right, wrong, and of any form."""

import base64
import gzip
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from hypothesis import strategies as st

from tests.contract.described import DOCUMENT
from tests.functions.invoking import BATCH_ID, SECRET
from tests.unit.json_values import json_values

FORM = "application/x-www-form-urlencoded"
KEY = f"sandbox.{SECRET}"

anything = st.text(max_size=20)
# Characters of a header: API Gateway lets no others through.
header = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=20)
# A decoded segment of a URL's path.
segment = anything.filter(lambda text: text and "/" not in text)
content_types = st.sampled_from(
    ["application/json", FORM, f"{FORM}; charset=x", "text/csv", "application/gzip", ""]
)
fields = sorted(
    {
        name
        for schema in DOCUMENT["components"]["schemas"].values()
        for name in schema.get("properties", {})
    }
)
# Values that are nearly right for one field or another.
values = json_values | st.sampled_from(
    [
        "919876543210",
        "ACMEBK",
        "Hello",
        "otp",
        "2.0",
        "2026-01-31 18:30:00",
        "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00+23:59",
        "https://127.0.0.1/",
        "{#var#}",
        "x" * 5_000,
        "\u202e\x00\ufeff\u2028",
        f"{BATCH_ID}00",
        '["1", "2"',
        '{"1": "2"',
        "a|b|c",
        "true",
        "60",
        10**18,
        -1,
        ["1"] * 300,
        {"1": "a", "var1": "b"},
    ]
)
objects = st.dictionaries(st.sampled_from(fields) | anything, values, max_size=8)
requests = (
    objects
    | st.builds(
        lambda top, rows, name: {**top, name: rows},
        objects,
        st.lists(objects | json_values, max_size=4),
        st.sampled_from(["smstosend", "messages"]),
    )
    | st.builds(
        lambda sms, metadata: {"version": "2.0", "smsData": sms, "metadata": metadata},
        objects | json_values,
        objects | json_values,
    )
)
tables = st.lists(st.lists(anything, max_size=8), max_size=4)


# Fields that no example has: each format uses those that it knows.
MORE = {
    "smstype": "service implicit",
    "category": "service_implicit",
    "scheduletime": "2026-01-02 12:00:00",
    "send_at": "2026-01-02T12:00:00Z",
    "validity": 3600,
    "validity_period_s": 3600,
    "templatevariables": ["4711"],
    "variables": ["4711"],
    "allowunicode": True,
    "urlshortening": True,
    "dlrurl": "https://api.clevertap.com/dlr",
    "callback_url": "https://api.clevertap.com/dlr",
}


def whole(example: Any) -> Any:
    """Return an example whose messages have all possible fields."""
    if isinstance(example, list):
        return [whole(each) for each in example]
    if isinstance(example, dict):
        more = MORE if "to" in example else {}
        return {name: whole(each) for name, each in (more | example).items()}
    return example


def nearly(example: Any) -> st.SearchStrategy[Any]:
    """Return a strategy of examples with up to three values replaced, at any place."""
    changes = st.dictionaries(st.sampled_from(list(indexes(example))), values | objects, max_size=3)
    return changes.map(lambda chosen: with_changes(example, chosen))


def with_changes(value: Any, changes: Mapping[tuple[Any, ...], Any], at: Any = ()) -> Any:
    if at in changes:
        return changes[at]
    if isinstance(value, dict):
        return {name: with_changes(each, changes, (*at, name)) for name, each in value.items()}
    if isinstance(value, list):
        return [with_changes(each, changes, (*at, index)) for index, each in enumerate(value)]
    return value


def indexes(value: Any) -> Iterator[tuple[Any, ...]]:
    """Yield the path to each value within a value."""
    if isinstance(value, dict | list):
        for step in value if isinstance(value, dict) else range(len(value)):
            yield (step,)
            yield from ((step, *rest) for rest in indexes(value[step]))


bodies = (
    requests.map(json.dumps)
    | json_values.map(json.dumps)
    | st.dictionaries(st.sampled_from(fields), anything, max_size=6).map(urlencode)
    | tables.map(lambda rows: "\n".join(map(",".join, rows)))
    | anything
    | st.binary(max_size=40)
    | st.binary(max_size=40).map(gzip.compress)
)
headers = st.fixed_dictionaries(
    {},
    optional={
        "content-type": content_types | header,
        "idempotency-key": header,
        "accept": st.sampled_from(["text/csv", "*/*"]) | header,
        "accept-encoding": st.sampled_from(["gzip", "identity"]) | header,
    },
)
credentials = st.sampled_from(
    [
        {"x-api-key": KEY},
        {"authorization": f"Bearer {KEY}"},
        {"authorization": "Basic " + base64.b64encode(f"sandbox:{SECRET}".encode()).decode()},
    ]
) | st.fixed_dictionaries({}, optional={"x-api-key": header, "authorization": header})
queries = st.dictionaries(
    st.sampled_from([*fields, "dry_run", "limit", "after"]) | anything, anything, max_size=4
)
