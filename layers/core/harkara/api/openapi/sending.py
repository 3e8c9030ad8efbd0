"""Describe the routes that take messages."""

from typing import Any

from harkara.api.openapi.answers import SENDING, links, ok, refusals, webengage_refusals
from harkara.api.openapi.requests import SMPP_FIELDS
from harkara.api.openapi.shapes import FORM, Schema, content, ref
from harkara.base.codes import Code

HEADER_SECURITY: list[Schema] = [{"basic": []}, {"bearer": []}, {"apiKey": []}]
# User name and secret may be in the body; then no header is needed.
BODY_SECURITY: list[Schema] = [*HEADER_SECURITY, {}]
_QUERY_SECURITY: list[Schema] = [*HEADER_SECURITY, {"queryUser": [], "queryPassword": []}]

_KEY: Schema = {"$ref": "#/components/parameters/IdempotencyKey"}
_DRY_RUN: Schema = {
    "name": "dry_run",
    "in": "query",
    "description": "Whether to say only what would become of the messages.",
    "schema": {"type": "string", "enum": ["true", "false", "1", "0"], "default": "false"},
}
_RECORD: Schema = {
    "to": "919876543210",
    "from": "ACMEBK",
    "smstext": "Your order 4711 is on its way.",
    "smsgid": "order-4711",
    "templateid": "1107161234567890001",
}
_SMPP: Schema = {
    "to": "919876543210",
    "from": "ACMEBK",
    "text": "Your order 4711 is on its way.",
    "smsmsgid": "order-4711",
}
_MESSAGE: Schema = {
    "to": "919876543210",
    "from": "ACMEBK",
    "template_id": "1107161234567890001",
    "variables": ["4711"],
    "client_ref": "order-4711",
}
_WEBENGAGE: Schema = {
    "version": "2.0",
    "smsData": {
        "toNumber": "919876543210",
        "fromNumber": "ACMEBK",
        "body": "Your order 4711 is on its way.",
    },
    "metadata": {
        "campaignType": "TRANSACTIONAL",
        "timestamp": "2026-01-25T10:24:16+0000",
        "messageId": "order-4711",
        "indiaDLT": {"contentTemplateId": "1107161234567890001"},
    },
}


def _operation(name: str, summary: str, description: str, **more: Any) -> Schema:
    return {
        "operationId": name,
        "tags": ["Send"],
        "summary": summary,
        "description": description,
        **more,
    }


def _body(*contents: Schema) -> Schema:
    return {"required": True, "content": dict(pair for each in contents for pair in each.items())}


def _to(pointer: str) -> Schema:
    return links("mid", pointer, "readMessage", "cancelMessage")


def _examples(**values: Any) -> Schema:
    return {"examples": {name: {"value": value} for name, value in values.items()}}


def _webengage_answers() -> Schema:
    """Return WebEngage's answers: some refusals have status 200 as well."""
    answers = webengage_refusals((Code.UNSUPPORTED_VERSION, *SENDING))
    refused = answers["200"]
    rejected = refused["content"]["application/json"]["schema"]
    both = {"anyOf": [ref("WebEngageAccepted"), rejected]}
    description = f"The message was accepted; or refused for good.\n{refused['description']}"
    return {**answers, **ok(description, content(both))}


_ONE_OR_MANY = {"anyOf": [ref("IcsAnswer"), ref("IcsSingleAnswer")]}
_SMPP_ANSWERS = {
    **ok("The message was accepted.", content(ref("IcsSingleAnswer")), links=_to("/mid")),
    **refusals(SENDING),
}

PATHS: Schema = {
    "/datasend": {
        "post": _operation(
            "datasend",
            "Send messages, in ICS Mobile's format",
            "Up to 1,000 records, or one message flat in the object or form. An option at the top"
            " stands for all records; a record's own goes before it. Fields that are not named"
            " here are ignored. A record that is refused does not keep the others back.",
            security=BODY_SECURITY,
            parameters=[_KEY],
            requestBody=_body(
                content(
                    {"anyOf": [ref("IcsBatch"), ref("IcsSingle")]},
                    **_examples(
                        batch={"user": "acme", "pass": "secret", "smstosend": [_RECORD]},
                        single={"user": "acme", "pass": "secret", **_RECORD},
                    ),
                ),
                content(ref("IcsForm"), FORM, **_examples(form=_RECORD)),
            ),
            responses={
                **ok("Some message, or all, were accepted.", content(_ONE_OR_MANY)),
                **refusals((*SENDING, Code.TOO_MANY_RECORDS)),
            },
        )
    },
    "/smpp": {
        "get": _operation(
            "smppGet",
            "Send one message by query",
            "ICS Mobile's one-message API. A query stands in more logs than a body does: POST is"
            " better.",
            security=_QUERY_SECURITY,
            parameters=[
                _KEY,
                *(
                    {
                        "name": name,
                        "in": "query",
                        "description": schema["description"],
                        "schema": {"type": "string"},
                    }
                    for name, schema in SMPP_FIELDS.items()
                ),
            ],
            responses=_SMPP_ANSWERS,
        ),
        "post": _operation(
            "smppPost",
            "Send one message by form or JSON",
            "ICS Mobile's one-message API. Fields may stand in the query too; the body's go first.",
            security=[*_QUERY_SECURITY, {}],
            parameters=[_KEY],
            requestBody=_body(
                content(ref("SmppForm"), FORM, **_examples(form=_SMPP)),
                content(ref("SmppMessage"), **_examples(message=_SMPP)),
            ),
            responses=_SMPP_ANSWERS,
        ),
    },
    "/webengage": {
        "post": _operation(
            "webengage",
            "Send one message, in WebEngage's private SSP format",
            "Answers, codes and statuses are WebEngage's own.",
            security=HEADER_SECURITY,
            parameters=[_KEY],
            requestBody=_body(content(ref("WebEngageMessage"), **_examples(message=_WEBENGAGE))),
            responses=_webengage_answers(),
        )
    },
    "/v1/messages": {
        "post": _operation(
            "sendMessages",
            "Send messages, or try them out",
            "Up to 1,000 messages, or one flat in the object. With `dry_run=true` nothing is sent:"
            " the answer says of each message how it would go out, what it would cost and what"
            " would refuse it.",
            security=HEADER_SECURITY,
            parameters=[_KEY, _DRY_RUN],
            requestBody=_body(
                content(
                    {"anyOf": [ref("NewMessages"), ref("NewMessage")]},
                    **_examples(many={"messages": [_MESSAGE]}, one=_MESSAGE),
                )
            ),
            responses={
                **ok(
                    "Some message, or all, were accepted; or a dry run.",
                    content({"anyOf": [ref("SentMessages"), ref("SentSingle")]}),
                    links=_to("/messages/0/mid"),
                ),
                **refusals((*SENDING, Code.TOO_MANY_RECORDS)),
            },
        )
    },
    "/health": {
        "get": _operation(
            "health",
            "Whether the gateway answers",
            "Asks neither database nor queue.",
            security=[],
            responses=ok("It does.", content(ref("Health"))),
        )
    },
}
