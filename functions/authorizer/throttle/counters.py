"""Counters in the Traffic table: one item a window, raised by one conditional request."""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from functions.authorizer.leases import Count, Draw, Drawn
from portico.domain.errors import Unavailable
from portico.domain.windows import KEPT, counter_key

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

# Seconds to wait, at most, after two requests met at one counter; the table itself is well.
PAUSES = (0.01, 0.02, 0.04, 0.08)
REFUSED = "ConditionalCheckFailed"
# The reasons of a cancelled transaction, or errors of an update, after which another try may do.
PASSING = frozenset({"None", "TransactionConflict", "ThrottlingError"})
MEETING = frozenset({"TransactionConflictException", "TransactionInProgressException"})
MAX_KEYS = 100  # of one BatchGetItem


class TrafficCounters:
    """The Counters on DynamoDB. Lost answers are safe: what is granted twice is used once."""

    def __init__(
        self, client: "DynamoDBClient", table: str, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._client = client
        self._table = table
        self._sleep = sleep

    def draw(self, draws: Sequence[Draw]) -> Drawn:
        for pause in PAUSES:
            drawn = self._update(draws[0]) if len(draws) == 1 else self._transact(draws)
            if drawn is not None:
                return drawn
            self._sleep(random.uniform(0, pause))  # noqa: S311 - so that two do not meet again
        if len(draws) == 1:
            raise Unavailable("The counter is too busy")
        return Drawn(False, [None] * len(draws))

    def look(self, wanted: Sequence[tuple[str, int, int]]) -> list[Count]:
        keys = [counter_key(*each) for each in wanted]
        found: dict[tuple[str, str], Count] = {}
        try:
            for start in range(0, len(keys), MAX_KEYS):
                part: Any = [
                    {"pk": {"S": each.pk}, "sk": {"S": each.sk}}
                    for each in dict.fromkeys(keys[start : start + MAX_KEYS])
                ]
                # What the table is too busy to answer counts as not there: it is hearsay anyway.
                answer = self._client.batch_get_item(RequestItems={self._table: {"Keys": part}})
                for item in answer["Responses"].get(self._table, []):
                    found[item["pk"]["S"], item["sk"]["S"]] = _count(item)
        except (ClientError, BotoCoreError) as exc:
            raise Unavailable("The counters did not answer") from exc
        return [found.get(each, Count(0, 0)) for each in keys]

    def _update(self, draw: Draw) -> Drawn | None:
        try:
            answer = self._client.update_item(**self._request(draw), ReturnValues="UPDATED_NEW")
        except self._client.exceptions.ConditionalCheckFailedException as exc:
            there: Any = exc.response.get("Item", {})
            return Drawn(False, [_count(there)])
        except ClientError as exc:
            if exc.response["Error"]["Code"] in MEETING:
                return None
            raise Unavailable("The counters did not answer") from exc
        except BotoCoreError as exc:
            raise Unavailable("The counters did not answer") from exc
        return Drawn(True, [_count(answer["Attributes"])])

    def _transact(self, draws: Sequence[Draw]) -> Drawn | None:
        items: Any = [{"Update": self._request(draw)} for draw in draws]
        try:
            # botocore gives it a token, so that its own repetitions count once.
            self._client.transact_write_items(TransactItems=items)
        except self._client.exceptions.TransactionCanceledException as exc:
            reasons: list[Any] = exc.response.get("CancellationReasons", [])
            codes = {str(reason.get("Code")) for reason in reasons}
            if REFUSED in codes:
                return Drawn(False, [_refused(reason) for reason in reasons])
            if codes <= PASSING:
                return None
            raise Unavailable("The counters did not answer") from exc
        except ClientError as exc:
            if exc.response["Error"]["Code"] in MEETING:
                return None
            raise Unavailable("The counters did not answer") from exc
        except BotoCoreError as exc:
            raise Unavailable("The counters did not answer") from exc
        return Drawn(True, [None] * len(draws))

    def _request(self, draw: Draw) -> Any:
        """An update that adds to the counter if this fits, see `Draw.fits`."""
        key = counter_key(draw.name, draw.limit.window, draw.start)
        values = {
            ":wanted": {"N": str(draw.wanted)},
            ":lending": {"N": str(draw.lending)},
            ":most": {"N": str(draw.most)},
            ":expires": {"N": str(draw.start + draw.limit.window + KEPT)},
        }
        fits = "granted <= :most"
        if draw.room is not None:
            values[":room"] = {"N": str(draw.room)}
            fits += " AND lent <= :room"
        return {
            "TableName": self._table,
            "Key": {"pk": {"S": key.pk}, "sk": {"S": key.sk}},
            "UpdateExpression": "ADD granted :wanted, lent :lending SET expires = :expires",
            "ConditionExpression": f"attribute_not_exists(granted) OR ({fits})",
            "ExpressionAttributeValues": values,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }


def _refused(reason: Mapping[str, Any]) -> Count | None:
    return _count(reason["Item"]) if reason.get("Item") else None


def _count(item: Mapping[str, Any]) -> Count:
    return Count(*(int(item[name]["N"]) if name in item else 0 for name in ("granted", "lent")))
