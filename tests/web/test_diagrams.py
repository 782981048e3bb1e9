"""The drawing of states and transitions, and the SVG that the template makes of it."""

from itertools import pairwise
from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader
from lxml import html

from portico.lifecycle.scxml import default
from portico.web import diagrams
from portico.web.diagrams import Arrow, Drawing, Node, draw

TEMPLATES = Path(diagrams.__file__).parent / "templates"
SHOP = (
    Node("open", "Open", [Arrow("Close", "shut", lit=True), Arrow("Stay", "open")]),
    Node("shut", "Shut", [Arrow("Open again", "open"), Arrow("Sell", "nowhere")]),
)


def svg(drawing: Drawing) -> html.HtmlElement:
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    macro = environment.get_template("diagram.html").module.diagram  # type: ignore[attr-defined]
    return html.fromstring(str(macro(drawing, "Life cycle")))


def end_of(path: str) -> float:
    """The height at which a path runs into its target."""
    return float(path.rpartition("H")[0].rpartition(" ")[2])


def test_every_arrow_ends_at_its_target_and_no_label_meets_another() -> None:
    states = default().states
    nodes = [Node(s.id, s.id, [Arrow(t.event, t.target) for t in s.transitions]) for s in states]
    drawing = draw(nodes, "Created", "Published")
    targets = [t.target for s in states for t in s.transitions]
    boxes = {box.text: box for box in drawing.boxes}
    assert len(drawing.lines) == len(targets) > 0
    for line, target in zip(drawing.lines, targets, strict=True):
        assert boxes[target].y < end_of(line.path) < boxes[target].y + boxes[target].height
    heights = sorted(line.y for line in drawing.lines)
    assert all(after - before >= diagrams.LINE for before, after in pairwise(heights))
    assert all(line.x > boxes["Created"].width for line in drawing.lines)


def test_arrows_of_different_targets_that_run_side_by_side_have_lanes_of_their_own() -> None:
    nodes = [
        Node("a", "A", [Arrow("1", "c"), Arrow("2", "b")]),
        Node("b", "B", [Arrow("3", "c"), Arrow("4", "a")]),
        Node("c", "C"),
    ]
    to_c, to_b, to_c_too, to_a = (
        line.path.split("Q")[1].split()[0] for line in draw(nodes, "a", "a").lines
    )
    assert to_c == to_c_too
    assert len({to_c, to_b, to_a}) == 3


def test_the_current_state_and_what_may_be_done_are_lit() -> None:
    drawn = svg(draw(SHOP, "open", "open"))
    assert drawn.xpath("//g[contains(@class, 'current')]/text[1]/text()") == ["Open"]
    assert drawn.xpath("//g[contains(@class, 'lit')]/text/text()") == ["Close"]


def test_it_is_said_in_words_too() -> None:
    drawn = svg(draw(SHOP, "open", "shut"))
    assert drawn.get("role") == "img"
    named = [
        drawn.xpath(f"string(//*[@id='{one}'])") for one in drawn.attrib["aria-labelledby"].split()
    ]
    assert named == [
        "Life cycle",
        "It is Shut now. It begins as Open. Open: Close to Shut, Stay to Open. "
        "Shut: Open again to Open.",
    ]


@pytest.mark.parametrize("current", ["gone", ""])
def test_a_state_that_is_not_in_the_document_lights_nothing(current: str) -> None:
    drawing = draw(SHOP, current, current)
    assert not any(box.current for box in drawing.boxes)
    assert drawing.start == ""


def test_texts_are_cut_and_escaped() -> None:
    long = "<script>" + "x" * 100
    drawing = draw([Node("a", long, [Arrow(long, "a")])], "a", "a")
    assert len(drawing.boxes[0].text) <= diagrams.LONGEST_NAME
    assert len(drawing.lines[0].text) <= diagrams.LONGEST_LABEL
    drawn = svg(drawing)
    assert not drawn.xpath("//script")
    assert long in drawn.xpath("string(//*[local-name()='desc'])")


def test_nothing_is_a_drawing_too() -> None:
    assert draw([], "a", "a").boxes == []
