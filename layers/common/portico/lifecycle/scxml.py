"""WSO2's dialect of SCXML, text to model and back. What a document means is `engine`'s business.

The document is an `aspect` (or bare `scxml`) with `state` elements. A state's `datamodel` has
`data` by name: `checkItems` (`item`), `transitionPermission` (`permission`), `transitionExecution`
(`execution` with `parameter`), `transitionApproval` (`approval`) and `behaviour`, whose attributes
say what the state means. `forEvent` names the events that an entry belongs to, separated by commas;
empty means every event of the state, and for an `item` that it is optional.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree

from portico.domain.errors import TooLarge
from portico.lifecycle.building import build
from portico.lifecycle.draft import MAX_BYTES, Arrow, Draft, DraftState, Entry
from portico.lifecycle.findings import refuse
from portico.lifecycle.model import LifeCycle
from portico.lifecycle.scxml_writer import SCXML, write

__all__ = ["MAX_BYTES", "default", "default_text", "draft", "read", "write"]

# Parts of WSO2's dialect that run in the pages of its own console and decide nothing.
_IGNORED = {"transitionScripts", "transitionUI"}
# `data` of a state: the list it fills, and the entry's tag and attributes.
_DATA = {
    "checkItems": ("items", "item", {"name", "forEvent", "offeredFor", "value"}),
    "transitionPermission": ("permissions", "permission", {"forEvent", "roles"}),
    "transitionExecution": ("executions", "execution", {"forEvent", "class"}),
    "transitionApproval": ("approvals", "approval", {"forEvent", "roles", "votes"}),
}
# Far more than any element knows; lxml takes quadratic time to list them.
_MAX_ATTRIBUTES = 20


@cache
def default() -> LifeCycle:
    """The life cycle of an API that has no other."""
    return read(default_text())


def default_text() -> bytes:
    """Its document."""
    return Path(__file__).with_name("default.scxml").read_bytes()


def read(text: bytes) -> LifeCycle:
    """The life cycle in a document. Raises InvalidInput naming everything wrong with its line, or
    TooLarge.
    """
    lifecycle, findings = build(draft(text))
    refuse(findings)
    if lifecycle is None:
        raise AssertionError("there is a life cycle or an error")
    return lifecycle


def draft(text: bytes) -> Draft:
    """The document as written, with what is wrong with its form. Raises TooLarge."""
    if len(text) > MAX_BYTES:
        raise TooLarge(f"A life cycle may have {MAX_BYTES} bytes, not {len(text)}")
    found = Draft()
    try:
        if _has_doctype(text):
            found.wrong(1, "doctype", "a document type declaration is not allowed")
            return found
        parser = etree.XMLParser(
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        root = etree.fromstring(text, parser)
    except etree.XMLSyntaxError as exc:
        # The parser's log holds what others uploaded, too; this text is about this document.
        said = re.sub(r", line \d+, column \d+$", "", str(exc.msg))
        found.wrong(exc.lineno or 1, "not-xml", f"not well-formed XML: {said}")
        return found
    crowded = next((one for one in root.iter() if len(one.attrib) > _MAX_ATTRIBUTES), None)
    if crowded is not None:
        found.wrong(_line(crowded), "limit", f"more than {_MAX_ATTRIBUTES} attributes")
        return found
    charts = list(root.iter(f"{SCXML}scxml"))
    if len(charts) != 1:
        found.wrong(
            _line(root),
            "no-scxml",
            f"there is {'more than one' if charts else 'no'} <scxml> element of the namespace"
            " http://www.w3.org/2005/07/scxml",
        )
        return found
    _Reader(found).chart(root, charts[0])
    return found


class _Prolog:
    """Looks at what comes before the first element and stops there, so that no entity is ever
    declared, let alone expanded.
    """

    def __init__(self) -> None:
        self.doctype_seen = False

    def doctype(self, *_: object) -> None:
        self.doctype_seen = True
        raise _Enough

    def start(self, *_: object) -> None:
        raise _Enough

    def close(self) -> None:
        """Part of the interface of a parser's target."""


class _Enough(Exception):
    """No error, only the way out of the parser."""


