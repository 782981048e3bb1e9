"""Users: signing in with a password, and making, changing and removing them.

Sessions and tokens are elsewhere.
"""

import re
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol

from portico.domain.application import ClientName
from portico.domain.errors import (
    AlreadyExists,
    InUse,
    InvalidInput,
    LostRace,
    NotFound,
    Problem,
    Unauthenticated,
)
from portico.domain.records import Change, Create, Discard, Put, Remove, Replace
from portico.domain.self_service import UserEmail
from portico.domain.tenant import SUPER_TENANT, Tenant
from portico.domain.user import ADMIN, Caller, User
from portico.ports import Clock, Records
from portico.services.attempts import Guard
from portico.services.auditing import audit
from portico.services.clients import Clients, digest
from portico.services.families import user_ended
from portico.services.gateway_users import mirror_of, told_to_gateway
from portico.services.passwords import DUMMY

# Letters and digits of any script, and what e-mail addresses have: no "/", which is WSO2's mark of
# a user store, and nothing that a key, a header or a log line could trip over.
NAME = re.compile(r"[\w.@+-]{1,100}")
ROLE = re.compile(r"[\w][\w ./@+-]{0,99}")
MIN_PASSWORD = 8
MAX_PASSWORD = 256
MAX_ROLES = 50


@dataclass(frozen=True)
class Hashed:
    """A password that is hashed already."""

    text: str


# Of somebody who signs in elsewhere: it fits nothing, and takes as long as any other.
NO_PASSWORD = Hashed(DUMMY)


class Hasher(Protocol):
    """How passwords are kept; `portico.services.passwords` is the real one."""

    def hash(self, password: str) -> str: ...

    def verify(self, hashed: str, password: str) -> bool: ...

    def outdated(self, hashed: str) -> bool: ...


