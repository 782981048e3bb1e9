"""The executions of transitions: which there are, their place in the outbox, and how they stand.

What carries them out is the lifecycle function's (`functions/lifecycle/executors`).
"""

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from portico.domain.api import Api, HistoryEntry
from portico.domain.application import Subscription
from portico.domain.errors import NotFound, TransitionRefused
from portico.domain.executions import ExecutionResult, Recipient
from portico.domain.operations import OutboxEntry
from portico.domain.records import Change, Create
from portico.domain.user import Caller
from portico.lifecycle.model import BUILT_IN, Execution
from portico.ports import Clock, Documents, Records
from portico.services.auditing import audit
from portico.services.outbox import Outbox, enqueue

# What `BUILT_IN` does is part of the transition's own commit; the others are entries of the outbox.
EXECUTION = "execution"  # their kind
NOTIFY = "Notify"
# By name, the parameters that each must have.
STANDARD: dict[str, tuple[str, ...]] = {
    NOTIFY: (),
    "Webhook": ("url",),
    "EventBridge": (),
    "SNS": ("topic",),
    "Lambda": ("function",),
}
Resolves = Callable[[str], bool]


def standard(name: str) -> bool:
    """Whether a document may name this executor without a plug-in."""
    return name == BUILT_IN or name in STANDARD


def allowing(packages: Collection[str]) -> Resolves:
    """Resolves standard executors, and classes of the plug-in packages without loading them."""

    def resolves(name: str) -> bool:
        package, dot, _ = name.partition(".")
        return standard(name) or (bool(dot) and package in packages)

    return resolves


def check(executions: Iterable[Execution], resolves: Resolves) -> None:
    """Raises TransitionRefused for an execution that could never be carried out."""
    for execution in executions:
        if not standard(execution.executor) and not resolves(execution.executor):
            raise TransitionRefused(f"There is no executor '{execution.executor}'")
        for name in STANDARD.get(execution.executor, ()):
            if not execution.parameters.get(name):
                raise TransitionRefused(f"The executor '{execution.executor}' needs a '{name}'")


def takes_recipients(execution: Execution) -> bool:
    """Whether the subscribers are handed on: to mails, and to plug-ins for what they like."""
    return execution.executor == NOTIFY or not standard(execution.executor)


@dataclass(frozen=True)
class Executing:
    """Lists the executions of an API; a person may have one tried again or give it up."""

    records: Records
    documents: Documents
    clock: Clock

    def of_api(self, caller: Caller, api_id: str) -> list[ExecutionResult]:
        """All executions of an API's transitions, the newest transition first, each in turn."""
        if self.records.get(Api, tenant=caller.tenant, id=api_id) is None:
            raise NotFound("API", api_id)
        found = self.records.list(ExecutionResult, tenant=caller.tenant, api_id=api_id)
        found.sort(key=lambda one: one.number)
        return sorted(found, key=lambda one: one.order, reverse=True)

    def retry(self, caller: Caller, api_id: str, execution_id: str) -> ExecutionResult:
        """Make an execution due now; ask the lifecycle function to work the outbox then. NotFound
        when it is done.
        """
        self._found(caller, api_id, execution_id)
        self._outbox.retry(caller.tenant, execution_id)
        self._noted(caller, "retry-execution", api_id, execution_id)
        return self._found(caller, api_id, execution_id)

    def skip(self, caller: Caller, api_id: str, execution_id: str) -> ExecutionResult:
        """Give an execution up, so that later ones of the API go on. NotFound when it is done."""
        self._found(caller, api_id, execution_id)
        self._outbox.skip(caller.tenant, execution_id)
        self._noted(caller, "skip-execution", api_id, execution_id)
        return self._found(caller, api_id, execution_id)

    # --- what transitions put into their own commit ---

    def outward(
        self, api: Api, executions: Sequence[Execution], job: dict[str, Any]
    ) -> list[Change]:
        """Entries for what is carried out outside; `api` is as it was, with its subscribers."""
        wanted = [one for one in executions if one.executor != BUILT_IN]
        key = ""
        if any(takes_recipients(one) for one in wanted):
            key = f"{api.tenant}/apis/{api.id}/recipients/{job['order']}"
            people = json.dumps([asdict(one) for one in recipients(self.records, api)])
            # Before the commit: a document too many does no harm, one too few would.
            self.documents.write(key, people.encode(), "application/json")
        entries = []
        for one in wanted:
            payload = {
                "executor": one.executor,
                "parameters": dict(one.parameters),
                "recipients": key if takes_recipients(one) else "",
                "transition": job,
                "api_id": api.id,
            }
            entries.append(enqueue(self.records, self.clock, api.tenant, EXECUTION, payload))
        return entries

    def in_order(self, api: Api, history: HistoryEntry, changes: Sequence[Change]) -> list[Change]:
        """The changes, with their outbox entries as executions of this transition: in the order
        given, after those of earlier transitions, each with a result beside the history.
        """
        ordered: list[Change] = []
        number = 0
        for change in changes:
            if not (isinstance(change, Create) and isinstance(change.record, OutboxEntry)):
                ordered.append(change)
                continue
            entry = replace(
                change.record,
                queue=api.id,
                turn=f"{api.stamp:012d}-{number:03d}",
                outward=change.record.kind == EXECUTION,
                history=history.order,
                number=number,
            )
            result = ExecutionResult(
                tenant=api.tenant,
                api_id=api.id,
                order=history.order,
                number=number,
                id=entry.id,
                executor=str(entry.payload.get("executor") or entry.kind),
                updated=history.updated,
            )
            ordered += [Create(entry), Create(result)]
            number += 1
        return ordered

    @property
    def _outbox(self) -> Outbox:
        return Outbox(self.records, self.clock)

    def _found(self, caller: Caller, api_id: str, execution_id: str) -> ExecutionResult:
        for result in self.of_api(caller, api_id):
            if result.id == execution_id:
                return result
        raise NotFound("Execution", execution_id)

    def _noted(self, caller: Caller, action: str, api_id: str, execution_id: str) -> None:
        after = {"execution": execution_id}
        self.records.commit(audit(self.clock, caller, action, "api", api_id, after=after))


def recipients(records: Records, api: Api) -> list[Recipient]:
    """Each person who subscribes to an API, once, by name."""
    found: dict[str, list[str]] = {}
    for one in records.list(Subscription, by="api", tenant=api.tenant, api_id=api.id):
        for name in dict.fromkeys((one.subscriber or one.application_owner, one.application_owner)):
            found.setdefault(name, []).append(one.application_name)
    return [
        Recipient(user=name, applications=tuple(dict.fromkeys(names)))
        for name, names in sorted(found.items())
    ]
