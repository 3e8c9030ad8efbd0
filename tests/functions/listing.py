"""Two accounts whose messages are listed and counted."""

import json
from typing import Any

from harkara.accept.requests import Record, SendRequest
from harkara.model.accounts import Account, Credential, Secret, hash_secret
from tests.functions.handlers import SANDBOX, Gateway
from tests.functions.invoking import SECRET
from tests.functions.managing import request
from tests.support.fakes import caller_of
from tests.support.streams import Stream, event_of

OTHER = SANDBOX.model_copy(update={"id": "other", "name": "Other"})


class Lists(Gateway):
    """Two accounts whose messages were accepted, and ended in part."""

    def __init__(self) -> None:
        super().__init__()
        self.accounts.accounts["other"] = OTHER
        secrets = (Secret(hash=hash_secret(b"pepper", SECRET)),)
        for account in ("sandbox", "other"):
            self.accounts.credentials[account] = Credential(
                username=account, account_id=account, secrets=secrets
            )
        self.stream = Stream(self.store.table, self.clock)

    def send(self, account: Account, *records: Record) -> None:
        self.accept_service().accept(caller_of(account), SendRequest(list(records)))

    def settle(self) -> None:
        """Count what is in the stream, through the real handler."""
        self.call("activity", event_of(self.stream.poll()))

    def get(self, path: str, account: str = "sandbox", **query: str) -> tuple[int, Any]:
        event = request("GET", path, key=f"{account}.{SECRET}", query=query)
        answer = self.call("manage", event)
        return answer["statusCode"], json.loads(answer["body"])

    def all(self, account: str = "sandbox", **query: str) -> list[dict[str, Any]]:
        """Return the messages of all pages."""
        found: list[dict[str, Any]] = []
        after: dict[str, str] = {}
        for _ in range(100):
            status, page = self.get("/v1/messages", account, **query, **after)
            assert status == 200, page
            found += page["messages"]
            if page["next"] is None:
                return found
            after = {"after": page["next"]}
        raise AssertionError("the pages do not end")
