"""Versions of a tenant's life cycle: kept, compared, put in force, rolled back, and followed by the
APIs.
"""

from dataclasses import replace

import pytest

from portico.domain.api import Api, ApiCard, HistoryEntry, card_of
from portico.domain.behaviour import Access, behaviour_of
from portico.domain.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    Stale,
    TransitionRefused,
    Unavailable,
)
from portico.domain.gateway import Deployment
from portico.domain.operations import AuditEntry, OutboxEntry
from portico.domain.records import Create, Put
from portico.domain.user import Caller
from portico.lifecycle import scxml
from portico.services.activating import SETTLE, Activating
from portico.services.lifecycles import Lifecycles
from portico.services.settling import EVENT, Settling
from portico.services.transitions import Transitions
from tests.fakes import FakeClock, FakeDocuments, FakeRecords

ANNA = Caller("acme.com", "anna", ("admin",))
DEFAULT = scxml.default_text().decode()
# The default with another name for the state that blocks.
PAUSED = DEFAULT.replace('id="Blocked"', 'id="Paused"').replace(
    'target="Blocked"', 'target="Paused"'
)
BEHAVIOUR = '<datamodel><data name="behaviour" access="blocked" keptInSight="true"/>'
PAUSED = PAUSED.replace(
    '<state id="Paused">\n          <datamodel>', f'<state id="Paused">{BEHAVIOUR}'
)


class World:
    """One tenant with its services."""

    def __init__(self) -> None:
        self.records, self.documents, self.clock = FakeRecords(), FakeDocuments(), FakeClock()
        self.lifecycles = Lifecycles(self.records, self.clock)
        self.activating = Activating(self.lifecycles)
        self.settling = Settling(self.records, self.documents, self.clock, self.lifecycles.current)

    def add(self, name: str, state: str) -> Api:
        api = Api(
            tenant=ANNA.tenant,
            id=name,
            name=name,
            version="1.0",
            context=f"/{name}",
            provider="anna",
            state=state,
            deployed_revision="r1",
        )
        there = Deployment(
            tenant=api.tenant,
            prefix=api.full_context,
            api_id=api.id,
            name=name,
            version="1.0",
            context=api.full_context,
            provider="anna",
            state=state,
            revision_id="r1",
            resources=[],
            access=str(behaviour_of(api).access),
        )
        self.records.commit(Create(api), Create(card_of(api)), Create(there))
        return api

    def api(self, api_id: str) -> Api:
        found = self.records.get(Api, tenant=ANNA.tenant, id=api_id)
        assert found
        return found

    def settle(self) -> bool:
        """Carry out what the last activation left to do."""
        entry = self.records.list(OutboxEntry, tenant=ANNA.tenant)[-1]
        assert entry.kind == SETTLE
        mapping = entry.payload["mapping"]
        user = entry.payload["user"]
        return self.settling.settle(ANNA.tenant, mapping, user, self.clock.now() + 1)


@pytest.fixture
def world() -> World:
    return World()


def save(world: World, text: str = PAUSED, comment: str = "") -> int:
    return world.lifecycles.save(ANNA, text.encode(), comment=comment).number


def test_a_tenant_begins_with_the_default(world: World) -> None:
    assert world.lifecycles.current(ANNA.tenant) == scxml.default()
    (only,) = world.lifecycles.list(ANNA.tenant)
    assert only.number == 0
    assert world.lifecycles.show(ANNA.tenant, 0).document == DEFAULT


def test_a_version_is_kept_as_it_was_written_and_not_yet_in_force(world: World) -> None:
    text = PAUSED.replace("</aspect>", "<!-- ours --></aspect>")
    assert save(world, text, "pausing") == 1
    assert save(world) == 2
    shown = world.lifecycles.show(ANNA.tenant, 1)
    assert (shown.document, shown.version.comment) == (text, "pausing")
    assert shown.lifecycle.state("paused") is not None
    assert [one.number for one in world.lifecycles.list(ANNA.tenant)] == [2, 1, 0]
    assert world.lifecycles.current(ANNA.tenant) == scxml.default()


