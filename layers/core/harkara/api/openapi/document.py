"""Assemble the OpenAPI 3.1 document that is served at /openapi.json."""

from functools import cache

from harkara.api.openapi import (
    callbacks,
    linking,
    managing,
    requests,
    results,
    sending,
    suppressing,
)
from harkara.api.openapi.answers import HEADERS
from harkara.api.openapi.shapes import Schema, content, ref
from harkara.base.codes import MEANINGS

_TAGS = ("Send", "Messages", "Account", "Carriers", "Links", "Description")
_DESCRIPTION = """\
Send SMS, and hear what became of them.

What is refused is answered with a code that never changes, and what to do about it: \
`{"status": false, "Error": "<code>", "message": "<what to do>"}`. Of several messages some may be \
refused and others accepted: the answer is 200 then, and says so of each. Once a request is \
accepted, its messages end in a final state each, which is told in a callback.

A credential is shown as Basic, as Bearer, as `X-Api-Key`, or in the body of ICS Mobile's formats; \
the first of these that is there counts. Authentication comes before everything else but the form \
of a body that may hold it.

An address that is none is answered 404, another method 405 with `Allow`. API Gateway answers by \
itself, in its own shape (`{"message": "..."}`), what is larger than Lambda takes (about 6 MB) and \
what is not served within 30 seconds."""


@cache
def document() -> Schema:
    """Return the document. Every call returns the same object, which must not be changed."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Harkara",
            "version": "1",
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in _TAGS],
        "paths": {
            **sending.PATHS,
            **managing.PATHS,
            **callbacks.PATHS,
            **suppressing.PATHS,
            **linking.PATHS,
        },
        "webhooks": {"delivery": {"post": _delivery()}},
        "components": {
            "schemas": {
                **requests.SCHEMAS,
                **results.SCHEMAS,
                **managing.SCHEMAS,
                **callbacks.SCHEMAS,
                **suppressing.SCHEMAS,
            },
            "headers": HEADERS,
            "parameters": {"IdempotencyKey": _IDEMPOTENCY_KEY},
            "securitySchemes": _SECURITY,
        },
        "x-codes": {code.value: meaning._asdict() for code, meaning in MEANINGS.items()},
    }


def _delivery() -> Schema:
    return {
        "operationId": "delivery",
        "summary": "What became of messages, in CleverTap's format",
        "description": "Posted to the callback URL of each message: its own, or the request's, the"
        " credential's, the sender's, the account's. It is tried again for 27 hours until it is"
        " answered with 2xx or 410, or three times with 4xx (but 404, 405, 408, 425 and 429);"
        " the header `webhook-id` is the same at each attempt.",
        "requestBody": {"required": True, "content": content(ref("CleverTapCallback"))},
        "responses": {"200": {"description": "It has arrived."}},
    }


_IDEMPOTENCY_KEY: Schema = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "1 to 255 printable ASCII characters. The same request under the same key is"
    " served once, for at least 24 hours: a repeat gets the first answer. Another request under the"
    " key is refused with IDEMPOTENCY_CONFLICT.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": 255,
        "pattern": "^[!-~]([ -~]*[!-~])?$",
    },
}
_SECURITY: Schema = {
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "User name and secret; or an API key in place of both.",
    },
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key: `<user name>.<secret>`; or the secret alone, where the body"
        " names the user.",
    },
    "apiKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Api-Key",
        "description": "An API key: `<user name>.<secret>`.",
    },
    "queryUser": {"type": "apiKey", "in": "query", "name": "username"},
    "queryPassword": {"type": "apiKey", "in": "query", "name": "password"},
}
