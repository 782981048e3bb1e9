"""Applications of developers: made, changed, listed and removed, with what the gateway must know of
them.

Keys are in `keys`, subscriptions in `subscribing`. Everything here belongs to the caller: another's
is not found.
"""

import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from portico.domain.application import (
    Application,
    ApplicationName,
    ApplicationNumbers,
    Client,
    Developer,
    KeyMapping,
    Subscription,
)
from portico.domain.errors import AlreadyExists, LostRace, NotFound, Stale
from portico.domain.gateway import GatewayApplication
from portico.domain.policy import UNLIMITED, Level
from portico.domain.records import Change, Create, Discard, Put, Replace
from portico.domain.user import Caller
from portico.ports import Clock, Records
from portico.services.application_rules import OPAQUE, ApplicationDraft, check
from portico.services.auditing import audit
from portico.services.policies import policy_uses
from portico.services.removing import Removing

DEFAULT_NAME = "DefaultApplication"
# The counter of integer ids is one item for all developers of a tenant. A lost race is another's
# success, so as many may meet there as there are attempts.
ATTEMPTS = 30


@dataclass(frozen=True)
class Applications:
    """The applications of the caller."""

    records: Records
    clock: Clock
    removing: Removing

    def mine(self, caller: Caller) -> list[Application]:
        """All of them by name; the first look makes the default one, and a removal cut short is
        finished.
        """
        if self.records.get(Developer, tenant=caller.tenant, owner=caller.user) is None:
            self._welcome(caller)
        found = self.records.list(Application, tenant=caller.tenant, owner=caller.user)
        for application in found:
            if application.status == "DELETE_PENDING":
                with suppress(LostRace):  # whoever is faster does the same
                    self.removing.finish(application)
        kept = [application for application in found if application.status != "DELETE_PENDING"]
        return sorted(kept, key=lambda application: (application.name.lower(), application.id))

    def show(self, caller: Caller, application_id: str) -> Application:
        """One of them; NotFound, also for another user's."""
        found = self.records.get(
            Application, tenant=caller.tenant, owner=caller.user, id=application_id
        )
        if found is None or found.status == "DELETE_PENDING":
            raise NotFound("Application", application_id)
        return found

    def subscriptions(self, application: Application) -> int:
        """How many APIs it is subscribed to."""
        return len(
            self.records.list(
                Subscription, tenant=application.tenant, application_id=application.id
            )
        )

    def create(self, caller: Caller, draft: ApplicationDraft) -> Application:
        """A new application. Raises InvalidInput, or AlreadyExists for a name the caller has
        already (in any case).
        """
        check(self.records, caller.tenant, draft)
        return self._create(caller, draft)

    def update(
        self,
        caller: Caller,
        application_id: str,
        draft: ApplicationDraft,
        stamp: int | None = None,
    ) -> Application:
        """The application with new values; `stamp` is the state the caller knows. Its keys give
        tokens of the new type from now on, and subscriptions follow a new name.
        """
        old = self.show(caller, application_id)
        if stamp is not None and stamp != old.stamp:
            raise Stale("The application has been changed since it was read")
        check(self.records, caller.tenant, draft)
        new = replace(
            old,
            name=draft.name,
            policy=draft.policy,
            description=draft.description,
            token_type=draft.token_type,
            groups=draft.groups,
            attributes=dict(draft.attributes),
            updated=self._now(),
        )
        try:
            self.records.commit(
                *_renaming(old, new),
                *self._retyped(new),
                Replace(new),
                Put(seen_by_gateway(new)),
                *_uses(new, [old.policy], [new.policy]),
                self._audit(caller, "update", old, new),
            )
        except AlreadyExists:
            raise AlreadyExists(
                f"You have an application with the name '{draft.name}' already"
            ) from None
        self._retype(new)
        self._follow(new)
        return replace(new, stamp=old.stamp + 1)

    def delete(self, caller: Caller, application_id: str, stamp: int | None = None) -> None:
        """Remove it with its subscriptions and keys; calls with its tokens fail from the first
        write on.

        A removal that was cut short is taken up again by the next one, and by the owner's next
        list.
        """
        for attempt in range(ATTEMPTS):
            found = self.records.get(
                Application, tenant=caller.tenant, owner=caller.user, id=application_id
            )
            if found is None and attempt:
                return  # somebody else was faster
            if found is None:
                raise NotFound("Application", application_id)
            if found.status == "DELETE_PENDING":
                return self.removing.finish(found)
            if stamp is not None and stamp != found.stamp:
                raise Stale("The application has been changed since it was read")
            try:
                doomed = self._doom(caller, found)
            except LostRace:
                if attempt == ATTEMPTS - 1:
                    raise
            else:
                return self.removing.finish(doomed)

    def _doom(self, caller: Caller, application: Application) -> Application:
        """The first write of a removal: nobody can add to the application any more, and its name is
        free.
        """
        doomed = replace(application, status="DELETE_PENDING")
        self.records.commit(
            Replace(doomed),
            Discard(_name_of(application)),
            Discard(seen_by_gateway(application)),
            *self.removing.keys(application),
            *_uses(application, [application.policy], []),
            self._audit(caller, "delete", application, None),
        )
        return replace(doomed, stamp=application.stamp + 1)

    def _create(self, caller: Caller, draft: ApplicationDraft, *more: Change) -> Application:
        now = self._now()
        for attempt in range(ATTEMPTS):
            numbers = self.records.get(
                ApplicationNumbers, tenant=caller.tenant
            ) or ApplicationNumbers(tenant=caller.tenant)
            application = Application(
                tenant=caller.tenant,
                owner=caller.user,
                id=str(uuid.uuid4()),
                number=numbers.last + 1,
                name=draft.name,
                policy=draft.policy,
                description=draft.description,
                token_type=draft.token_type,
                groups=draft.groups,
                attributes=dict(draft.attributes),
                created=now,
                updated=now,
            )
            try:
                self.records.commit(
                    Create(_name_of(application)),
                    *more,
                    Create(application),
                    Replace(replace(numbers, last=application.number)),
                    Put(seen_by_gateway(application)),
                    *_uses(application, [], [application.policy]),
                    self._audit(caller, "create", None, application),
                )
            except AlreadyExists:
                raise AlreadyExists(
                    f"You have an application with the name '{draft.name}' already"
                ) from None
            except LostRace:
                if attempt == ATTEMPTS - 1:
                    raise
            else:
                return replace(application, stamp=1)
        raise AssertionError("the last attempt returns or raises")

    def _welcome(self, caller: Caller) -> None:
        first = Create(Developer(tenant=caller.tenant, owner=caller.user, created=self._now()))
        draft = ApplicationDraft(
            name=DEFAULT_NAME, policy=UNLIMITED, description="The application to begin with"
        )
        try:
            self._create(caller, draft, first)
        except AlreadyExists:
            # Made by a request beside this one, or the developer took the name: remember the visit
            # alone.
            self.records.commit(Put(first.record))

    def _retype(self, application: Application) -> None:
        """Keys that were made between our look and our write; those made later know the type."""
        for _ in range(ATTEMPTS):
            late = self._retyped(application)
            if not late:
                return
            with suppress(LostRace):
                self.records.commit(*late)

    def _retyped(self, application: Application) -> list[Change]:
        """What to commit for its keys to give tokens of the application's type."""
        mappings = self.records.list(
            KeyMapping, tenant=application.tenant, application_id=application.id
        )
        keys = [{"tenant": one.tenant, "client_id": one.client_id} for one in mappings]
        opaque = application.token_type == OPAQUE
        return [
            Replace(replace(client, opaque=opaque))
            for client in (self.records.get_many(Client, keys) if keys else ())
            if client.opaque != opaque
        ]

    def _follow(self, application: Application) -> None:
        """Subscriptions carry the application's name for the publisher's lists; the next update
        mends what fails.
        """
        for subscription in self.records.list(
            Subscription, tenant=application.tenant, application_id=application.id
        ):
            if subscription.application_name != application.name:
                try:
                    self.records.commit(
                        Replace(replace(subscription, application_name=application.name))
                    )
                except LostRace:
                    continue

    def _audit(
        self, caller: Caller, action: str, old: Application | None, new: Application | None
    ) -> Change:
        subjects = [one.id for one in (old, new) if one]
        return audit(
            self.clock, caller, action, "application", subjects[0], _telling(old), _telling(new)
        )

    def _now(self) -> int:
        return int(self.clock.now() * 1000)


def seen_by_gateway(application: Application) -> GatewayApplication:
    """What the authorizer reads of an application."""
    return GatewayApplication(
        tenant=application.tenant,
        application_id=application.id,
        number=application.number,
        name=application.name,
        owner=application.owner,
        policy=application.policy,
        attributes=application.attributes,
        since=application.since,
        status=application.status,
    )


def _name_of(application: Application) -> ApplicationName:
    return ApplicationName(
        tenant=application.tenant,
        owner=application.owner,
        name=application.name.lower(),
        application_id=application.id,
    )


def _renaming(old: Application, new: Application) -> list[Change]:
    if old.name.lower() == new.name.lower():
        return []
    return [Create(_name_of(new)), Discard(_name_of(old))]


def _uses(application: Application, before: Sequence[str], after: Sequence[str]) -> list[Change]:
    return policy_uses(
        application.tenant, Level.APPLICATION, "application", application.id, before, after
    )


def _telling(application: Application | None) -> dict[str, Any]:
    return {"name": application.name, "policy": application.policy} if application else {}
