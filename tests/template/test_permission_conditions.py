"""Conditions and wildcards in the policies of the functions' roles, read as data."""

from typing import Any

from tests.template.reading import (
    as_list,
    functions,
    logical_id,
    resources,
    service,
    services,
    statements,
    template,
)

FUNCTIONS = sorted(functions())
SERVICES = sorted(services())


def leading_keys(operator: str, *keys: str) -> dict[str, Any]:
    """Return the condition that limits a statement to items with these partition keys."""
    return {
        operator: {"dynamodb:LeadingKeys": list(keys)},
        "Null": {"dynamodb:LeadingKeys": "false"},
    }


def test_of_messages_nothing_is_updated_but_what_processes_count_together() -> None:
    conditions = {
        function: statement["Condition"]
        for function in SERVICES
        for statement in statements(function)
        if "dynamodb:UpdateItem" in as_list(statement["Action"])
        and "MessagesTable" in map(logical_id, as_list(statement["Resource"]))
    }
    counted = {
        "send": ["rate#*"],
        "submit": ["carrier-rate#*", "carrier-token#*", "breaker#*", "rcs-month#*"],
        "dlr": ["health#*"],
        "manage": ["health#*"],
        "console": ["health#*", "rate#*", "sign_in#*", "breaker#*"],
    }
    assert conditions == {
        function: leading_keys("ForAllValues:StringLike", *keys)
        for function, keys in counted.items()
    }


def test_of_counters_only_activity_changes_more_than_exports() -> None:
    conditions = [
        statement.get("Condition")
        for function in SERVICES
        for statement in statements(function)
        if {"dynamodb:UpdateItem", "dynamodb:PutItem"} & set(as_list(statement["Action"]))
        and "ActivityTable" in map(logical_id, as_list(statement["Resource"]))
    ]
    assert conditions.count(None) == 1
    of_exports = leading_keys("ForAllValues:StringLike", "exports#*")
    assert [each for each in conditions if each] == [of_exports] * 3


def test_of_due_nothing_is_updated_but_the_cursors() -> None:
    (updates,) = (
        statement
        for function in SERVICES
        for statement in statements(function)
        if "dynamodb:UpdateItem" in as_list(statement["Action"])
        and "DueTable" in map(logical_id, as_list(statement["Resource"]))
    )
    assert updates["Condition"] == leading_keys("ForAllValues:StringEquals", "cursor")


def test_of_messages_only_who_is_last_is_written_over_and_only_parked_rows_go() -> None:
    written = [
        (function, statement["Condition"])
        for function in SERVICES
        for statement in statements(function)
        if {"dynamodb:BatchWriteItem", "dynamodb:DeleteItem"} & set(as_list(statement["Action"]))
        and "MessagesTable" in map(logical_id, as_list(statement["Resource"]))
    ]
    expected = {
        "manage": ["dead-letter#*"],
        "console": ["dead-letter#*"],
        "submit": ["last#*", "carrier-id#*"],
        "inbound": ["inbound#*"],
    }
    assert dict(written) == {
        function: leading_keys("ForAllValues:StringLike", *keys)
        for function, keys in expected.items()
    }


def test_submit_sends_through_aws_only_where_the_operator_names_what_it_may_use() -> None:
    policy = resources("AWS::IAM::ManagedPolicy")["SmsVoicePolicy"]
    assert policy["Condition"] == "SendsThroughAws"
    assert policy["Properties"]["Roles"] == [{"Ref": "SubmitRole"}]
    (statement,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Action"] == "sms-voice:SendTextMessage"
    assert statement["Resource"] == {"Fn::Split": [",", {"Ref": "SmsVoiceArns"}]}
    assert template()["Parameters"]["SmsVoiceArns"]["Default"] == ""
    condition = template()["Conditions"]["SendsThroughAws"]
    assert condition == {"Fn::Not": [{"Fn::Equals": [{"Ref": "SmsVoiceArns"}, ""]}]}


def test_a_condition_on_all_values_refuses_a_call_that_has_none() -> None:
    conditions = [
        statement["Condition"]
        for function in FUNCTIONS
        for statement in statements(function)
        if "Condition" in statement
    ]
    assert conditions
    for condition in conditions:
        for operator, keys in condition.items():
            if operator.startswith("ForAllValues:"):
                assert condition.get("Null") == dict.fromkeys(keys, "false")


def test_no_policy_of_a_role_has_a_wildcard() -> None:
    shared = resources("AWS::IAM::ManagedPolicy").values()
    allowed = [
        *(statement for function in FUNCTIONS for statement in statements(function)),
        *(
            statement
            for policy in shared
            for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        ),
    ]
    for statement in allowed:
        assert statement["Effect"] == "Allow"
        assert not any("*" in action for action in as_list(statement["Action"]))
        # X-Ray's actions take no resource (Service Authorization Reference), and the ids of network
        # interfaces are not known before.
        takes_none = statement["Sid"] in ("Traces", "NetworkInterfaces")
        if takes_none or all(action.startswith("s3:") for action in as_list(statement["Action"])):
            continue
        assert not any("*" in str(each) for each in as_list(statement["Resource"]))


def test_what_a_function_may_decrypt_is_of_carriers_callbacks_or_users() -> None:
    """The contexts are those of harkara.aws: accounts, destinations and people."""
    contexts = {
        service(function): statement["Condition"]
        for function in FUNCTIONS
        for statement in statements(function)
        if "kms:Decrypt" in as_list(statement["Action"])
    }
    kinds = {
        **dict.fromkeys(["submit", "receipt", "inbound"], ["carrier"]),
        **dict.fromkeys(["dlr", "manage"], ["callback"]),
        "console": ["callback", "user"],
    }
    assert contexts == {
        function: {
            "ForAllValues:StringEquals": {"kms:EncryptionContextKeys": keys},
            "Null": {"kms:EncryptionContextKeys": "false"},
        }
        for function, keys in kinds.items()
    }
