"""A policy that an API or any of its revisions names is in use, and is looked for when it is
needed again.
"""

from dataclasses import replace
from typing import Any

import pytest

from portico.domain.api import Api, Delivery, Resource, card_of
from portico.domain.errors import Conflict, InUse, InvalidInput
from portico.domain.policy import Limit, Policy, PolicyUse
from portico.domain.records import Change, Create, Put, Remove, Replace
from portico.domain.user import Caller
from portico.services.policies import Policies
from portico.services.policy_rules import PolicyDraft, with_limit
from portico.services.policy_uses import api_uses
from portico.services.publishing import Publishing
from portico.services.revisions import Revisions
from portico.services.tenants import Tenants
from tests.fakes import FakeClock, FakeDocuments, FakeRecords

TENANT = "carbon.super"
ADMIN = Caller(TENANT, "admin", ("admin",), frozenset({"apim:api_manage"}))
PIZZA = Api(
    tenant=TENANT,
    id="p1",
    name="Pizza",
    version="1.0.0",
    context="/pizza",
    provider="admin",
    production_endpoint="https://pizza.example",
    policies=("Gold",),
    api_throttling_policy="Slow",
    resources=(Resource("/menu", "GET", throttling_policy="Slower"),),
)


class World:
    """A tenant with the advanced policies Slow and Slower, and an API that names both."""

    def __init__(self) -> None:
        self.records, clock, documents = FakeRecords(), FakeClock(), FakeDocuments()
        Tenants(self.records, clock).prepare(TENANT)
        self.policies = Policies(self.records, clock)
        self.revisions = Revisions(self.records, documents, clock)
        self.publishing = Publishing(self.records, documents, clock, ("pizza.example",))
        for name in ("Slow", "Slower"):
            self.policies.create(ADMIN, "api", PolicyDraft(name=name, request_count=5))
        self.records.commit(
            Create(PIZZA), Create(card_of(PIZZA)), *api_uses([], [PIZZA], TENANT, "p1")
        )

    def delete(self, name: str, level: str = "api") -> None:
        self.policies.delete(ADMIN, level, self.policies.get(TENANT, level, name).id)

    def update(self, **changes: Any) -> None:
        wanted: Any = changes
        self.publishing.update(ADMIN, "p1", wanted)

    def forget(self, name: str) -> None:
        """Remove a policy without asking, as one was whose use nobody had noted."""
        found = self.records.get(Policy, tenant=TENANT, level="api", name=name)
        assert found
        self.records.commit(Remove(found))

    def uses(self) -> set[str]:
        found = {id(one): one for one in self.records.items.values()}
        return {one.policy for one in found.values() if isinstance(one, PolicyUse)}

    def bandwidth(self, name: str, level: str = "api", **draft: Any) -> None:
        policy = self.policies.get(TENANT, level, name)
        new = with_limit(PolicyDraft(name=name, **draft), Limit(1, 1, "day", "MB"))
        self.policies.replace(ADMIN, level, policy.id, new)


@pytest.fixture
def world() -> World:
    return World()


def test_what_the_api_names_stays(world: World) -> None:
    for name, level in (("Slow", "api"), ("Slower", "api"), ("Gold", "subscription")):
        with pytest.raises(InUse, match=r"Pizza.*p1"):
            world.delete(name, level)


def test_what_only_a_revision_names_stays_until_that_goes(world: World) -> None:
    revision = world.revisions.create(ADMIN, "p1")
    world.update(api_throttling_policy="", policies=("Bronze",))
    for name, level in (("Slow", "api"), ("Gold", "subscription")):
        with pytest.raises(InUse, match="revision"):
            world.delete(name, level)
    world.revisions.delete(ADMIN, "p1", revision.id)
    world.delete("Slow")
    world.delete("Gold", "subscription")
    assert world.uses() == {"Slower", "Bronze"}


def test_what_two_revisions_name_stays_until_both_go(world: World) -> None:
    first, second = (world.revisions.create(ADMIN, "p1") for _ in range(2))
    world.update(api_throttling_policy="")
    world.revisions.delete(ADMIN, "p1", first.id)
    with pytest.raises(InUse):
        world.delete("Slow")
    world.revisions.delete(ADMIN, "p1", second.id)
    world.delete("Slow")


