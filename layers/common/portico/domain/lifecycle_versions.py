"""The life cycles of a tenant: versions that never change, and which of them is in force. What a
document says is `portico.lifecycle`'s business.
"""

from dataclasses import dataclass, field

from portico.domain.records import Record

DEFAULT = 0  # the number of the life cycle that Portico brings along


@dataclass(frozen=True, kw_only=True)
class LifecycleVersion(Record):
    """What lists show of a version; `order` is its number in fixed width."""

    order: str
    number: int
    digest: str  # SHA-256 of the document, hex
    comment: str = ""
    created: int = 0  # epoch milliseconds
    created_by: str = ""


@dataclass(frozen=True, kw_only=True)
class LifecycleText(Record):
    """The document of a version, as SCXML, and its labels: language -> key -> text."""

    order: str
    document: str
    labels: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class LifecycleChoice(Record):
    """Which version is in force, and which were before it (newest last), for rolling back."""

    active: int = DEFAULT
    former: tuple[int, ...] = ()
    latest: int = 0  # the highest number ever given; none is given twice
    changed: int = 0  # epoch milliseconds
    changed_by: str = ""


def order_of(number: int) -> str:
    """`7` -> `000007`."""
    return f"{number:06d}"
