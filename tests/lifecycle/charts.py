"""Life cycles of every shape for property tests, and where the documents of the tests lie."""

from pathlib import Path

from hypothesis import strategies as st

from portico.domain.behaviour import Access, Behaviour
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

OWN = Path(__file__).parents[1] / "data" / "lifecycles"
# WSO2's own documents are there only where the reference data lies beside the checkout.
SHARED = Path(__file__).parents[3] / "shared" / "wso2" / "lifecycle"
PUBLISHED = sorted([*SHARED.glob("APILifeCycle*.xml"), *SHARED.glob("APILifeCycle*.json")])

_CHARACTERS = st.characters(exclude_categories=["C", "Z"], exclude_characters=",") | st.just(" ")


def _name(text: str) -> str:
    return " ".join(text.split())


NAMES = st.text(_CHARACTERS, min_size=1, max_size=12).map(_name).filter(bool)
ROLES = st.lists(NAMES, max_size=2, unique=True).map(tuple)
# What a parameter may say is what XML may hold, several lines included.
VALUES = st.text(
    st.characters(exclude_categories=["C"], exclude_characters="\ufffe\uffff")
    | st.sampled_from("\n\t\r"),
    max_size=20,
)
EXECUTIONS = st.lists(
    st.builds(Execution, NAMES, st.dictionaries(NAMES, VALUES, max_size=2)), max_size=2
).map(tuple)
BEHAVIOURS = st.none() | st.builds(Behaviour, access=st.sampled_from(Access))


@st.composite
def lifecycles(draw: st.DrawFn) -> LifeCycle:
    """A life cycle that a document can say."""
    ids = draw(st.lists(NAMES, min_size=1, max_size=4, unique_by=same_state))
    return LifeCycle(
        draw(NAMES),
        draw(st.sampled_from(ids)),
        tuple(_node(draw, name, ids) for name in ids),
    )


def _node(draw: st.DrawFn, name: str, ids: list[str]) -> StateNode:
    events = draw(st.lists(NAMES, max_size=3, unique_by=same_event))
    some = st.lists(st.sampled_from(events), unique=True).map(tuple) if events else st.just(())
    items = tuple(
        CheckItem(item, draw(st.booleans()), draw(some), draw(some), draw(ROLES))
        for item in draw(st.lists(NAMES, max_size=3, unique_by=same_item))
    )
    transitions = tuple(
        Transition(
            event=event,
            target=draw(st.sampled_from(ids)),
            roles=draw(ROLES),
            items=tuple(item for item in items if item.offered(event)),
            executions=draw(EXECUTIONS),
            approval=draw(st.none() | st.builds(Approval, ROLES)),
        )
        for event in events
    )
    return StateNode(name, items, transitions, draw(BEHAVIOURS))