def test_versions_are_the_tenants_own(world: World) -> None:
    save(world)
    assert [one.number for one in world.lifecycles.list("other.com")] == [0]
    with pytest.raises(NotFound):
        world.lifecycles.show("other.com", 1)
    with pytest.raises(NotFound):
        world.activating.activate(Caller("other.com", "eve", ("admin",)), 1)


def test_everything_wrong_is_named_with_its_line(world: World) -> None:
    wrong = DEFAULT.replace('target="Retired"', 'target="Nowhere"').replace(
        "impl.executors.APIExecutor", "impl.Other"
    )
    with pytest.raises(InvalidInput) as raised:
        save(world, wrong)
    told = {(one.field, one.message) for one in raised.value.problems}
    line = 1 + wrong[: wrong.index('target="Nowhere"')].count("\n")
    assert any(field == f"line {line}" and "Nowhere" in text for field, text in told)
    assert any("impl.Other" in text for _, text in told)
    assert [one.number for one in world.lifecycles.list(ANNA.tenant)] == [0]


def test_an_execution_without_its_parameter_is_refused(world: World) -> None:
    wrong = DEFAULT.replace("org.wso2.carbon.apimgt.impl.executors.APIExecutor", "Webhook")
    with pytest.raises(InvalidInput, match="url"):
        save(world, wrong)


def test_json_is_kept_as_scxml(world: World) -> None:
    from portico.lifecycle import json_form

    number = world.lifecycles.save(ANNA, json_form.write(scxml.read(PAUSED.encode()))).number
    shown = world.lifecycles.show(ANNA.tenant, number)
    assert shown.document.lstrip().startswith("<")
    assert shown.lifecycle == scxml.read(PAUSED.encode())


def test_another_encoding_is_kept_as_utf_8(world: World) -> None:
    text = PAUSED.replace("UTF-8", "ISO-8859-1").replace('event="Retire"', 'event="Abkündigen"')
    number = world.lifecycles.save(ANNA, text.encode("iso-8859-1")).number
    shown = world.lifecycles.show(ANNA.tenant, number)
    assert "Abkündigen" in shown.lifecycle.events
    assert scxml.read(shown.document.encode()) == shown.lifecycle


def test_activation_puts_a_version_in_force_and_roll_back_the_one_before(world: World) -> None:
    first, second = save(world), save(world)
    world.activating.activate(ANNA, first)
    assert world.lifecycles.current(ANNA.tenant).state("Paused")
    world.activating.activate(ANNA, second)
    world.activating.activate(ANNA, 0)
    assert world.lifecycles.current(ANNA.tenant) == scxml.default()
    backs = [world.activating.roll_back(ANNA).active for _ in range(3)]
    assert backs == [second, first, 0]
    with pytest.raises(Conflict):
        world.activating.roll_back(ANNA)


def test_activating_what_is_in_force_leaves_the_way_back_as_it_is(world: World) -> None:
    number = save(world)
    world.activating.activate(ANNA, number)
    assert world.activating.activate(ANNA, number).former == (0,)


def test_who_has_not_seen_the_last_activation_is_refused(world: World) -> None:
    number = save(world)
    seen = world.lifecycles.choice(ANNA.tenant).stamp
    world.activating.activate(ANNA, number, stamp=seen)
    with pytest.raises(Stale):
        world.activating.activate(ANNA, 0, stamp=seen)
    world.records.before_commit = lambda: world.activating.activate(ANNA, 0)
    with pytest.raises(Stale):
        world.activating.roll_back(ANNA)


def test_two_uploads_at_once_get_two_numbers(world: World) -> None:
    world.records.before_commit = lambda: save(world, comment="first")
    assert save(world, comment="second") == 2
    assert [one.comment for one in world.lifecycles.list(ANNA.tenant)][:2] == ["second", "first"]


