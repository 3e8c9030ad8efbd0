"""Real clients of AWS services with scripted answers: no request leaves the process.

The functions' clients run without botocore's validation of parameters: here each request and each
answer is checked against AWS's own model of the service, and a violation fails the test. Requests
larger than AWS accepts (`tests.support.limits`) are refused, regardless of the script.
"""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import EndpointConnectionError
from botocore.model import OperationModel, Shape
from botocore.validate import ParamValidator

from harkara.aws.clients import session
from tests.support.limits import refusal_of

Parsed = Mapping[str, Any] | Exception
Answer = Parsed | Callable[[str, dict[str, Any]], Parsed]


class Refusal(Exception):
    """AWS refuses the whole call; `fields` are those beside the error."""

    def __init__(self, code: str, status: int = 400, **fields: Any) -> None:
        super().__init__(code)
        self.code = code
        self.status = status
        self.fields = fields


LOST = EndpointConnectionError(endpoint_url="https://dynamodb.example")


class ScriptedAws:
    """A client with answers in order; the last one serves all further requests."""

    def __init__(self, service: str, *answers: Answer) -> None:
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self._answers = list(answers)
        make: Callable[..., Any] = session().client
        self.client = make(
            service,
            region_name="ap-south-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        events = self.client.meta.events
        events.register_first(f"provide-client-params.{service}", self._note)
        events.register_first(f"before-call.{service}", self._answer)

    @property
    def operations(self) -> list[str]:
        """The names of the calls made so far."""
        return [operation for operation, _ in self.requests]

    def _note(
        self, params: dict[str, Any], model: OperationModel, context: dict[str, Any], **_: Any
    ) -> None:
        _check(params, model.input_shape)
        self.requests.append((model.name, params))
        # The last element of `requests` may belong to another thread.
        context["scripted"] = params

    def _answer(
        self, model: OperationModel, context: dict[str, Any], **_: Any
    ) -> tuple[Any, Mapping[str, Any]]:
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        parsed = answer(model.name, context["scripted"]) if callable(answer) else answer
        if beyond := refusal_of(model.name, context["scripted"]):
            parsed = Refusal(beyond)
        if isinstance(parsed, Refusal):
            error = {"Code": parsed.code, "Message": "a text of AWS: 919876543210"}
            metadata = {"HTTPStatusCode": parsed.status}
            answered = {"Error": error, "ResponseMetadata": metadata, **parsed.fields}
            return SimpleNamespace(status_code=parsed.status), answered
        if isinstance(parsed, Exception):
            raise parsed
        _check(parsed, model.output_shape)
        return SimpleNamespace(status_code=200), parsed


def _check(values: Mapping[str, Any], shape: Shape | None) -> None:
    assert shape
    report = ParamValidator().validate(values, shape)
    assert not report.has_errors(), report.generate_report()
