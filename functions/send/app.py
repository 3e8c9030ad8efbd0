"""The routes that take messages, each in its own format. A message's path begins here.

Next: `harkara.accept.service`, which enqueues for functions/submit.
"""

from collections.abc import Callable, Sequence
from functools import partial
from urllib.parse import parse_qsl

from aws_lambda_powertools.event_handler import Response

from harkara.accept.formats import clevertap_rcs, ics, native, options, shapes, supabase, webengage
from harkara.accept.formats.refusals import REFUSALS
from harkara.accept.idempotency import Answer
from harkara.accept.requests import IdSource, RecordResult, SendRequest
from harkara.accept.service import NothingAccepted, accepted_event
from harkara.api.authentication import CallerRefused, Fields, Opened
from harkara.api.description import FORM, IN_BODY, IN_QUERY, JSON, SENDING, SIGNED, Health, about
from harkara.api.request import Request
from harkara.api.resolver import Shape, answer, failure_answers, ok, one_shape, refusal
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.model.accounts import Caller, Scope
from harkara.runtime import metrics
from harkara.runtime.snapshot import built_early
from harkara.wiring.api import new_api
from harkara.wiring.send import on_aws

Render = Callable[[SendRequest, Sequence[RecordResult]], bytes]


def note(refused: RequestRefused) -> None:
    """Record a request that was refused before its records were checked, of a known caller."""
    known = refused.caller if isinstance(refused, CallerRefused) else api.context.get("caller")
    if known:
        services().refused.add(known, refused)


api = new_api(failed=failure_answers(REFUSALS, note))
services = built_early(on_aws)
sending = partial(about, "Send", scope=Scope.SEND)


@api.post(
    "/datasend",
    **sending(
        {200: ics.IcsAnswer | ics.IcsSingleAnswer},
        *(*SENDING, Code.TOO_MANY_RECORDS),
        security=IN_BODY,
        body={JSON: shapes.IcsBatch | shapes.IcsSingle, FORM: shapes.IcsBatch | shapes.IcsSingle},
    ),
)
def datasend() -> Response[str]:
    """Send messages, in ICS Mobile's format.

    Up to 1,000 records, or one message flat in the object or form. An option at the top is for all
    records; a record's own option overrides it. Fields that are not named here are ignored. A
    refused record does not keep the others back.
    """
    client = api.client_request
    api.refuse_dry_run()
    opened = partial(ics.opened, client.body, client.content_type)
    caller, fields = admitted(client, opened)
    return accept(client, caller, ics.request_in(fields), ics.answer)


smpp_sending = partial(sending, {200: ics.IcsSingleAnswer}, *SENDING, links="/mid")


@api.get("/smpp", **smpp_sending(security=IN_QUERY, query=shapes.SmppMessage))
@api.post(
    "/smpp",
    **smpp_sending(
        security=[*IN_QUERY, {}], body={FORM: shapes.SmppMessage, JSON: shapes.SmppMessage}
    ),
)
def smpp() -> Response[str]:
    """Send one message, in the format of ICS Mobile's one-message API.

    Fields stand in the query, in a form or in JSON; those of the body override the query's. POST
    is better: a query stands in more logs than a body does.
    """
    client = api.client_request
    opened = partial(ics.opened_smpp, client.query_string, client.body, client.content_type)
    caller, fields = admitted(client, opened)
    return accept(client, caller, ics.smpp_request_in(fields), ics.answer)


@api.post(
    "/webengage",
    **sending(
        {200: webengage.WebEngageAccepted},
        *(Code.UNSUPPORTED_VERSION, *SENDING),
        body=webengage.WebEngageMessage,
    ),
)
def private_ssp() -> Response[str]:
    """Send one message, in WebEngage's private SSP format.

    Answers, codes and statuses are WebEngage's own.
    """
    client = api.client_request
    api.refuse_dry_run()
    caller, _ = admitted(client)
    request = webengage.parse(client.body)
    return accept(client, caller, request, lambda *_: webengage.ACCEPTED, webengage.refusal)


