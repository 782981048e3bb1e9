"""Reading life cycles: our own, WSO2's of all eras, and documents that mean harm."""

from pathlib import Path

import pytest

from portico.domain.errors import InvalidInput, TooLarge
from portico.lifecycle import scxml
from portico.lifecycle.model import StateNode

SHARED = Path(__file__).parents[3] / "shared" / "wso2" / "lifecycle"
EDGES = {
    "Created": {"Publish": "Published", "Deploy as a Prototype": "Prototyped"},
    "Prototyped": {
        "Publish": "Published",
        "Demote to Created": "Created",
        "Deploy as a Prototype": "Prototyped",
    },
    "Published": {
        "Block": "Blocked",
        "Deploy as a Prototype": "Prototyped",
        "Demote to Created": "Created",
        "Deprecate": "Deprecated",
        "Publish": "Published",
    },
    "Blocked": {"Deprecate": "Deprecated", "Re-Publish": "Published"},
    "Deprecated": {"Retire": "Retired"},
    "Retired": {},
}


def document(states: str, initial: str = "A", head: str = "") -> bytes:
    return (
        f'{head}<aspect name="Test"><configuration type="literal"><lifecycle>'
        f'<scxml xmlns="http://www.w3.org/2005/07/scxml" version="1.0" initialstate="{initial}">'
        f"{states}</scxml></lifecycle></configuration></aspect>"
    ).encode()


TWO = """
<state id="A">
  <datamodel>
    <data name="checkItems">
      <item name="Reviewed" forEvent="Go"/>
      <item name="Everywhere" forEvent="" value="true"/>
    </data>
    <data name="transitionPermission"><permission forEvent="Go" roles="one, two"/></data>
    <data name="transitionExecution">
      <execution forEvent="Go" class="some.Executor"><parameter name="to" value="x"/></execution>
    </data>
  </datamodel>
  <transition event="Go" target="B"/>
  <transition event="Stay" target="A"/>
</state>
<state id="B"/>
"""


def edges(states: tuple[StateNode, ...]) -> dict[str, dict[str, str]]:
    return {node.id: {t.event: t.target for t in node.transitions} for node in states}


def test_the_default_has_the_transitions_of_wso2() -> None:
    lifecycle = scxml.default()

    assert lifecycle.initial == "Created"
    assert edges(lifecycle.states) == EDGES
    assert all(t.roles == ("Internal/publisher",) for s in lifecycle.states for t in s.transitions)
    assert all(t.executions for s in lifecycle.states for t in s.transitions)


def test_documents_of_every_era_are_read_alike() -> None:
    # The published documents are there only where the reference data lies beside the checkout.
    published = [path.read_bytes() for path in sorted(SHARED.glob("*.xml"))]
    own = Path(scxml.__file__).with_name("default.scxml").read_bytes()
    for content in [own, *published]:
        assert edges(scxml.read(content).states) == EDGES


def test_entries_belong_to_the_events_they_name() -> None:
    first = scxml.read(document(TWO)).states[0]
    go, stay = first.transitions

    assert go.roles == ("one", "two")
    assert stay.roles == ()
    assert [item.name for item in go.items] == ["Reviewed", "Everywhere"]
    assert [item.name for item in stay.items] == ["Everywhere"]
    assert [item.value for item in go.items] == [False, True]
    assert [(e.executor, dict(e.parameters)) for e in go.executions] == [
        ("some.Executor", {"to": "x"})
    ]
    assert stay.executions == ()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "well-formed"),
        (b"not xml", "well-formed"),
        (b"<a/>", "no <scxml>"),
        (document(""), "there is no state"),
        (document(TWO, initial="Z"), "initial state 'Z'"),
        (document('<state id="A"/><state id="a"/>'), "twice"),
        (document("<state/>"), "the id of a state is missing"),
        (document('<state id="A"><transition event="Go"/></state>'), "no target"),
        (document('<state id="A"><transition event="Go" target="B"/></state>'), "no state"),
        (
            document(
                '<state id="A"><transition event="Demote to Prototyped" target="A"/>'
                '<transition event="Deploy as a prototype" target="A"/></state>'
            ),
            "two transitions",
        ),
        (document(TWO.replace('forEvent="Go" roles', 'forEvent="Fly" roles')), "forEvent"),
        (document(TWO.replace('value="true"', 'value="maybe"')), "not true or false"),
        (document(TWO.replace("transitionPermission", "transitionMagic")), "transitionMagic"),
        (document(TWO, head='<!DOCTYPE a [<!ENTITY b "c">]>'), "document type"),
        (
            document(
                TWO.replace('id="B"', 'id="B&x;"'),
                head='<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
            ),
            "",
        ),
        (
            document(
                TWO,
                head='<!DOCTYPE a [<!ENTITY l "lol"><!ENTITY m "&l;&l;&l;&l;&l;&l;&l;&l;&l;">]>',
            ),
            "document type",
        ),
    ],
)
def test_a_wrong_document_is_refused_saying_why(content: bytes, says: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        scxml.read(content)

    assert says in str(refusal.value)
    assert refusal.value.problems[0].field == "lifecycle"


def test_a_huge_document_is_refused_unread() -> None:
    with pytest.raises(TooLarge):
        scxml.read(document(TWO) + b" " * scxml.MAX_BYTES)
