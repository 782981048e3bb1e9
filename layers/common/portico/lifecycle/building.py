"""From a document as written to a life cycle: names are resolved and everything wrong with it is
found, once for both forms.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from portico.domain.behaviour import Access, Behaviour
from portico.lifecycle.draft import FLAGS, MAX_BYTES, Arrow, Draft, DraftState, Entry
from portico.lifecycle.findings import ERROR, Finding, error, warning
from portico.lifecycle.model import (
    Approval,
    CheckItem,
    Execution,
    LifeCycle,
    StateNode,
    Transition,
    same_event,
    same_item,
    same_state,
)

# A document within these is read in a moment and kept in little memory, whatever it says.
MAX_STATES = 100
MAX_TRANSITIONS = 50  # of a state
MAX_ENTRIES = 100  # of a kind, of a state
MAX_NAMES = 20  # roles of an entry, parameters of an execution
MAX_NAME = 120
MAX_FINDINGS = 200
# What no XML document may hold (XML 1.0, section 2.2), lone surrogates included.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def build(draft: Draft) -> tuple[LifeCycle | None, list[Finding]]:
    """The life cycle, unless there is an error among the findings. Those are in the order of lines
    and at most MAX_FINDINGS.
    """
    lifecycle = _lifecycle(draft)
    found = draft.findings
    broken = any(one.severity == ERROR for one in found)
    return (None if broken else lifecycle), bounded(found)


def bounded(findings: Iterable[Finding]) -> list[Finding]:
    """The findings in the order of lines, errors never pushed out by warnings."""
    found = sorted(dict.fromkeys(findings), key=lambda one: one.line)
    if len(found) > MAX_FINDINGS:
        errors = [one for one in found if one.severity == ERROR]
        rest = [one for one in found if one.severity != ERROR]
        more = f"there are {len(found) - MAX_FINDINGS + 1} more findings"
        kept = sorted((errors + rest)[: MAX_FINDINGS - 1], key=lambda one: one.line)
        note = error if errors else warning
        found = [*kept, note(0, "more", more)]
    return found


def _lifecycle(draft: Draft) -> LifeCycle:
    _name(draft, draft.line, "the life cycle's name", draft.name)
    if not draft.states:
        draft.wrong(draft.line, "no-state", "there is no state")
    if len(draft.states) > MAX_STATES:
        draft.wrong(draft.line, "limit", f"there are more than {MAX_STATES} states")
        del draft.states[MAX_STATES:]
    ids = _unique(
        draft,
        "duplicate-state",
        ((state.line, state.id, same_state(state.id)) for state in draft.states),
        lambda name: f"the state '{name}' is there twice",
    )
    states = tuple(_State(draft, state, ids).node() for state in draft.states)
    initial = draft.initial
    if not initial:
        draft.wrong(draft.line, "no-initial", "no initial state is named")
    elif same_state(initial) not in ids:
        draft.wrong(
            draft.line, "initial-missing", f"the initial state '{_short(initial)}' is no state"
        )
    lifecycle = LifeCycle(draft.name, ids.get(same_state(initial), initial), states)
    if _spelt_out(lifecycle) > MAX_BYTES:
        draft.wrong(
            draft.line,
            "limit",
            f"its executions, written for each event, have more than {MAX_BYTES} characters",
        )
    return lifecycle


def _spelt_out(lifecycle: LifeCycle) -> int:
    """The characters of all executions of all transitions; one that names no event counts for
    each.
    """
    return sum(
        len(run.executor) + sum(len(name) + len(value) for name, value in run.parameters.items())
        for node in lifecycle.states
        for transition in node.transitions
        for run in transition.executions
    )


@dataclass
class _State:
    draft: Draft
    state: DraftState
    ids: Mapping[str, str]
    events: dict[str, str] = field(default_factory=dict)  # by what is equal for all spellings

    def node(self) -> StateNode:
        draft, state = self.draft, self.state
        _name(draft, state.line, "the id of a state", state.id)
        self._limit("transitions", state.arrows, MAX_TRANSITIONS)
        for kind in ("items", "permissions", "executions", "approvals"):
            self._limit(kind, getattr(state, kind), MAX_ENTRIES)
        self.events = _unique(
            draft,
            "duplicate-event",
            ((arrow.line, arrow.event, same_event(arrow.event)) for arrow in state.arrows),
            lambda event: f"the state '{_short(state.id)}' has two transitions for '{event}'",
        )
        items = self._items()
        permissions = [
            (self._known(one, one.events), self._roles(one)) for one in state.permissions
        ]
        approvals = [(self._known(one, one.events), self._named(one)) for one in state.approvals]
        executions = [(self._known(one, one.events), self._run(one)) for one in state.executions]
        transitions = []
        for arrow in state.arrows:
            event = self.events.get(same_event(arrow.event), arrow.event)
            roles = [r for names, some in permissions if _of(event, names) for r in some]
            asked = [one for names, one in approvals if _of(event, names)]
            agreed = dict.fromkeys(role for one in asked for role in one)
            transitions.append(
                Transition(
                    event=event,
                    target=self._target(arrow),
                    roles=tuple(dict.fromkeys(roles)),
                    items=tuple(item for item in items if item.offered(event)),
                    executions=tuple(run for names, run in executions if _of(event, names)),
                    approval=Approval(tuple(agreed)) if asked else None,
                )
            )
        return StateNode(state.id, items, tuple(transitions), self._behaviour())

    def _items(self) -> tuple[CheckItem, ...]:
        _unique(
            self.draft,
            "duplicate-item",
            ((item.line, item.name, same_item(item.name)) for item in self.state.items),
            lambda name: f"the state '{_short(self.state.id)}' has the item '{name}' twice",
        )
        return tuple(
            CheckItem(
                name=item.name,
                value=self._flag(item.line, f"the item '{_short(item.name)}'", item.value),
                required_for=self._known(item, item.events),
                offered_for=self._known(item, item.offered),
                roles=tuple(dict.fromkeys(self._named(item))),
            )
            for item in self.state.items
            if _name(self.draft, item.line, "the name of an item", item.name)
        )

    def _roles(self, entry: Entry) -> list[str]:
        if not entry.roles:
            # Read as nobody it would lock the transition, read as everybody it would open it.
            self.draft.wrong(entry.line, "no-role", "a permission names no role")
        return self._named(entry)

    def _named(self, entry: Entry) -> list[str]:
        self._few(entry, "roles", entry.roles)
        return [
            role
            for role in entry.roles
            if _name(self.draft, entry.line, "the name of a role", role)
        ]

    def _run(self, entry: Entry) -> Execution:
        _name(self.draft, entry.line, "the class of an execution", entry.name)
        self._few(entry, "parameters", entry.parameters)
        parameters: dict[str, str] = {}
        for name, value in entry.parameters:
            if _name(self.draft, entry.line, "the name of a parameter", name):
                if name in parameters:
                    self.draft.wrong(
                        entry.line, "duplicate-parameter", f"the parameter '{name}' is there twice"
                    )
                if _NOT_XML.search(value):
                    self.draft.wrong(
                        entry.line,
                        "value",
                        f"the parameter '{name}' has a character that XML lacks",
                    )
                parameters[name] = value
        return Execution(entry.name, parameters)

    def _target(self, arrow: Arrow) -> str:
        draft = self.draft
        if not _name(draft, arrow.line, "the event of a transition", arrow.event):
            return arrow.target
        if not arrow.target:
            draft.wrong(
                arrow.line, "no-target", f"the transition '{_short(arrow.event)}' has no target"
            )
        elif same_state(arrow.target) not in self.ids:
            draft.wrong(
                arrow.line,
                "target-missing",
                f"'{_short(arrow.event)}' leads to '{_short(arrow.target)}', which is no state",
                arrow.target,
            )
        return self.ids.get(same_state(arrow.target), arrow.target)

    def _known(self, entry: Entry, names: list[str]) -> tuple[str, ...]:
        for name in names:
            if same_event(name) not in self.events:
                self.draft.wrong(
                    entry.line,
                    "event-missing",
                    f"forEvent names '{_short(name)}', which leads nowhere from the state"
                    f" '{_short(self.state.id)}'",
                    name,
                )
        keys = dict.fromkeys(same_event(name) for name in names)
        return tuple(self.events[key] for key in keys if key in self.events)

    def _behaviour(self) -> Behaviour | None:
        given = self.state.behaviour
        if given is None:
            return None
        line = self.state.behaviour_line
        for name in given:
            if name != "access" and name not in FLAGS:
                known = ", ".join(["access", *FLAGS])
                self.draft.wrong(
                    line, "unsupported", f"behaviour has no '{_short(name)}'; known are {known}"
                )
        standard = Behaviour()
        access = given.get("access", standard.access).strip().lower()
        if access not in set(Access):
            known = ", ".join(Access)
            self.draft.wrong(line, "value", f"access is '{_short(access)}', not one of {known}")
        flags = {
            attribute: self._flag(line, f"behaviour '{name}'", given[name])
            for name, attribute in FLAGS.items()
            if name in given
        }
        return Behaviour(access=Access(access) if access in set(Access) else access, **flags)

    def _flag(self, line: int, what: str, value: str) -> bool:
        plain = value.strip().lower()
        if plain not in ("true", "false"):
            self.draft.wrong(
                line, "value", f"the value of {what} is '{_short(value)}', not true or false"
            )
        return plain == "true"

    def _few(self, entry: Entry, kind: str, names: list[Any]) -> None:
        if len(names) > MAX_NAMES:
            self.draft.wrong(entry.line, "limit", f"there are more than {MAX_NAMES} {kind}")
            del names[MAX_NAMES:]

    def _limit(self, kind: str, entries: list[Entry] | list[Arrow], most: int) -> None:
        if len(entries) > most:
            self.draft.wrong(
                self.state.line,
                "limit",
                f"the state '{_short(self.state.id)}' has more than {most} {kind}",
            )
            del entries[most:]


def _of(event: str, names: tuple[str, ...]) -> bool:
    return not names or event in names


def _unique(
    draft: Draft,
    code: str,
    names: Iterable[tuple[int, str, str]],
    says: Callable[[str], str],
) -> dict[str, str]:
    """The names by what is equal for all their spellings; the second of two is an error."""
    found: dict[str, str] = {}
    for line, name, key in names:
        if key in found:
            draft.wrong(line, code, says(_short(name)), name)
        elif name:
            found[key] = name
    return found


def _name(draft: Draft, line: int, what: str, name: str) -> bool:
    """Whether a name can be used: it is shown to people, listed with commas and kept in records."""
    if not name:
        draft.wrong(line, "name-missing", f"{what} is missing")
    elif len(name) > MAX_NAME:
        draft.wrong(line, "limit", f"{what} has more than {MAX_NAME} characters")
    elif not name.isprintable() or "," in name:
        draft.wrong(line, "name", f"{what} has a comma or a character that cannot be printed")
    else:
        return True
    return False


def _short(name: str) -> str:
    return name if len(name) <= MAX_NAME else f"{name[:MAX_NAME]}..."
