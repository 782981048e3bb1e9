"""Revisions: at most five, one on the gateway, numbers used once, and what a restore brings."""

from dataclasses import replace
from typing import Any

import pytest

from portico.domain.api import Api, ApiCard, Cors, Resource, Revision, Scope, card_of
from portico.domain.errors import (
    AlreadyExists,
    Conflict,
    InUse,
    InvalidInput,
    LimitReached,
    LostRace,
    NotFound,
)
from portico.domain.gateway import Deployment
from portico.domain.operations import AuditEntry, OutboxEntry
from portico.domain.records import Create, Replace
from portico.domain.user import Caller
from portico.services.policies import default_policies
from portico.services.revisions import Revisions
from tests.fakes import FakeClock, FakeDocuments, FakeRecords

TENANT = "acme.com"
JANE = Caller(TENANT, "jane", ("Internal/publisher",))


def pizza(**fields: Any) -> Api:
    base = Api(
        tenant=TENANT,
        id="p1",
        name="Pizza",
        version="1.0.0",
        context="/t/acme.com/pizza",
        provider="jane",
        production_endpoint="https://pizza.example/v1",
        sandbox_endpoint="https://sandbox.example",
        policies=("Gold",),
        resources=(Resource("/menu", "GET", scopes=("read",)),),
        scopes=(Scope("read", description="Read the menu", roles=("cook",)), Scope("bare")),
    )
    return replace(base, **fields)


@pytest.fixture
def records() -> FakeRecords:
    made = FakeRecords()
    made.commit(Create(pizza()), Create(card_of(pizza())), *map(Create, default_policies(TENANT)))
    return made


@pytest.fixture
def documents() -> FakeDocuments:
    return FakeDocuments()


@pytest.fixture
def revisions(records: FakeRecords, documents: FakeDocuments) -> Revisions:
    return Revisions(records, documents, FakeClock())


def stored(records: FakeRecords, api_id: str = "p1") -> Api:
    found = records.get(Api, tenant=TENANT, id=api_id)
    assert found
    return found


def edit(records: FakeRecords, **fields: Any) -> Api:
    changed = replace(stored(records), **fields)
    records.commit(Replace(changed))
    return changed


def deployed(records: FakeRecords) -> list[Deployment]:
    return set_of(records, Deployment)


def set_of(records: FakeRecords, kind: type[Any]) -> list[Any]:
    found = {id(one): one for key, one in sorted(records.items.items()) if isinstance(one, kind)}
    # A record with copies under other keys counts once.
    unique: dict[Any, Any] = {}
    for one in found.values():
        unique.setdefault(repr(one), one)
    return list(unique.values())


def test_numbers_go_up_and_are_never_used_twice(revisions: Revisions, records: FakeRecords) -> None:
    first, second = (revisions.create(JANE, "p1") for _ in range(2))
    revisions.delete(JANE, "p1", second.id)
    third = revisions.create(JANE, "p1")

    assert (first.number, second.number, third.number) == (1, 2, 3)
    assert [one.number for one in revisions.list(JANE, "p1")] == [1, 3]
    assert stored(records).revision_count == 2


def test_a_sixth_revision_is_refused_until_one_goes(revisions: Revisions) -> None:
    made = [revisions.create(JANE, "p1") for _ in range(5)]
    with pytest.raises(LimitReached):
        revisions.create(JANE, "p1")
    assert len(revisions.list(JANE, "p1")) == 5

    revisions.delete(JANE, "p1", made[0].id)
    assert revisions.create(JANE, "p1").number == 6


def test_two_at_the_same_moment_get_two_numbers(revisions: Revisions, records: FakeRecords) -> None:
    other = Revisions(records, FakeDocuments(), FakeClock())
    records.before_commit = lambda: other.create(JANE, "p1")

    assert revisions.create(JANE, "p1").number == 2
    assert stored(records).revision_count == 2


def test_a_race_that_is_lost_for_ever_is_said(revisions: Revisions, records: FakeRecords) -> None:
    def again() -> None:
        edit(records, description="busy")
        records.before_commit = again

    records.before_commit = again
    with pytest.raises(LostRace):
        revisions.create(JANE, "p1")
    records.before_commit = None
    assert revisions.list(JANE, "p1") == []


