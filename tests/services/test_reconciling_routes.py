"""Drift of pass-through APIs: found, told, audited and repaired; what others made stays; and the
quotas of the HTTP API. On the control plane in memory.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from portico.domain.api import Api, Resource, Revision, card_of
from portico.domain.errors import InvalidInput, Unavailable
from portico.domain.gateway import Deployment
from portico.domain.http_api import HttpApiUse
from portico.domain.operations import AuditEntry, OutboxEntry
from portico.domain.records import Create, Put, Remove, Replace
from portico.domain.user import Caller
from portico.gateway.mappings import BACKEND_JWT
from portico.gateway.routes import HttpApiRoutes
from portico.services.outbox import ANY_TENANT, Outbox
from portico.services.policies import default_policies
from portico.services.reconciling_routes import RECONCILE, ReconcilingRoutes
from portico.services.revisions import ROUTE, Revisions
from portico.services.route_quota import in_use, warning
from tests.fakes import FakeClock, FakeDocuments, FakeRecords
from tests.gateway.fake_control_plane import Died, FakeControlPlane

TENANT = "acme.com"
JANE = Caller(TENANT, "jane", ("Internal/publisher",))
BACKEND = "https://pizza.example/v1"
LATER = 10_000_000_000.0


@dataclass
class World:
    """Two tenants' worth of records, a control plane, and what was said."""

    records: FakeRecords = field(default_factory=FakeRecords)
    clock: FakeClock = field(default_factory=FakeClock)
    plane: FakeControlPlane = field(default_factory=FakeControlPlane)
    notes: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    limits: tuple[int, int] = (300, 300)

    @property
    def routes(self) -> HttpApiRoutes:
        client: Any = self.plane
        return HttpApiRoutes(client, "api01", "auth01", *self.limits, sleep=lambda seconds: None)

    @property
    def reconciling(self) -> ReconcilingRoutes:
        return ReconcilingRoutes(self.records, self.clock, self.routes, *self.limits, self.note)

    @property
    def revisions(self) -> Revisions:
        return Revisions(self.records, FakeDocuments(), self.clock)

    def note(self, what: str, details: Mapping[str, Any]) -> None:
        self.notes.append((what, dict(details)))

    def run(self) -> bool:
        return self.reconciling.run(LATER)

    def deployed(self, name: str, tenant: str = TENANT, **fields: Any) -> Api:
        """A published API on the gateway; its routes are for the outbox to make."""
        api = Api(
            tenant=tenant,
            id=name,
            name=name,
            version="1.0.0",
            context=f"/t/{tenant}/{name}",
            provider="jane",
            state="PUBLISHED",
            production_endpoint=BACKEND,
            policies=("Gold",),
            delivery="pass-through",
            resources=(Resource("/menu", "GET"),),
        )
        api = replace(api, **fields)
        self.records.commit(Create(api), Create(card_of(api)))
        for policy in default_policies(tenant):
            self.records.commit(Put(policy))
        caller = replace(JANE, tenant=tenant)
        made = self.revisions.create(caller, name)
        self.revisions.deploy(caller, name, made.id)
        found = self.records.get(Api, tenant=tenant, id=name)
        assert found
        return found

    def served(self, name: str, tenant: str = TENANT, **fields: Any) -> Api:
        """The same with its routes."""
        api = self.deployed(name, tenant, **fields)
        self.settle(tenant)
        return api

    def settle(self, tenant: str = TENANT) -> None:
        for entry in self.records.list(OutboxEntry, tenant=tenant):
            found = self.records.get(Deployment, tenant=tenant, prefix=entry.payload["prefix"])
            assert entry.kind == ROUTE
            if found:
                api_id, endpoint = found.api_id, found.production_endpoint
                self.routes.ensure(tenant, api_id, found.prefix, endpoint)
            self.records.commit(Remove(entry))

    def by_hand(self, key: str, target: str = "", **fields: Any) -> None:
        """A route of somebody else's, with a back end of its own."""
        if not target:
            name = f"hand{len(self.plane.integrations)}"
            self.plane.integrations[name] = {"IntegrationId": name, "IntegrationUri": "https://h"}
            target = f"integrations/{name}"
        route_id = f"handr{len(self.plane.routes)}"
        route = {"RouteId": route_id, "RouteKey": key, "Target": target, **fields}
        self.plane.routes[route_id] = route

    def route(self, key: str) -> dict[str, Any]:
        (found,) = [one for one in self.plane.routes.values() if one["RouteKey"] == key]
        return found

    def integration(self, key: str) -> dict[str, Any]:
        return self.plane.integrations[self.route(key)["Target"].removeprefix("integrations/")]

    def audited(self, tenant: str = TENANT) -> list[AuditEntry]:
        found = [one for one in self.records.items.values() if isinstance(one, AuditEntry)]
        return [one for one in found if one.action == "repair-route" and one.tenant == tenant]

    def repaired(self) -> list[str]:
        return [text for entry in self.audited() for text in entry.before["drift"]]


