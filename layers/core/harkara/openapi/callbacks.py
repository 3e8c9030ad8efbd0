"""The routes that only registered callbacks have: their signing secrets, and a look at them."""

from harkara.callback_fields import DAY_S, OVERLAP_LIMIT_S
from harkara.codes import Code
from harkara.openapi.answers import BODY, ok, refusals
from harkara.openapi.managing import ACCESS, guarded
from harkara.openapi.shapes import Schema, closed, content, nullable, ref, text, whole

ID: Schema = {
    "name": "name",
    "in": "path",
    "required": True,
    "description": "The callback's id.",
    "schema": {"type": "string", "minLength": 1},
    "example": "clevertap-main",
}

PATHS: Schema = {
    "/v1/callbacks/{name}/secret": {
        "parameters": [ID],
        "post": guarded(
            "renewCallbackSecret",
            "Make another signing secret",
            "admin",
            description="Posts are signed as Standard Webhooks has it: with this secret, and until"
            " it ends with the one before it, too. A callback has two at the most.",
            requestBody={
                "content": content(ref("RenewSecret"), example={"overlap_s": DAY_S}),
            },
            responses={
                **ok("The secret, this once.", content(ref("SigningSecret")), 201),
                **refusals((*BODY, Code.NOT_FOUND, *ACCESS)),
            },
        ),
    },
    "/v1/callbacks/{name}/test": {
        "parameters": [ID],
        "post": guarded(
            "testCallback",
            "Post a sample",
            "admin",
            description="The end of a message that is called `test` in every field that names one.",
            responses={
                **ok("What came back, whatever it was.", content(ref("CallbackTried"))),
                **refusals((Code.NOT_FOUND, *ACCESS)),
            },
        ),
    },
}

SCHEMAS: Schema = {
    "RenewSecret": closed(
        {
            "overlap_s": nullable(
                whole(
                    "How long the present secret stays valid.",
                    minimum=0,
                    maximum=OVERLAP_LIMIT_S,
                    default=DAY_S,
                )
            )
        },
        ("overlap_s",),
    ),
    "SigningSecret": closed(
        {
            "secret": text("What the receiver checks with.", pattern="^whsec_[A-Za-z0-9+/]{43}=$"),
            "overlap_s": whole("How long the one before it stays valid.", minimum=0),
        }
    ),
    "CallbackTried": closed(
        {
            "status": whole("The HTTP status; 0: there was no answer.", minimum=0, maximum=999),
            "reason": text("What became of it, in a few words."),
            "duration_ms": whole("How long it took.", minimum=0),
            "answer": text("How the answer's body begins."),
        }
    ),
}
