"""Decides what an event does to a state. Pure: it changes nothing and knows no API."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from portico.domain.errors import Forbidden, InvalidInput, Problem, TransitionRefused
from portico.domain.user import ADMIN, EVERYONE, PUBLISHER
from portico.lifecycle.model import (
    DEPRECATE_OLD,
    RESUBSCRIBE,
    Approval,
    CheckItem,
    Execution,
    LifeCycle,
    StateNode,
    Transition,
    same_event,
    same_item,
)

# Boxes that say what happens to other versions of the API; without any they mean nothing.
ABOUT_VERSIONS = frozenset({same_item(DEPRECATE_OLD), same_item(RESUBSCRIBE)})


@dataclass(frozen=True)
class Step:
    """A transition that may be taken: the boxes that were offered, with their values, and what to
    run. With an `approval`, a second person has to agree first.
    """

    event: str
    previous: str
    state: str
    checklist: Mapping[str, bool]
    executions: tuple[Execution, ...]
    approval: Approval | None = None


def step(
    lifecycle: LifeCycle,
    state: str,
    event: str,
    checklist: Mapping[str, bool],
    roles: Collection[str],
) -> Step:
    """The step that an event makes from a state.

    Raises TransitionRefused (not from this state), InvalidInput (an event or a box that no state
    knows, a box that has no effect here, a box that must be ticked and is not) or Forbidden (none
    of the roles that the transition or a changed box asks for; an administrator has them all).
    """
    node = node_of(lifecycle, state)
    transition = _transition(lifecycle, node, event)
    if not permitted(transition, roles):
        needed = " or ".join(transition.roles or (PUBLISHER,))
        raise Forbidden(f"'{transition.event}' needs the role {needed}")
    ticked = _ticked(lifecycle, transition, checklist)
    _check_boxes(transition, ticked, roles)
    return Step(
        transition.event,
        node.id,
        _name(lifecycle, transition.target),
        ticked,
        transition.executions,
        transition.approval,
    )


def permitted(transition: Transition, roles: Collection[str]) -> bool:
    """Whether somebody with these roles may take a transition. A document that names no role means
    those who may publish.
    """
    return _among(transition.roles or (PUBLISHER,), roles)


def node_of(lifecycle: LifeCycle, state: str) -> StateNode:
    """The node of a state; TransitionRefused when the life cycle has no such state."""
    node = lifecycle.state(state)
    if node is None:
        raise TransitionRefused(f"The life cycle '{lifecycle.name}' has no state '{state}'")
    return node


def describe(
    lifecycle: LifeCycle,
    state: str,
    *,
    versions: bool = True,
    roles: Collection[str] | None = None,
) -> dict[str, Any]:
    """The state as the contract's `LifecycleState`: its boxes and the transitions that lead out of
    it.

    Without other `versions` of the API the boxes about them are left out; with `roles`, the
    transitions that those may not take, and the boxes that belong to no other.
    """
    node = node_of(lifecycle, state)
    transitions = [found for found in node.transitions if roles is None or permitted(found, roles)]
    items = [
        item
        for item in node.items
        if (versions or same_item(item.name) not in ABOUT_VERSIONS)
        and (roles is None or any(item in found.items for found in transitions))
    ]
    return {
        "state": node.id,
        "checkItems": [
            {
                "name": item.name,
                "value": item.value,
                "requiredStates": _asked_for(lifecycle, node, item),
            }
            for item in items
        ],
        "availableTransitions": [
            {"event": found.event, "targetState": _name(lifecycle, found.target)}
            for found in transitions
        ],
    }


def _transition(lifecycle: LifeCycle, node: StateNode, event: str) -> Transition:
    found = node.transition(event)
    if found:
        return found
    if same_event(event) not in {same_event(known) for known in lifecycle.events}:
        raise InvalidInput.of(
            "action", f"'{event}' is not known; known are {', '.join(lifecycle.events)}"
        )
    possible = ", ".join(transition.event for transition in node.transitions) or "none"
    raise TransitionRefused(
        f"'{event}' is not possible in the state {node.id}; possible: {possible}"
    )


def _ticked(
    lifecycle: LifeCycle, transition: Transition, given: Mapping[str, bool]
) -> dict[str, bool]:
    """All boxes of the transition with their values: as given, else as they are to begin with."""
    known, offered = lifecycle.boxes, transition.boxes
    values = {item.name: item.value for item in transition.items}
    decided: dict[str, bool] = {}
    for name, value in given.items():
        key = same_item(name)
        if key not in known:
            names = ", ".join(f"'{item.name}'" for item in known.values())
            raise InvalidInput.of("lifecycleChecklist", f"'{name}' is not known; known are {names}")
        if decided.setdefault(key, value) != value:
            raise InvalidInput.of(
                "lifecycleChecklist", f"'{name}' is given twice with different values"
            )
        if key in offered:
            values[offered[key].name] = value
        elif value != known[key].value:
            # A client that sends every box untouched asks for nothing; one that changes it would be
            # ignored.
            raise InvalidInput.of(
                "lifecycleChecklist", f"'{name}' has no effect on '{transition.event}'"
            )
    return values


def _check_boxes(
    transition: Transition, ticked: Mapping[str, bool], roles: Collection[str]
) -> None:
    for item in transition.items:
        if ticked[item.name] != item.value and item.roles and not _among(item.roles, roles):
            raise Forbidden(f"'{item.name}' needs the role {' or '.join(item.roles)}")
    problems = [
        Problem("lifecycleChecklist", f"'{item.name}' must be ticked for '{transition.event}'")
        for item in transition.items
        if transition.event in item.required_for and not ticked[item.name]
    ]
    if problems:
        text = "; ".join(problem.message for problem in problems)
        raise InvalidInput(f"lifecycleChecklist: {text}", problems)


def _among(needed: Collection[str], roles: Collection[str]) -> bool:
    if ADMIN in roles or EVERYONE in needed:
        return True
    return not {role.casefold() for role in needed}.isdisjoint(role.casefold() for role in roles)


def _asked_for(lifecycle: LifeCycle, node: StateNode, item: CheckItem) -> list[str]:
    """The states that a box is asked for on the way to; the contract leaves it empty when that is
    every one.
    """
    events = item.required_for + item.offered_for
    if not events:
        return []
    targets = [found.target for found in node.transitions if found.event in events]
    return list(dict.fromkeys(_name(lifecycle, target) for target in targets))


def _name(lifecycle: LifeCycle, target: str) -> str:
    node = lifecycle.state(target)
    return node.id if node else target