@pytest.fixture
def world() -> World:
    return World()


ROOT = "ANY /t/acme.com/pizza/1.0.0"
BELOW = ROOT + "/{proxy+}"


def everything(world: World) -> tuple[list[str], list[str]]:
    """What is on the HTTP API, whatever ids AWS gave it."""
    integrations = {
        name: str(sorted((k, str(v)) for k, v in one.items() if k != "IntegrationId"))
        for name, one in world.plane.integrations.items()
    }
    routes = [
        {**one, "RouteId": "", "Target": integrations[one["Target"].removeprefix("integrations/")]}
        for one in world.plane.routes.values()
    ]
    return sorted(integrations.values()), sorted(str(sorted(one.items())) for one in routes)


def no_root_route(world: World) -> None:
    del world.plane.routes[world.route(ROOT)["RouteId"]]


def nothing_left(world: World) -> None:
    for key in (ROOT, BELOW):
        route = world.route(key)
        del world.plane.integrations[route["Target"].removeprefix("integrations/")]
        del world.plane.routes[route["RouteId"]]


def no_authorizer(world: World) -> None:
    world.route(BELOW)["AuthorizationType"] = "NONE"


def another_authorizer(world: World) -> None:
    world.route(BELOW)["AuthorizerId"] = "other"


def no_mapping(world: World) -> None:
    world.integration(BELOW)["RequestParameters"] = {}


def more_mapping(world: World) -> None:
    world.integration(BELOW)["RequestParameters"] = {
        **BACKEND_JWT,
        "overwrite:header.X-Admin": "'1'",
    }


def another_endpoint(world: World) -> None:
    world.integration(BELOW)["IntegrationUri"] = "https://elsewhere.example/{proxy}"


def another_timeout(world: World) -> None:
    world.integration(ROOT)["TimeoutInMillis"] = 1000


def another_method(world: World) -> None:
    world.integration(ROOT)["IntegrationMethod"] = "GET"


def led_elsewhere(world: World) -> None:
    world.plane.integrations["hand"] = {"IntegrationId": "hand"}
    world.route(BELOW)["Target"] = "integrations/hand"


def no_mark(world: World) -> None:
    del world.route(ROOT)["OperationName"]


def one_more(world: World) -> None:
    world.by_hand("GET /door", world.route(ROOT)["Target"], AuthorizationType="NONE")


DRIFT: list[tuple[Callable[[World], None], list[str], bool]] = [
    (no_root_route, [f"{ROOT}: no route"], False),
    (
        nothing_left,
        [f"{key}: no {what}" for key in (ROOT, BELOW) for what in ("integration", "route")],
        False,
    ),
    (no_authorizer, [f"{BELOW}: authorizer"], True),
    (another_authorizer, [f"{BELOW}: authorizer"], True),
    (no_mapping, [f"{BELOW}: parameter mapping"], True),
    (more_mapping, [f"{BELOW}: parameter mapping"], True),
    (another_endpoint, [f"{BELOW}: endpoint"], False),
    (another_timeout, [f"{ROOT}: timeout"], False),
    (another_method, [f"{ROOT}: settings"], False),
    (led_elsewhere, [f"{BELOW}: integration"], False),
    (no_mark, [f"{ROOT}: mark"], False),
    (one_more, ["GET /door: not wanted"], True),
]