def test_apis_in_a_missing_state_must_be_given_another(world: World) -> None:
    world.add("pizza", "BLOCKED")
    world.add("pasta", "BLOCKED")
    number = save(world)
    with pytest.raises(Conflict, match="2 in BLOCKED"):
        world.activating.activate(ANNA, number)
    with pytest.raises(InvalidInput, match="Nowhere"):
        world.activating.activate(ANNA, number, {"BLOCKED": "Nowhere"})
    with pytest.raises(InvalidInput, match="Created"):
        world.activating.activate(ANNA, number, {"BLOCKED": "Paused", "Created": "Paused"})
    assert world.lifecycles.choice(ANNA.tenant).active == 0
    world.activating.activate(ANNA, number, {"blocked": "paused"})
    assert world.settle()
    assert {world.api(name).state for name in ("pizza", "pasta")} == {"PAUSED"}


def test_until_it_is_moved_an_api_can_be_looked_at_but_not_changed(world: World) -> None:
    world.add("pizza", "BLOCKED")
    world.activating.activate(ANNA, save(world), {"BLOCKED": "Paused"})
    transitions = Transitions(world.records, world.documents, world.clock, world.lifecycles.current)
    found = transitions.state(ANNA, "pizza")
    assert (found["state"], found["availableTransitions"]) == ("BLOCKED", [])
    with pytest.raises(TransitionRefused):
        transitions.change(ANNA, "pizza", "Deprecate", {})
    world.settle()
    assert transitions.change(ANNA, "pizza", "Deprecate", {}).api.state == "DEPRECATED"


def test_a_moved_api_is_whole(world: World) -> None:
    world.add("pizza", "BLOCKED")
    world.activating.activate(ANNA, save(world), {"BLOCKED": "Published"})
    world.settle()
    card = world.records.get(ApiCard, tenant=ANNA.tenant, id="pizza")
    there = world.records.get(Deployment, tenant=ANNA.tenant, prefix="/pizza/1.0")
    (told,) = world.records.list(HistoryEntry, tenant=ANNA.tenant, api_id="pizza")
    assert card
    assert there
    assert (card.state, there.state, there.access) == ("PUBLISHED", "PUBLISHED", Access.TOKEN)
    assert (told.previous_state, told.post_state) == ("BLOCKED", "PUBLISHED")
    assert (told.event, told.user) == (EVENT, "anna")


def test_a_changed_behaviour_reaches_apis_that_stay_in_their_state(world: World) -> None:
    world.add("pizza", "PUBLISHED")
    quiet = DEFAULT.replace(
        '<state id="Published">\n          <datamodel>',
        '<state id="Published"><datamodel><data name="behaviour" access="blocked"/>',
    )
    world.activating.activate(ANNA, save(world, quiet))
    world.settle()
    there = world.records.get(Deployment, tenant=ANNA.tenant, prefix="/pizza/1.0")
    assert there
    assert there.access == Access.BLOCKED
    assert world.records.list(HistoryEntry, tenant=ANNA.tenant, api_id="pizza") == []
    world.activating.roll_back(ANNA)
    world.settle()
    there = world.records.get(Deployment, tenant=ANNA.tenant, prefix="/pizza/1.0")
    assert there
    assert there.access == Access.TOKEN


def test_a_move_to_a_state_that_ends_subscriptions_closes_them(world: World) -> None:
    world.add("pizza", "BLOCKED")
    world.activating.activate(ANNA, save(world), {"BLOCKED": "Retired"})
    world.settle()
    assert world.records.get(Deployment, tenant=ANNA.tenant, prefix="/pizza/1.0") is None
    kinds = [one.kind for one in world.records.list(OutboxEntry, tenant=ANNA.tenant)]
    assert "close-subscriptions" in kinds


def test_settling_twice_changes_nothing_and_a_race_is_settled_again(world: World) -> None:
    api = world.add("pizza", "BLOCKED")
    world.activating.activate(ANNA, save(world), {"BLOCKED": "Paused"})
    changed = replace(api, stamp=0, description="meanwhile")
    world.records.before_commit = lambda: world.records.commit(Put(replace(changed, stamp=7)))
    world.settle()
    after = world.api("pizza")
    assert (after.state, after.description) == ("PAUSED", "meanwhile")
    world.settle()
    assert world.api("pizza").stamp == after.stamp


