"""Alarms: the runbook, and the alarms on several metrics of AWS."""

import re
from typing import Any

import pytest

from local.settings import ROOT
from tests.template.reading import function_id, functions, resources, service

RUNBOOK = (ROOT / "docs" / "operations.md").read_text().partition("\n## Alarms\n")[2]
ALARMS = {name: each["Properties"] for name, each in resources("AWS::CloudWatch::Alarm").items()}
FUNCTIONS = set(map(function_id, functions()))
TABLES = set(resources("AWS::DynamoDB::Table"))
QUERY = re.compile(
    r"SELECT SUM\((\w+)\) FROM SCHEMA\(\"([\w/]+)\", ([\w, ]+)\) WHERE\n(.+)\nGROUP BY (\w+)",
    re.DOTALL,
)
TERM = re.compile(r"(\w+) = '\$\{(\w+)\}'")


def queried(alarm: str) -> tuple[str, str, str, set[str]]:
    """Return metric, namespace, dimensions and resources of an alarm's query."""
    (found,) = ALARMS[alarm]["Metrics"]
    query = QUERY.fullmatch(found["Expression"]["Fn::Sub"])
    assert query
    metric, namespace, dimensions, terms, by = query.groups()
    named = [TERM.fullmatch(term) for term in terms.split(" OR\n")]
    assert all(term and term[1] == by for term in named)
    return metric, namespace, dimensions, {term[2] for term in named if term}


def stats(alarm: str) -> tuple[str, list[dict[str, Any]]]:
    """Return the expression of an alarm and the metrics in it."""
    expression, *of = ALARMS[alarm]["Metrics"]
    assert "ReturnData" not in expression
    assert all(each["ReturnData"] is False for each in of)
    return expression["Expression"], [each["MetricStat"] for each in of]


def dimensions(stat: dict[str, Any]) -> dict[str, Any]:
    """Return a metric's dimensions by name."""
    return {each["Name"]: each["Value"] for each in stat["Metric"]["Dimensions"]}


def test_the_runbook_has_a_section_for_each_alarm() -> None:
    headings = re.findall("^### (.+)$", RUNBOOK, re.MULTILINE)
    named = [name for heading in headings for name in re.findall(r"`(\w+)`", heading)]
    assert sorted(named) == sorted(ALARMS)


def test_the_runbook_says_what_all_alarms_cost() -> None:
    """CloudWatch bills each metric of an alarm, whether named or found by a query."""
    metrics = 0
    for name, alarm in ALARMS.items():
        if "Condition" in resources("AWS::CloudWatch::Alarm")[name]:
            continue
        if "MetricName" in alarm:
            metrics += 1
        elif len(alarm["Metrics"]) > 1:
            metrics += len(stats(name)[1])
        # DynamoDB emits one for each operation, only after a failure of it.
        elif name != "TableErrorsAlarm":
            metrics += len(queried(name)[3])
    assert f": {metrics * 0.1:.2f} USD in all" in RUNBOOK


@pytest.mark.parametrize("section", re.split("^### ", RUNBOOK, flags=re.MULTILINE)[1:])
def test_a_section_says_what_happened_and_what_to_do(section: str) -> None:
    _, *text = section.strip().splitlines()
    assert len(" ".join(text)) > 100


@pytest.mark.parametrize("alarm", ALARMS)
def test_an_alarm_points_to_the_runbook(alarm: str) -> None:
    assert ALARMS[alarm]["AlarmDescription"].endswith(" Runbook in docs/operations.md.")


def test_every_function_has_an_alarm_of_its_errors_and_one_of_its_throttles() -> None:
    by_function = ("AWS/Lambda", "FunctionName")
    errors = queried("FunctionErrorsAlarm")
    assert errors == ("Errors", *by_function, FUNCTIONS - {"SweepFunction"})
    ((sweep),) = ALARMS["SweepErrorsAlarm"]["Dimensions"]
    assert sweep == {"Name": "FunctionName", "Value": {"Ref": "SweepFunction"}}
    assert queried("FunctionThrottlesAlarm") == ("Throttles", *by_function, FUNCTIONS)


