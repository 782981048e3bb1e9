"""A life-cycle document as it was written: names not yet resolved, each entry with its line. Both
forms are read into it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from portico.lifecycle.findings import Finding, error, warning

MAX_BYTES = 256 * 1024
# Attributes of a state's `behaviour`, as the document spells them.
FLAGS = {
    "listed": "listed",
    "subscribable": "subscribable",
    "keepsSubscriptions": "keeps_subscriptions",
    "keptInSight": "kept_in_sight",
    "deprecated": "deprecated",
}


@dataclass
class Entry:
    """An item, permission, execution or approval with the events that it names."""

    line: int
    name: str = ""  # of a box, or an execution's class
    events: list[str] = field(default_factory=list)
    offered: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    value: str = "false"
    parameters: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Arrow:
    """A transition without what belongs to its event."""

    line: int
    event: str
    target: str


@dataclass
class DraftState:
    """A state as written."""

    line: int
    id: str
    arrows: list[Arrow] = field(default_factory=list)
    items: list[Entry] = field(default_factory=list)
    permissions: list[Entry] = field(default_factory=list)
    executions: list[Entry] = field(default_factory=list)
    approvals: list[Entry] = field(default_factory=list)
    behaviour: Mapping[str, str] | None = None
    behaviour_line: int = 0


@dataclass
class Draft:
    """A document as written, with what its reader found wrong."""

    line: int = 0
    name: str = ""
    initial: str = ""
    states: list[DraftState] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def wrong(self, line: int, code: str, message: str, subject: str = "") -> None:
        """Note an error."""
        self.findings.append(error(line, code, message, subject))

    def odd(self, line: int, code: str, message: str, subject: str = "") -> None:
        """Note a warning."""
        self.findings.append(warning(line, code, message, subject))
