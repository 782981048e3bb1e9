"""Texts with numbered and marked lines, as the templates show them."""

from collections.abc import Collection
from dataclasses import dataclass

KINDS = {"+": "added", "-": "removed", "@": "place"}


@dataclass(frozen=True)
class SourceLine:
    """A line of a document; `marked` when something was found there."""

    number: int
    text: str
    marked: bool = False


@dataclass(frozen=True)
class ChangedLine:
    """A line of a unified diff: "added", "removed", "place", "file" or, unchanged, ""."""

    text: str
    kind: str


def source_lines(text: str, marked: Collection[int] = ()) -> list[SourceLine]:
    """The lines of a text, counted from 1."""
    return [
        SourceLine(number, line, number in marked)
        for number, line in enumerate(text.split("\n"), 1)
    ]


def changed_lines(diff: str) -> list[ChangedLine]:
    """The lines of a unified diff."""
    found = []
    for line in diff.splitlines():
        heading = line.startswith(("--- ", "+++ "))
        found.append(ChangedLine(line, "file" if heading else KINDS.get(line[:1], "")))
    return found
