"""The engine on the default life cycle: what is possible, for whom, and with which boxes ticked."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portico.domain.errors import Forbidden, InvalidInput, PorticoError, TransitionRefused
from portico.lifecycle import scxml
from portico.lifecycle.engine import describe, step
from portico.lifecycle.model import DEPRECATE_OLD, PROPAGATE, RESUBSCRIBE, Approval, LifeCycle
from tests.lifecycle.charts import OWN, lifecycles

PUBLISHER = ("Internal/publisher",)
NAMES = {
    DEPRECATE_OLD: [
        "Deprecate Old Versions",
        "Deprecate old versions after publish the API",
        "Deprecate old versions after publishing the API",
        "deprecate OLD versions",
    ],
    RESUBSCRIBE: [
        "Require Re-Subscription",
        "Requires re-subscription when publish the API",
        "Requires re-subscription when publishing the API",
    ],
    PROPAGATE: ["Propagate Changes to API Gateway", "propagate changes to api gateway"],
}
EVERY_NAME = [(name, spelt) for name, all_of_it in NAMES.items() for spelt in all_of_it]


def chart() -> LifeCycle:
    return scxml.default()


@pytest.mark.parametrize(("name", "spelt"), EVERY_NAME, ids=lambda value: str(value))
@pytest.mark.parametrize("value", [True, False])
def test_items_are_known_by_the_names_of_every_era(name: str, spelt: str, value: bool) -> None:
    assert step(chart(), "CREATED", "Publish", {spelt: value}, PUBLISHER).checklist[name] is value


def test_items_not_given_are_as_to_begin_with() -> None:
    taken = step(chart(), "PROTOTYPED", "Publish", {}, PUBLISHER)

    assert taken.checklist == {PROPAGATE: True, DEPRECATE_OLD: False, RESUBSCRIBE: False}


def test_an_unknown_item_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InvalidInput) as refusal:
        step(chart(), "CREATED", "Publish", {"Deprecate older": True}, PUBLISHER)

    for name in NAMES:
        assert name in str(refusal.value)


def test_an_item_that_would_do_nothing_is_refused_and_an_untouched_one_is_not() -> None:
    assert step(chart(), "PUBLISHED", "Block", {PROPAGATE: True, RESUBSCRIBE: False}, PUBLISHER)
    with pytest.raises(InvalidInput, match="no effect on 'Block'"):
        step(chart(), "PUBLISHED", "Block", {PROPAGATE: False}, PUBLISHER)
    with pytest.raises(InvalidInput, match="no effect on 'Deploy as a Prototype'"):
        step(chart(), "CREATED", "Deploy as a Prototype", {DEPRECATE_OLD: True}, PUBLISHER)


def test_two_spellings_may_not_contradict_each_other() -> None:
    twice = {"Require Re-Subscription": True, RESUBSCRIBE: False}
    with pytest.raises(InvalidInput, match="twice"):
        step(chart(), "CREATED", "Publish", twice, PUBLISHER)


def test_demote_to_prototyped_is_deploy_as_a_prototype() -> None:
    taken = step(chart(), "PUBLISHED", "Demote to Prototyped", {}, PUBLISHER)

    assert (taken.event, taken.state) == ("Deploy as a Prototype", "Prototyped")


def test_an_impossible_event_is_refused_with_the_possible_ones() -> None:
    with pytest.raises(TransitionRefused, match=r"Blocked; possible: Deprecate, Re-Publish"):
        step(chart(), "BLOCKED", "Publish", {}, PUBLISHER)
    with pytest.raises(TransitionRefused, match="possible: none"):
        step(chart(), "RETIRED", "Publish", {}, PUBLISHER)


def test_an_unknown_event_is_bad_input() -> None:
    with pytest.raises(InvalidInput) as refusal:
        step(chart(), "CREATED", "Explode", {}, PUBLISHER)

    assert refusal.value.problems[0].field == "action"


@pytest.mark.parametrize("roles", [(), ("Internal/creator", "Internal/subscriber")])
def test_without_the_role_nothing_moves(roles: tuple[str, ...]) -> None:
    with pytest.raises(Forbidden, match="Internal/publisher"):
        step(chart(), "CREATED", "Publish", {}, roles)


def test_an_administrator_has_every_role() -> None:
    assert step(chart(), "DEPRECATED", "Retire", {}, ("admin",)).state == "Retired"


def test_a_state_is_described_as_the_contract_says() -> None:
    body = describe(chart(), "BLOCKED")

    assert body == {
        "state": "Blocked",
        "checkItems": [],
        "availableTransitions": [
            {"event": "Deprecate", "targetState": "Deprecated"},
            {"event": "Re-Publish", "targetState": "Published"},
        ],
    }
    items = describe(chart(), "CREATED")["checkItems"]
    assert items[0] == {"name": PROPAGATE, "value": True, "requiredStates": []}
    assert items[1]["requiredStates"] == ["Published"]


STATES = st.sampled_from([node.id.upper() for node in scxml.default().states])
EVENTS = st.one_of(
    st.sampled_from([*scxml.default().events, "Demote to Prototyped"]), st.text(max_size=20)
)
CHECKLISTS = st.dictionaries(
    st.one_of(st.sampled_from([spelt for _, spelt in EVERY_NAME]), st.text(max_size=20)),
    st.booleans(),
    max_size=4,
)


@given(STATES, EVENTS, CHECKLISTS)
def test_a_step_is_an_available_transition_or_a_refusal(
    state: str, event: str, checklist: Mapping[str, bool]
) -> None:
    available = {
        (found["event"], found["targetState"])
        for found in describe(chart(), state)["availableTransitions"]
    }
    try:
        taken = step(chart(), state, event, checklist, PUBLISHER)
    except PorticoError:
        return
    assert (taken.event, taken.state) in available
    assert taken.previous.upper() == state


@given(st.lists(EVENTS, max_size=12))
def test_nothing_leads_out_of_retired(events: list[str]) -> None:
    state, retired = "CREATED", False
    for event in events:
        try:
            state = step(chart(), state, event, {}, PUBLISHER).state
        except PorticoError:
            continue
        assert not retired
        retired = state == "Retired"


@given(STATES, st.lists(st.text(max_size=12).filter(lambda role: role != "admin"), max_size=4))
def test_no_other_role_moves_an_api(state: str, roles: list[str]) -> None:
    if "Internal/publisher" in roles:
        return
    for found in describe(chart(), state)["availableTransitions"]:
        with pytest.raises(Forbidden):
            step(chart(), state, found["event"], {}, roles)


def reviewed() -> LifeCycle:
    return scxml.read((OWN / "reviewed.scxml").read_bytes())


REVIEWER = ("reviewer", "security")
CHECKED = {"Documentation is complete": True, "Security is checked": True}


def test_an_item_that_names_an_event_must_be_ticked_for_it() -> None:
    with pytest.raises(InvalidInput) as refusal:
        step(reviewed(), "IN REVIEW", "Publish", {"security is checked": False}, REVIEWER)

    assert [problem.message for problem in refusal.value.problems] == [
        "'Documentation is complete' must be ticked for 'Publish'",
        "'Security is checked' must be ticked for 'Publish'",
    ]
    taken = step(reviewed(), "IN REVIEW", "Publish", CHECKED, REVIEWER)
    assert taken.state == "Published"
    # It names one event; the others of its state do not ask for it.
    assert step(reviewed(), "In Review", "Reject", {}, REVIEWER).state == "Created"


def test_an_item_that_names_no_event_is_passed_on_as_it_is() -> None:
    boxes = {**CHECKED, "Require Re-Subscription": True}
    taken = step(reviewed(), "IN REVIEW", "Publish", boxes, REVIEWER)

    assert taken.checklist == {
        **CHECKED,
        "Deprecate Old Versions": False,
        "Require Re-Subscription": True,
    }


def test_a_box_with_a_role_is_ticked_by_that_role_only() -> None:
    with pytest.raises(Forbidden, match="'Security is checked' needs the role security"):
        step(reviewed(), "IN REVIEW", "Publish", CHECKED, ("reviewer",))


def test_without_a_role_in_the_document_who_may_publish_moves() -> None:
    assert step(reviewed(), "CREATED", "Submit", {}, PUBLISHER)
    with pytest.raises(Forbidden, match="'Submit' needs the role Internal/publisher"):
        step(reviewed(), "CREATED", "Submit", {}, ("Internal/creator",))


def test_a_role_is_known_in_any_letter_case_and_everyone_is_everyone() -> None:
    assert step(reviewed(), "IN REVIEW", "Reject", {}, ("REVIEWER",))
    document = (OWN / "reviewed.scxml").read_text()
    anyone = scxml.read(document.replace('roles="reviewer"', 'roles="Internal/everyone"').encode())
    assert step(anyone, "IN REVIEW", "Reject", {}, ())


def test_a_step_says_who_has_to_agree() -> None:
    assert step(reviewed(), "DEPRECATED", "Notify Users", {}, PUBLISHER).approval == Approval()
    assert step(reviewed(), "DEPRECATED", "Retire", {}, PUBLISHER).approval is None


def test_boxes_about_versions_show_only_where_there_are_others() -> None:
    names = [item["name"] for item in describe(chart(), "CREATED", versions=False)["checkItems"]]
    assert names == [PROPAGATE]
    names = [item["name"] for item in describe(chart(), "CREATED")["checkItems"]]
    assert names == [PROPAGATE, DEPRECATE_OLD, RESUBSCRIBE]
    # By the names of other eras too.
    names = [i["name"] for i in describe(reviewed(), "IN REVIEW", versions=False)["checkItems"]]
    assert names == list(CHECKED)


def test_only_what_a_person_may_do_is_described() -> None:
    publisher = describe(reviewed(), "IN REVIEW", roles=PUBLISHER)
    creator = describe(reviewed(), "IN REVIEW", roles=("Internal/creator",))

    assert [found["event"] for found in publisher["availableTransitions"]] == ["Publish"]
    assert creator["availableTransitions"] == []
    assert creator["checkItems"] == []


@st.composite
def journeys(draw: st.DrawFn) -> tuple[LifeCycle, list[tuple[str, dict[str, bool], list[str]]]]:
    """A life cycle and what people with some roles ask of it, mostly by names that it knows."""
    lifecycle = draw(lifecycles())
    transitions = [found for node in lifecycle.states for found in node.transitions]
    known = [found.event for found in transitions]
    roles = [role for found in transitions for role in found.roles]
    boxes = [item.name for item in lifecycle.items]
    some = st.sampled_from
    asked = st.tuples(
        st.one_of(some(known), st.text(max_size=8)) if known else st.text(max_size=8),
        st.dictionaries(some(boxes), st.booleans()) if boxes else st.just({}),
        st.lists(some([*roles, "Internal/publisher", "admin"]), max_size=3),
    )
    return lifecycle, draw(st.lists(asked, max_size=12))


@settings(max_examples=100, deadline=None)
@given(journeys())
def test_no_sequence_of_events_leaves_the_document(
    journey: tuple[LifeCycle, list[tuple[str, dict[str, bool], list[str]]]],
) -> None:
    lifecycle, asked = journey
    allowed = {
        (node.id, found.event): found for node in lifecycle.states for found in node.transitions
    }
    state = lifecycle.initial
    for event, checklist, roles in asked:
        try:
            taken = step(lifecycle, state.upper(), event, checklist, roles)
        except PorticoError:
            continue
        found = allowed[(state, taken.event)]
        assert taken.previous == state
        assert taken.state == found.target
        assert taken.executions == found.executions
        assert taken.approval == found.approval
        assert "admin" in roles or set(found.roles or PUBLISHER) & set(roles)
        assert set(taken.checklist) == {item.name for item in found.items}
        assert all(
            taken.checklist[item.name] for item in found.items if found.event in item.required_for
        )
        state = taken.state


@settings(max_examples=100, deadline=None)
@given(lifecycles())
def test_an_administrator_can_walk_every_arrow(lifecycle: LifeCycle) -> None:
    for node in lifecycle.states:
        for found in node.transitions:
            ticked = {item.name: True for item in found.items}
            taken = step(lifecycle, node.id.upper(), found.event.upper(), ticked, ("admin",))
            assert (taken.previous, taken.event, taken.state) == (
                node.id,
                found.event,
                found.target,
            )
