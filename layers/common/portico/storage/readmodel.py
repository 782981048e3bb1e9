"""The Gateway table as the authorizer reads it: one consistent BatchGetItem for whatever is not
cached.

Light on purpose: botocore's client is given, items are decoded with the standard library only.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, Protocol, TypeVar, cast

from botocore.exceptions import BotoCoreError, ClientError

from portico.domain import gateway
from portico.domain.backend_jwt import BackendJwtRules, GatewayUser
from portico.domain.bounded import Bounded
from portico.domain.errors import Unavailable
from portico.domain.records import Record
from portico.storage.bodies import unpack
from portico.storage.keys import PLACES

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

R = TypeVar("R", bound=Record)
MAX_ENTRIES = 5_000  # cached records; a record takes 1 to 20 KB of memory
MAX_KEYS = 100  # BatchGetItem's limit
BELIEVED = (gateway.Revocation, BackendJwtRules, GatewayUser)  # kinds whose absence is kept
ROUNDS = 4  # asks for keys that DynamoDB left unprocessed


class Key(NamedTuple, Generic[R]):
    """Where one record of the Gateway table is."""

    kind: type[R]
    pk: str
    sk: str


@lru_cache(maxsize=4096)
def key(kind: type[R], **values: str) -> Key[R]:
    """The key of a record, from its own field names."""
    return Key(kind, *PLACES[kind.__name__].key.fill(values))


class Source(Protocol):
    """Where the records are; reads are consistent."""

    def read(self, wanted: Sequence[Key[Any]]) -> dict[Key[Any], Record]:
        """Those of the records that exist. Raises Unavailable."""

    def any_below(self, tenant: str, prefix: str) -> bool:
        """Whether a deployment's context begins with this one and goes on. Raises Unavailable."""