def _has_doctype(text: bytes) -> bool:
    prolog: Any = _Prolog()  # lxml asks for a part of its interface only
    parser = etree.XMLParser(
        target=prolog, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    with suppress(_Enough):
        etree.fromstring(text, parser)
    return bool(prolog.doctype_seen)


class _Reader:
    def __init__(self, found: Draft) -> None:
        self.found = found

    def chart(self, root: etree._Element, chart: etree._Element) -> None:
        found = self.found
        found.line = _line(chart)
        found.name = _plain(root.get("name") or chart.get("name"))
        # 1.10 writes `initialstate`, the standard `initial`; any letter case will do.
        attributes = {str(name).lower(): value for name, value in chart.attrib.items()}
        found.initial = _plain(attributes.get("initialstate") or attributes.get("initial"))
        for child in _children(chart):
            if child.tag == f"{SCXML}state" or child.tag == f"{SCXML}final":
                found.states.append(self.state(child))
            else:
                self.unsupported(child)

    def state(self, element: etree._Element) -> DraftState:
        state = DraftState(_line(element), _plain(element.get("id")))
        self.attributes(element, {"id"})
        for child in _children(element):
            if child.tag == f"{SCXML}transition":
                self.attributes(child, {"event", "target"})
                for inner in _children(child):
                    self.unsupported(inner)
                state.arrows.append(
                    Arrow(_line(child), _plain(child.get("event")), _plain(child.get("target")))
                )
            elif child.tag == f"{SCXML}datamodel":
                for data in _children(child):
                    self.data(state, data)
            else:
                self.unsupported(child)
        return state

    def data(self, state: DraftState, data: etree._Element) -> None:
        name = _plain(data.get("name"))
        if data.tag != f"{SCXML}data":
            self.unsupported(data)
        elif name == "behaviour":
            for child in _children(data):
                self.unsupported(child)
            state.behaviour_line = _line(data)
            state.behaviour = {k: v for k, v in _attributes(data).items() if k != "name"}
        elif name in _IGNORED:
            self.found.odd(
                _line(data), "ignored", f"data '{name}' has no effect here and is left out", name
            )
        elif name in _DATA:
            kind, tag, attributes = _DATA[name]
            self.attributes(data, {"name"})
            for child in _children(data):
                if child.tag == f"{SCXML}{tag}":
                    self.attributes(child, attributes)
                    getattr(state, kind).append(self.entry(child))
                else:
                    self.unsupported(child)
        elif len(data) or len(data.attrib) > 1:
            known = ", ".join([*_DATA, "behaviour"])
            self.found.wrong(
                _line(data), "unsupported", f"data '{name}' is not known; known are {known}", name
            )

    def entry(self, element: etree._Element) -> Entry:
        entry = Entry(
            line=_line(element),
            name=_plain(element.get("class") or element.get("name")),
            events=_names(element.get("forEvent")),
            offered=_names(element.get("offeredFor")),
            roles=_names(element.get("roles")),
            value=element.get("value", "false"),
        )
        if element.get("votes", "1").strip() != "1":
            self.found.wrong(entry.line, "unsupported", "an approval takes one vote, not more")
        owner = etree.QName(element).localname
        for child in element.iterdescendants(etree.Element):
            tag = etree.QName(child).localname
            if (owner, tag) == ("execution", "parameter"):
                # The value as it stands: it may be a text of several lines.
                entry.parameters.append((_plain(child.get("name")), child.get("value", "")))
            elif (owner, tag) == ("item", "permission"):
                entry.roles += _names(child.get("roles"))
            elif (owner, tag) != ("item", "permissions") and not (
                (owner, tag) == ("item", "validations") and not len(child)
            ):
                self.unsupported(child)
        return entry

    def attributes(self, element: etree._Element, known: set[str]) -> None:
        for name in _attributes(element):
            if name not in known:
                self.found.wrong(
                    _line(element),
                    "unsupported",
                    f"<{etree.QName(element).localname}> has an attribute '{name}',"
                    f" which is not known; known are {', '.join(sorted(known))}",
                    name,
                )

    def unsupported(self, element: etree._Element) -> None:
        # What Portico does not act on is refused, never silently dropped.
        name = etree.QName(element).localname
        self.found.wrong(_line(element), "unsupported", f"<{name}> is not known here", name)


def _children(element: etree._Element) -> Iterator[etree._Element]:
    return element.iterchildren(etree.Element)


def _attributes(element: etree._Element) -> dict[str, str]:
    return {str(name): str(value) for name, value in element.attrib.items()}


def _line(element: etree._Element) -> int:
    return element.sourceline or 0


def _plain(value: str | None) -> str:
    return " ".join((value or "").split())


def _names(value: str | None) -> list[str]:
    return [name for part in (value or "").split(",") if (name := _plain(part))]
