"""What is wrong with a life cycle that somebody uploads: everything at once, before it is used. It
changes nothing.
"""

import codecs
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from portico.domain.behaviour import STANDARD
from portico.domain.errors import TooLarge
from portico.lifecycle import json_form, scxml
from portico.lifecycle.building import MAX_NAME, bounded, build
from portico.lifecycle.draft import Draft
from portico.lifecycle.findings import ERROR, WARNING, Finding, error
from portico.lifecycle.model import NAME, LifeCycle, same_state

__all__ = ["ERROR", "WARNING", "Finding", "Report", "draft_of", "read", "validate"]

# Without these nothing could ever be offered to developers.
REQUIRED_STATES = ("PUBLISHED", "PROTOTYPED")
# To look up a class may mean a call of the function that imports it.
MAX_CLASSES = 50


@dataclass(frozen=True)
class Report:
    """The life cycle, if it may be used, and all findings in the order of lines."""

    lifecycle: LifeCycle | None
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What keeps it from being used."""
        return tuple(found for found in self.findings if found.severity == ERROR)


def validate(
    content: bytes,
    resolves: Callable[[str], bool],
    living: Mapping[str, int],
    needs: Mapping[str, Collection[str]] | None = None,
) -> Report:
    """Judge a document of either form.

    `resolves` tells whether an execution's class can be run, `needs` the parameters that some must
    have; `living` is the number of APIs by state. A state that has APIs and is not in the document
    is the error `living-state-missing`, its state the `subject`: whoever activates with a mapping
    for it passes `living` without it.
    """
    try:
        draft = draft_of(content)
    except TooLarge as exc:
        return Report(None, (error(0, "too-large", str(exc)),))
    if not draft.states and draft.findings:
        return Report(None, tuple(bounded(draft.findings)))
    lifecycle, _ = build(draft)
    _judge(draft, living)
    _check_executions(draft, resolves, needs or {})
    findings = tuple(bounded(draft.findings))
    broken = any(found.severity == ERROR for found in findings)
    return Report(None if broken else lifecycle, findings)


def read(content: bytes) -> LifeCycle:
    """The life cycle in a document of either form. Raises InvalidInput or TooLarge."""
    return json_form.read(content) if _is_json(content) else scxml.read(content)


def draft_of(content: bytes) -> Draft:
    """A document of either form as it is written. Raises TooLarge."""
    return json_form.draft(content) if _is_json(content) else scxml.draft(content)


def _is_json(content: bytes) -> bool:
    start = content.removeprefix(codecs.BOM_UTF8)[:4096].lstrip()[:1]
    return start in (b"{", b"[", b'"')


def _judge(draft: Draft, living: Mapping[str, int]) -> None:
    if draft.name != NAME:
        draft.wrong(draft.line, "name", f"the name is '{draft.name[:MAX_NAME]}', not '{NAME}'")
    states = {same_state(state.id): state for state in reversed(draft.states)}
    for required in REQUIRED_STATES:
        if same_state(required) not in states:
            draft.wrong(draft.line, "state-missing", f"the state {required} is missing", required)
    for state, number in living.items():
        if number and same_state(state) not in states:
            apis = "1 API is" if number == 1 else f"{number} APIs are"
            draft.wrong(
                draft.line,
                "living-state-missing",
                f"{apis} in the state '{state}', which is missing; choose another for them",
                state,
            )
    reached = _reached(draft)
    standard = {same_state(name) for name in STANDARD}
    for key, found in states.items():
        if key and key not in reached and same_state(draft.initial) in states:
            draft.odd(
                found.line, "unreachable", f"no event leads to the state '{found.id}'", found.id
            )
        if key and key not in standard and found.behaviour is None:
            draft.odd(
                found.line,
                "no-behaviour",
                f"the state '{found.id}' declares no behaviour: its APIs are neither shown nor"
                " deployed",
                found.id,
            )


def _check_executions(
    draft: Draft, resolves: Callable[[str], bool], needs: Mapping[str, Collection[str]]
) -> None:
    asked: dict[str, bool] = {}
    for execution in (one for state in draft.states for one in state.executions if one.name):
        name, line = execution.name, execution.line
        if name not in asked:
            if len(asked) == MAX_CLASSES:
                draft.wrong(
                    line, "limit", f"there are more than {MAX_CLASSES} different executions"
                )
                return
            asked[name] = resolves(name)
        if not asked[name]:
            told = f"the execution '{name[:MAX_NAME]}' cannot be resolved"
            draft.wrong(line, "execution-unresolved", told, name)
        given = dict(execution.parameters)
        for parameter in needs.get(name, ()):
            if not given.get(parameter):
                told = f"the execution '{name}' needs the parameter '{parameter}'"
                draft.wrong(line, "parameter-missing", told, name)


def _reached(draft: Draft) -> set[str]:
    """The states that some sequence of events leads to."""
    leads: dict[str, set[str]] = {}
    for state in draft.states:
        targets = leads.setdefault(same_state(state.id), set())
        targets.update(same_state(arrow.target) for arrow in state.arrows)
    start = same_state(draft.initial)
    reached, waiting = {start}, deque([start])
    while waiting:
        for target in leads.get(waiting.popleft(), set()) - reached:
            reached.add(target)
            waiting.append(target)
    return reached
