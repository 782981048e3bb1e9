"""Lays out states and transitions as a drawing; `templates/diagram.html` makes an SVG of it.

States stand in one column. An arrow leaves its state on a line of its own, so that its label never
meets another, runs along the lane of its target, and enters at that state's first line. So any
number of states and arrows can be read, on a narrow screen too. Nothing here knows life cycles.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

LINE = 24  # a line of text, in user units; so are all other lengths here
GAP = 14  # between two states
LANE = 13  # between two lanes
LEFT = 26  # room for the dot and arrow that mark the first state
EDGE = 8
NAME_WIDTH, LABEL_WIDTH = 9.2, 6.9  # of a character, at the sizes of the style sheet
LONGEST_NAME, LONGEST_LABEL = 18, 28  # characters; the whole text is in the description


@dataclass(frozen=True)
class Arrow:
    """A way out of a state; `lit`: somebody may take it now."""

    label: str
    target: str
    lit: bool = False


@dataclass(frozen=True)
class Node:
    """A state by its id, with the text to show."""

    id: str
    label: str
    arrows: Sequence[Arrow] = ()


@dataclass(frozen=True)
class Box:
    """A drawn state."""

    x: float
    y: float
    width: float
    height: float
    text: str
    current: bool


@dataclass(frozen=True)
class Line:
    """A drawn arrow: its path, its head, its label and where that begins."""

    path: str
    head: str
    text: str
    x: float
    y: float
    lit: bool


@dataclass(frozen=True)
class Drawing:
    """What the template needs; `description` says all of it in words."""

    width: float
    height: float
    boxes: Sequence[Box]
    lines: Sequence[Line]
    start: str  # the arrow that marks the first state, or nothing
    description: str


def draw(nodes: Sequence[Node], initial: str, current: str) -> Drawing:
    """The drawing of these states. An arrow to a state that is not there is left out."""
    known = {node.id for node in nodes}
    nodes = [
        Node(node.id, node.label, [arrow for arrow in node.arrows if arrow.target in known])
        for node in nodes
    ]
    names = [_short(node.label, LONGEST_NAME) for node in nodes]
    width = round(max(map(len, names), default=0) * NAME_WIDTH + 3 * EDGE)
    labels = [_short(arrow.label, LONGEST_LABEL) for node in nodes for arrow in node.arrows]
    right = LEFT + width
    first_lane = right + round(max(map(len, labels), default=0) * LABEL_WIDTH + 4 * EDGE)
    tops: dict[str, float] = {}
    boxes = []
    y: float = EDGE
    for node, name in zip(nodes, names, strict=True):
        height = LINE * (1 + len(node.arrows)) + EDGE
        tops[node.id] = y
        boxes.append(Box(LEFT, y, width, height, name, node.id == current))
        y += height + GAP
    lanes = _lanes(nodes, tops)
    lines = [line for node in nodes for line in _lines(node, tops, lanes, right, first_lane)]
    start = _start(tops[initial]) if initial in tops else ""
    total = first_lane + LANE * max(lanes.values(), default=0) + EDGE
    return Drawing(total, y - GAP + EDGE, boxes, lines, start, _in_words(nodes, initial, current))


def _lanes(nodes: Sequence[Node], tops: Mapping[str, float]) -> dict[str, int]:
    """A lane for each target, counted from the states outwards; short ones are the inner ones, and
    two that never run side by side share one.
    """
    spans = {}
    for target in tops:
        ys = [
            _exit(tops[n.id], i)
            for n in nodes
            for i, a in enumerate(n.arrows)
            if a.target == target
        ]
        if ys:
            spans[target] = (min(*ys, _entry(tops[target])), max(*ys, _entry(tops[target])))
    taken: list[list[tuple[float, float]]] = []
    lanes = {}
    for target, span in sorted(spans.items(), key=lambda found: found[1][1] - found[1][0]):
        free = (
            number
            for number, others in enumerate(taken)
            if all(span[1] < other[0] or other[1] < span[0] for other in others)
        )
        lanes[target] = next(free, len(taken))
        if lanes[target] == len(taken):
            taken.append([])
        taken[lanes[target]].append(span)
    return lanes


def _lines(
    node: Node, tops: Mapping[str, float], lanes: Mapping[str, int], right: float, first_lane: float
) -> Iterable[Line]:
    for number, arrow in enumerate(node.arrows):
        out, into = _exit(tops[node.id], number), _entry(tops[arrow.target])
        lane = first_lane + LANE * lanes[arrow.target]
        turn = 5 if into > out else -5
        path = (
            f"M{right} {out}H{lane - 5}Q{lane} {out} {lane} {out + turn}"
            f"V{into - turn}Q{lane} {into} {lane - 5} {into}H{right + 6}"
        )
        head = f"M{right + 1} {into}l8 -4.5v9Z"
        text = _short(arrow.label, LONGEST_LABEL)
        yield Line(path, head, text, right + EDGE, out - 4, arrow.lit)


def _start(top: float) -> str:
    y = _entry(top)
    return (
        f"M8 {y}m-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0ZM12 {y - 0.75}h6v-3.75l7 4.5l-7 4.5v-3.75h-6Z"
    )


def _entry(top: float) -> float:
    return top + (LINE + EDGE) / 2


def _exit(top: float, number: int) -> float:
    return top + LINE * (number + 2) - EDGE / 4


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def _in_words(nodes: Sequence[Node], initial: str, current: str) -> str:
    labels = {node.id: node.label for node in nodes}
    sentences = []
    if current in labels:
        sentences.append(f"It is {labels[current]} now.")
    if initial in labels:
        sentences.append(f"It begins as {labels[initial]}.")
    for node in nodes:
        ways = ", ".join(f"{arrow.label} to {labels[arrow.target]}" for arrow in node.arrows)
        sentences.append(f"{node.label}: {ways or 'no way out'}.")
    return " ".join(sentences)
