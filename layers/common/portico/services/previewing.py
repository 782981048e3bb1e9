"""Dry runs: what a transition would do, found by taking it without writing anything.

So a dry run cannot differ from the transition itself; what changes in between still can.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from portico.domain.api import Api, State, SubscriberCount
from portico.domain.application import Subscription
from portico.domain.errors import (
    Conflict,
    Forbidden,
    InvalidInput,
    LimitReached,
    PorticoError,
    TransitionRefused,
)
from portico.domain.gateway import Deployment
from portico.domain.http_api import HttpApiUse
from portico.domain.operations import OutboxEntry
from portico.domain.records import Change, Create, Record, Remove, Replace, Wanted
from portico.domain.user import Caller, User
from portico.lifecycle.engine import Step
from portico.ports import Documents, Records
from portico.services.effects import CARRY_SUBSCRIPTIONS, CLOSE_SUBSCRIPTIONS, DEPRECATE_OLDER
from portico.services.executing import EXECUTION, NOTIFY, recipients
from portico.services.route_quota import warning
from portico.services.transitions import Transitions
from portico.services.versions import older_versions

R = TypeVar("R", bound=Record)
ON_PAPER = "-"  # who approves what is not done
REFUSALS = (Conflict, Forbidden, InvalidInput, LimitReached, TransitionRefused)


@dataclass(frozen=True)
class Preview:
    """What a transition would do now; with a `refusal` it would do nothing."""

    event: str
    previous: str
    state: str = ""
    checklist: Mapping[str, bool] = field(default_factory=dict)
    refusal: PorticoError | None = None
    approval: bool = False  # whether a second person has to approve it first
    deployed: tuple[str, ...] = ()  # paths that become callable
    undeployed: tuple[str, ...] = ()  # paths that become 404
    changed: tuple[str, ...] = ()  # paths whose answers follow the new state or revision
    deprecated: tuple[Api, ...] = ()  # older versions
    not_deprecated: tuple[tuple[Api, str], ...] = ()  # those that would refuse, and why
    carried: int = 0  # subscriptions of older versions that this one gets
    closed: int = 0  # subscriptions of this version that end
    kept: int = 0  # subscriptions of this version that stay
    later: tuple[OutboxEntry, ...] = ()  # all that is carried out after the commit, in order
    mails: int = 0  # subscribers with an address who get one
    warning: str = ""  # what of the gateway's quotas is nearly used up afterwards


@dataclass(frozen=True)
class Previewing:
    """Takes transitions on paper."""

    transitions: Transitions

    def preview(
        self, caller: Caller, api_id: str, event: str, checklist: Mapping[str, bool]
    ) -> Preview:
        """What `Transitions.change` would do with the same arguments. Raises NotFound."""
        api = self.transitions.api(caller, api_id)
        try:
            paper = self._on_paper(caller, api_id, event, checklist)
        except REFUSALS as exc:
            return Preview(event, api.state, refusal=exc)
        step, changes = paper.step, paper.changes
        later = tuple(
            change.record
            for change in changes
            if isinstance(change, Create) and isinstance(change.record, OutboxEntry)
        )
        kinds = {entry.kind for entry in later}
        subscribed = self._count(api)
        deprecated, refusing = (
            self._deprecated(caller, api) if DEPRECATE_OLDER in kinds else ((), ())
        )
        return Preview(
            event=step.event,
            previous=step.previous,
            state=step.state,
            approval=step.approval is not None,
            checklist=step.checklist,
            deployed=_paths(changes, Create),
            undeployed=_paths(changes, Remove),
            changed=_paths(changes, Replace),
            deprecated=deprecated,
            not_deprecated=refusing,
            carried=self._carried(api) if CARRY_SUBSCRIPTIONS in kinds else 0,
            closed=subscribed if CLOSE_SUBSCRIPTIONS in kinds else 0,
            kept=0 if CLOSE_SUBSCRIPTIONS in kinds else subscribed,
            later=later,
            mails=self._mails(api) * sum(_executor(entry) == NOTIFY for entry in later),
            warning=_warning(changes),
        )

    def _on_paper(
        self, caller: Caller, api_id: str, event: str, checklist: Mapping[str, bool]
    ) -> "_Paper":
        records = _Unwritten(self.transitions.records)
        unwritten = replace(
            self.transitions,
            records=records,
            documents=_UnwrittenDocuments(self.transitions.documents),
        )
        taken = unwritten.change(caller, api_id, event, checklist, approved_by=ON_PAPER)
        return _Paper(taken.step, records.changes)

    def _deprecated(
        self, caller: Caller, api: Api
    ) -> tuple[tuple[Api, ...], tuple[tuple[Api, str], ...]]:
        done, refusing = [], []
        for older in older_versions(self.transitions.records, api):
            if older.state != State.PUBLISHED:
                continue
            try:
                self._on_paper(caller, older.id, "Deprecate", {})
            except REFUSALS as exc:
                refusing.append((older, str(exc)))
            else:
                done.append(older)
        return tuple(done), tuple(refusing)

    def _carried(self, api: Api) -> int:
        """Applications that have an older version and not this one."""
        records = self.transitions.records
        older = {
            found.application_id
            for version in older_versions(records, api)
            for found in _subscriptions(records, version)
        }
        return len(older - {found.application_id for found in _subscriptions(records, api)})

    def _mails(self, api: Api) -> int:
        records = self.transitions.records
        names = {one.user.lower() for one in recipients(records, api)}
        keys = [{"tenant": api.tenant, "name": name} for name in sorted(names)]
        return sum(bool(user.email) for user in records.get_many(User, keys))

    def _count(self, api: Api) -> int:
        found = self.transitions.records.get(SubscriberCount, tenant=api.tenant, api_id=api.id)
        return found.count if found else 0


@dataclass(frozen=True)
class _Paper:
    step: Step
    changes: Sequence[Change]


@dataclass
class _Unwritten:
    """Records that are read as they are and keep to themselves what is to be written."""

    records: Records
    changes: list[Change] = field(default_factory=list)

    def get(self, kind: type[R], *, by: str = "", **key: str) -> R | None:
        return self.records.get(kind, by=by, **key)

    def get_many(self, kind: type[R], keys: Sequence[Mapping[str, str]]) -> list[R]:
        return self.records.get_many(kind, keys)

    def gather(self, *wanted: Wanted) -> "list[Record | None]":
        return self.records.gather(*wanted)

    def list(
        self,
        kind: type[R],
        *,
        by: str = "",
        newest_first: bool = False,
        limit: int | None = None,
        **key: str,
    ) -> list[R]:
        return self.records.list(kind, by=by, newest_first=newest_first, limit=limit, **key)

    def commit(self, *changes: Change) -> None:
        self.changes.extend(changes)


@dataclass(frozen=True)
class _UnwrittenDocuments:
    """Documents that are read as they are and never written."""

    documents: Documents

    def read(self, key: str) -> bytes | None:
        return self.documents.read(key)

    def write(self, key: str, content: bytes, content_type: str) -> None:
        pass

    def delete(self, key: str) -> None:
        pass

    def upload_form(self, key: str, max_bytes: int, seconds: int) -> dict[str, Any]:
        return self.documents.upload_form(key, max_bytes, seconds)


def _executor(entry: OutboxEntry) -> str:
    return str(entry.payload.get("executor", "")) if entry.kind == EXECUTION else ""


def _warning(changes: Sequence[Change]) -> str:
    for change in changes:
        if isinstance(change, Replace) and isinstance(change.record, HttpApiUse):
            return warning(change.record)
    return ""


def _paths(
    changes: Sequence[Change], how: type[Create] | type[Remove] | type[Replace]
) -> tuple[str, ...]:
    return tuple(
        change.record.prefix
        for change in changes
        if isinstance(change, how) and isinstance(change.record, Deployment)
    )


def _subscriptions(records: Records, api: Api) -> list[Subscription]:
    return records.list(Subscription, by="api", tenant=api.tenant, api_id=api.id)