def test_without_revisions_a_dropped_policy_may_go_at_once(world: World) -> None:
    world.update(api_throttling_policy="")
    world.delete("Slow")


def test_restoring_keeps_what_another_revision_names(world: World) -> None:
    old = world.revisions.create(ADMIN, "p1")
    world.update(api_throttling_policy="10KPerMin")
    world.revisions.create(ADMIN, "p1")
    world.revisions.restore(ADMIN, "p1", old.id)
    for name in ("Slow", "10KPerMin"):
        with pytest.raises(InUse):
            world.delete(name)


def test_an_api_that_is_gone_uses_nothing(world: World) -> None:
    world.revisions.create(ADMIN, "p1")
    world.update(api_throttling_policy="")
    world.publishing.delete(ADMIN, "p1")
    assert "Slow" in world.uses()
    world.delete("Slow")


@pytest.mark.parametrize("name", ["Slow", "Slower"])
def test_a_revision_whose_policy_is_gone_is_neither_restored_nor_deployed(
    world: World, name: str
) -> None:
    revision = world.revisions.create(ADMIN, "p1")
    world.forget(name)
    with pytest.raises(InvalidInput, match=name):
        world.revisions.restore(ADMIN, "p1", revision.id)
    with pytest.raises(InvalidInput, match=name):
        world.revisions.deploy(ADMIN, "p1", revision.id)


def test_an_offered_policy_that_is_gone_stops_a_restore_only(world: World) -> None:
    revision = world.revisions.create(ADMIN, "p1")
    gold = world.policies.get(TENANT, "subscription", "Gold")
    world.records.commit(Remove(gold))
    world.revisions.deploy(ADMIN, "p1", revision.id)
    with pytest.raises(InvalidInput, match="Gold"):
        world.revisions.restore(ADMIN, "p1", revision.id)


@pytest.mark.parametrize(
    ("name", "level", "field"),
    [
        ("Slow", "api", "apiThrottlingPolicy"),
        ("Slower", "api", "operations.throttlingPolicy"),
        ("Gold", "subscription", "policies"),
    ],
)
def test_bandwidth_is_refused_on_pass_through(
    world: World, name: str, level: str, field: str
) -> None:
    world.bandwidth(name, level)
    with pytest.raises(InvalidInput, match="pass-through") as caught:
        world.update(delivery=Delivery.PASS_THROUGH)
    assert [one.field for one in caught.value.problems] == [field]
    # Where it was not noticed before, it is when it would be deployed.
    api = world.records.get(Api, tenant=TENANT, id="p1")
    assert api
    world.records.commit(Replace(replace(api, delivery=Delivery.PASS_THROUGH)))
    revision = world.revisions.create(ADMIN, "p1")
    with pytest.raises(InvalidInput, match="nobody sees"):
        world.revisions.deploy(ADMIN, "p1", revision.id)


def test_bandwidth_of_a_mediated_api_is_deployed(world: World) -> None:
    world.bandwidth("Slow")
    world.revisions.deploy(ADMIN, "p1", world.revisions.create(ADMIN, "p1").id)


def test_a_policy_of_pass_through_apis_never_counts_bandwidth(world: World) -> None:
    world.update(delivery=Delivery.PASS_THROUGH)
    with pytest.raises(Conflict, match="Pizza"):
        world.bandwidth("Slow")
    # What is on the gateway counts, whatever the API has become since.
    world.revisions.deploy(ADMIN, "p1", world.revisions.create(ADMIN, "p1").id)
    world.update(delivery=Delivery.MEDIATED)
    with pytest.raises(Conflict, match="Pizza"):
        world.bandwidth("Slow")
    assert not world.policies.get(TENANT, "api", "Slow").measures_bandwidth


def test_uses_are_the_union_of_an_api_and_its_revisions() -> None:
    other = replace(PIZZA, api_throttling_policy="", policies=("Bronze",))
    changes: list[Change] = api_uses([PIZZA, PIZZA], [other, PIZZA], TENANT, "p1")
    assert [(type(one), getattr(one.record, "policy", "")) for one in changes] == [(Put, "Bronze")]
    assert api_uses([None, PIZZA], [None, PIZZA], TENANT, "p1") == []
