"""A life cycle as plain values: states, their transitions and checklists. Nothing here reads XML or
runs anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from portico.domain.behaviour import Behaviour

# What a box means is known by its name; the spellings of all eras of WSO2 API Manager lead to the
# last one.
PROPAGATE = "Propagate Changes to API Gateway"
DEPRECATE_OLD = "Deprecate old versions after publishing the API"
RESUBSCRIBE = "Requires re-subscription when publishing the API"
_OTHER_NAMES = {
    "deprecate old versions": DEPRECATE_OLD,
    "deprecate old versions after publish the api": DEPRECATE_OLD,
    "require re-subscription": RESUBSCRIBE,
    "requires re-subscription when publish the api": RESUBSCRIBE,
}
# 1.10's documentation and its code disagree on this name.
_OTHER_EVENTS = {"demote to prototyped": "Deploy as a Prototype"}


# The executor that documents of all eras name. Documents that cannot name any (4.x JSON) mean it.
BUILT_IN = "org.wso2.carbon.apimgt.impl.executors.APIExecutor"
NAME = "APILifeCycle"


@dataclass(frozen=True)
class CheckItem:
    """A box that a person may tick when asking for a transition.

    It must be ticked for the events of `required_for` (`forEvent`). Otherwise it is a flag that is
    passed on, with the events of `offered_for` (ours) or with every event of its state.
    """

    name: str
    value: bool = False  # how it is ticked to begin with
    required_for: tuple[str, ...] = ()
    offered_for: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()  # who may change it; none: whoever may take the transition

    def offered(self, event: str) -> bool:
        """Whether the box belongs to an event of its state, given as the document spells it."""
        events = self.required_for + self.offered_for
        return not events or event in events


@dataclass(frozen=True)
class Execution:
    """What to run when a transition is taken, named as the document names it."""

    executor: str
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Approval:
    """A second person must agree before a transition is taken. No roles: anybody who may take it
    too.
    """

    roles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Transition:
    """An event that leads from one state to another. No roles: those who may publish."""

    event: str
    target: str
    roles: tuple[str, ...] = ()
    items: tuple[CheckItem, ...] = ()
    executions: tuple[Execution, ...] = ()
    approval: Approval | None = None

    @cached_property
    def boxes(self) -> dict[str, CheckItem]:
        """Its items by what is equal for all spellings of their names."""
        return {same_item(item.name): item for item in self.items}


@dataclass(frozen=True)
class StateNode:
    """A state and what leads out of it. `behaviour` is what the document declares, if it does."""

    id: str
    items: tuple[CheckItem, ...] = ()
    transitions: tuple[Transition, ...] = ()
    behaviour: Behaviour | None = None

    def transition(self, event: str) -> Transition | None:
        """The transition of an event, by any of its names, without regard to case."""
        return self._by_event.get(same_event(event))

    @cached_property
    def _by_event(self) -> dict[str, Transition]:
        return {same_event(found.event): found for found in reversed(self.transitions)}


@dataclass(frozen=True)
class LifeCycle:
    """States by id, in the order of the document."""

    name: str
    initial: str
    states: tuple[StateNode, ...]

    def state(self, name: str) -> StateNode | None:
        """A state by its id; records hold it in capitals, so case plays no part."""
        return self._by_id.get(same_state(name))

    @cached_property
    def _by_id(self) -> dict[str, StateNode]:
        return {same_state(node.id): node for node in reversed(self.states)}

    @cached_property
    def events(self) -> tuple[str, ...]:
        """Every event that some state knows, once, in the order of the document."""
        return tuple(dict.fromkeys(t.event for node in self.states for t in node.transitions))

    @cached_property
    def boxes(self) -> dict[str, CheckItem]:
        """Every item that some state has, the first of its name, by what is equal for all spellings
        of it; in the order of the document.
        """
        items = [item for node in self.states for item in node.items]
        order = dict.fromkeys(same_item(item.name) for item in items)
        first = {same_item(item.name): item for item in reversed(items)}
        return {key: first[key] for key in order}

    @property
    def items(self) -> tuple[CheckItem, ...]:
        """Every box that some state has, once by name, in the order of the document."""
        return tuple(self.boxes.values())


def same_state(name: str) -> str:
    """What is equal for all spellings of one state, its form in capitals included."""
    return _plain(name)


def same_item(name: str) -> str:
    """What is equal for all spellings of one checklist item."""
    plain = _plain(name)
    return _plain(_OTHER_NAMES.get(plain, plain))


def same_event(name: str) -> str:
    """What is equal for all spellings of one event."""
    plain = _plain(name)
    return _plain(_OTHER_EVENTS.get(plain, plain))


def _plain(name: str) -> str:
    # Capitals first: a dotless i and its capital, which records hold, are the same name.
    return " ".join(name.split()).upper().casefold()
