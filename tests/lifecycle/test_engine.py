"""The engine on the default life cycle: what is possible, for whom, and with which boxes ticked."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portico.domain.errors import Forbidden, InvalidInput, PorticoError, TransitionRefused
from portico.lifecycle import scxml
from portico.lifecycle.engine import describe, step
from portico.lifecycle.model import DEPRECATE_OLD, PROPAGATE, RESUBSCRIBE, LifeCycle

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