@pytest.mark.parametrize(
    ("drift", "said", "urgent"), DRIFT, ids=lambda v: getattr(v, "__name__", "")
)
def test_each_kind_of_drift_is_told_audited_and_repaired(
    world: World, drift: Callable[[World], None], said: list[str], urgent: bool
) -> None:
    world.served("pizza")
    world.served("pasta")
    before = everything(world)
    drift(world)

    assert world.run()

    world.plane.integrations.pop("hand", None)
    assert everything(world) == before
    (entry,) = world.audited()
    assert (entry.user, entry.kind, entry.subject) == ("system", "api", "pizza")
    assert entry.before == {"drift": said}
    assert world.notes == [
        (
            "drift is being repaired",
            {"tenant": TENANT, "api": "pizza", "drift": said, "urgent": urgent},
        )
    ]
    changes = list(world.plane.changes)
    assert world.run()
    assert (world.plane.changes, len(world.audited())) == (changes, 1)


@pytest.mark.parametrize("drift", [one[0] for one in DRIFT], ids=lambda v: v.__name__)
def test_a_run_that_dies_is_made_good_by_the_next(
    world: World, drift: Callable[[World], None]
) -> None:
    world.served("pizza")
    before = everything(world)
    drift(world)
    died = True
    while died:
        world.plane.die_after = 0
        try:
            world.run()
            died = False
        except Died:
            assert world.audited()  # nothing was changed that the trail does not have
    world.plane.die_after = -1
    world.plane.integrations.pop("hand", None)
    assert everything(world) == before


def test_where_nothing_drifted_nothing_is_changed_or_said(world: World) -> None:
    world.served("pizza")
    world.served("soup", "other.com")
    world.by_hand("$default")
    changes = list(world.plane.changes)

    assert world.run()

    assert world.plane.changes == changes
    assert (world.notes, world.audited()) == ([], [])


def test_missing_authorizers_are_put_back_before_anything_else(world: World) -> None:
    for name in ("a", "b", "c"):
        world.served(name)
    del world.plane.routes[world.route("ANY /t/acme.com/a/1.0.0")["RouteId"]]
    world.route("ANY /t/acme.com/c/1.0.0")["AuthorizationType"] = "NONE"

    world.run()

    assert [entry.subject for entry in world.audited()] == ["c", "a"]


def test_a_route_for_an_api_that_was_not_propagated_is_never_touched(world: World) -> None:
    pizza = world.served("pizza")
    api = replace(pizza, id="own", name="own", context="/own", deployed_revision="", stamp=0)
    world.records.commit(Create(api), Create(card_of(api)))
    world.by_hand("ANY /own/1.0.0", AuthorizationType="NONE", OperationName="listMenus")
    world.by_hand("GET /own/1.0.0/{proxy+}", AuthorizationType="NONE")
    before = everything(world)

    world.run()

    assert everything(world) == before
    assert world.audited() == []


def test_a_route_of_others_in_the_way_is_told_and_left(world: World) -> None:
    world.by_hand(ROOT)
    world.deployed("pizza")
    (entry,) = world.records.list(OutboxEntry, tenant=TENANT)
    world.records.commit(Remove(entry))
    before = everything(world)

    assert world.run()

    assert everything(world) == before
    assert [(what, told["routes"]) for what, told in world.notes] == [
        ("routes of others are in the way", [ROOT])
    ]
    assert world.audited() == []


