"""Applications of developers: made, changed, listed and removed, with what the gateway must know of
them.

Keys are in `keys`, subscriptions in `subscribing`. Everything here belongs to the caller: another's
is not found.
"""

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from portico.domain.application import (
    Application,
    ApplicationName,
    ApplicationNumbers,
    Developer,
    Subscription,
)
from portico.domain.errors import AlreadyExists, InvalidInput, LostRace, NotFound, Problem, Stale
from portico.domain.gateway import GatewayApplication
from portico.domain.policy import UNLIMITED, Level, Policy
from portico.domain.records import Change, Create, Discard, Put, Replace
from portico.domain.user import Caller
from portico.ports import Clock, Records
from portico.services.auditing import audit
from portico.services.policies import policy_uses
from portico.services.removing import Removing

DEFAULT_NAME = "DefaultApplication"
TOKEN_TYPES = ("JWT", "OAUTH")
NAME = re.compile(r"[^\W_](?:[\w .-]{0,98}[\w.-])?")
MAX_DESCRIPTION = 512
MAX_GROUPS = 50
MAX_ATTRIBUTES = 1024  # bytes of JSON: they travel in the backend JWT of every call
# The counter of integer ids is one item for all developers of a tenant. A lost race is another's
# success, so as many may meet there as there are attempts.
ATTEMPTS = 30


@dataclass(frozen=True, kw_only=True)
class ApplicationDraft:
    """What a developer says of an application."""

    name: str
    policy: str
    description: str = ""
    token_type: str = "JWT"  # noqa: S105 - a kind of token, not one
    groups: tuple[str, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)


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
        self._check(caller, draft)
        return self._create(caller, draft)

    def update(
        self,
        caller: Caller,
        application_id: str,
        draft: ApplicationDraft,
        stamp: int | None = None,
    ) -> Application:
        """The application with new values; `stamp` is the state the caller knows. Subscriptions
        follow a new name.
        """
        old = self.show(caller, application_id)
        if stamp is not None and stamp != old.stamp:
            raise Stale("The application has been changed since it was read")
        self._check(caller, draft)
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
                Replace(new),
                Put(seen_by_gateway(new)),
                *policy_uses(
                    caller.tenant,
                    Level.APPLICATION,
                    "application",
                    old.id,
                    [old.policy],
                    [new.policy],
                ),
                audit(
                    self.clock,
                    caller,
                    "update",
                    "application",
                    new.id,
                    _telling(old),
                    _telling(new),
                ),
            )
        except AlreadyExists:
            raise AlreadyExists(
                f"You have an application with the name '{draft.name}' already"
            ) from None
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
            *policy_uses(
                caller.tenant,
                Level.APPLICATION,
                "application",
                application.id,
                [application.policy],
                [],
            ),
            audit(
                self.clock,
                caller,
                "delete",
                "application",
                application.id,
                _telling(application),
            ),
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
                    *policy_uses(
                        caller.tenant,
                        Level.APPLICATION,
                        "application",
                        application.id,
                        [],
                        [application.policy],
                    ),
                    audit(
                        self.clock,
                        caller,
                        "create",
                        "application",
                        application.id,
                        {},
                        _telling(application),
                    ),
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

    def _check(self, caller: Caller, draft: ApplicationDraft) -> None:
        problems = []
        if not NAME.fullmatch(draft.name):
            text = "1 to 100 letters, digits, spaces, '_', '-' and '.'; a letter or digit first"
            problems.append(Problem("name", text))
        if len(draft.description) > MAX_DESCRIPTION:
            problems.append(Problem("description", f"at most {MAX_DESCRIPTION} characters"))
        if draft.token_type not in TOKEN_TYPES:
            problems.append(Problem("tokenType", f"one of {', '.join(TOKEN_TYPES)}"))
        if len(json.dumps(dict(draft.attributes))) > MAX_ATTRIBUTES:
            text = f"at most {MAX_ATTRIBUTES} bytes in all, names and values as JSON"
            problems.append(Problem("attributes", text))
        if len(draft.groups) > MAX_GROUPS or any(len(group) > 100 for group in draft.groups):
            text = f"at most {MAX_GROUPS}, each of 100 characters at most"
            problems.append(Problem("groups", text))
        known = self.records.get(
            Policy, tenant=caller.tenant, level=Level.APPLICATION, name=draft.policy
        )
        if known is None:
            problems.append(
                Problem("throttlingPolicy", f"there is no application policy '{draft.policy}'")
            )
        if problems:
            raise InvalidInput("The application is not valid", problems)

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


def _telling(application: Application) -> dict[str, Any]:
    return {"name": application.name, "policy": application.policy}
