"""The Records port on DynamoDB: PynamoDB models of the five tables, and transactions over them."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast

from botocore.session import Session
from pynamodb.attributes import Attribute, BinaryAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.connection import Connection
from pynamodb.exceptions import DoesNotExist, PynamoDBException, TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from portico.domain.errors import AlreadyExists, LostRace, PorticoError, Unavailable
from portico.domain.records import (
    Change,
    Create,
    Discard,
    Put,
    Record,
    Remove,
    Replace,
    Require,
    Wanted,
)
from portico.settings import Settings
from portico.storage.codec import decode, encode
from portico.storage.keys import PLACES, KeyPair, Place

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

R = TypeVar("R", bound=Record)
MAX_CHANGES = 100  # TransactWriteItems' limit of actions
MAX_PARTITION_KEY = 2048  # bytes
MAX_SORT_KEY = 1024  # bytes
ROUNDS = 5  # asks for keys that a BatchGetItem left unprocessed
PAUSE = 0.05  # seconds, more before each further round


class Item(Model):
    """The one shape of every item; `body` or `packed` holds the record (see
    `portico.storage.codec`).
    """

    pk: Attribute[str] = UnicodeAttribute(hash_key=True)
    sk: Attribute[str] = UnicodeAttribute(range_key=True)
    kind: Attribute[str] = UnicodeAttribute()
    stamp: Attribute[float] = NumberAttribute()
    body: Attribute[str] = UnicodeAttribute(null=True)
    packed: Attribute[bytes] = BinaryAttribute(null=True, legacy_encoding=False)
    expires: Attribute[float] = NumberAttribute(null=True)


def models(settings: Settings, region: str) -> dict[str, type[Item]]:
    """A PynamoDB model for each table that the settings name."""
    names = {
        "catalog": settings.catalog_table,
        "access": settings.access_table,
        "gateway": settings.gateway_table,
        "operations": settings.operations_table,
    }
    return {
        short: type(
            f"{short.title()}Item",
            (Item,),
            {"Meta": type("Meta", (), {"table_name": name, "region": region})},
        )
        for short, name in names.items()
        if name
    }


class DynamoRecords:
    """Records in DynamoDB; every read is consistent."""

    def __init__(self, settings: Settings, region: str) -> None:
        self._models = models(settings, region)
        self._connection = Connection(region=region)
        for model in self._models.values():
            # Each model would make a client of its own, which takes 30 ms.
            table = model._get_connection()
            self._connection.add_meta_table(table.get_meta_table())
            table.connection = self._connection

    @property
    def client(self) -> "DynamoDBClient":
        """The botocore client behind it, the only one."""
        return cast("DynamoDBClient", self._connection.client)

    @property
    def session(self) -> Session:
        """The botocore session behind it, for clients of other services: what a session has loaded
        need not be loaded again.
        """
        return self._connection.session

    def get(self, kind: type[R], *, by: str = "", **key: str) -> R | None:
        place, pair = _find(kind, by)
        wanted = pair.fill(key)
        if not _possible(*wanted):
            return None
        with _unavailable():
            try:
                item = self._models[place.table].get(*wanted, consistent_read=True)
            except DoesNotExist:
                return None
        return _record(kind, item)

    def get_many(self, kind: type[R], keys: Sequence[Mapping[str, str]]) -> list[R]:
        place, pair = _find(kind, "")
        filled = dict.fromkeys(pair.fill(key) for key in keys)
        wanted = [each for each in filled if _possible(*each)]
        with _unavailable():
            return [
                _record(kind, item)
                for item in self._models[place.table].batch_get(wanted, consistent_read=True)
            ]

    def gather(self, *wanted: Wanted) -> "list[Record | None]":
        places = [_place(one.kind) for one in wanted]
        keys = [
            (self._models[place.table].Meta.table_name, *place.key.fill(one.key))
            for one, place in zip(wanted, places, strict=True)
        ]
        possible = dict.fromkeys(key for key in keys if _possible(*key[1:]))
        with _unavailable():
            found = self._batch(list(possible))
        return [
            _raw_record(one.kind, found[key]) if key in found else None
            for one, key in zip(wanted, keys, strict=True)
        ]

    def _batch(self, keys: "list[tuple[str, str, str]]") -> dict[tuple[str, str, str], Any]:
        """Items by table and key. PynamoDB's own batch knows one table only."""
        found: dict[tuple[str, str, str], Any] = {}
        asked: dict[str, Any] = {}
        for table, pk, sk in keys:
            part = asked.setdefault(table, {"Keys": [], "ConsistentRead": True})
            part["Keys"].append({"pk": {"S": pk}, "sk": {"S": sk}})
        for round_ in range(ROUNDS):
            if not asked:
                return found
            if round_:  # not even for no time, which would give the processor away
                time.sleep(PAUSE * round_)
            answer = self._connection.dispatch("BatchGetItem", {"RequestItems": asked})
            for table, items in answer.get("Responses", {}).items():
                for item in items:
                    found[table, item["pk"]["S"], item["sk"]["S"]] = item
            asked = answer.get("UnprocessedKeys") or {}
        raise Unavailable("The database left keys unread")

    def list(
        self,
        kind: type[R],
        *,
        by: str = "",
        newest_first: bool = False,
        limit: int | None = None,
        **key: str,
    ) -> list[R]:
        place, pair = _find(kind, by)
        model = self._models[place.table]
        pk, prefix = pair.prefix(key)
        if not _possible(pk, prefix):
            return []
        with _unavailable():
            found = model.query(
                pk,
                model.sk.startswith(prefix) if prefix else None,
                consistent_read=True,
                scan_index_forward=not newest_first,
                limit=limit,
            )
            return [_record(kind, item) for item in found if item.kind == kind.__name__]

    def commit(self, *changes: Change) -> None:
        writes = [(change, pair) for change in changes for pair in _pairs(change)]
        if len(writes) > MAX_CHANGES:
            raise ValueError(f"{len(writes)} items in one transaction; {MAX_CHANGES} are allowed")
        try:
            with _unavailable(), TransactWrite(connection=self._connection) as transaction:
                for change, pair in writes:
                    self._add(transaction, change, pair)
        except TransactWriteError as exc:
            raise _refusal(exc, [change for change, _ in writes]) from exc

    def _add(self, transaction: TransactWrite, change: Change, pair: KeyPair) -> None:
        record = change.record
        model = self._models[_place(type(record)).table]
        pk, sk = pair.fill(vars(record))
        primary = pair == _place(type(record)).key
        # A copy's key may be what is unique, such as a code that people type.
        checked = primary or isinstance(change, Create)
        condition = _condition(model, change) if checked else None
        match change:
            case Create() | Replace() | Put():
                transaction.save(_item(model, record, pk, sk), condition=condition)
            case Remove() | Discard():
                transaction.delete(model(pk, sk), condition=condition)
            case Require():
                transaction.condition_check(model, pk, sk, condition=_condition(model, change))