@dataclass(frozen=True)
class Accounts:
    """The users of all tenants; names are compared without case."""

    records: Records
    clock: Clock
    hasher: Hasher

    def resolve(self, name: str, home: str = SUPER_TENANT) -> tuple[str, str]:
        """Tenant and user of a name as people give it: `jane`, `jane@acme.com`, `jane@mail.org`.

        What follows the last "@" is a tenant when there is one of that name; otherwise the whole
        name, such as an e-mail address, is a user's of the `home` tenant.
        """
        name = name.strip().lower()
        user, _, domain = name.rpartition("@")
        if user and (domain == SUPER_TENANT or self._is_tenant(domain)):
            return domain, user
        return home, name

    def sign_in(self, name: str, password: str, address: str = "") -> User:
        """`authenticate` with a full name as people give it."""
        return self.authenticate(*self.resolve(name), password, address)

    def authenticate(self, tenant: str, name: str, password: str, address: str = "") -> User:
        """The active user with this password.

        Raises Unauthenticated, which does not tell a wrong password from an unknown or inactive
        user, neither by its text nor by its time; TooManyAttempts after too many of them for the
        name or the `address`.
        """
        # What cannot be a name is nobody's, and no key of a table is made of it.
        name = name.lower() if NAME.fullmatch(name) else "?"
        guard = Guard(self.records, self.clock)
        guard.check(tenant, name, address)
        user = self.records.get(User, tenant=tenant, name=name)
        hashed = user.password if user else DUMMY
        fits = len(password) <= MAX_PASSWORD and self.hasher.verify(hashed, password)
        if user is None or not fits or not user.active:
            guard.failed(tenant, name, address)
            raise Unauthenticated("The user name or password is wrong, or the user is not active")
        # Guesses sent all at once pass the first check together; the lucky one is not told.
        if guard.check(tenant, name, address):
            guard.forget(tenant, name)
        return self._rehashed(user, password)

    def unlock(self, caller: Caller, user: User) -> None:
        """Forget the user's failed attempts, so that the user need not wait any longer."""
        self.records.commit(audit(self.clock, caller, "unlock", "user", user.name))
        Guard(self.records, self.clock).forget(user.tenant, user.name)

    def get(self, tenant: str, name: str) -> User:
        """The user of this name; NotFound otherwise."""
        user = self.records.get(User, tenant=tenant, name=name.lower())
        if user is None:
            raise NotFound("User", name)
        return user

    def get_by_id(self, tenant: str, user_id: str) -> User:
        """The user with this id; NotFound otherwise."""
        user = self.records.get(User, by="id", tenant=tenant, id=user_id)
        if user is None:
            raise NotFound("User", user_id)
        return user

    def with_email(self, tenant: str, email: str) -> "list[User]":
        """The users of a tenant who have this e-mail address, compared without case."""
        digest = email_digest(email)
        found = self.records.list(UserEmail, tenant=tenant, email=digest)
        keys = [{"tenant": tenant, "name": one.user} for one in found]
        users = self.records.get_many(User, keys) if keys else []
        return [user for user in users if email_digest(user.email) == digest]

    def list(self, tenant: str) -> "list[User]":
        """All users of a tenant by name."""
        return self.records.list(User, tenant=tenant)

    def create(
        self,
        caller: Caller,
        name: str,
        password: str | Hashed,
        roles: Sequence[str] = (),
        *,
        email: str = "",
        given_name: str = "",
        family_name: str = "",
        active: bool = True,
        claims: Mapping[str, str] | None = None,
        user_id: str = "",
        also: Sequence[Change] = (),
    ) -> User:
        """A new user of the caller's tenant; AlreadyExists when the name is taken. `also` is
        committed with it.
        """
        name = name.strip().lower().removesuffix(f"@{caller.tenant}")
        problems = [*name_problems(name), *_password_problems(password), *_role_problems(roles)]
        if problems:
            raise InvalidInput("The user cannot be created", problems)
        user = User(
            tenant=caller.tenant,
            name=name,
            id=user_id or str(uuid.uuid4()),
            password=password.text if isinstance(password, Hashed) else self.hasher.hash(password),
            roles=tuple(dict.fromkeys(roles)),
            email=email,
            given_name=given_name,
            family_name=family_name,
            active=active,
            created=int(self.clock.now()),
            claims=dict(claims or {}),
        )
        entry = audit(self.clock, caller, "create", "user", name, after=_telling(user))
        try:
            known = (told_to_gateway(user), *_found_by_email(user))
            self.records.commit(Create(user), entry, *known, *also)
        except AlreadyExists as exc:
            raise AlreadyExists(f"A user '{name}' exists already") from exc
        return replace(user, stamp=1)

    def update(
        self,
        caller: Caller,
        user: User,
        *,
        password: str | None = None,
        roles: Sequence[str] | None = None,
        email: str | None = None,
        given_name: str | None = None,
        family_name: str | None = None,
        active: bool | None = None,
        claims: Mapping[str, str] | None = None,
        also: Sequence[Change] = (),
    ) -> User:
        """The user with the given fields changed; InUse if no administrator would be left. `also`
        is committed with it.

        With a new password, all sessions and tokens of the user end.
        """
        problems = [
            *(_password_problems(password) if password is not None else []),
            *(_role_problems(roles) if roles is not None else []),
        ]
        if problems:
            raise InvalidInput("The user cannot be changed", problems)
        fields: dict[str, Any] = {
            "password": self.hasher.hash(password) if password is not None else None,
            "roles": tuple(dict.fromkeys(roles)) if roles is not None else None,
            "email": email,
            "given_name": given_name,
            "family_name": family_name,
            "active": active,
            "claims": dict(claims) if claims is not None else None,
        }
        changed = replace(
            user, **{key: value for key, value in fields.items() if value is not None}
        )
        if not _administrates(changed):
            self._keep_an_administrator(user)
        before, after = _telling(user), _telling(changed)
        ends: list[Change] = []
        if password is not None:
            after["password"] = "changed"  # noqa: S105 - that it did, not what it is
            changed = replace(changed, era=user.era + 1)
            ends = [user_ended(self.clock, user.tenant, user.name, sparing=True)]
        if user.active and not changed.active:
            changed = replace(changed, era=user.era + 1)
            ends = [user_ended(self.clock, user.tenant, user.name)]
        entry = audit(self.clock, caller, "update", "user", user.name, before, after)
        moves = [told_to_gateway(changed), *_found_by_email(changed, formerly=user)]
        self.records.commit(Replace(changed), entry, *moves, *ends, *also)
        return replace(changed, stamp=user.stamp + 1)

    def delete(self, caller: Caller, user: User) -> None:
        """Remove a user, and the user's clients of the REST APIs; InUse when it is the last active
        administrator.
        """
        self._keep_an_administrator(user)
        clients = Clients(self.records, self.clock)
        for named in self.records.list(ClientName, tenant=user.tenant, owner=user.name):
            with suppress(NotFound):
                clients.remove(caller, clients.get(user.tenant, named.client_id))
        entry = audit(self.clock, caller, "delete", "user", user.name, before=_telling(user))
        gone = replace(user, email="")
        ends = user_ended(self.clock, user.tenant, user.name)
        moves = [Discard(mirror_of(user)), *_found_by_email(gone, formerly=user)]
        self.records.commit(Remove(user), entry, ends, *moves)

    def _is_tenant(self, domain: str) -> bool:
        known = NAME.fullmatch(domain) and self.records.get(Tenant, tenant=domain)
        return bool(known)

    def _keep_an_administrator(self, user: User) -> None:
        if not _administrates(user):
            return
        others = (one for one in self.list(user.tenant) if one.name != user.name)
        if not any(_administrates(one) for one in others):
            raise InUse(f"'{user.name}' is the only administrator of '{user.tenant}'")

    def _rehashed(self, user: User, password: str) -> User:
        if not self.hasher.outdated(user.password):
            return user
        changed = replace(user, password=self.hasher.hash(password))
        try:
            self.records.commit(Replace(changed))
        except LostRace:
            return user  # somebody changed the user meanwhile; the next sign-in tries again
        return replace(changed, stamp=user.stamp + 1)


