"""A life cycle as the console shows it to one person: the events that this person may choose, their
boxes, and the drawing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.publisher.wiring import Wiring
from portico.domain.approvals import PendingTransition
from portico.domain.errors import TransitionRefused
from portico.domain.user import Caller
from portico.lifecycle.engine import permitted
from portico.lifecycle.model import LifeCycle, same_event
from portico.web.diagrams import Arrow, Drawing, Node, draw
from portico.web.rest import header, wired

Label = Callable[[str, str], str]  # kind ("event", "state" or "item") and name -> what to show


@dataclass(frozen=True)
class Item:
    """A box: its name in the document, what to show, and whether it is ticked to begin with."""

    name: str
    label: str
    ticked: bool
    events: tuple[str, ...]  # labels of the events that it is for; none: every one
    needed: tuple[str, ...]  # labels of the events for which it must be ticked


@dataclass(frozen=True)
class Way:
    """An event that may be chosen, with the names of its boxes."""

    event: str
    label: str
    target: str
    target_label: str
    items: tuple[str, ...]


@dataclass(frozen=True)
class Ways:
    """Everything that one person may do with an API in its present state."""

    ways: tuple[Way, ...]
    items: tuple[Item, ...]

    def way(self, event: str) -> Way:
        """The way of an event; TransitionRefused when it is not offered."""
        wanted = same_event(event)
        for found in self.ways:
            if same_event(found.event) == wanted:
                return found
        raise TransitionRefused(f"'{event}' is not possible here, or not for you")

    def ticked(self, event: str, fields: Mapping[str, str]) -> dict[str, bool]:
        """The boxes of an event as the form has them.

        A box that is not ticked is not sent: every one that was offered then counts as not wanted.
        """
        return {name: f"item:{name}" in fields for name in self.way(event).items}


def ways_of(lifecycle: LifeCycle, offered: Mapping[str, Any], caller: Caller, label: Label) -> Ways:
    """What may be done in a state; `offered` is its contract's `LifecycleState`."""
    node = lifecycle.state(offered["state"])
    transitions = [t for t in node.transitions if permitted(t, caller.roles)] if node else []
    shown = {item["name"]: bool(item["value"]) for item in offered["checkItems"]}
    ways = tuple(
        Way(
            found.event,
            label("event", found.event),
            found.target,
            label("state", _name(lifecycle, found.target)),
            tuple(item.name for item in found.items if item.name in shown),
        )
        for found in transitions
    )
    items = []
    for item in node.items if node else ():
        using = [way for way in ways if item.name in way.items]
        if using:
            every = len(using) == len(ways)
            events = () if every else tuple(way.label for way in using)
            needed = tuple(way.label for way in using if way.event in item.required_for)
            text = label("item", item.name)
            items.append(Item(item.name, text, shown[item.name], events, needed))
    return Ways(ways, tuple(items))


def events_of(lifecycle: LifeCycle, caller: Caller, label: Label) -> dict[str, str]:
    """Every event that the caller may choose in some state, with its label."""
    transitions = [found for node in lifecycle.states for found in node.transitions]
    return {
        found.event: label("event", found.event)
        for found in transitions
        if permitted(found, caller.roles)
    }


def diagram_of(lifecycle: LifeCycle, state: str, caller: Caller, label: Label) -> Drawing:
    """The drawing, with the present state and what the caller may choose lit."""
    here = _name(lifecycle, state)
    nodes = [
        Node(
            node.id,
            label("state", node.id),
            [
                Arrow(
                    label("event", found.event),
                    _name(lifecycle, found.target),
                    node.id == here and permitted(found, caller.roles),
                )
                for found in node.transitions
            ],
        )
        for node in lifecycle.states
    ]
    return draw(nodes, _name(lifecycle, lifecycle.initial), here)


def may_decide(lifecycle: LifeCycle, pending: PendingTransition, caller: Caller) -> bool:
    """Whether the caller may be the second person for a transition that waits."""
    node = lifecycle.state(pending.state)
    found = node.transition(pending.event) if node else None
    if found is None or caller.user.lower() == pending.user.lower():
        return False
    roles = found.approval.roles if found.approval else ()
    return caller.has_role(*roles) if roles else permitted(found, caller.roles)


def labels_for(router: Router, caller: Caller) -> Label:
    """What the tenant calls events, states and boxes in the language of a request."""
    wanted = header(router, "accept-language")
    labels = wired(router, Wiring).lifecycles.current_labels(caller.tenant)
    return lambda kind, name: labels.label(kind, name, wanted)


def state_labels(lifecycle: LifeCycle, label: Label) -> Callable[[str], str]:
    """What a state is called, also one that this life cycle does not have (any more)."""

    def name(state: str) -> str:
        found = lifecycle.state(state)
        return label("state", found.id) if found else state.capitalize()

    return name


def moment(milliseconds: int) -> str:
    """A time as a person reads it."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _name(lifecycle: LifeCycle, state: str) -> str:
    found = lifecycle.state(state)
    return found.id if found else state
