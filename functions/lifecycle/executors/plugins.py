"""Executors from a plug-in layer, named by their class: `package.module.ClassName`."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from functions.lifecycle.executors.execution import Carrier, Job
from portico.domain.errors import NotFound
from portico.plugins.classes import load
from portico.ports import Documents


class Plugin(Protocol):
    """What a plug-in class must have besides a constructor without arguments.

    `execute` gets the document's parameters and the transition with its `id` and `recipients`
    (`[{"user", "applications"}]`). It may be called again with the same `id`; whatever it raises is
    the reason of the failure, and it is tried again.
    """

    def execute(self, transition: Mapping[str, Any], parameters: Mapping[str, str]) -> None: ...


@dataclass(frozen=True)
class PluginLayer:
    """Loads classes of the allowed packages."""

    packages: Collection[str]
    documents: Documents

    def resolves(self, name: str) -> bool:
        """Whether there is such a class."""
        try:
            self._load(name)
        except NotFound:
            return False
        return True

    def carrier(self, name: str) -> Carrier:
        """Raises NotFound."""
        plugin = self._load(name)()

        def carry_out(job: Job) -> None:
            content = self.documents.read(job.recipients) if job.recipients else None
            people = json.loads(content) if content else []
            plugin.execute({**job.message, "recipients": people}, dict(job.parameters))

        return carry_out

    def _load(self, name: str) -> type[Plugin]:
        try:
            return load(name, self.packages, "execute")
        except NotFound as exc:
            raise NotFound("Executor", name) from exc
