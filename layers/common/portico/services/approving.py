"""Transitions that a second person must approve: asked for, approved, rejected, withdrawn.

Whether one must is the life cycle's business; everything that takes transitions for people asks
here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from portico.domain.approvals import PendingTransition
from portico.domain.errors import (
    AlreadyExists,
    Conflict,
    Forbidden,
    LostRace,
    NotFound,
    Stale,
    TransitionRefused,
)
from portico.domain.records import Change, Create, Remove, Require
from portico.domain.user import Caller, User
from portico.lifecycle.engine import node_of, permitted, step
from portico.ports import Records
from portico.services.auditing import audit
from portico.services.previewing import Previewing
from portico.services.transitions import Changed, Transitions

PendingTransitions = list[PendingTransition]  # inside the class, `list` is a use case


@dataclass(frozen=True)
class Waiting:
    """Shows what waits for approval; whoever has the records can."""

    records: Records

    def list(self, tenant: str) -> PendingTransitions:
        """All that waits in a tenant, the oldest first."""
        found = self.records.list(PendingTransition, tenant=tenant)
        return sorted(found, key=lambda one: (one.created, one.id))

    def get(self, tenant: str, pending_id: str) -> PendingTransition:
        """One that waits; NotFound when it does not, or no longer."""
        found = self.records.get(PendingTransition, by="id", tenant=tenant, id=pending_id)
        if found is None:
            raise NotFound("Pending life-cycle change", pending_id)
        return found


@dataclass(frozen=True)
class Approving:
    """Takes transitions, or has them wait for a second person."""

    transitions: Transitions

    def asks(self, caller: Caller, api_id: str, event: str, checklist: Mapping[str, bool]) -> bool:
        """Whether the life cycle wants a second person for this now. Raises as the engine does."""
        state = self.transitions.api(caller, api_id).state
        lifecycle = self.transitions.lifecycle_of(caller.tenant)
        return step(lifecycle, state, event, checklist, caller.roles).approval is not None

    def take(
        self,
        caller: Caller,
        api_id: str,
        event: str,
        checklist: Mapping[str, bool],
        stamp: int | None = None,
        *,
        comment: str = "",
        also: Sequence[Change] = (),
    ) -> Changed | PendingTransition:
        """Take a transition, or ask for its approval where the life cycle wants one.

        Raises what `Transitions.change` raises, before anybody is asked to approve, and Conflict
        when a change of this API waits already. `also` is committed with either.
        """
        api = self.transitions.api(caller, api_id)
        lifecycle = self.transitions.lifecycle_of(caller.tenant)
        taken = step(lifecycle, api.state, event, checklist, caller.roles)
        if taken.approval is None:
            return self.transitions.change(
                caller, api_id, event, checklist, stamp, comment=comment, also=also
            )
        if stamp is not None and api.stamp != stamp:
            raise Stale("The API has been changed since it was read")
        preview = Previewing(self.transitions).preview(caller, api_id, event, checklist)
        if preview.refusal:
            raise preview.refusal
        pending = PendingTransition(
            tenant=api.tenant,
            api_id=api.id,
            id=str(uuid4()),
            api_name=api.name,
            api_version=api.version,
            api_provider=api.provider,
            event=taken.event,
            state=api.state,
            target=taken.state,
            checklist=dict(taken.checklist),
            comment=comment,
            user=caller.user,
            created=int(self.transitions.clock.now() * 1000),
        )
        entry = self._noted(caller, "ask-for-approval", pending)
        try:
            self.transitions.records.commit(Create(pending), Require(api), *also, entry)
        except AlreadyExists as exc:
            raise Conflict("A change of this API waits for approval already") from exc
        return replace(pending, stamp=1)

    def list(self, caller: Caller) -> PendingTransitions:
        """All that waits in the caller's tenant, the oldest first."""
        return Waiting(self.transitions.records).list(caller.tenant)

    def get(self, caller: Caller, pending_id: str) -> PendingTransition:
        """One that waits; NotFound when it does not, or no longer."""
        return Waiting(self.transitions.records).get(caller.tenant, pending_id)

    def of_api(self, caller: Caller, api_id: str) -> PendingTransition | None:
        """What waits for an API, if anything. Raises NotFound when there is no such API."""
        self.transitions.api(caller, api_id)
        return self.transitions.records.get(PendingTransition, tenant=caller.tenant, api_id=api_id)

    def withdraw(self, caller: Caller, api_id: str) -> None:
        """Take what waits for an API back. Raises NotFound when nothing does."""
        pending = self.of_api(caller, api_id)
        if pending is None:
            raise NotFound("Pending life-cycle change of API", api_id)
        entry = self._noted(caller, "withdraw-transition", pending)
        self.transitions.records.commit(Remove(pending), entry)

    def reject(self, caller: Caller, pending_id: str, comment: str = "") -> PendingTransition:
        """Refuse what waits. Raises as `approve`."""
        pending = self.get(caller, pending_id)
        self._check_second(caller, pending)
        entry = self._noted(caller, "reject-transition", pending, comment)
        self.transitions.records.commit(Remove(pending), entry)
        return pending

    def approve(self, caller: Caller, pending_id: str, comment: str = "") -> Changed:
        """Take what waits, in the name and with the present roles of who asked for it.

        Raises NotFound, Forbidden (the same person, a role that is missing, or nobody any more who
        asked) and TransitionRefused when the API or the life cycle no longer allows it; it then
        goes on waiting.
        """
        pending = self.get(caller, pending_id)
        api = self.transitions.api(caller, pending.api_id)
        self._check_second(caller, pending)
        if api.state != pending.state:
            raise TransitionRefused(
                f"The API is {api.state} by now; it was {pending.state} when this was asked for"
            )
        entry = self._noted(caller, "approve-transition", pending, comment)
        try:
            return self.transitions.change(
                self._asker(pending),
                pending.api_id,
                pending.event,
                pending.checklist,
                api.stamp,
                comment=pending.comment,
                approved_by=caller.user,
                also=[Remove(pending), entry],
            )
        except LostRace as exc:
            raise Conflict("The change was decided or withdrawn at this moment") from exc

    def _check_second(self, caller: Caller, pending: PendingTransition) -> None:
        if caller.user.lower() == pending.user.lower():
            raise Forbidden("A second person must decide: you have asked for this change")
        lifecycle = self.transitions.lifecycle_of(pending.tenant)
        found = node_of(lifecycle, pending.state).transition(pending.event)
        if found is None:
            raise TransitionRefused(f"The life cycle no longer has '{pending.event}'")
        roles = found.approval.roles if found.approval else ()
        if roles and not caller.has_role(*roles):
            raise Forbidden(f"Deciding about this needs the role {' or '.join(roles)}")
        if not roles and not permitted(found, caller.roles):
            raise Forbidden("Only who may take this transition may decide about it")

    def _asker(self, pending: PendingTransition) -> Caller:
        user = self.transitions.records.get(User, tenant=pending.tenant, name=pending.user.lower())
        if user is None or not user.active or not user.existed(pending.created / 1000):
            raise Forbidden(f"'{pending.user}', who asked for it, is no longer an active user")
        return Caller(pending.tenant, user.name, user.roles)

    def _noted(
        self, caller: Caller, action: str, pending: PendingTransition, comment: str = ""
    ) -> Create:
        after = {"event": pending.event, "asked_by": pending.user, "pending": pending.id}
        if comment:
            after["comment"] = comment
        return audit(self.transitions.clock, caller, action, "api", pending.api_id, after=after)