def test_what_is_no_longer_wanted_goes_and_only_if_it_is_ours(world: World) -> None:
    api = world.served("pizza")
    world.served("pasta")
    deployment = world.records.get(Deployment, tenant=TENANT, prefix=api.full_context)
    assert deployment
    # Blocked, and the entry that says so was lost.
    world.records.commit(Replace(replace(deployment, state="BLOCKED", access="blocked")))

    world.run()

    assert {one["RouteKey"].split("/")[3] for one in world.plane.routes.values()} == {"pasta"}
    assert len(world.plane.integrations) == 2
    assert {f"{ROOT}: not wanted", f"{BELOW}: not wanted"} < set(world.repaired())


def test_what_an_entry_is_about_to_do_is_no_drift(world: World) -> None:
    world.deployed("pizza")
    assert world.run()
    assert (world.plane.routes, world.audited()) == ({}, [])

    world.settle()
    (revision,) = world.records.list(Revision, tenant=TENANT, api_id="pizza")
    world.revisions.deploy(JANE, "pizza", revision.id)
    no_authorizer(world)
    world.run()  # a hole waits for nothing
    assert world.repaired() == [f"{BELOW}: authorizer"]


def test_the_present_decides_and_not_what_was_seen(world: World) -> None:
    api = world.served("pizza")
    no_root_route(world)

    def blocked(what: str, details: Mapping[str, Any]) -> None:
        found = world.records.get(Deployment, tenant=TENANT, prefix=api.full_context)
        assert found
        world.records.commit(Replace(replace(found, state="BLOCKED", access="blocked")))

    replace(world.reconciling, note=blocked).run(LATER)

    assert (world.plane.routes, world.plane.integrations) == ({}, {})


def test_throttling_is_waited_out_or_said(world: World) -> None:
    world.served("pizza")
    no_authorizer(world)
    world.plane.throttled = 3
    assert world.run()
    assert world.route(BELOW)["AuthorizationType"] == "CUSTOM"

    no_authorizer(world)
    world.plane.throttled = 100
    with pytest.raises(Unavailable):
        world.run()
    world.plane.throttled = 0
    assert world.run()
    assert world.route(BELOW)["AuthorizationType"] == "CUSTOM"


def test_one_that_cannot_be_repaired_holds_up_no_other(world: World) -> None:
    for name in ("a", "b"):
        world.served(name)
        del world.plane.routes[world.route(f"ANY /t/acme.com/{name}/1.0.0")["RouteId"]]
    limited = replace(world.routes, route_limit=3)

    with pytest.raises(InvalidInput, match="3 of at most 3 routes"):
        replace(world.reconciling, routes=limited).run(LATER)

    assert len(world.plane.routes) == 3
    assert [what for what, _ in world.notes].count("drift was not repaired") == 1


def test_a_run_ends_at_its_deadline_and_goes_on_in_the_next(world: World) -> None:
    for name in ("a", "b"):
        world.served(name)
        del world.plane.routes[world.route(f"ANY /t/acme.com/{name}/1.0.0")["RouteId"]]
    assert not world.reconciling.run(world.clock.now())
    assert len(world.plane.routes) == 2
    assert world.run()
    assert len(world.plane.routes) == 4


def test_runs_are_asked_for_once_and_a_delayed_one_is_due(world: World) -> None:
    world.reconciling.ask()
    (entry,) = world.records.list(OutboxEntry, tenant=ANY_TENANT)
    world.records.commit(Replace(replace(entry, not_before=int(LATER), attempts=9)))
    world.reconciling.ask()
    (entry,) = world.records.list(OutboxEntry, tenant=ANY_TENANT)
    assert (entry.kind, entry.not_before) == (RECONCILE, 0)

    outbox = Outbox(world.records, world.clock, {RECONCILE: lambda entry: world.run()})
    assert outbox.work(LATER).done == [entry.id]
    assert outbox.pending(ANY_TENANT) == []


# --- quotas ---