@api.post(
    "/rcs/clevertap",
    **sending(
        {200: ics.IcsSingleAnswer}, *SENDING, body=clevertap_rcs.CleverTapMessage, links="/mid"
    ),
)
def clevertap_rcs_message() -> Response[str]:
    """Send one message by RCS, with its SMS, in the format of CleverTap's Generic RCS API.

    It goes by RCS where the account's route says so. Of RCS contents only `TEXT` is taken; the SMS
    is held to DLT as any other.
    """
    client = api.client_request
    api.refuse_dry_run()
    caller, _ = admitted(client)
    return accept(client, caller, clevertap_rcs.parse(client.body), ics.answer)


@api.post(
    "/hooks/supabase",
    **sending(
        {200: supabase.SupabaseAccepted},
        *(code for code in SENDING if code is not Code.IDEMPOTENCY_CONFLICT),
        security=SIGNED,
        body=supabase.SupabaseHook,
        query=supabase.SupabaseQuery,
    ),
)
def supabase_hook() -> Response[str]:
    """Send an OTP for Supabase's "Send SMS Hook".

    The hook's URL names the credential, the header and the text. A refused OTP is answered with 200
    and an error in Supabase's shape, whose message its client gets. The same request is served
    once, as with an `Idempotency-Key`.
    """
    client = api.client_request
    query = dict(parse_qsl(client.query_string))
    authenticator = services().authenticator
    caller = authenticator.authenticate_signed(query.get("user", ""), client, Scope.SEND)
    api.context["caller"] = caller
    request = supabase.parse(client.body, query)
    key = supabase.key_of(client.query_string, client.body)
    return accept(client, caller, request, lambda *_: supabase.ACCEPTED, supabase.refusal, key)


@api.post(
    "/v1/messages",
    **sending(
        {200: native.SentSingle | native.SentMessages},
        *(*SENDING, Code.TOO_MANY_RECORDS),
        body=shapes.NewMessages | shapes.NewMessage,
        query=shapes.DryRunQuery,
        links="/messages/0/mid",
    ),
)
def send_messages() -> Response[str]:
    """Send messages, or try them out.

    Up to 1,000 messages, or one flat in the object. With `dry_run=true` nothing is sent: the answer
    says of each message how it would go out, what it would cost and what would refuse it.
    """
    client = api.client_request
    caller, _ = admitted(client)
    request = native.parse(client.body)
    if options.is_dry_run(client.query):
        api.context.pop("caller")  # its refusals are no refused requests
        results = services().accept.dry_run(caller, request)
        return answer(200, native.answer(caller.account, request, results, dry_run=True))

    def shape(refused: RequestRefused) -> tuple[int, bytes]:
        if isinstance(refused, NothingAccepted):
            return native.refusal(caller.account, request, refused.results, refused)
        return one_shape(refused)

    return accept(client, caller, request, partial(native.answer, caller.account), shape)


@api.get("/health", **about("Description", {200: Health}))
def health() -> Response[str]:
    """Ask whether the gateway answers. Neither database nor queue is asked."""
    return ok({"status": True})


def admitted(client: Request, opened: Opened | None = None) -> tuple[Caller, Fields]:
    """Return the caller, and the fields of a body that may hold the credentials."""
    caller, fields = services().authenticator.admit(client, Scope.SEND, opened)
    api.context["caller"] = caller
    return caller, fields


def accept(
    client: Request,
    caller: Caller,
    request: SendRequest,
    render: Render,
    shape: Shape = one_shape,
    key: str | None = None,
) -> Response[str]:
    """Accept valid messages and return the answer, or the first answer of a repeated request.

    `key` takes the place of the header Idempotency-Key.
    """
    on, key = services(), key or client.headers.get("idempotency-key")

    def produce(names: IdSource | None) -> Answer:
        try:
            results = on.accept.accept(caller, request, names)
        except RequestRefused as refused:
            on.refused.add(caller, refused, request)
            return Answer(*refusal(refused, shape), accepts=False)
        metrics.write(accepted_event(caller.account, client.id, request, results))
        return Answer(200, render(request, results))

    if key is None:
        answered = produce(None)
    else:
        line = f"{client.method} {client.path} {client.query_string}\n"
        until_s = on.idempotency.clock() + api.deadline.remaining_s()
        answered = on.idempotency.once(
            caller, key, line.encode() + client.body, int(until_s * 1000), produce
        )
    if on.refused.waiting:
        on.refused.store()
    return answer(answered.status, answered.body, answered.headers)


handler = api.resolve
