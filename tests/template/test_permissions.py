"""Permissions of the functions' roles, read as data."""

import pytest

from tests.template.reading import (
    MESSAGE_QUEUES,
    WORK_QUEUES,
    functions,
    grants,
    service,
)

FUNCTIONS = sorted(functions())

RECEIVE = (
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibility",
    "sqs:GetQueueAttributes",
)

# All permissions of each function, by its code: to add one to the template, add it here too.
GRANTS = {
    "send": {
        ("dynamodb:GetItem", "AccountsTable"),
        ("dynamodb:Query", "AccountsTable"),
        ("dynamodb:PartiQLInsert", "MessagesTable"),
        ("dynamodb:BatchGetItem", "MessagesTable"),
        ("dynamodb:UpdateItem", "MessagesTable"),
        ("dynamodb:PartiQLInsert", "DueTable"),
        ("sqs:SendMessage", "SubmitQueue"),
        ("sqs:SendMessage", "SubmitPriorityQueue"),
        ("secretsmanager:GetSecretValue", "PepperSecret"),
        ("secretsmanager:GetSecretValue", "LinkSecret"),
    },
    "manage": {
        ("dynamodb:GetItem", "AccountsTable"),
        ("dynamodb:BatchGetItem", "AccountsTable"),
        ("dynamodb:Query", "AccountsTable"),
        ("dynamodb:PutItem", "AccountsTable"),
        ("dynamodb:UpdateItem", "AccountsTable"),
        ("dynamodb:DeleteItem", "AccountsTable"),
        ("dynamodb:BatchWriteItem", "AccountsTable"),
        ("dynamodb:GetItem", "MessagesTable"),
        ("dynamodb:BatchGetItem", "MessagesTable"),
        ("dynamodb:Query", "MessagesTable"),
        ("dynamodb:PartiQLInsert", "MessagesTable"),
        ("dynamodb:BatchWriteItem", "MessagesTable"),
        ("dynamodb:UpdateItem", "MessagesTable"),
        ("dynamodb:GetItem", "ActivityTable"),
        ("dynamodb:BatchGetItem", "ActivityTable"),
        ("dynamodb:Query", "ActivityTable"),
        ("dynamodb:UpdateItem", "ActivityTable"),
        ("dynamodb:PutItem", "ActivityTable"),
        ("s3:GetObject", "FilesBucket/exports/*"),
        ("sqs:SendMessage", "ReceiptQueue"),
        ("sqs:SendMessage", "CallbackQueue"),
        ("sqs:SendMessage", "ExportQueue"),
        ("secretsmanager:GetSecretValue", "PepperSecret"),
        ("kms:Encrypt", "SecretsKey"),
        ("kms:Decrypt", "SecretsKey"),
    },
    "submit": {
        *((action, "SubmitQueue") for action in RECEIVE),
        *((action, "SubmitPriorityQueue") for action in RECEIVE),
        ("dynamodb:GetItem", "AccountsTable"),
        ("dynamodb:BatchGetItem", "AccountsTable"),
        ("dynamodb:GetItem", "MessagesTable"),
        ("dynamodb:BatchGetItem", "MessagesTable"),
        ("dynamodb:Query", "MessagesTable"),
        ("dynamodb:PartiQLInsert", "MessagesTable"),
        ("dynamodb:UpdateItem", "MessagesTable"),
        ("dynamodb:BatchWriteItem", "MessagesTable"),
        ("dynamodb:PartiQLInsert", "DueTable"),
        ("sqs:SendMessage", "SubmitQueue"),
        ("sqs:SendMessage", "SubmitPriorityQueue"),
        ("sqs:SendMessage", "ReceiptQueue"),
        ("kms:Encrypt", "SecretsKey"),
        ("sqs:SendMessage", "CallbackQueue"),
        ("kms:Decrypt", "SecretsKey"),
        ("secretsmanager:GetSecretValue", "TagSecret"),
    },
    "receipt": {
        ("dynamodb:GetItem", "AccountsTable"),
        ("sqs:SendMessage", "ReceiptQueue"),
        ("kms:Decrypt", "SecretsKey"),
        ("secretsmanager:GetSecretValue", "TagSecret"),
    },
    "link": {
        ("dynamodb:BatchGetItem", "MessagesTable"),
        ("sqs:SendMessage", "CallbackQueue"),
        ("secretsmanager:GetSecretValue", "LinkSecret"),
    },
    "inbound": {
        ("dynamodb:GetItem", "AccountsTable"),
        ("dynamodb:BatchGetItem", "AccountsTable"),
        ("dynamodb:Query", "AccountsTable"),
        ("dynamodb:UpdateItem", "AccountsTable"),
        ("dynamodb:GetItem", "MessagesTable"),
        ("dynamodb:BatchGetItem", "MessagesTable"),
        ("dynamodb:PartiQLInsert", "MessagesTable"),
        ("dynamodb:BatchWriteItem", "MessagesTable"),
        ("sqs:SendMessage", "CallbackQueue"),
        ("sqs:SendMessage", "SubmitQueue"),
        ("sqs:SendMessage", "SubmitPriorityQueue"),
        ("secretsmanager:GetSecretValue", "TagSecret"),
        ("kms:Decrypt", "SecretsKey"),
    },
    "dlr": {
        *((action, queue) for queue in ("ReceiptQueue", "CallbackQueue") for action in RECEIVE),
        ("dynamodb:GetItem", "MessagesTable"),
        ("dynamodb:BatchGetItem", "MessagesTable"),
        ("dynamodb:Query", "MessagesTable"),
        ("dynamodb:PartiQLInsert", "MessagesTable"),
        ("dynamodb:PartiQLInsert", "DueTable"),
        *(("sqs:SendMessage", queue) for queue in MESSAGE_QUEUES),
        ("dynamodb:UpdateItem", "MessagesTable"),
        ("dynamodb:GetItem", "AccountsTable"),
        ("dynamodb:Query", "AccountsTable"),
        ("dynamodb:UpdateItem", "AccountsTable"),
        ("kms:Decrypt", "SecretsKey"),
    },
    "activity": {
        ("dynamodb:DescribeStream", "MessagesTable"),
        ("dynamodb:GetRecords", "MessagesTable"),
        ("dynamodb:GetShardIterator", "MessagesTable"),
        ("dynamodb:ListStreams", "MessagesTable"),
        ("dynamodb:GetItem", "ActivityTable"),
        ("dynamodb:BatchGetItem", "ActivityTable"),
        ("dynamodb:Query", "ActivityTable"),
        ("dynamodb:UpdateItem", "ActivityTable"),
        ("dynamodb:PutItem", "ActivityTable"),
        ("sqs:SendMessage", "ActivityFailures"),
        ("secretsmanager:GetSecretValue", "PepperSecret"),
    },
    "files": {
        *((action, "ExportQueue") for action in RECEIVE),
        ("sqs:SendMessage", "ExportQueue"),
        ("dynamodb:BatchGetItem", "MessagesTable"),
        ("dynamodb:Query", "MessagesTable"),
        ("dynamodb:GetItem", "ActivityTable"),
        ("dynamodb:BatchGetItem", "ActivityTable"),
        ("dynamodb:Query", "ActivityTable"),
        ("dynamodb:UpdateItem", "ActivityTable"),
        ("dynamodb:DescribeStream", "MessagesTable"),
        ("dynamodb:GetRecords", "MessagesTable"),
        ("dynamodb:GetShardIterator", "MessagesTable"),
        ("dynamodb:ListStreams", "MessagesTable"),
        ("sqs:SendMessage", "ActivityFailures"),
        ("s3:PutObject", "FilesBucket/events/*"),
        ("s3:PutObject", "FilesBucket/exports/*"),
        ("s3:GetObject", "FilesBucket/exports/*"),
        ("secretsmanager:GetSecretValue", "PepperSecret"),
    },
    "fallback": set(),
    "sweep": {
        ("dynamodb:Query", "DueTable"),
        ("dynamodb:GetItem", "DueTable"),
        ("dynamodb:UpdateItem", "DueTable"),
        ("dynamodb:PartiQLInsert", "DueTable"),
        *(("sqs:SendMessage", queue) for queue in MESSAGE_QUEUES),
    },
}

# It runs the services of both, and lists all accounts for operators.
_DEAD_LETTERS = [f"{name.removesuffix('Queue')}DeadLetters" for name in WORK_QUEUES]
_REDRIVE = (
    *("sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:DeleteMessage"),
    *("sqs:StartMessageMoveTask", "sqs:ListMessageMoveTasks", "sqs:CancelMessageMoveTask"),
)
GRANTS["console"] = (
    GRANTS["manage"]
    | GRANTS["send"]
    | {("dynamodb:Scan", "AccountsTable")}
    | {("sqs:GetQueueAttributes", queue) for queue in (*WORK_QUEUES, "ActivityFailures")}
    | {("sqs:ReceiveMessage", "ActivityFailures")}
    | {(action, queue) for action in _REDRIVE for queue in _DEAD_LETTERS}
)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_do_what_it_needs_and_nothing_else(function: str) -> None:
    name = service(function).title()
    log = {("logs:CreateLogStream", f"{name}Log"), ("logs:PutLogEvents", f"{name}Log")}
    assert grants(function) == GRANTS[service(function)] | log
    properties = functions()[function]
    assert properties["Role"] == {"Fn::GetAtt": [f"{name}Role", "Arn"]}
    assert "Policies" not in properties