def use(world: World) -> HttpApiUse:
    found = in_use(world.records)
    assert found
    return found


def test_what_there_is_is_counted(world: World) -> None:
    world.by_hand("$default")
    world.by_hand("ANY /token", "integrations/hand0")
    world.served("pizza")
    world.served("soup", "other.com")

    world.run()

    assert use(world).quotas == (("routes", 6, 300), ("integrations", 5, 300))


def test_a_default_version_has_routes_at_its_full_context_only(world: World) -> None:
    world.served("pizza", context="/t/acme.com/pizza/{version}", is_default_version=True)
    assert len(world.records.list(Deployment, by="all", tenant=TENANT)) == 2
    world.run()
    assert use(world).apis == 1
    assert {one["RouteKey"] for one in world.plane.routes.values()} == {ROOT, BELOW}


def test_room_is_taken_with_the_deployment_and_given_back(world: World) -> None:
    world.run()
    api = world.served("pizza")
    assert use(world).apis == 1
    world.revisions.deploy(JANE, "pizza", api.deployed_revision)
    assert use(world).apis == 1
    world.deployed("mediated", delivery="mediated")
    assert use(world).apis == 1
    world.revisions.undeploy(JANE, "pizza", api.deployed_revision)
    assert use(world).apis == 0


@pytest.mark.parametrize(
    ("limits", "what"),
    [((5, 300), "4 of at most 5 routes"), ((300, 4), "4 of at most 4 integrations")],
)
def test_at_the_limit_nothing_is_deployed_and_the_way_out_is_named(
    world: World, limits: tuple[int, int], what: str
) -> None:
    world.limits = limits
    world.served("a")
    world.served("b")
    world.run()

    with pytest.raises(InvalidInput, match=f"{what}.*mediated") as raised:
        world.deployed("c")

    assert [one.field for one in raised.value.problems] == ["portico_delivery"]
    found = world.records.get(Api, tenant=TENANT, id="c")
    assert found
    assert found.deployed_revision == ""
    on_gateway = world.records.list(Deployment, by="all", tenant=TENANT)
    assert {one.api_id for one in on_gateway} == {"a", "b"}
    world.deployed("d", delivery="mediated")


def test_two_at_once_do_not_both_have_the_last_room(world: World) -> None:
    world.limits = (3, 3)
    world.run()

    api = world.deployed("first", delivery="mediated")
    world.records.commit(Replace(replace(api, delivery="pass-through")))
    revision = world.revisions.create(JANE, "first")

    def another() -> None:
        other = use(world)
        world.records.commit(Replace(replace(other, apis=other.apis + 1)))

    world.records.before_commit = another
    with pytest.raises(InvalidInput, match="2 of at most 3 routes"):
        world.revisions.deploy(JANE, "first", revision.id)
    assert use(world).apis == 1


def test_a_blocked_api_keeps_its_room(world: World) -> None:
    api = world.served("pizza")
    found = world.records.get(Deployment, tenant=TENANT, prefix=api.full_context)
    assert found
    world.records.commit(Replace(replace(found, state="BLOCKED", access="blocked")))
    world.run()
    assert (use(world).apis, world.plane.routes) == (1, {})


def test_nine_tenths_are_warned_about(world: World) -> None:
    world.limits = (23, 20)
    for n in range(8):
        world.served(f"api{n}")
    world.run()
    assert (warning(use(world)), world.notes) == ("", [])

    world.served("last")
    world.run()
    assert [what for what, _ in world.notes] == ["quota"]
    assert "18 of 20 integrations" in warning(use(world))
    assert "routes" not in warning(use(world))


def test_who_deploys_while_it_is_counted_counts_itself(world: World) -> None:
    world.run()
    world.deployed("pizza")

    def meanwhile() -> None:
        world.records.commit(Replace(replace(use(world), apis=2)))

    world.records.before_commit = meanwhile
    world.run()
    assert use(world).apis == 2
    world.run()
    assert use(world).apis == 1
