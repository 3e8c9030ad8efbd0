"""Share counters among all processes, in the Messages table: items swapped as a whole."""

from harkara.aws.clients import aws_errors
from harkara.aws.timelines import DynamoTimelineStore

_KIND = "rate"


class DynamoLimitStore(DynamoTimelineStore):
    """Texts that processes change by compare-and-swap, and time lines of rates."""

    def get(self, name: str, *, consistent: bool = False) -> str:
        """Return the text under a name, "" if there is none (`harkara.ports.LimitStore`)."""
        with aws_errors():
            answer = self._client.get_item(
                TableName=self._table,
                Key={"pk": {"S": name}, "sk": {"S": _KIND}},
                ConsistentRead=consistent,
            )
        return str(answer["Item"]["data"]["S"]) if "Item" in answer else ""

    def swap(self, name: str, seen: str, new: str, expires_at_s: int) -> str | None:
        """Replace the text `seen` ("" for none) by `new`; return None, or the other text found."""
        values = {":new": {"S": new}, ":ttl": {"N": str(expires_at_s)}}
        if seen:
            values[":seen"] = {"S": seen}
        with aws_errors():
            try:
                self._client.update_item(
                    TableName=self._table,
                    Key={"pk": {"S": name}, "sk": {"S": _KIND}},
                    UpdateExpression="SET #data = :new, #ttl = :ttl",
                    ConditionExpression="#data = :seen" if seen else "attribute_not_exists(#data)",
                    ExpressionAttributeNames={"#data": "data", "#ttl": "ttl"},
                    ExpressionAttributeValues=values,
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except self._client.exceptions.ConditionalCheckFailedException as error:
                # The error has no item if that expired meanwhile.
                item = error.response.get("Item", {})
                return str(item["data"]["S"]) if item else ""
        return None