def test_deploying_replaces_what_is_deployed(revisions: Revisions, records: FakeRecords) -> None:
    first = revisions.create(JANE, "p1")
    edit(records, production_endpoint="https://pizza.example/v2")
    second = revisions.create(JANE, "p1")

    revisions.deploy(JANE, "p1", first.id)
    assert deployed(records)[0].production_endpoint == "https://pizza.example/v1"
    revisions.deploy(JANE, "p1", second.id, vhost="gw.example", display_on_devportal=False)

    assert [one.production_endpoint for one in deployed(records)] == ["https://pizza.example/v2"]
    shown = {one.number: one for one in revisions.list(JANE, "p1")}
    assert shown[1].deployed == 0
    assert shown[2].deployed == 1_800_000_000_000
    assert (shown[2].vhost, shown[2].display_on_devportal) == ("gw.example", False)
    assert stored(records).deployed_revision == second.id


def test_a_deployment_has_what_the_authorizer_needs(
    revisions: Revisions, records: FakeRecords
) -> None:
    edit(records, cors=Cors(enabled=True), state="PUBLISHED", api_throttling_policy="10KPerMin")
    revisions.deploy(JANE, "p1", revisions.create(JANE, "p1").id)
    (found,) = deployed(records)

    assert found.prefix == found.context == "/t/acme.com/pizza/1.0.0"
    assert found.state == "PUBLISHED"
    assert found.resources == [
        ["/menu", "GET", "Application & Application User", ["read"], "Unlimited"]
    ]
    assert found.scopes == {"read": ["cook"], "bare": []}
    assert found.wording == {"read": "Read the menu"}
    assert found.sandbox_endpoint == "https://sandbox.example"
    assert found.api_policy == "10KPerMin"
    assert found.cors
    assert found.cors["enabled"] is True


def test_a_default_version_answers_at_the_bare_context_too(
    revisions: Revisions, records: FakeRecords
) -> None:
    edit(records, is_default_version=True)
    revisions.deploy(JANE, "p1", revisions.create(JANE, "p1").id)
    assert [one.prefix for one in deployed(records)] == [
        "/t/acme.com/pizza",
        "/t/acme.com/pizza/1.0.0",
    ]
    assert {one.context for one in deployed(records)} == {"/t/acme.com/pizza/1.0.0"}

    newer = pizza(id="p2", version="2.0.0", is_default_version=True)
    edit(records, is_default_version=False)
    records.commit(Create(newer), Create(card_of(newer)))
    revisions.deploy(JANE, "p2", revisions.create(JANE, "p2").id)
    bare = records.get(Deployment, tenant=TENANT, prefix="/t/acme.com/pizza")
    assert bare
    assert bare.api_id == "p2"

    # The older version goes without taking the newer one's path along.
    revisions.undeploy(JANE, "p1", stored(records).deployed_revision)
    assert {one.api_id for one in deployed(records)} == {"p2"}


def test_no_longer_the_default_version_gives_the_bare_context_back(
    revisions: Revisions, records: FakeRecords
) -> None:
    edit(records, is_default_version=True)
    revision = revisions.create(JANE, "p1")
    revisions.deploy(JANE, "p1", revision.id)
    edit(records, is_default_version=False)
    revisions.deploy(JANE, "p1", revision.id)

    assert [one.prefix for one in deployed(records)] == ["/t/acme.com/pizza/1.0.0"]


def test_another_apis_path_is_not_taken_over(revisions: Revisions, records: FakeRecords) -> None:
    revisions.deploy(JANE, "p1", revisions.create(JANE, "p1").id)
    below = pizza(id="x", name="Other", context="/t/acme.com/pizza/1.0.0", is_default_version=True)
    records.commit(Create(below), Create(card_of(below)))
    revision = revisions.create(JANE, "x")

    with pytest.raises(AlreadyExists, match=r"Pizza 1\.0\.0"):
        revisions.deploy(JANE, "x", revision.id)
    assert [one.api_id for one in deployed(records)] == ["p1"]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"production_endpoint": "", "sandbox_endpoint": ""}, "an endpoint is needed"),
        ({"production_endpoint": "", "delivery": "pass-through"}, "production endpoint"),
        ({"production_endpoint": "https://a.example?x=1", "delivery": "pass-through"}, "no query"),
        ({"production_endpoint": "https://a.example/{b}", "delivery": "pass-through"}, "braces"),
        ({"production_endpoint": "https://u:p@a.example", "delivery": "pass-through"}, "user"),
        ({"production_endpoint": "ftp://a.example", "delivery": "pass-through"}, "production"),
    ],
)
def test_what_cannot_be_delivered_is_not_deployed(
    revisions: Revisions, records: FakeRecords, fields: dict[str, Any], says: str
) -> None:
    edit(records, **fields)
    revision = revisions.create(JANE, "p1")
    with pytest.raises(InvalidInput, match=says):
        revisions.deploy(JANE, "p1", revision.id)
    assert deployed(records) == []
    assert stored(records).deployed_revision == ""


