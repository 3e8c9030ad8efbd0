"""Campaigns through a running stack, and their outcomes as seen from outside."""

import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from pydantic_core import from_json, to_json

from harkara.aws.carriers import DynamoCarrierStore
from harkara.base.ids import BATCH_ID_LENGTH, split_mid
from harkara.model.accounts import Account, Credential, Secret, hash_secret
from harkara.model.ledger import index_of
from harkara.model.messages import unpack
from local.stack import Stack
from tests.stack.proxy import FaultProxy

Post = dict[str, Any]
QUEUES = ("SubmitQueueUrl", "SubmitPriorityQueueUrl", "ReceiptQueueUrl", "CallbackQueueUrl")
DEPTHS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)
COUNTS = re.compile(r'"message":"tasks done".*"service":"(\w+)".*"counts":(\{[^}]*\})')

# Last four digits of the recipient -> CleverTap's failure code, None for a delivery.
MAGIC = {
    "9001": "905",  # absent subscriber
    "9002": "901",  # DND
    "9003": "908",  # DLT template not matched
    "9004": "900",  # no receipt: unknown
    "9005": "904",  # refused by the carrier
    "9006": None,  # throttled twice, then accepted
    "9007": None,  # accepted, but the submit gets no answer
    "9008": None,  # two receipts
    "9009": None,  # receipt before the submit is answered
    "9010": "910",  # failed, and later delivered: the first receipt counts
}


