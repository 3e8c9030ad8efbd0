"""What all processes count together, in the Messages table: items that are swapped as a whole."""

from harkara.aws.clients import aws_errors
from harkara.aws.timelines import DynamoTimelineStore

_KIND = "rate"


class DynamoLimitStore(DynamoTimelineStore):
    """Texts that many processes write, each on what it saw; and time lines."""

    def get(self, name: str, *, consistent: bool = False) -> str:
        """Return what stands under a name, "" for nothing (`harkara.ports.LimitStore`)."""
        with aws_errors():
            answer = self._client.get_item(
                TableName=self._table,
                Key={"pk": {"S": name}, "sk": {"S": _KIND}},
                ConsistentRead=consistent,
            )
        return str(answer["Item"]["data"]["S"]) if "Item" in answer else ""

    def swap(self, name: str, seen: str, new: str, expires_at_s: int) -> str | None:
        """Write `new` where `seen` stands ("" for nothing); return what stands there instead."""
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
                # It has none where the item expired meanwhile.
                item = error.response.get("Item", {})
                return str(item["data"]["S"]) if item else ""
        return None
