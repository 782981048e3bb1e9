"""Bodies of `/lifecycles`, an addition of Portico's own to the Admin REST API."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from portico.domain.errors import NotFound
from portico.domain.lifecycle_versions import DEFAULT, LifecycleChoice, LifecycleVersion
from portico.lifecycle.findings import Finding
from portico.lifecycle.model import StateNode
from portico.services.lifecycles import Shown

DEFAULT_ID = "default"


class NewLifecycle(BaseModel):
    """A document to keep as a version; `labels` is language -> key -> text."""

    model_config = ConfigDict(extra="forbid", strict=True)

    document: str = Field(min_length=1)
    labels: dict[str, dict[str, str]] | None = None
    comment: str = ""


class CheckedLifecycle(BaseModel):
    """A document to look at only, with the labels that are to go with it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    document: str = Field(min_length=1)
    labels: dict[str, dict[str, str]] | None = None


class Activation(BaseModel):
    """Where APIs go whose state the version lacks: old state -> new state."""

    model_config = ConfigDict(extra="forbid", strict=True)

    mapping: dict[str, str] = {}


def id_of(number: int) -> str:
    """A version as paths name it."""
    return DEFAULT_ID if number == DEFAULT else str(number)


def number_of(lifecycle_id: str) -> int:
    """The number that a path names; NotFound for what can be none."""
    if lifecycle_id == DEFAULT_ID:
        return DEFAULT
    if lifecycle_id.isascii() and lifecycle_id.isdigit() and 0 < len(lifecycle_id) <= 6:
        number = int(lifecycle_id)
        if number != DEFAULT and str(number) == lifecycle_id:
            return number
    raise NotFound("Life cycle", lifecycle_id[:40])


def version_body(version: LifecycleVersion, choice: LifecycleChoice) -> dict[str, Any]:
    """A version as lists show it. `createdTime` is epoch milliseconds, 0 for the default."""
    return {
        "id": id_of(version.number),
        "active": version.number == choice.active,
        "comment": version.comment,
        "createdBy": version.created_by,
        "createdTime": version.created,
        "digest": version.digest,
    }


def shown_body(shown: Shown, choice: LifecycleChoice) -> dict[str, Any]:
    """A version with its document, labels and states."""
    return {
        **version_body(shown.version, choice),
        "name": shown.lifecycle.name,
        "initialState": shown.lifecycle.initial,
        "states": [_state_body(node) for node in shown.lifecycle.states],
        "document": shown.document,
        "labels": {language: dict(keys) for language, keys in shown.labels.items()},
    }


def _state_body(node: StateNode) -> dict[str, Any]:
    return {
        "id": node.id,
        "transitions": [
            {"event": found.event, "target": found.target, "roles": list(found.roles)}
            for found in node.transitions
        ],
    }


def finding_body(finding: Finding) -> dict[str, Any]:
    """One thing that is wrong or doubtful; lines count from 1."""
    return {
        "line": finding.line,
        "severity": finding.severity,
        "code": finding.code,
        "message": finding.message,
    }
