"""Entries of kind "execution": what a life-cycle document has carried out outside Portico.

Each attempt hands on the same `id`, for it may be made more than once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from portico.domain.errors import NotFound
from portico.domain.operations import OutboxEntry
from portico.services.executing import standard


@dataclass(frozen=True)
class Job:
    """One execution: its parameters from the document, and the transition in plain JSON values.

    `recipients` is the key of a document with the subscribers, "" where none were taken; `done`
    counts those that earlier runs have dealt with.
    """

    id: str
    tenant: str
    parameters: Mapping[str, str]
    transition: Mapping[str, Any]
    recipients: str = ""
    done: int = 0

    @property
    def message(self) -> dict[str, Any]:
        """What receivers are told; docs/lifecycles.md describes it."""
        return {"id": self.id, **self.transition}


class Carrier(Protocol):
    """Carries out one kind of execution: None when it is finished, else how many recipients are
    dealt with. Whatever it raises is the reason of the failure.
    """

    def __call__(self, job: Job, /) -> int | None: ...


class Plugins(Protocol):
    """Finds a carrier in a plug-in layer."""

    def carrier(self, name: str) -> Carrier: ...

    def resolves(self, name: str) -> bool: ...


@dataclass(frozen=True)
class Execution:
    """Finds what the document names, and has it carried out."""

    carriers: Mapping[str, Carrier]
    plugins: Plugins | None = None

    def __call__(self, entry: OutboxEntry) -> bool | dict[str, Any]:
        payload = entry.payload
        job = Job(
            id=entry.id,
            tenant=entry.tenant,
            parameters=payload["parameters"],
            transition=payload["transition"],
            recipients=str(payload.get("recipients") or ""),
            done=int(payload.get("done", 0)),
        )
        done = self._carrier(str(payload["executor"]))(job)
        return True if done is None else {**payload, "done": done}

    def resolves(self, name: str) -> bool:
        """Whether a document may name this executor."""
        plugins = self.plugins
        return standard(name) or (plugins is not None and plugins.resolves(name))

    def _carrier(self, name: str) -> Carrier:
        if name in self.carriers:
            return self.carriers[name]
        if self.plugins is None:
            raise NotFound("Executor", name)
        return self.plugins.carrier(name)