def test_pass_through_asks_for_its_route_and_has_no_sandbox(
    revisions: Revisions, records: FakeRecords
) -> None:
    edit(records, delivery="pass-through")
    through = revisions.create(JANE, "p1")
    edit(records, delivery="mediated")
    mediated = revisions.create(JANE, "p1")

    revisions.deploy(JANE, "p1", through.id)
    assert deployed(records)[0].sandbox_endpoint == ""
    revisions.deploy(JANE, "p1", mediated.id)  # the route has to go
    revisions.undeploy(JANE, "p1", mediated.id)  # there is none left to speak of

    entries = records.list(OutboxEntry, tenant=TENANT)
    assert [one.kind for one in entries] == ["route", "route"]
    assert entries[0].payload == {"api_id": "p1", "prefix": "/t/acme.com/pizza/1.0.0"}


def test_a_deployed_revision_is_not_deleted(revisions: Revisions, records: FakeRecords) -> None:
    revision = revisions.create(JANE, "p1")
    revisions.deploy(JANE, "p1", revision.id)
    with pytest.raises(InUse):
        revisions.delete(JANE, "p1", revision.id)

    revisions.undeploy(JANE, "p1", revision.id)
    assert deployed(records) == []
    assert revisions.get(JANE, "p1", revision.id).deployed == 0
    revisions.undeploy(JANE, "p1", revision.id)
    revisions.delete(JANE, "p1", revision.id)
    with pytest.raises(NotFound):
        revisions.get(JANE, "p1", revision.id)


def test_a_restore_brings_back_everything_but_the_state(
    revisions: Revisions, records: FakeRecords, documents: FakeDocuments
) -> None:
    documents.write("key", b'{"old":1}', "application/json")
    edit(records, description="old", definition_key="key")
    revision = revisions.create(JANE, "p1")
    documents.write("key", b'{"new":1}', "application/json")
    now = edit(records, description="new", state="PUBLISHED", policies=("Bronze",))

    restored = revisions.restore(JANE, "p1", revision.id)

    assert restored == stored(records)
    assert (restored.description, restored.policies) == ("old", ("Gold",))
    assert (restored.state, restored.revisions_made) == ("PUBLISHED", now.revisions_made)
    assert documents.read(restored.definition_key) == b'{"old":1}'
    # Editing the API now leaves the snapshot alone.
    documents.write(restored.definition_key, b"edited", "application/json")
    assert documents.read(revision.api.definition_key) == b'{"old":1}'
    card = records.get(ApiCard, tenant=TENANT, id="p1")
    assert card
    assert (card.description, card.state, card.stamp) == ("old", "PUBLISHED", 2)


def test_a_retired_api_is_neither_deployed_nor_restored(
    revisions: Revisions, records: FakeRecords
) -> None:
    revision = revisions.create(JANE, "p1")
    edit(records, state="RETIRED")
    with pytest.raises(Conflict):
        revisions.deploy(JANE, "p1", revision.id)
    with pytest.raises(Conflict):
        revisions.restore(JANE, "p1", revision.id)


def test_bad_input_is_named(revisions: Revisions, records: FakeRecords) -> None:
    revision = revisions.create(JANE, "p1")
    with pytest.raises(InvalidInput, match="description"):
        revisions.create(JANE, "p1", "x" * 256)
    with pytest.raises(InvalidInput, match="'Mars' is not known"):
        revisions.deploy(JANE, "p1", revision.id, environment="Mars")
    with pytest.raises(NotFound):
        revisions.deploy(JANE, "p1", "no-such")
    for attempt in (revisions.create, revisions.list):
        with pytest.raises(NotFound):
            attempt(Caller("other.org", "eve", ("admin",)), "p1")


def test_every_change_leaves_an_audit_entry(revisions: Revisions, records: FakeRecords) -> None:
    revision = revisions.create(JANE, "p1")
    revisions.deploy(JANE, "p1", revision.id)
    revisions.restore(JANE, "p1", revision.id)
    revisions.undeploy(JANE, "p1", revision.id)
    revisions.delete(JANE, "p1", revision.id)

    found = {one.action for one in set_of(records, AuditEntry)}
    assert found == {
        f"{verb}-revision" for verb in ("create", "deploy", "restore", "undeploy", "delete")
    }
    assert {one.user for one in set_of(records, AuditEntry)} == {"jane"}
    assert set_of(records, Revision) == []
