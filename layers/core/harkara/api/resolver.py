"""Route the events of an HTTP API to a function's handlers: Powertools' resolver, with our errors.

api = new_api()  # harkara.wiring.api

@api.get("/v1/messages/<mid>")
def message(mid: str) -> Response: ...
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from harkara.api.request import SURPLUS_SLASHES, Request
from harkara.base.deadline import Deadline, invocation

PING = {"ping": True}
"""The event of a function's daily schedule, which only keeps Lambda from idling its version.

It never equals an event of API Gateway.
"""


class Api(APIGatewayHttpResolver):
    """Routes the requests of one function, one at a time, and answers every error."""

    def __init__(
        self,
        failed: Callable[[Exception, Request], Response[str]],
        admit: Callable[[Request], Request] = lambda request: request,
    ) -> None:
        """Take `failed`, which answers errors, and NotFoundError if there is no route.

        `admit` returns a request as its handler shall see it, or raises to refuse it. Powertools'
        debug mode stays off whatever the environment says: it prints each event.
        """
        super().__init__(debug=False, strip_prefixes=[SURPLUS_SLASHES])

        def begin(app: "Api", next_middleware: Callable[["Api"], Response[Any]]) -> Response[Any]:
            with invocation(app.lambda_context) as deadline:
                request = admit(Request.of(app.current_event))
                app.context.update(client_request=request, deadline=deadline)
                return next_middleware(app)

        self.use([begin])
        self.exception_handler(Exception)(
            lambda error: failed(error, Request.of(self.current_event))
        )

    @property
    def client_request(self) -> Request:
        """The current request, as its client sent it to the proxy in front, if there is one."""
        request: Request = self.context["client_request"]
        return request

    @property
    def deadline(self) -> Deadline:
        """The end of the current invocation."""
        deadline: Deadline = self.context["deadline"]
        return deadline

    def resolve(self, event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        """Answer an event; a ping at once, with an empty answer."""
        return {} if event == PING else super().resolve(event, context)

    @staticmethod
    def _compile_regex(rule: str, base_regex: str = r"\A{}\Z") -> re.Pattern[str]:
        """Let any character but a slash be in a variable part of a path.

        Powertools' own pattern has no quotation marks and no vowel signs of Indian scripts. Phones
        make both a part of the short link that they follow in a text.
        """
        return re.compile(base_regex.format(re.sub(r"<(\w+)>", r"(?P<\1>[^/]+)", rule)))
