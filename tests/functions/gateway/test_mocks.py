"""A prototype without a back end: from its definition to the gateway's answer."""

import json
from dataclasses import replace
from typing import Any

import pytest

from functions.authorizer.calls import Refused
from functions.gateway import handler as gateway
from functions.gateway.mocks import Mocks
from functions.lifecycle.wiring import wire
from portico.domain.api import Api, NameClaim, Resource, card_of
from portico.domain.errors import InvalidInput
from portico.domain.gateway import Deployment, MockAnswers
from portico.domain.records import Create, Replace
from portico.domain.user import Caller
from tests.fakes import FakeClock, FakeDocuments, FakeRecords, FakeRoutes, FakeSchedules
from tests.functions.authorizer.world import TENANT, World
from tests.functions.gateway.test_handler import call

JANE = Caller(TENANT, "jane", ("Internal/publisher",))
DEFINITION = {
    "openapi": "3.0.1",
    "paths": {
        "/menu/{item}": {
            "get": {"responses": {"200": {"content": {"application/json": {"example": {"a": 1}}}}}},
            "delete": {"responses": {"204": {"description": "gone"}}},
            "put": {"responses": {"400": {"description": "no"}}},
        }
    },
}


class Kitchen:
    """An API without an endpoint, its life cycle, and the authorizer that reads its deployment."""

    def __init__(self, **fields: Any) -> None:
        self.records, self.documents, self.clock = FakeRecords(), FakeDocuments(), FakeClock()
        self.documents.write("definition", json.dumps(DEFINITION).encode(), "application/json")
        api = Api(
            tenant=TENANT,
            id="api-1",
            name="Pizza",
            version="1.0.0",
            context="/pizza",
            provider="jane",
            policies=("Gold",),
            definition_key="definition",
            resources=tuple(Resource("/menu/{item}", verb) for verb in ("GET", "PUT", "DELETE")),
        )
        self.api = replace(api, **fields)
        claim = NameClaim(tenant=TENANT, name="pizza", version="1.0.0", api_id="api-1")
        self.records.commit(Create(self.api), Create(card_of(self.api)), Create(claim))

    def go(self, event: str) -> Api:
        self.clock.pass_by(1)
        wired = wire(self.records, self.documents, self.clock, FakeRoutes(), FakeSchedules())
        return wired.transitions.change(JANE, "api-1", event, {}).api

    def deployment(self) -> Deployment:
        found = self.records.get(Deployment, tenant=TENANT, prefix="/pizza/1.0.0")
        assert found
        return found

    def judge(self, method: str = "GET") -> dict[str, Any]:
        world = World()
        world.source.put(self.deployment())
        for record in self.records.items.values():
            if isinstance(record, MockAnswers):
                world.source.put(record)
        self.world = world
        return world.judge(method, "/pizza/1.0.0/menu/funghi")

    def mocks(self) -> list[MockAnswers]:
        return [one for one in self.records.items.values() if isinstance(one, MockAnswers)]


def answered(kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch, method: str) -> dict[str, Any]:
    decision = kitchen.judge(method)
    monkeypatch.setattr(gateway, "mocks", lambda: Mocks(lambda: kitchen.world.model))
    return call(decision, method)


def test_a_prototype_answers_from_its_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    kitchen = Kitchen()
    kitchen.go("Deploy as a Prototype")
    found = answered(kitchen, monkeypatch, "GET")
    assert (found["statusCode"], json.loads(found["body"])) == (200, {"a": 1})
    assert found["headers"]["content-type"] == "application/json"
    gone = answered(kitchen, monkeypatch, "DELETE")
    assert (gone["statusCode"], gone["body"]) == (204, "")


def test_without_an_example_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    kitchen = Kitchen()
    kitchen.go("Deploy as a Prototype")
    assert answered(kitchen, monkeypatch, "PUT")["statusCode"] == 501


def test_publishing_needs_a_back_end_and_then_uses_it() -> None:
    kitchen = Kitchen()
    kitchen.go("Deploy as a Prototype")
    first = kitchen.deployment()
    assert (first.mock, len(kitchen.mocks())) == (True, 1)
    with pytest.raises(InvalidInput, match="an endpoint is needed"):
        kitchen.go("Publish")

    api = kitchen.records.get(Api, tenant=TENANT, id="api-1")
    assert api
    kitchen.records.commit(Replace(replace(api, production_endpoint="https://pizza.example")))
    kitchen.go("Publish")
    second = kitchen.deployment()
    assert (second.mock, second.production_endpoint) == (False, "https://pizza.example")
    assert second.revision_id != first.revision_id
    assert kitchen.mocks() == []


def test_a_demoted_prototype_is_not_there_any_more() -> None:
    kitchen = Kitchen()
    kitchen.go("Deploy as a Prototype")
    kitchen.go("Demote to Created")
    with pytest.raises(Refused) as caught:
        kitchen.judge()
    assert caught.value.fault.code == "404"


def test_with_a_back_end_the_call_goes_there() -> None:
    kitchen = Kitchen(production_endpoint="https://pizza.example")
    kitchen.go("Deploy as a Prototype")
    decision = kitchen.judge()
    assert (decision["mock"], decision["endpoint"]) == ("", "https://pizza.example")
    assert kitchen.mocks() == []


def test_a_pass_through_prototype_needs_a_back_end() -> None:
    kitchen = Kitchen(delivery="pass-through")
    with pytest.raises(InvalidInput, match="an endpoint is needed"):
        kitchen.go("Deploy as a Prototype")
