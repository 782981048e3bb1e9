"""WSO2's dialect of SCXML, text to model. It reads and checks; what a document means is `engine`'s
business.

The document is an `aspect` (or bare `scxml`) with `state` elements. A state's `datamodel` has
`data` by name: `checkItems` (`item`), `transitionPermission` (`permission`), `transitionExecution`
(`execution` with `parameter`). `forEvent` names the events that an entry belongs to, separated by
commas; empty means every event of the state.
"""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from lxml import etree

from portico.domain.errors import InvalidInput, TooLarge
from portico.lifecycle.model import (
    CheckItem,
    Execution,
    LifeCycle,
    StateNode,
    Transition,
    same_event,
)

SCXML = "{http://www.w3.org/2005/07/scxml}"
MAX_BYTES = 256 * 1024
# Known parts of the dialect that Portico does not act on are refused, never silently dropped.
_KNOWN_DATA = {"checkItems", "transitionPermission", "transitionExecution"}


@cache
def default() -> LifeCycle:
    """The life cycle of an API that has no other."""
    return read(Path(__file__).with_name("default.scxml").read_bytes())


def read(content: bytes) -> LifeCycle:
    """The life cycle in a document. Raises InvalidInput naming what is wrong and the line, or
    TooLarge.
    """
    if len(content) > MAX_BYTES:
        raise TooLarge(f"A life cycle may have {MAX_BYTES} bytes, not {len(content)}")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as exc:
        raise _wrong(f"not well-formed XML: {exc.msg}") from exc
    if root.getroottree().docinfo.doctype:
        raise _wrong("a document type declaration is not allowed")
    chart = root if root.tag == f"{SCXML}scxml" else next(root.iter(f"{SCXML}scxml"), None)
    if chart is None:
        raise _wrong("there is no <scxml> element of the namespace http://www.w3.org/2005/07/scxml")
    states = tuple(_state(element) for element in chart.iterchildren(f"{SCXML}state"))
    initial = chart.get("initialstate") or chart.get("initial") or ""
    lifecycle = LifeCycle(root.get("name") or "LifeCycle", initial, states)
    _check(lifecycle, chart)
    return lifecycle


def _state(element: etree._Element) -> StateNode:
    name = _attribute(element, "id")
    events = {
        same_event(_attribute(found, "event")): _attribute(found, "event")
        for found in element.iterchildren(f"{SCXML}transition")
    }
    data = {found.get("name"): found for found in element.iterfind(f"{SCXML}datamodel/{SCXML}data")}
    for other, found in data.items():
        if other not in _KNOWN_DATA and len(found):
            raise _wrong(
                f"data '{other}' is not known; known are {', '.join(sorted(_KNOWN_DATA))}", found
            )
    items = tuple(
        CheckItem(_attribute(found, "name"), _flag(found), _events(found, events))
        for found in _entries(data.get("checkItems"), "item")
    )
    permissions = list(_entries(data.get("transitionPermission"), "permission"))
    executions = list(_entries(data.get("transitionExecution"), "execution"))
    transitions = []
    for found in element.iterchildren(f"{SCXML}transition"):
        event = _attribute(found, "event")
        roles = [
            role.strip()
            for entry in permissions
            if _applies(event, _events(entry, events))
            for role in (entry.get("roles") or "").split(",")
        ]
        transitions.append(
            Transition(
                event=event,
                target=_attribute(found, "target"),
                roles=tuple(dict.fromkeys(role for role in roles if role)),
                items=tuple(item for item in items if _applies(event, item.events)),
                executions=tuple(
                    _execution(e) for e in executions if _applies(event, _events(e, events))
                ),
            )
        )
    return StateNode(name, items, tuple(transitions))


def _execution(element: etree._Element) -> Execution:
    parameters = {
        _attribute(found, "name"): _attribute(found, "value")
        for found in element.iterchildren(f"{SCXML}parameter")
    }
    return Execution(_attribute(element, "class"), parameters)


def _entries(data: etree._Element | None, tag: str) -> Iterable[etree._Element]:
    return [] if data is None else data.iterchildren(f"{SCXML}{tag}")


def _events(element: etree._Element, known: dict[str, str]) -> tuple[str, ...]:
    names = [name.strip() for name in (element.get("forEvent") or "").split(",") if name.strip()]
    for name in names:
        if same_event(name) not in known:
            raise _wrong(f"forEvent names '{name}', which leads nowhere from this state", element)
    return tuple(known[same_event(name)] for name in names)


def _applies(event: str, events: tuple[str, ...]) -> bool:
    return not events or event in events


def _flag(element: etree._Element) -> bool:
    value = element.get("value", "false").strip().lower()
    if value not in ("true", "false"):
        raise _wrong(f"value is '{value}', not true or false", element)
    return value == "true"


def _attribute(element: etree._Element, name: str) -> str:
    value = " ".join((element.get(name) or "").split())
    if not value:
        raise _wrong(f"<{etree.QName(element).localname}> has no {name}", element)
    return value


def _check(lifecycle: LifeCycle, chart: etree._Element) -> None:
    if not lifecycle.states:
        raise _wrong("there is no <state>", chart)
    ids = [node.id.casefold() for node in lifecycle.states]
    for node in lifecycle.states:
        if ids.count(node.id.casefold()) > 1:
            raise _wrong(f"state '{node.id}' is there twice", chart)
        events = [same_event(transition.event) for transition in node.transitions]
        for transition in node.transitions:
            if events.count(same_event(transition.event)) > 1:
                raise _wrong(
                    f"state '{node.id}' has two transitions for '{transition.event}'", chart
                )
            if transition.target.casefold() not in ids:
                raise _wrong(
                    f"'{transition.event}' leads to '{transition.target}', which is no state",
                    chart,
                )
    if lifecycle.state(lifecycle.initial) is None:
        raise _wrong(f"the initial state '{lifecycle.initial}' is no state", chart)


def _wrong(message: str, element: etree._Element | None = None) -> InvalidInput:
    line = f"line {element.sourceline}: " if element is not None else ""
    return InvalidInput.of("lifecycle", f"{line}{message}")