def test_a_function_with_a_snapshot_that_nobody_calls_is_told_of() -> None:
    expression, metrics = stats("UncalledAlarm")
    called = [each["Metric"] for each in metrics]
    assert {each["MetricName"] for each in called} == {"Invocations"}
    watched = [dimension["Value"]["Ref"] for each in called for dimension in each["Dimensions"]]
    pinged = [function_id(name) for name, each in functions().items() if "SnapStart" in each]
    assert sorted(watched) == sorted(pinged)
    alarm = ALARMS["UncalledAlarm"]
    # A sum has no value if a part has none: then the alarm has insufficient data.
    ids = [each["Id"] for each in alarm["Metrics"][1:]]
    assert expression == " + ".join(ids)
    assert alarm["TreatMissingData"] == "missing"
    assert alarm["InsufficientDataActions"] == alarm["AlarmActions"]
    # Long before the 14 days, and no longer than the week that CloudWatch looks back.
    assert {each["Period"] for each in metrics} == {86_400}
    assert alarm["EvaluationPeriods"] <= 7


def test_every_table_has_an_alarm_of_its_throttles_and_one_of_its_errors() -> None:
    by_operation = ("AWS/DynamoDB", "TableName, Operation")
    assert queried("TableErrorsAlarm") == ("SystemErrors", *by_operation, TABLES)
    expression, metrics = stats("TableThrottlesAlarm")
    # A table without data must not hide the others.
    assert expression == "SUM(FILL(METRICS(), 0))"
    assert len(metrics) <= 10, "CloudWatch takes no more into an alarm"
    watched = {
        (each["Metric"]["MetricName"], dimension["Value"]["Ref"])
        for each in metrics
        for dimension in each["Metric"]["Dimensions"]
    }
    events = ("ReadThrottleEvents", "WriteThrottleEvents")
    assert watched == {(name, table) for name in events for table in TABLES}


def test_requests_that_are_answered_429_are_counted_in_the_access_log() -> None:
    filters = resources("AWS::Logs::MetricFilter")
    counted = [
        filters[name]["Properties"] for name in ("RouteRequestsFilter", "TooManyRequestsFilter")
    ]
    (api,) = resources("AWS::Serverless::HttpApi").values()
    limit = {"Ref": "StrangerRequestsPerSecond"}
    settings = api["Properties"]["RouteSettings"]
    # Throttling of unknown routes, /docs and /openapi.json raises no alarm.
    strangers = [name for name, each in settings.items() if each["ThrottlingRateLimit"] == limit]
    existing = [f'($.routeKey != "{name}")' for name in strangers]
    for properties, conditions in zip(
        counted, (existing, [*existing, '($.status = "429")']), strict=True
    ):
        assert properties["LogGroupName"] == {"Ref": "ApiLog"}
        assert sorted(properties["FilterPattern"].strip("{ }").split(" && ")) == sorted(conditions)
    assert "$default" in strangers
    visible = api["Properties"]["AccessLogSettings"]["Format"]
    assert all(f'"{name}":"$context.{name}"' in visible for name in ("status", "routeKey"))
    expression, watched = stats("TooManyRequestsAlarm")
    assert expression == "100 * FILL(refused, 0) / requests"
    made = [transformation for each in counted for transformation in each["MetricTransformations"]]
    assert [each["Metric"] for each in watched] == [
        {"Namespace": each["MetricNamespace"], "MetricName": each["MetricName"]} for each in made
    ]
    assert {each["Period"] for each in watched} == {300}


@pytest.mark.parametrize("function", ["send", "receipt", "submit", "submit_priority"])
def test_a_release_is_judged_by_what_the_new_version_does(function: str) -> None:
    """Lambda counts errors by version, and so does our log for unexpected errors."""
    name, code = function_id(function), service(function)
    alarm = f"{name.removesuffix('Function')}ReleaseAlarm"
    assert resources("AWS::CloudWatch::Alarm")[alarm]["Condition"] == "ReleasesGradually"
    expression, (killed, unexpected) = stats(alarm)
    assert expression == "SUM(FILL(METRICS(), 0))"
    version = {"Fn::GetAtt": [name, "Version.Version"]}
    assert dimensions(killed) == {
        "FunctionName": {"Ref": name},
        "Resource": {"Fn::Sub": f"${{{name}}}:live"},
        "ExecutedVersion": version,
    }
    assert dimensions(unexpected) == {"service": code, "version": version}
    counted = resources("AWS::Logs::MetricFilter")[f"{code.title()}UnexpectedFilter"]
    properties = counted["Properties"]
    assert properties["LogGroupName"] == functions()[function]["LoggingConfig"]["LogGroup"]
    assert properties["FilterPattern"] == "{ $.unexpected IS TRUE }"
    (made,) = properties["MetricTransformations"]
    metric = unexpected["Metric"]
    assert made["MetricNamespace"] == metric["Namespace"]
    assert made["MetricName"] == metric["MetricName"]
    fields = {each["Key"]: each["Value"] for each in made["Dimensions"]}
    assert fields == {key: f"$.{key}" for key in dimensions(unexpected)}