def test_an_api_whose_transition_was_under_way_is_moved_by_a_second_look(world: World) -> None:
    world.activating.activate(ANNA, save(world), {"BLOCKED": "Paused"})
    first, second = sorted(
        world.records.list(OutboxEntry, tenant=ANNA.tenant), key=lambda one: one.not_before
    )
    assert world.settle()
    world.add("pizza", "BLOCKED")
    assert first.not_before <= world.clock.now() < second.not_before
    assert (second.kind, second.payload) == (first.kind, first.payload)
    assert world.settle()
    assert world.api("pizza").state == "PAUSED"


def test_names_without_a_label_are_warned_of(world: World) -> None:
    text = DEFAULT.replace('event="Retire"', 'event="Lay to Rest"').encode()
    lacking = world.lifecycles.validate(ANNA.tenant, text, {})
    assert lacking.sound
    assert {one.subject for one in lacking.findings} == {"Lay to Rest"}
    assert {one.severity for one in lacking.findings} == {"warning"}
    texts = {language: {"lay to rest": "Ende"} for language in ("en", "de")}
    assert world.lifecycles.validate(ANNA.tenant, text, texts).findings == ()


def test_an_api_that_cannot_be_moved_holds_up_no_other(world: World) -> None:
    world.add("anchovy", "BLOCKED")
    world.add("pizza", "BLOCKED")
    world.activating.activate(ANNA, save(world), {"BLOCKED": "Paused"})

    def refused() -> None:
        raise Unavailable("The database did not answer")

    world.records.before_commit = refused
    with pytest.raises(Unavailable):
        world.settle()
    assert [world.api(name).state for name in ("anchovy", "pizza")] == ["BLOCKED", "PAUSED"]
    assert world.settle()
    assert world.api("anchovy").state == "PAUSED"


def test_settling_goes_on_where_its_time_ended(world: World) -> None:
    for name in ("pizza", "pasta"):
        world.add(name, "BLOCKED")
    world.activating.activate(ANNA, save(world), {"BLOCKED": "Paused"})
    now = world.clock.now()
    assert not world.settling.settle(ANNA.tenant, {"BLOCKED": "Paused"}, "anna", now)
    assert world.settle()
    assert world.api("pizza").state == "PAUSED"


def test_differences_are_shown_line_by_line(world: World) -> None:
    number = save(world)
    diff = world.lifecycles.compare(ANNA.tenant, 0, number)
    assert '-        <state id="Blocked">' in diff
    assert "+++ version-1/lifecycle.scxml" in diff
    assert world.lifecycles.compare(ANNA.tenant, number, number) == ""


def test_labels_go_with_their_version(world: World) -> None:
    texts = {"en": {"publish": "Go live"}}
    number = world.lifecycles.save(ANNA, PAUSED.encode(), texts).number
    assert world.lifecycles.current_labels(ANNA.tenant).label("event", "Publish") == "Publish"
    world.activating.activate(ANNA, number)
    labels = world.lifecycles.current_labels(ANNA.tenant)
    assert labels.label("event", "Publish") == "Go live"
    assert labels.label("event", "Deprecate", "de") != "Deprecate"  # what is shipped stays below


@pytest.mark.parametrize(
    "texts",
    [{"en": {"Publish": "Go"}}, {"en": {"publish": " "}}, {"not a language": {"publish": "Go"}}],
    ids=["upper case", "no text", "language"],
)
def test_labels_that_cannot_be_used_are_refused(
    world: World, texts: dict[str, dict[str, str]]
) -> None:
    with pytest.raises(InvalidInput, match="labels"):
        world.lifecycles.save(ANNA, PAUSED.encode(), texts)


def test_changes_are_in_the_audit_trail(world: World) -> None:
    world.activating.activate(ANNA, save(world))
    world.activating.roll_back(ANNA)
    day = world.records.items
    actions = [one.action for one in day.values() if isinstance(one, AuditEntry)]
    assert sorted(actions) == ["activate", "create", "roll-back"]