@dataclass(frozen=True)
class Lab:
    """A stack whose functions reach AWS through a fault proxy."""

    stack: Stack
    proxy: FaultProxy

    def send(
        self,
        records: Sequence[Mapping[str, Any]],
        account: str = "sandbox",
        *,
        key: str | None = None,
        **fields: Any,
    ) -> httpx.Response:
        """POST records to /datasend, as a platform does; `key` is an Idempotency-Key."""
        body = {"user": account, "pass": f"{account}-secret", "smstosend": records, **fields}
        headers = {} if key is None else {"Idempotency-Key": key}
        url = f"{self.stack.endpoint}/datasend"
        return httpx.post(url, json=body, headers=headers, timeout=30)

    def add_account(self, account: Account) -> DynamoCarrierStore:
        """Put an account and its credential, whose secret is `<id>-secret`; return the store."""
        return add_account(self.stack, account)

    def replay(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Send the request of a sample event; return its answer in the form of a function's."""
        http = event["requestContext"]["http"]
        names = ("accept", "content-type", "x-api-key")
        answer = httpx.request(
            http["method"],
            f"{self.stack.endpoint}{event['rawPath']}",
            params=event["rawQueryString"],
            content=event.get("body"),
            headers={name: event["headers"][name] for name in names if name in event["headers"]},
            timeout=30,
        )
        return {"statusCode": answer.status_code, "body": answer.text}

    def callback_url(self, path: str) -> str:
        """Return a callback URL of the platform."""
        return f"{self.stack.platform_url}/clevertap/{path}"

    def callbacks(self, *, every: bool = False) -> list[Post]:
        """Return the posts that the platform acknowledged, or with `every` all that it received."""
        answer = httpx.get(f"{self.stack.platform_url}/callbacks{'?all=1' if every else ''}")
        posts: list[Post] = answer.json()
        return posts

    def received(self, path: str) -> set[str]:
        """Return the messages in the platform's posts at a path."""
        url = f"{self.stack.platform_url}/callbacks"
        posts = httpx.get(url, params={"path": f"/clevertap/{path}"}).json()
        return {ref for post in posts for ref in metas_of(post)}

    def callbacks_of(self, client_ref: str, *, every: bool = False) -> list[Post]:
        """Return the posts about one message."""
        return [post for post in self.callbacks(every=every) if client_ref in metas_of(post)]

    def submissions(self) -> dict[str, Any]:
        """Return the carrier's counts."""
        counted: dict[str, Any] = httpx.get(f"{self.stack.carrier_url}/submissions").json()
        return counted

    def link_in(self, mid: str) -> str:
        """Return the link in the stored text of a message, the text that was sent."""
        key = {"pk": {"S": mid[:BATCH_ID_LENGTH]}, "sk": {"S": "batch"}}
        found = self.stack.client("dynamodb").get_item(
            TableName=self.stack.outputs["MessagesTableName"], Key=key
        )
        batch = unpack(mid[:BATCH_ID_LENGTH], found["Item"]["packed"]["B"])
        text = batch.messages[split_mid(mid)[1]].text
        (link,) = [word for word in text.split() if word.startswith(self.stack.endpoint)]
        return link

    def items(self, table: str) -> Iterator[dict[str, Any]]:
        """Yield the items of a table, `Messages` or `Due`."""
        name = self.stack.outputs[f"{table}TableName"]
        paginator = self.stack.client("dynamodb").get_paginator("scan")
        for page in paginator.paginate(TableName=name, ConsistentRead=True):
            yield from page["Items"]

    def due(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of the Due table after their shard's cursor."""
        items = list(self.items("Due"))
        cursors = next((item for item in items if item["pk"]["S"] == "cursor"), {})
        for item in items:
            cursor = cursors.get(item["pk"]["S"], {"S": ""})["S"]
            if item["sk"]["S"] > cursor and item is not cursors:
                yield item

    def is_quiet(self) -> bool:
        """Whether no queue has a message, waiting or in work."""
        sqs = self.stack.client("sqs")
        return not any(
            int(depth)
            for queue in QUEUES
            for depth in sqs.get_queue_attributes(
                QueueUrl=self.stack.outputs[queue], AttributeNames=DEPTHS
            )["Attributes"].values()
        )

    def make_due(self, *kinds: str) -> int:
        """Bring scheduled tasks in the Due table forward to now; return how many are due.

        The checks of message batches are left alone unless requested: they need the wait of an
        hour.
        """
        client, table = self.stack.client("dynamodb"), self.stack.outputs["DueTableName"]
        kinds = kinds or ("callback", "submit")
        waiting = [item for item in self.due() if from_json(item["body"]["S"])["kind"] in kinds]
        for item in waiting:
            due, _, digest = item["sk"]["S"].partition("#")
            # Each row gets its own moment, so that no cursor is past it: `sweep` may run meanwhile.
            now = f"{int(time.time() * 1000):013d}"
            if due > now:
                # A callback's body contains its due time as well.
                body = {**from_json(item["body"]["S"]), "due_ms": 0}
                moved = {"sk": {"S": f"{now}#{digest}"}, "body": {"S": to_json(body).decode()}}
                client.put_item(TableName=table, Item={**item, **moved})
                client.delete_item(TableName=table, Key={"pk": item["pk"], "sk": item["sk"]})
        return len(waiting)

    def sweep(self) -> bool:
        """Run `sweep`, as its schedule does; return whether it ended without an error."""
        name = self.stack.outputs["SweepFunctionName"]
        return "FunctionError" not in self.stack.client("lambda").invoke(FunctionName=name)

    def deaths(self, function: str) -> int:
        """Return how many of a function's processes were killed, time-outs included."""
        log = self.stack.log.read_text()
        names = self.stack.functions(function.title())
        timed_out = sum(log.count(f"Lambda {name} timed out") for name in names)
        return timed_out + sum(worker.function == function for worker in self.proxy.killed)

    def logged_counts(self) -> Counter[str]:
        """Add up the counts in the functions' logs: `dlr callbacks_in_doubt`, ..."""
        total: Counter[str] = Counter()
        for service, counts in COUNTS.findall(self.stack.log.read_text()):
            total.update({f"{service} {name}": n for name, n in json.loads(counts).items()})
        return total


def add_account(stack: Stack, account: Account) -> DynamoCarrierStore:
    """Put an account of a stack and its credential of all scopes; return the store."""
    store = DynamoCarrierStore(stack.client("dynamodb"), stack.outputs["AccountsTableName"])
    store.put_account(account)
    secrets = stack.client("secretsmanager")
    answer = secrets.get_secret_value(SecretId=stack.outputs["PepperSecretId"])
    secret_hash = hash_secret(answer["SecretString"].encode(), f"{account.id}-secret")
    store.put_credential(
        Credential(username=account.id, account_id=account.id, secrets=(Secret(hash=secret_hash),))
    )
    return store


# A message that `demo`, whose DLT templates are enforced, may send in the priority lane.
BANK = {
    "from": "HKRBNK",
    "smstext": "Rs 450 was debited from account XX12 on 1 January. HARKARA",
}


def record(client_ref: str, *, to: str = "919876500000", **fields: str) -> dict[str, str]:
    """Return a record; with the default number it is delivered."""
    return {"to": to, "from": "HARKAR", "smstext": "Hello", "smsgid": client_ref, **fields}


def campaign(name: str, count: int = 1000, *, first: Sequence[str] = ()) -> list[dict[str, str]]:
    """Return the records of a campaign; `first` has callback URLs for its first records."""
    rows = [record(f"{name}-{index:04d}", to=f"9198765{index:05d}") for index in range(count)]
    for row, url in zip(rows, first, strict=False):
        row["dlrurl"] = url
    return rows


def wait_until(condition: Callable[[], object], within_s: float, pause_s: float = 0.25) -> bool:
    """Wait until a condition holds; return False if the time ends before."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause_s)
    return True


def metas_of(post: Post) -> list[str]:
    """Return the `smsgid`s in a callback in CleverTap's format."""
    if not post["path"].startswith("/clevertap/"):
        return []
    return [entry["meta"] for event in post["events"] for entry in event["data"]]


@dataclass
class Ends:
    """Outcomes of messages by `smsgid`, from the Messages table, the platform and the carrier."""

    accepted: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """The `smsgid`s in each message batch."""
    states: dict[str, str] = field(default_factory=dict)
    """The final state of each message that has one."""
    in_doubt: set[str] = field(default_factory=set)
    """Messages in doubt at the carrier, by the stored outcomes."""
    settled: set[str] = field(default_factory=set)
    """Messages whose callback was acknowledged or parked, by the ledger entries."""
    posts: list[Post] = field(default_factory=list)
    """The callbacks that the platform acknowledged."""
    called_back: Counter[str] = field(default_factory=Counter)
    callbacks_in_doubt: set[str] = field(default_factory=set)
    """Webhook ids of the callbacks whose repeat is marked as in doubt."""
    doubled_posts: dict[str, list[Post]] = field(default_factory=dict)
    """By webhook id, where a callback was acknowledged more than once."""
    submitted: Counter[str] = field(default_factory=Counter)


def ends(lab: Lab) -> Ends:
    """Read the outcomes of all messages so far."""
    found = Ends()
    refs: dict[tuple[str, int], str] = {}
    entries = []
    taken = lab.submissions()["by_mid"]
    for item in lab.items("Messages"):
        if item["sk"]["S"] != "batch":
            entries.append(item)
            continue
        batch = unpack(item["pk"]["S"], item["packed"]["B"])
        if not batch.carrier:  # a refused request
            continue
        for index, message in enumerate(batch.messages):
            refs[batch.id, index] = message.client_ref
            found.accepted[batch.id].append(message.client_ref)
            found.submitted[message.client_ref] += taken.get(batch.mid(index), 0)
    for entry in entries:
        partition, kind = entry["pk"]["S"], entry["sk"]["S"]
        if kind.startswith("final#"):
            ref = refs[partition, index_of(kind)]
            found.states[ref] = from_json(entry["data"]["S"])["state"]
        elif kind.startswith("outcome#"):
            indexes = from_json(entry["data"]["S"])["in_doubt"]
            found.in_doubt |= {refs[partition, index] for index in indexes}
        elif kind.startswith("post#") and from_json(entry["data"]["S"])["in_doubt"]:
            found.callbacks_in_doubt.add(f"{partition}.{int(kind.split('#')[1])}")
        elif kind.startswith("ack#"):
            for batch_id, indexes in from_json(entry["data"]["S"])["members"].items():
                found.settled |= {refs[batch_id, index] for index in indexes}
    by_webhook_id = defaultdict(list)
    found.posts = lab.callbacks()
    for post in found.posts:
        by_webhook_id[post["webhook_id"]].append(post)
        found.called_back.update(metas_of(post))
    found.doubled_posts = {name: posts for name, posts in by_webhook_id.items() if len(posts) > 1}
    return found
