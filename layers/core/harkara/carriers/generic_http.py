"""Kind `http`: any other provider, described by configuration alone (see `http_options`).

Submit: one message a request, or several as records, their values filled into URL, query, headers,
and a form, JSON or XML. The answer is JSON, XML, a form, or text split into an array; the options
name the id, the status and the error in it. A provider may want a token, which a login gets.
Receipts are JSON, XML, a form or a query, with one or more entries.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from hashlib import blake2b
from typing import Any

from harkara.base.codes import Code
from harkara.base.errors import (
    ExchangeError,
    ExchangeUnreachable,
    HttpAnswer,
    Outside,
    RequestRefused,
    StoreUnavailable,
    Token,
    TokenUnavailable,
)
from harkara.base.ids import ReferenceSigner
from harkara.base.json import encode, text_of
from harkara.carriers.base import Request, RequestingCarrier
from harkara.carriers.contract import NotTaken, Outcome, Refused, Revocation, Submission
from harkara.carriers.documents import document_of
from harkara.carriers.filling import Values, misplaced, values_of
from harkara.carriers.http_exchange_options import LoginOptions
from harkara.carriers.http_exchanges import (
    array_of,
    at,
    cut,
    is_token_refused,
    login_request,
    outcome_of,
    outcomes_of,
    revoke_request,
    submit_request,
    token_of,
)
from harkara.carriers.http_options import HttpOptions, ReceiptOptions, normal_id
from harkara.carriers.http_placeholders import placeholders_of
from harkara.carriers.receipts import (
    CARRIER_CODE_LIMIT,
    ReceiptRequest,
    ReceivedMessages,
    ReceivedReceipts,
    Report,
    by_rcs,
    collect,
    inbound,
)
from harkara.carriers.settings import CarrierSecrets, CarrierSettings
from harkara.carriers.signatures import challenge
from harkara.carriers.times import time_of
from harkara.model.messages import State
from harkara.model.rcs import Channel

# Added to the states of the options; the failures are in the options too. The leading blank keeps
# it apart from states in receipts, which are stripped.
_PART_DELIVERED = " a part of it was delivered"
STATES: Mapping[str, State | None] = {_PART_DELIVERED: None}


class ConfiguredCarrier(RequestingCarrier):
    """Submits to a provider as its options describe.

    A message is refused without a request if a value would change the structure of the URL's path,
    or if the provider takes only its own templates and the message matches none. A token has half
    of the request's time to be there, and so has another one for a refused one.
    """

    def __init__(
        self, settings: CarrierSettings, secrets: CarrierSecrets, outside: Outside
    ) -> None:
        super().__init__(settings, secrets, outside)
        self._options = _options(settings)
        self._by_rcs = settings.channel is Channel.RCS
        self._tokens = outside.tokens
        # A token is of these credentials and this login.
        version = [settings.username, settings.secret.hex(), str(self._options.login)]
        self._version = blake2b(encode(version), digest_size=8).hexdigest()

    def _parts(self, submissions: Sequence[Submission]) -> list[list[int]]:
        if self._options.record is None:
            return super()._parts(submissions)
        names = sorted(self._options.shared_placeholders | placeholders_of(self._settings.url))
        groups: dict[object, list[int]] = {}
        for index, submission in enumerate(submissions):
            try:
                values = self._values(submission)
                key: object = tuple(values.get(name) for name in names)
            except RequestRefused:
                key = None
            groups.setdefault(key, []).append(index)
        size = self._settings.records_per_request
        return [
            group[at : at + size] for group in groups.values() for at in range(0, len(group), size)
        ]

    async def _exchanged(
        self, submissions: Sequence[Submission], timeout_s: float
    ) -> list[Outcome]:
        refusals = [self._refusal(each) for each in submissions]
        pairs = zip(submissions, refusals, strict=True)
        sendable = [submission for submission, refusal in pairs if refusal is None]
        try:
            sent = iter(await super()._exchanged(sendable, timeout_s) if sendable else ())
        except StoreUnavailable:  # of its token, before anything was sent
            sent = iter([NotTaken()] * len(sendable))
        return [refusal or next(sent) for refusal in refusals]

    async def revoke(self, submission: Submission, within_s: float) -> Revocation:
        """Revoke a message, if the provider has a request for it."""
        options = self._options.revoke
        if options is None:
            return Revocation.KEPT
        timeout_s = min(self._settings.timeout_s, within_s / 2)
        try:
            values = self._values(submission)
            async with asyncio.timeout(timeout_s), self._turns:
                answer = await self._asked(partial(revoke_request, options, values), timeout_s)
        except (ExchangeError, RequestRefused, StoreUnavailable, TimeoutError):
            return Revocation.UNKNOWN
        if answer.status in options.revoked:
            return Revocation.REVOKED
        return Revocation.KEPT if answer.status in options.kept else Revocation.UNKNOWN

    async def _answer(self, submissions: Sequence[Submission], timeout_s: float) -> HttpAnswer:
        return await self._asked(partial(self._request, submissions), timeout_s)

    async def _asked(self, request: Callable[[str], Request], timeout_s: float) -> HttpAnswer:
        """Send the request that is made of a token ("" without a login), and return the answer."""
        login = self._options.login
        if login is None:
            return await self._exchange(*request(""), timeout_s)
        clock = asyncio.get_running_loop().time
        until_s, token = clock() + timeout_s, ""
        for _ in range(2):
            within_s = (until_s - clock()) / 2
            log_in = partial(self._log_in, login, within_s)
            try:
                token = await self._tokens(
                    self._settings.name, self._version, log_in, token, within_s
                )
            except TokenUnavailable as error:
                raise ExchangeUnreachable(str(error)) from error
            answer = await self._exchange(*request(token), until_s - clock())
            if not is_token_refused(answer, self._options.answer, login):
                return answer
        raise ExchangeUnreachable("the token is refused")

    async def _log_in(
        self, login: LoginOptions, timeout_s: float, previous: str, now_s: float
    ) -> Token:
        """Get a new token. Raises TokenUnavailable."""
        request = login_request(login, self._settings.username, self._secrets, previous, now_s)
        try:
            answer = await self._exchange(*request, timeout_s)
        except ExchangeError as error:
            raise TokenUnavailable(f"the login got no answer: {error}") from None
        return token_of(answer, login, now_s)

    def _refusal(self, submission: Submission) -> Refused | None:
        """Return why a message cannot be submitted, None if it can."""
        try:
            values = self._values(submission)
        except RequestRefused as refused:
            return Refused(refused.code, "")
        if names := misplaced(self._settings.url, values):
            code = Code.INVALID_HEADER if "from" in names else Code.REFUSED_BY_CARRIER
            return Refused(code, f"not for a URL: {', '.join(names)}"[:CARRIER_CODE_LIMIT])
        return None

    def _values(self, submission: Submission) -> Values:
        rcs = None
        if self._by_rcs and (rcs := submission.message.rcs) is None:
            raise RequestRefused(Code.EMPTY_TEXT)
        return values_of(submission, self._settings.username, self._secrets, self._options, rcs)

    def _request(self, submissions: Sequence[Submission], token: str = "") -> Request:
        messages = [self._values(each) for each in submissions]
        return submit_request(self._options, self._settings.url, messages, token)

    def _outcomes(
        self, answer: HttpAnswer, by_status: Outcome | None, submissions: Sequence[Submission]
    ) -> list[Outcome]:
        options = self._options.answer
        failures = {**options.failures, **self._settings.failures}
        if self._by_rcs and answer.status == 404:  # RCS does not reach the phone
            return [Refused(Code.UNKNOWN_SUBSCRIBER, "404")] * len(submissions)
        if self._options.record is None:
            return [outcome_of(answer, by_status, options, failures)]
        references = [each.reference for each in submissions]
        return outcomes_of(answer, by_status, options, failures, references)


def parse_receipts(
    request: ReceiptRequest, settings: CarrierSettings, signer: ReferenceSigner
) -> ReceivedReceipts:
    """Return the receipts of a request, or what its answer repeats to confirm the URL.

    Raises RequestRefused(INVALID_RECEIPT).
    """
    if settings.receipt_signature == "google" and (secret := challenge(request)):
        return ReceivedReceipts([], echo=secret)
    options = _options(settings).receipts
    entries = _entries(request, options.entries, options.nested)
    reports = [_report(entry, options, settings) for entry in entries]
    kept = [each for each in reports if not options.mixed or _is_of_a_message(each)]
    failures = {**options.failures, **settings.failures}
    received = collect(kept, {**options.states, **STATES}, failures, signer)
    left_out = received.intermediate_count + len(reports) - len(kept)
    received = received._replace(intermediate_count=left_out)
    return by_rcs(received) if settings.channel is Channel.RCS else received


def parse_inbound(request: ReceiptRequest, settings: CarrierSettings) -> ReceivedMessages:
    """Return the inbound messages of a request. Raises RequestRefused(INVALID_RECEIPT)."""
    options = _options(settings).inbound
    if options is None:
        raise RequestRefused(Code.INVALID_RECEIPT, "This carrier brings no inbound messages.")
    pointers = (options.sender, options.receiver, options.text, options.time, options.id)
    return inbound(
        _entries(request, options.entries),
        lambda entry, pointer: at(entry, pointer) if pointer else None,
        pointers,
        lambda text: time_of(text, options.utc_offset_minutes, options.time_format),
    )


def answer(received: ReceivedReceipts, settings: CarrierSettings) -> HttpAnswer:
    """Return the answer that the provider expects, by the options."""
    if received.echo:
        return HttpAnswer(200, {"content-type": "text/plain"}, received.echo.encode())
    options = _options(settings).receipts
    return HttpAnswer(
        options.answer_status, {"content-type": options.answer_type}, options.answer.encode()
    )


def _options(settings: CarrierSettings) -> HttpOptions:
    if settings.http is None:
        raise TypeError("settings of another kind")
    return settings.http


def _report(entry: Any, options: ReceiptOptions, settings: CarrierSettings) -> Report | None:
    def read(pointer: str) -> str:
        return text_of(at(entry, pointer)) if pointer else ""

    carrier_id = segment = ""
    if options.counts_segments or not settings.echoes_reference:
        carrier_id = normal_id(cut(read(options.id), options), options.id_base or settings.id_base)
        if not carrier_id:
            return None
    if options.counts_segments:
        segment = blake2b(carrier_id.encode(errors="surrogatepass"), digest_size=8).hexdigest()
        carrier_id = ""
    status = read(options.state).strip().lower()
    unfinished = read(options.part) not in ("", read(options.parts))
    if unfinished and options.states.get(status) is State.DELIVERED:
        status = _PART_DELIVERED
    at_s = time_of(read(options.time), options.utc_offset_minutes, options.time_format)
    report = Report(read(options.reference), status, at_s, read(options.code), carrier_id)
    return report._replace(segment=segment, words=read(options.words))


def _is_of_a_message(report: Report | None) -> bool:
    return report is not None and bool(report.status and (report.reference or report.carrier_id))


def _entries(request: ReceiptRequest, pointer: str, nested: str = "") -> list[Any]:
    """Return the entries of a request. Raises RequestRefused(INVALID_RECEIPT)."""
    entries = array_of(at(document_of(request), pointer))
    if not nested:
        return entries
    return [
        {**entry, **each} if isinstance(each, dict) else each
        for entry in entries
        if isinstance(entry, dict)
        for each in array_of(at(entry, nested))
    ]
