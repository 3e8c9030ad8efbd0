"""All pages: links lead somewhere, commands are ones that there are, and no option is left out."""

import json
import re
import shlex
from pathlib import PurePosixPath

import pytest
from botocore import xform_name
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.waiter import WaiterModel

from local.settings import ROOT
from tests.support.command_line import COMMON, verbs
from tests.support.documents import PAGES, anchors, blocks, links, shell_lines

# The languages of the blocks of each page, all of which some test reads.
LANGUAGES = {
    "README.md": {"mermaid"},
    "docs/analytics.md": {"sql"},
    "docs/carriers.md": {"http", "ini", "json", "sh"},
    "docs/console/README.md": {"sh"},
    "docs/errors.md": {"json"},
    "docs/operations.md": {"csv", "sh", "text"},
    "docs/wire-formats.md": {"http", "json", "text"},
    "docs/integrations/clevertap.md": {"json", "sh"},
    "docs/integrations/http.md": {"http", "json", "python"},
    "docs/integrations/moengage.md": {"form", "json", "sh"},
    "docs/integrations/supabase.md": {"json"},
    "docs/integrations/webengage.md": {"json", "sh"},
}
VERBS = verbs()
LINES = [(page, line) for page, text in PAGES.items() for line in shell_lines(text)]
TARGETS = set(re.findall(r"^([a-z-]+)(?:[ a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
# Commands of the AWS CLI that are no operation of a service.
CUSTOM = {"cloudformation deploy": {"--template-file", "--stack-name"}}


def of(program: str) -> list[str]:
    """Return the lines of all pages that begin with a program."""
    return [line for _, line in LINES if line.startswith(f"{program} ")]


def verb_of(line: str) -> str:
    """Return the noun and verb of a command, or its verb alone."""
    noun, verb = shlex.split(line)[1:3]
    return noun if noun in VERBS else f"{noun} {verb}"


@pytest.mark.parametrize("page", PAGES)
def test_links_of_a_page_lead_somewhere(page: str) -> None:
    for link in links(PAGES[page]):
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), link
        if anchor:
            name = str(PurePosixPath(target.resolve().relative_to(ROOT.resolve())))
            assert anchor in anchors(PAGES[name]), link


def test_every_block_is_in_a_language_that_a_test_of_its_page_reads() -> None:
    found = {
        page: {marks.partition(" ")[0] for marks, _ in blocks(text)} for page, text in PAGES.items()
    }
    assert {page: languages for page, languages in found.items() if languages} == LANGUAGES


def test_every_block_of_json_is_json() -> None:
    for text in PAGES.values():
        for marks, content in blocks(text):
            assert not marks.startswith("json") or json.loads(content) is not None


def test_pages_that_the_code_names_are_there() -> None:
    named = {
        page
        for top in ("layers", "functions", "cli", "local")
        for path in (ROOT / top).rglob("*.py")
        for page in re.findall(r"\bdocs/[a-z/-]+\.md\b", path.read_text())
    }
    assert len(named) > 3
    assert named <= PAGES.keys()


def test_commands_of_all_pages_are_seen() -> None:
    seen = {line.partition(" ")[0] for _, line in LINES}
    assert {"harkara", "make", "aws", "sam", "curl"} <= seen


@pytest.mark.parametrize("line", of("harkara"))
def test_a_command_on_a_page_has_a_verb_and_options_that_there_are(line: str) -> None:
    words = shlex.split(line)[1:]
    options = {each for known in VERBS[verb_of(line)].values() for each in known}
    assert {word for word in words if re.match(r"--?[a-z]", word)} <= options
    assert {"--local", "--stack"} & set(words)


def test_every_verb_is_on_a_page() -> None:
    assert VERBS.keys() - set(map(verb_of, of("harkara"))) == set()


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_is_on_a_page(verb: str) -> None:
    text = "\n".join(PAGES.values())
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", text))
    for parameter, options in VERBS[verb].items():
        if parameter not in COMMON:
            assert not options or named & set(options), options


@pytest.mark.parametrize("line", of("make"))
def test_a_target_of_make_is_there(line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    assert [word for word in words if "=" not in word and word not in TARGETS] == [
        word for word in words if word == ".venv/installed"
    ]


@pytest.mark.parametrize("line", of("aws"))
def test_a_command_of_the_aws_cli_is_an_operation_with_these_parameters(line: str) -> None:
    service, operation, *words = shlex.split(line)[1:]
    given = {word for word in words if word.startswith("--")}
    loader = Loader()
    model = ServiceModel(loader.load_service_model(service, "service-2"))
    if f"{service} {operation}" in CUSTOM:
        assert given <= CUSTOM[f"{service} {operation}"]
        return
    if operation == "wait":
        waiters = WaiterModel(loader.load_service_model(service, "waiters-2"))
        names = {xform_name(name, "-"): name for name in waiters.waiter_names}
        name = waiters.get_waiter(names[words[0]]).operation
    else:
        name = {xform_name(each, "-"): each for each in model.operation_names}[operation]
    shape = model.operation_model(name).input_shape
    assert shape is not None
    assert given <= {f"--{xform_name(member, '-')}" for member in shape.members}
