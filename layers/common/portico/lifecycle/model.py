"""A life cycle as plain values: states, their transitions and checklists. Nothing here reads XML or
runs anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

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


@dataclass(frozen=True)
class CheckItem:
    """A box that a person may tick when asking for a transition."""

    name: str
    value: bool = False  # how it is ticked to begin with
    events: tuple[str, ...] = ()  # the events that it is asked for; none: every event of its state


@dataclass(frozen=True)
class Execution:
    """What to run when a transition is taken, named as the document names it."""

    executor: str
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Transition:
    """An event that leads from one state to another. No roles: everybody may ask for it."""

    event: str
    target: str
    roles: tuple[str, ...] = ()
    items: tuple[CheckItem, ...] = ()
    executions: tuple[Execution, ...] = ()


@dataclass(frozen=True)
class StateNode:
    """A state and what leads out of it."""

    id: str
    items: tuple[CheckItem, ...] = ()
    transitions: tuple[Transition, ...] = ()

    def transition(self, event: str) -> Transition | None:
        """The transition of an event, by any of its names, without regard to case."""
        wanted = same_event(event)
        return next(
            (found for found in self.transitions if same_event(found.event) == wanted), None
        )


@dataclass(frozen=True)
class LifeCycle:
    """States by id, in the order of the document."""

    name: str
    initial: str
    states: tuple[StateNode, ...]

    def state(self, name: str) -> StateNode | None:
        """A state by its id; records hold it in capitals, so case plays no part."""
        return next((node for node in self.states if node.id.casefold() == name.casefold()), None)

    @property
    def events(self) -> tuple[str, ...]:
        """Every event that some state knows, once, in the order of the document."""
        return tuple(dict.fromkeys(t.event for node in self.states for t in node.transitions))

    @property
    def items(self) -> tuple[CheckItem, ...]:
        """Every box that some state has, once by name, in the order of the document."""
        found: dict[str, CheckItem] = {}
        for node in self.states:
            for item in node.items:
                found.setdefault(same_item(item.name), item)
        return tuple(found.values())


def same_item(name: str) -> str:
    """What is equal for all spellings of one checklist item."""
    plain = " ".join(name.split()).casefold()
    return _OTHER_NAMES.get(plain, plain).casefold()


def same_event(name: str) -> str:
    """What is equal for all spellings of one event."""
    plain = " ".join(name.split()).casefold()
    return _OTHER_EVENTS.get(plain, plain).casefold()