class GatewayTable:
    """The Source on DynamoDB."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def read(self, wanted: Sequence[Key[Any]]) -> dict[Key[Any], Record]:
        by_name = {(each.pk, each.sk): each for each in wanted}
        found: dict[Key[Any], Record] = {}
        for item in self._items(list(by_name)):
            each = by_name[item["pk"]["S"], item["sk"]["S"]]
            found[each] = _record(each.kind, item)
        return found

    def any_below(self, tenant: str, prefix: str) -> bool:
        pk, sk = PLACES["Deployment"].also["all"].fill({"tenant": tenant, "prefix": f"{prefix}/"})
        try:
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
                ExpressionAttributeValues={":pk": {"S": pk}, ":sk": {"S": sk}},
                ConsistentRead=True,
                Limit=1,
                Select="COUNT",
            )
        except (ClientError, BotoCoreError) as exc:
            raise Unavailable("The database did not answer") from exc
        return answer["Count"] > 0

    def _items(self, names: list[tuple[str, str]]) -> list[Mapping[str, Any]]:
        items: list[Mapping[str, Any]] = []
        for start in range(0, len(names), MAX_KEYS):
            keys: Any = [
                {"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in names[start : start + MAX_KEYS]
            ]
            for _ in range(ROUNDS):
                request: Any = {self._table: {"Keys": keys, "ConsistentRead": True}}
                try:
                    answer = self._client.batch_get_item(RequestItems=request)
                except (ClientError, BotoCoreError) as exc:
                    raise Unavailable("The database did not answer") from exc
                items += answer["Responses"].get(self._table, [])
                left = answer.get("UnprocessedKeys", {}).get(self._table)
                if not left:
                    break
                keys = left["Keys"]
            else:
                raise Unavailable("The database is too busy")
        return items


class ReadModel:
    """Records of the Gateway table, each read at most once in `cache_seconds`.

    What is not there is asked for again on each call, so that what was just written works at once.
    The exceptions are what most calls learn the absence of, revocations above all: it may be
    believed as long as the rest.
    """

    def __init__(
        self, source: Source, cache_seconds: float, clock: Callable[[], float] = time.time
    ) -> None:
        self._source = source
        self._seconds = cache_seconds
        self._clock = clock
        self._cache: Bounded[Key[Any], Record] = Bounded(MAX_ENTRIES, clock)
        self._absent: Bounded[Key[Any], bool] = Bounded(MAX_ENTRIES, clock)
        self._doubted: Bounded[Key[Any], bool] = Bounded(MAX_ENTRIES, clock)
        self._nested: Bounded[tuple[str, str], bool] = Bounded(MAX_ENTRIES, clock)

    def view(self) -> "View":
        """A look that does not change during one call."""
        return View(self)

    def cached(self, wanted: Key[R]) -> R | None:
        """The record if it is cached; None says nothing."""
        return cast("R | None", self._cache.get(wanted))

    def known_absent(self, wanted: Key[Any]) -> bool:
        """Whether there was no such record a moment ago, where that may be believed."""
        return self._absent.get(wanted) is True

    def may_reread(self, wanted: Key[Any]) -> bool:
        """Whether a cached record may be read again before its time; true once in `cache_seconds`.

        Callers choose what makes us doubt a record, so doubt must not cost a read each time.
        """
        if self._doubted.get(wanted):
            return False
        self._doubted.put(wanted, True, self._clock() + max(self._seconds, 1.0))
        return True

    def fetch(self, wanted: Sequence[Key[Any]]) -> dict[Key[Any], Record]:
        """Read records from the table, whatever is cached. Raises Unavailable."""
        until = self._clock() + self._seconds
        found = self._source.read(wanted)
        for each, record in found.items():
            self._cache.put(each, record, until)
        for each in wanted:
            if each.kind in BELIEVED and each not in found:
                self._absent.put(each, True, until)
        return found

    def nests(self, deployment: gateway.Deployment) -> bool:
        """Whether another API's context lies below this one's; asked once in `cache_seconds`."""
        name = (deployment.tenant, deployment.prefix)
        known = self._nested.get(name)
        if known is None:
            until = self._clock() + self._seconds
            known = self._source.any_below(*name)
            self._nested.put(name, known, until)
        return known


class View:
    """What one call has read: cached or fresh, and nothing twice."""

    def __init__(self, model: ReadModel) -> None:
        self._model = model
        self._seen: dict[Key[Any], Record | None] = {}

    def load(self, wanted: Iterable[Key[Any]]) -> None:
        """Make these records known, with at most one request."""
        missing: list[Key[Any]] = []
        for each in wanted:
            if each in self._seen:
                continue
            record = self._model.cached(each)
            if record is None and not self._model.known_absent(each):
                missing.append(each)
            else:
                self._seen[each] = record
        if missing:
            found = self._model.fetch(missing)
            for each in missing:
                self._seen[each] = found.get(each)

    def get(self, wanted: Key[R]) -> R | None:
        """The record, or None when there is none."""
        if wanted not in self._seen:
            self.load((wanted,))
        return cast("R | None", self._seen[wanted])

    def peek(self, wanted: Key[R]) -> tuple[bool, R | None]:
        """Whether it is known without a request, and what it is; None when it is not there."""
        if wanted in self._seen:
            return True, cast("R | None", self._seen[wanted])
        record = self._model.cached(wanted)
        return record is not None or self._model.known_absent(wanted), record

    def again(self, wanted: Key[Any]) -> None:
        """Read a record anew although it is cached, when that is not too often."""
        if self._model.may_reread(wanted):
            self._seen[wanted] = self._model.fetch((wanted,)).get(wanted)

    def deployment(
        self,
        candidates: Sequence[Key[gateway.Deployment]],
        others: Callable[[], Iterable[Key[Any]]],
    ) -> gateway.Deployment | None:
        """The deployment with the longest context among candidates (the longest first).

        `others` tells what to read along if there is a request at all.
        """
        known = next(filter(None, map(self._model.cached, candidates)), None)
        # A cached context may hide a longer one that was never asked for, unless none lies below.
        if known is None or (
            self._model.cached(candidates[0]) is None and self._model.nests(known)
        ):
            self.load((*candidates, *others()))
            known = next(filter(None, map(self.get, candidates)), None)
        return known


def _record(kind: type[R], item: Mapping[str, Any]) -> R:
    body = item["body"]["S"] if "body" in item else item["packed"]["B"]
    known = kind.__dataclass_fields__
    # A newer writer may have added fields.
    fields = {name: value for name, value in unpack(body).items() if name in known}
    return kind(**{**fields, "stamp": int(item["stamp"]["N"])})