def _possible(pk: str, sk: str) -> bool:
    """Whether an item can have this key; DynamoDB refuses to look for one that is too long."""
    return len(pk.encode()) <= MAX_PARTITION_KEY and len(sk.encode()) <= MAX_SORT_KEY


def _place(kind: type[Record]) -> Place:
    return PLACES[kind.__name__]


def _find(kind: type[Record], by: str) -> tuple[Place, KeyPair]:
    place = _place(kind)
    return place, place.also[by] if by else place.key


def _pairs(change: Change) -> list[KeyPair]:
    place = _place(type(change.record))
    return [place.key] if isinstance(change, Require) else [place.key, *place.also.values()]


def _condition(model: type[Item], change: Change) -> Condition | None:
    match change:
        case Create():
            return model.pk.does_not_exist()
        case Replace() | Remove() | Require():
            stamp = change.record.stamp
            return model.stamp == stamp if stamp else model.pk.does_not_exist()
        case _:
            return None


def _item(model: type[Item], record: Record, pk: str, sk: str) -> Item:
    body = encode(record)
    expires = getattr(record, "expires", 0)
    return model(
        pk,
        sk,
        kind=type(record).__name__,
        stamp=record.stamp + 1,
        body=body if isinstance(body, str) else None,
        packed=body if isinstance(body, bytes) else None,
        expires=expires or None,
    )


def _record(kind: type[R], item: Any) -> R:
    return decode(kind, item.body if item.body is not None else item.packed, int(item.stamp))


def _raw_record(kind: type[R], item: Mapping[str, Any]) -> R:
    """As `_record`, of an item as DynamoDB has it: a model would take as long as the decoding."""
    body = item["body"]["S"] if "body" in item else item["packed"]["B"]
    return decode(kind, body, int(item["stamp"]["N"]))


def _refusal(exc: TransactWriteError, changes: Sequence[Change]) -> PorticoError:
    for change, reason in zip(changes, exc.cancellation_reasons, strict=False):
        if reason is None or reason.code == "None":
            continue
        name = type(change.record).__name__
        if reason.code == "ConditionalCheckFailed":
            return (
                AlreadyExists(f"{name} exists already")
                if isinstance(change, Create)
                else LostRace(f"{name} has changed")
            )
        if reason.code == "TransactionConflict":
            return LostRace(f"{name} is being changed")
    return Unavailable("The database did not accept the change")


@contextmanager
def _unavailable() -> Iterator[None]:
    """Adapter errors become domain errors; a refused transaction has its own reading."""
    try:
        yield
    except (TransactWriteError, DoesNotExist):
        raise
    except PynamoDBException as exc:
        raise Unavailable("The database did not answer") from exc
