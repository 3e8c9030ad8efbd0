"""Versions, snapshots and releases of the functions, read as data."""

import json
import re
from typing import Any

import pytest

from harkara.api.resolver import PING
from tests.template.reading import function_id, functions, template

FUNCTIONS = sorted(functions())

# Properties of the function as a whole, or of the template only.
NOT_VERSIONED = (
    "Events",
    "ReservedConcurrentExecutions",
    "VersionDescription",
    "DeploymentPreference",
)
# Functions that are released gradually if the operator wants it.
RELEASED = ("receipt", "send", "submit", "submit_priority")


def parameters_in(value: Any) -> set[str]:
    """Return the parameters that a piece of the template refers to."""
    if isinstance(value, dict):
        named = {value.get("Ref"), *re.findall(r"\${(\w+)}", str(value.get("Fn::Sub", "")))}
        found: set[str] = named & template()["Parameters"].keys()
        return found.union(*map(parameters_in, value.values()))
    return set().union(*map(parameters_in, value)) if isinstance(value, list) else set()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_answers_requests_is_published_with_a_snapshot(function: str) -> None:
    properties = functions()[function]
    answers = any(event["Type"] == "HttpApi" for event in properties["Events"].values())
    assert properties.get("SnapStart") == ({"ApplyOn": "PublishedVersions"} if answers else None)
    published = answers or function in RELEASED
    assert properties.get("AutoPublishAlias") == ("live" if published else None)


def test_releases_can_be_gradual_and_are_judged_by_an_alarm_of_their_own() -> None:
    releases = template()["Mappings"]["Releases"]
    parameter = template()["Parameters"]["ReleaseType"]
    assert list(releases) == parameter["AllowedValues"]
    assert parameter["Default"] == "AllAtOnce"
    gradual = {name: each["Gradual"] for name, each in releases.items()}
    assert gradual == {name: str(name != "AllAtOnce").lower() for name in releases}
    assert {name for name in FUNCTIONS if "DeploymentPreference" in functions()[name]} == set(
        RELEASED
    )
    for function in RELEASED:
        name = function_id(function).removesuffix("Function")
        assert functions()[function]["DeploymentPreference"] == {
            "Enabled": {"Fn::FindInMap": ["Releases", {"Ref": "ReleaseType"}, "Gradual"]},
            "Type": {"Ref": "ReleaseType"},
            "Alarms": {
                "Fn::If": [
                    "ReleasesGradually",
                    [{"Ref": f"{name}ReleaseAlarm"}],
                    [{"Ref": "AWS::NoValue"}],
                ]
            },
        }


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_snapshot_is_kept_awake(function: str) -> None:
    """Lambda deactivates a version that was not called for 14 days."""
    properties = functions()[function]
    pings = [
        (event["Properties"]["Schedule"], json.loads(event["Properties"]["Input"]))
        for event in properties["Events"].values()
        if event["Type"] == "Schedule" and event["Properties"]["Schedule"] != "rate(1 minute)"
    ]
    assert pings == ([("rate(1 day)", PING)] if "SnapStart" in properties else [])


@pytest.mark.parametrize(
    "function", [name for name in FUNCTIONS if "AutoPublishAlias" in functions()[name]]
)
def test_whatever_changes_a_function_publishes_a_version(function: str) -> None:
    """A version depends on code, layers, template properties, and the values of parameters."""
    properties = functions()[function]
    assert properties["AutoPublishAliasAllProperties"] is True
    assert properties["VersionDeletionPolicy"] == "Delete"
    assert template()["Globals"]["LayerVersion"] == {"PublishLambdaVersion": True}
    # SAM names versions after the template's text, which parameter values do not change. And
    # CloudFormation fails when it publishes an unchanged function: no other parameters.
    own = {name: value for name, value in properties.items() if name not in NOT_VERSIONED}
    used = parameters_in([own, template()["Globals"]["Function"]])
    assert parameters_in(properties["VersionDescription"]) == used