def _administrates(user: User) -> bool:
    return user.active and ADMIN in user.roles


def _telling(user: User) -> dict[str, Any]:
    return {"roles": list(user.roles), "active": user.active, "email": user.email}


def email_digest(email: str) -> str:
    """By what an e-mail address is found."""
    return digest(email.strip().lower())


def _found_by_email(user: User, formerly: User | None = None) -> list[Change]:
    changes: list[Change] = []
    old = email_digest(formerly.email) if formerly and formerly.email else ""
    new = email_digest(user.email) if user.email else ""
    if old and old != new:
        changes.append(Discard(UserEmail(tenant=user.tenant, email=old, user=user.name)))
    if new:
        changes.append(Put(UserEmail(tenant=user.tenant, email=new, user=user.name)))
    return changes


def name_problems(name: str) -> list[Problem]:
    """What is wrong with a user name."""
    if NAME.fullmatch(name):
        return []
    return [Problem("userName", "must be 1 to 100 letters, digits or . _ @ + -")]


def _password_problems(password: str | Hashed) -> list[Problem]:
    if isinstance(password, Hashed) or MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        return []
    return [Problem("password", f"must have {MIN_PASSWORD} to {MAX_PASSWORD} characters")]


def _role_problems(roles: Sequence[str]) -> list[Problem]:
    if len(roles) > MAX_ROLES:
        return [Problem("roles", f"must be at most {MAX_ROLES}")]
    return [
        Problem("roles", f"'{role[:100]}' is not a role's name")
        for role in roles
        if not ROLE.fullmatch(role)
    ]
