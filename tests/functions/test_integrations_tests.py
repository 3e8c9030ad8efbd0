"""What a test SMS shows, and what comes of placeholders that a platform leaves as they are."""

import json
import re
from typing import Any, NamedTuple

import pytest

from harkara.model.accounts import Scope
from local.settings import WEBENGAGE_TOKEN, Ports
from tests.functions import pages
from tests.functions.handlers import Gateway
from tests.functions.integrating import TEXT, send
from tests.functions.test_integrations_clevertap import (
    CLEVERTAP,
    CLEVERTAP_BODIES,
    CLEVERTAP_FORM,
    RCS_BODY,
)
from tests.functions.test_integrations_moengage import (
    CONNECTOR,
    FULL_BODY,
    MOENGAGE,
    MOENGAGE_BODY,
)
from tests.local.command_pages import commands, write_files
from tests.local.operators import Operator
from tests.support.documents import PAGES, table


class Platform(NamedTuple):
    """A platform's form and body, the values that it fills in, and three of their names."""

    form: pages.Form
    bodies: list[Any]
    values: dict[str, str]
    to: str
    text: str
    template_id: str


PLATFORMS = {
    "clevertap": Platform(
        CLEVERTAP_FORM, CLEVERTAP_BODIES, CLEVERTAP, "$$To", "$$Body", "$$TemplateID"
    ),
    "moengage": Platform(
        CONNECTOR,
        [MOENGAGE_BODY, FULL_BODY],
        MOENGAGE,
        "Moesms_destination",
        "Moesms_message",
        "Moesms_dltTemplateId",
    ),
}
REFUSED = [(name, *row) for name in PLATFORMS for row in table(pages.page(name), "refused for")]
PLACEHOLDERS = [
    (name, each.strip("`"), result)
    for name in PLATFORMS
    for names, result in table(pages.page(name), "placeholder")
    for each in names.split(", ")
]


@pytest.mark.parametrize(("name", "cause", "status", "code"), REFUSED)
def test_a_test_sms_shows_what_is_wrong(
    acme: Gateway, name: str, cause: str, status: str, code: str
) -> None:
    platform = PLATFORMS[name]
    bodies, values = [json.dumps(each) for each in platform.bodies], {**platform.values}
    body = bodies[0]
    if "scope" in cause:
        credential = acme.accounts.credentials[pages.USER]
        reading = credential.model_copy(update={"scopes": (Scope.READ,)})
        acme.accounts.credentials[pages.USER] = reading
    if cause.startswith("a header"):
        body = body.replace("ACMEBK", "OTHERS")
    if cause.startswith("a text"):
        values[platform.text] = "Hello"
    if cause.startswith("a placeholder"):
        body = next(each for each in bodies if platform.template_id in each)
        del values[platform.template_id]
    if cause.startswith("a number"):
        values[platform.to] = "12"
    event = pages.request(platform.form, json.dumps(pages.fill(json.loads(body), values)))
    if cause.startswith("a wrong"):
        wrong = {each: "Basic eDp5" for each in ("authorization", "x-api-key")}
        event["headers"] = {**event["headers"], **wrong}
    answer = send(acme, event)
    assert (str(answer[0]), f"`{answer[1]['Error']}`") == (status, code)


@pytest.mark.parametrize(("name", "placeholder", "result"), PLACEHOLDERS)
def test_a_placeholder_that_stays_is_refused_or_accepted_as_the_page_says(
    acme: Gateway, name: str, placeholder: str, result: str
) -> None:
    platform = PLATFORMS[name]
    body = next(each for each in platform.bodies if placeholder in json.dumps(each))
    values = {
        "$$TemplateVariables": "4711",
        **platform.values,
        platform.text: TEXT,
        placeholder: placeholder,
    }
    filled = json.dumps(pages.fill(body, values))
    status, answer = send(acme, pages.request(platform.form, filled))
    codes = re.findall("refused, `([A-Z_]+)`", result)
    assert (status, codes) in [(200, []), (400, [answer["Error"]] if status == 400 else [])]
    assert bool(codes) == (status == 400)


def test_the_key_of_a_batch_is_that_of_the_body() -> None:
    (key,) = CLEVERTAP_FORM["Batch key"]
    assert [list(body)[-1] for body in CLEVERTAP_BODIES if body is not RCS_BODY] == [key] * 3
    assert CLEVERTAP_FORM["Records per batch"] == ["1000"]


@pytest.mark.parametrize("name", ["clevertap", "moengage", "webengage"])
def test_the_commands_of_a_page_are_done(
    name: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path, "", {"webengage.token": "not-a-real-token\n"})
    operator = Operator().with_account()
    url = f"https://api.{name}.com/sms/dlr/of-acme"
    values = {"<account>": "acme", "<user name>": name, "<stack>": "harkara"}
    for placeholder in ("<callback URL>", "<DLR URL>", "<URL>"):
        values[placeholder] = url
    for line in commands(PAGES[f"docs/integrations/{name}.md"]):
        words = [each.strip("'") for each in re.findall(r"'[^']+'|<[^>]+>|\S+", line)]
        program, *words = [str(pages.fill(word, values)) for word in words]
        assert (program, words[-2:]) == ("harkara", ["--stack", "harkara"])
        done = operator.run(words[:-2])
        assert (done.status, done.err) == (0, ""), line
    account = operator.store.account("acme")
    assert account is not None
    ((_, callback),) = account.callbacks.items()
    assert (callback.url, callback.format) == (url, name)


@pytest.mark.parametrize("name", ["clevertap", "moengage", "webengage"])
def test_a_page_says_where_this_machine_takes_callbacks(name: str) -> None:
    text = PAGES[f"docs/integrations/{name}.md"]
    assert f"http://127.0.0.1:{Ports().platform}/{name}/" in text
    assert f"`http://127.0.0.1:{Ports().gateway}`" in text
    assert (f"`{WEBENGAGE_TOKEN}`" in text) == (name == "webengage")
