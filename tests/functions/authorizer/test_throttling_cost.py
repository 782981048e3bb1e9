"""What decisions cost in requests to DynamoDB, with all levels limited, on the embedded one."""

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import botocore.session
import pytest

from functions.authorizer.assertions import Assertions, Signer
from functions.authorizer.calls import Call
from functions.authorizer.credentials.bearer import Bearer
from functions.authorizer.pipeline import Pipeline
from functions.authorizer.throttle.counters import TrafficCounters
from functions.authorizer.throttling import Throttling
from portico.domain.records import Discard, Put
from portico.storage.readmodel import GatewayTable, ReadModel
from tests.conftest import REGION, Aws
from tests.functions.authorizer.limits import requests, table
from tests.functions.authorizer.world import (
    APPLICATION,
    CLIENT,
    GRANT,
    ISSUER,
    PIZZA,
    World,
    public_keys,
    secret,
)

DAY = 86400
LARGE = {"limit": requests(1_000_000, DAY)}


class Environment:
    """One environment of the authorizer on the embedded DynamoDB; `asked` are its requests."""

    def __init__(self, client: Any, aws: Aws) -> None:
        self.asked: list[str] = []
        client.meta.events.register("before-send.dynamodb", self._note)
        self._model = ReadModel(GatewayTable(client, aws.settings.gateway_table), DAY)
        counters = TrafficCounters(client, aws.settings.traffic_table)
        self._pipeline = Pipeline(
            credentials=(Bearer(ISSUER, time.time),),
            throttling=Throttling(counters, time.time),
            assertions=Assertions(Signer(lambda: secret("ES256", 0))),
            clock=time.time,
        )

    def _note(self, request: Any, **_: Any) -> None:
        self.asked.append(request.headers["X-Amz-Target"].decode().rpartition(".")[2])

    def judge(self, token: str) -> dict[str, Any]:
        call = Call(
            method="GET",
            path="/pizza/1.0.0/menu",
            headers={"authorization": f"Bearer {token}"},
            source_ip="203.0.113.7",
            view=self._model.view(),
            now=time.time(),
        )
        return self._pipeline.judge(call)


@pytest.fixture
def client(aws: Aws) -> Iterator[Any]:
    records = (
        replace(PIZZA, api_policy="Large"),
        replace(GRANT, policy="Large"),
        replace(APPLICATION, policy="Large"),
        CLIENT,
        public_keys(),
        table(
            api={"Large": LARGE},
            subscription={"Large": LARGE},
            application={"Large": LARGE},
            custom={"all": {"key": "$userId", **LARGE}},
        ),
    )
    aws.records.commit(*map(Put, records))
    made: Any = botocore.session.Session().create_client("dynamodb", region_name=REGION)
    yield made
    made.close()
    aws.records.commit(*map(Discard, records))


@pytest.fixture
def token() -> str:
    world = World()
    world.clock.time = time.time()
    return world.token()


def test_a_cold_decision_takes_one_read_and_one_write(aws: Aws, client: Any, token: str) -> None:
    environment = Environment(client, aws)
    decision = environment.judge(token)
    assert decision["limits"].count(",") == 3  # four levels
    assert environment.asked == ["BatchGetItem", "TransactWriteItems"]


def test_at_full_lease_use_a_call_takes_a_twentieth_of_a_request(
    aws: Aws, client: Any, token: str
) -> None:
    environment = Environment(client, aws)
    for _ in range(10):
        environment.judge(token)
    environment.asked.clear()
    for _ in range(2000):
        environment.judge(token)
    assert 0 < len(environment.asked) <= 0.05 * 2000
