"""The nested stack of monitoring, and the order of both templates' sections."""

import re
from typing import Any

import pytest

from tests.template.reading import ROOT, logical_id, monitoring, resources, template

STAGES = ("Accept", "Submit", "Receipts", "Callbacks", "Inbound", "Links", "Activity", "Manage")
ALARM = "AWS::CloudWatch::Alarm"


def nested() -> dict[str, Any]:
    ((name, stack),) = resources("AWS::CloudFormation::Stack").items()
    assert name == "Monitoring"
    properties: dict[str, Any] = stack["Properties"]
    return properties


def references(value: Any) -> set[str]:
    """Return all names that a piece of a template refers to."""
    if isinstance(value, list):
        return set().union(*map(references, value))
    if not isinstance(value, dict):
        return set()
    named = {value["Ref"]} if "Ref" in value else set(re.findall(r"\${(\w+)}", str(value)))
    return named.union(*map(references, value.values()))


def test_the_stack_is_given_what_its_template_asks_for_and_uses() -> None:
    assert (ROOT / nested()["TemplateURL"]).name == "monitoring.yaml"
    request = monitoring()["Parameters"]
    assert nested()["Parameters"].keys() == request.keys()
    used = references([monitoring()["Resources"], monitoring()["Conditions"]])
    assert used >= request.keys()


@pytest.mark.parametrize("parameter", sorted(monitoring()["Parameters"]))
def test_a_parameter_of_the_stack_is_what_it_is_called(parameter: str) -> None:
    """A queue's Ref is its URL, while a metric has its name."""
    value = nested()["Parameters"][parameter]
    if parameter == "MainStack":
        assert value == {"Ref": "AWS::StackName"}
    elif parameter == "AlarmTopic":
        assert value == {"Fn::If": ["HasAlarmEmail", {"Ref": parameter}, ""]}
        assert resources("AWS::SNS::Topic")[parameter]["Condition"] == "HasAlarmEmail"
    else:
        is_queue = parameter in resources("AWS::SQS::Queue")
        assert "Fn::GetAtt" in value if is_queue else "Ref" in value
        assert logical_id(value) == parameter


def test_a_condition_of_both_templates_is_the_same_in_both() -> None:
    shared = template()["Conditions"].keys() & monitoring()["Conditions"].keys()
    assert shared == {"HasAlarmEmail", "HasAlarmTopic"}
    for name in shared:
        assert template()["Conditions"][name] == monitoring()["Conditions"][name]


def test_no_name_stands_in_both_templates() -> None:
    assert not template()["Resources"].keys() & monitoring()["Resources"].keys()


@pytest.mark.parametrize("alarm", sorted(resources(ALARM)))
def test_an_alarm_is_named_after_the_deployed_stack_wherever_it_stands(alarm: str) -> None:
    stack = "MainStack" if alarm in monitoring()["Resources"] else "AWS::StackName"
    name = resources(ALARM)[alarm]["Properties"]["AlarmName"]
    assert name == {"Fn::Sub": f"${{{stack}}}-{alarm}"}


def test_only_alarms_of_releases_stand_with_their_functions() -> None:
    beside = {name for name in resources(ALARM) if name in template()["Resources"]}
    watched = {
        preference["Alarms"]["Fn::If"][1][0]["Ref"]
        for each in resources("AWS::Serverless::Function").values()
        if (preference := each["Properties"].get("DeploymentPreference"))
    }
    assert beside == watched


def test_nothing_of_monitoring_is_named_after_the_nested_stack() -> None:
    """Its own name has a random part, and no function writes under it."""
    assert "AWS::StackName" not in str(monitoring())


def test_the_sections_follow_a_message_and_each_has_a_heading_of_one_line() -> None:
    text = (ROOT / "template.yaml").read_text()
    headings = re.findall(r"(?m)^  # ---- (\w+)", text)
    assert headings[:2] == ["Tables", "Queues"]
    assert [each for each in headings if each in STAGES] == list(STAGES)
    assert headings[-2:] == ["Scheduler", "Monitoring"]
    assert len(headings) == text.count("----")
    assert len(re.findall(r"(?m)^  # ---- \w.+\n$", text)) == len(headings)


def test_the_address_that_hears_of_alarms_is_subscribed_to_a_topic_of_the_stack() -> None:
    (topic,) = resources("AWS::SNS::Topic").values()
    assert topic["Condition"] == "HasAlarmEmail"
    subscription = {"Protocol": "email", "Endpoint": {"Ref": "AlarmEmail"}}
    assert topic["Properties"]["Subscription"] == [subscription]


def test_a_budget_is_there_where_there_is_a_limit_and_somebody_to_tell() -> None:
    (budget,) = resources("AWS::Budgets::Budget").values()
    assert budget["Condition"] == "HasBudget"
    limit = {"Ref": "MonthlyBudgetUsd"}
    has_limit = {"Fn::Not": [{"Fn::Equals": [limit, 0]}]}
    assert monitoring()["Conditions"]["HasBudget"] == {
        "Fn::And": [has_limit, {"Condition": "HasAlarmEmail"}]
    }
    assert template()["Parameters"]["MonthlyBudgetUsd"]["Default"] == 0
    properties = budget["Properties"]
    assert properties["Budget"]["BudgetLimit"] == {"Amount": limit, "Unit": "USD"}
    # Budget names are unique in an account, across all regions.
    assert properties["Budget"]["BudgetName"] == {"Fn::Sub": "${MainStack}-${AWS::Region}"}
    reported = [
        (each["Notification"]["NotificationType"], each["Notification"]["Threshold"])
        for each in properties["NotificationsWithSubscribers"]
        if each["Subscribers"] == [{"SubscriptionType": "EMAIL", "Address": {"Ref": "AlarmEmail"}}]
    ]
    assert reported == [("ACTUAL", 80), ("ACTUAL", 100), ("FORECASTED", 100)]
