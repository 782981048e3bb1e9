"""The life cycle as WSO2 API Manager 4.x keeps it in a tenant's configuration: JSON, to model and
back.

4.x knows `States` with `State`, `CheckItems` and `Transitions` (`Event`, `Target`). What it cannot
say is added under names of our own, written only where it differs from what 4.x means: `Name`,
`Initial`, of a state `Behaviour`, of a transition `Roles`, `Executions` and `Approval`, and items
as objects. A 4.x transition runs the built-in executor, which the document does not name.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from portico.domain.behaviour import Behaviour
from portico.domain.errors import TooLarge
from portico.lifecycle.building import build
from portico.lifecycle.draft import FLAGS, MAX_BYTES, Arrow, Draft, DraftState, Entry
from portico.lifecycle.findings import refuse
from portico.lifecycle.model import (
    BUILT_IN,
    NAME,
    CheckItem,
    LifeCycle,
    StateNode,
    Transition,
    same_state,
)

_FIRST = "Created"
_MARKS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\n]', re.DOTALL)
_BUILT_IN_ONLY = [{"Class": BUILT_IN}]


class _Object(dict[str, Any]):
    """A JSON object that knows its line."""

    line: int = 0


def read(text: bytes) -> LifeCycle:
    """The life cycle in a document. Raises InvalidInput naming everything wrong with its line, or
    TooLarge.
    """
    lifecycle, findings = build(draft(text))
    refuse(findings)
    if lifecycle is None:
        raise AssertionError("there is a life cycle or an error")
    return lifecycle


def write(lifecycle: LifeCycle) -> bytes:
    """The document, UTF-8, indented."""
    body: dict[str, Any] = {}
    if lifecycle.name != NAME:
        body["Name"] = lifecycle.name
    states = [_state(node) for node in lifecycle.states]
    if lifecycle.initial != _initial([node.id for node in lifecycle.states]):
        body["Initial"] = lifecycle.initial
    return json.dumps({**body, "States": states}, indent=2, ensure_ascii=False).encode()


def draft(text: bytes) -> Draft:
    """The document as written, with what is wrong with its form. Raises TooLarge."""
    if len(text) > MAX_BYTES:
        raise TooLarge(f"A life cycle may have {MAX_BYTES} bytes, not {len(text)}")
    found = Draft(line=1)
    try:
        content = text.decode("utf-8-sig")
        json.loads(content)
    except json.JSONDecodeError as exc:
        found.wrong(exc.lineno, "not-json", f"not well-formed JSON: {exc.msg}")
    except (ValueError, RecursionError):  # not UTF-8, a number without end, nested without end
        found.wrong(1, "not-json", "not well-formed JSON in UTF-8")
    else:
        _Reader(found).document(_located(content, found))
    return found


def _located(content: str, found: Draft) -> Any:
    """The JSON with the line of each object. The parser tells of objects in the order of their
    ends; so do the lines.
    """
    lines = _lines(content)

    def located(pairs: list[tuple[str, Any]]) -> _Object:
        made = _Object(pairs)
        made.line = next(lines)
        if len(made) < len(pairs):
            found.wrong(made.line, "duplicate-field", "an object has the same field twice")
        return made

    return json.loads(content, object_pairs_hook=located)


def _lines(content: str) -> Iterator[int]:
    """The line on which each object begins, in the order in which they end. The content is known to
    be JSON.
    """
    line, begun = 1, []
    for mark in _MARKS.findall(content):
        if mark == "\n":
            line += 1
        elif mark == "{":
            begun.append(line)
        elif mark == "}":
            yield begun.pop()


class _Reader:
    def __init__(self, found: Draft) -> None:
        self.found = found

    def document(self, content: Any) -> None:
        found = self.found
        if isinstance(content, dict) and isinstance(content.get("LifeCycle"), dict):
            content = content["LifeCycle"]  # a tenant's whole configuration
        if not isinstance(content, _Object) or not isinstance(content.get("States"), list):
            found.wrong(1, "no-state", "there is no object with a list 'States'")
            return
        found.line = content.line
        self.known(content, {"Name", "Initial", "States"}, "the life cycle")
        found.name = self.text(content, "Name", NAME)
        found.states = [self.state(one) for one in self.objects(content, "States")]
        found.initial = self.text(content, "Initial", _initial([one.id for one in found.states]))

    def state(self, given: _Object) -> DraftState:
        self.known(given, {"State", "CheckItems", "Transitions", "Behaviour"}, "a state")
        state = DraftState(given.line, self.text(given, "State"))
        for item in self.list(given, "CheckItems"):
            if isinstance(item, str):
                state.items.append(Entry(given.line, _plain(item)))
            elif isinstance(item, _Object):
                state.items.append(self.item(item))
            else:
                self.found.wrong(given.line, "value", "an item is neither a text nor an object")
        for one in self.objects(given, "Transitions"):
            self.transition(state, one)
        if "Behaviour" in given:
            behaviour = self.object(given, "Behaviour")
            state.behaviour_line = behaviour.line
            state.behaviour = {
                name: str(value).lower() if isinstance(value, bool | str) else repr(value)
                for name, value in behaviour.items()
            }
        return state

    def item(self, given: _Object) -> Entry:
        self.known(given, {"Name", "Value", "ForEvents", "OfferedFor", "Roles"}, "an item")
        value = given.get("Value", False)
        if not isinstance(value, bool):
            self.found.wrong(given.line, "value", "'Value' is not true or false")
        return Entry(
            line=given.line,
            name=self.text(given, "Name"),
            events=self.texts(given, "ForEvents"),
            offered=self.texts(given, "OfferedFor"),
            roles=self.texts(given, "Roles"),
            value=str(value is True).lower(),
        )

    def transition(self, state: DraftState, given: _Object) -> None:
        self.known(given, {"Event", "Target", "Roles", "Executions", "Approval"}, "a transition")
        event = self.text(given, "Event")
        state.arrows.append(Arrow(given.line, event, self.text(given, "Target")))
        if "Roles" in given:
            roles = self.texts(given, "Roles")
            state.permissions.append(Entry(given.line, events=[event], roles=roles))
        if "Approval" in given:
            approval = self.object(given, "Approval")
            self.known(approval, {"Roles"}, "an approval")
            roles = self.texts(approval, "Roles")
            state.approvals.append(Entry(given.line, events=[event], roles=roles))
        executions = (
            self.objects(given, "Executions")
            if "Executions" in given
            else [_Object(one) for one in _BUILT_IN_ONLY]
        )
        for one in executions:
            self.known(one, {"Class", "Parameters"}, "an execution")
            parameters = self.object(one, "Parameters")
            for name, value in parameters.items():
                if not isinstance(value, str):
                    self.found.wrong(one.line, "value", f"the parameter '{name}' is not a text")
            entry = Entry(one.line or given.line, self.text(one, "Class"), [event])
            entry.parameters = [(_plain(n), v) for n, v in parameters.items() if isinstance(v, str)]
            state.executions.append(entry)

    def known(self, given: _Object, names: set[str], what: str) -> None:
        for name in given:
            if name not in names:
                self.found.wrong(
                    given.line,
                    "unsupported",
                    f"{what} has a field '{name[:80]}', which is not known;"
                    f" known are {', '.join(sorted(names))}",
                    name[:80],
                )

    def text(self, given: _Object, name: str, missing: str = "") -> str:
        value = given.get(name, missing)
        if isinstance(value, str):
            return _plain(value)
        self.found.wrong(given.line, "value", f"'{name}' is not a text")
        return ""

    def texts(self, given: _Object, name: str) -> list[str]:
        values = self.list(given, name)
        if not all(isinstance(value, str) for value in values):
            self.found.wrong(given.line, "value", f"'{name}' holds something that is not a text")
        return [_plain(value) for value in values if isinstance(value, str)]

    def objects(self, given: _Object, name: str) -> list[_Object]:
        values = self.list(given, name)
        if not all(isinstance(value, _Object) for value in values):
            self.found.wrong(given.line, "value", f"'{name}' holds something that is no object")
        return [value for value in values if isinstance(value, _Object)]

    def list(self, given: _Object, name: str) -> list[Any]:
        value = given.get(name, [])
        if isinstance(value, list):
            return value
        self.found.wrong(given.line, "value", f"'{name}' is not a list")
        return []

    def object(self, given: _Object, name: str) -> _Object:
        value = given.get(name, _Object())
        if isinstance(value, _Object):
            return value
        self.found.wrong(given.line, "value", f"'{name}' is no object")
        return _Object()


def _state(node: StateNode) -> dict[str, Any]:
    body: dict[str, Any] = {"State": node.id}
    if node.items:
        body["CheckItems"] = [_item(item) for item in node.items]
    if node.transitions:
        body["Transitions"] = [_transition(transition) for transition in node.transitions]
    if node.behaviour:
        body["Behaviour"] = _behaviour(node.behaviour)
    return body


def _item(item: CheckItem) -> str | dict[str, Any]:
    if item == CheckItem(item.name):
        return item.name
    body: dict[str, Any] = {"Name": item.name}
    if item.value:
        body["Value"] = True
    more = {"ForEvents": item.required_for, "OfferedFor": item.offered_for, "Roles": item.roles}
    return {**body, **{name: list(values) for name, values in more.items() if values}}


def _transition(transition: Transition) -> dict[str, Any]:
    body: dict[str, Any] = {"Event": transition.event, "Target": transition.target}
    if transition.roles:
        body["Roles"] = list(transition.roles)
    executions = []
    for one in transition.executions:
        parameters = {"Parameters": dict(one.parameters)} if one.parameters else {}
        executions.append({"Class": one.executor, **parameters})
    if executions != _BUILT_IN_ONLY:
        body["Executions"] = executions
    if transition.approval:
        body["Approval"] = {"Roles": list(transition.approval.roles)}
    return body


def _behaviour(behaviour: Behaviour) -> dict[str, Any]:
    standard = Behaviour()
    flags = {
        name: getattr(behaviour, attribute)
        for name, attribute in FLAGS.items()
        if getattr(behaviour, attribute) != getattr(standard, attribute)
    }
    return {**flags, "access": str(behaviour.access)}


def _initial(states: list[str]) -> str:
    """The state in which an API begins where the document does not say: 4.x means Created."""
    created = [state for state in states if same_state(state) == same_state(_FIRST)]
    return next(iter(created + states), "")


def _plain(value: str) -> str:
    return " ".join(value.split())
