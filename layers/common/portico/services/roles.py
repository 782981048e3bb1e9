"""The roles of a tenant and who has them: made, renamed, removed, given and taken.

A user's own record says which roles the user has; a role's record only says that there is one.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from portico.domain.errors import AlreadyExists, InUse, InvalidInput, NotFound
from portico.domain.records import Change, Create, Discard, Put, Replace
from portico.domain.roles import Role, standing
from portico.domain.user import ADMIN, EVERYONE, ROLES, Caller, User
from portico.ports import Clock, Records
from portico.services.accounts import ROLE
from portico.services.auditing import audit
from portico.services.gateway_users import told_to_gateway

AT_ONCE = 30  # users in one transaction, each of which has several items


@dataclass(frozen=True)
class Roles:
    """Roles of all tenants."""

    records: Records
    clock: Clock

    def list(self, tenant: str) -> Sequence[Role]:
        """All roles by name: those of every deployment, those that were made, and those that users
        have without anybody having made them.
        """
        made = {role.name: role for role in self.records.list(Role, tenant=tenant)}
        used = {name for user in self._users(tenant) for name in user.roles}
        ids = {role.id for role in made.values()}
        others = [standing(tenant, name) for name in {*ROLES, *used} - {*made}]
        found = [*made.values(), *(role for role in others if role.id not in ids)]
        return sorted(found, key=lambda role: role.name)

    def get(self, tenant: str, role_id: str) -> Role:
        """The role with this id; NotFound."""
        for role in self.list(tenant):
            if role.id == role_id:
                return role
        raise NotFound("Group", role_id)

    def members(self, tenant: str, name: str) -> Sequence[User]:
        """The users who have the role. Everybody has one of them, which is not listed for each."""
        return [user for user in self._users(tenant) if name in user.roles]

    def create(self, caller: Caller, name: str, members: Iterable[str] = ()) -> Role:
        """A new role, given to the users with these ids."""
        _check(name)
        if any(role.name.lower() == name.lower() for role in self.list(caller.tenant)):
            raise AlreadyExists(f"A group '{name}' exists already")
        role = replace(standing(caller.tenant, name), created=int(self.clock.now()))
        entry = audit(self.clock, caller, "create", "role", name)
        self._give(caller, name, self._by_id(caller.tenant, members), (), [Create(role), entry])
        return replace(role, stamp=1)

    def change(
        self,
        caller: Caller,
        role: Role,
        *,
        name: str | None = None,
        members: Collection[str] | None = None,
    ) -> Role:
        """The role with another name, or with exactly these users (by id)."""
        present = self.members(caller.tenant, role.name)
        wanted = present if members is None else self._by_id(caller.tenant, members)
        if name is not None and name != role.name:
            return self._rename(caller, role, name, present, wanted)
        keep = {user.id for user in wanted}
        had = {user.id for user in present}
        added = [user for user in wanted if user.id not in had]
        removed = [user for user in present if user.id not in keep]
        if added or removed:
            before, after = ({"members": [user.name for user in some]} for some in (removed, added))
            entry = audit(self.clock, caller, "update", "role", role.name, before, after)
            self._give(caller, role.name, added, removed, [entry])
        return role

    def delete(self, caller: Caller, role: Role) -> None:
        """Take the role from everybody, and forget it."""
        if role.name in ROLES:
            raise InUse(f"'{role.name}' is a role that every deployment has")
        entry = audit(self.clock, caller, "delete", "role", role.name)
        present = self.members(caller.tenant, role.name)
        self._give(caller, role.name, (), present, [entry, Discard(role)])

    def _rename(
        self,
        caller: Caller,
        role: Role,
        name: str,
        present: Collection[User],
        wanted: Collection[User],
    ) -> Role:
        if role.name in ROLES:
            raise InvalidInput.of("displayName", f"'{role.name}' keeps its name")
        _check(name)
        if any(one.name.lower() == name.lower() for one in self.list(caller.tenant)):
            raise AlreadyExists(f"A group '{name}' exists already")
        renamed = replace(role, name=name, stamp=0)
        entry = audit(self.clock, caller, "rename", "role", role.name, after={"name": name})
        # The new name first: whoever looks in between finds the role under one of both.
        self._give(caller, name, wanted, (), [Put(renamed), entry], instead_of=role.name)
        left = [user for user in self.members(caller.tenant, role.name) if user in present]
        self._give(caller, role.name, (), left, [Discard(role)])
        return replace(renamed, stamp=1)

    def _give(
        self,
        caller: Caller,
        name: str,
        to: Iterable[User],
        away_from: Iterable[User],
        also: Iterable[Change],
        instead_of: str = "",
    ) -> None:
        """Give and take a role, and commit `also` with the first of it.

        At most `AT_ONCE` users change in one transaction; the same request again completes what a
        failure between two of them left.
        """
        changed = [
            replace(user, roles=_with(user.roles, name, instead_of))
            for user in to
            if name not in user.roles or instead_of in user.roles
        ]
        taken = [
            replace(user, roles=tuple(role for role in user.roles if role != name))
            for user in away_from
        ]
        if name == ADMIN and taken:
            self._keep_an_administrator(caller.tenant, {user.name for user in taken})
        first = list(also)
        for some in _chunks([*changed, *taken]):
            self.records.commit(*first, *map(Replace, some), *map(told_to_gateway, some))
            first = []
        if first:
            self.records.commit(*first)

    def _keep_an_administrator(self, tenant: str, losing: Collection[str]) -> None:
        staying = (user for user in self._users(tenant) if user.name not in losing)
        if not any(user.active and ADMIN in user.roles for user in staying):
            raise InUse(f"Nobody would be left to administrate '{tenant}'")

    def _by_id(self, tenant: str, ids: Iterable[str]) -> Sequence[User]:
        known = {user.id: user for user in self._users(tenant)}
        wanted = list(dict.fromkeys(ids))
        unknown = [one for one in wanted if one not in known]
        if unknown:
            raise InvalidInput.of("members", f"there is no user with the id '{unknown[0][:100]}'")
        return [known[one] for one in wanted]

    def _users(self, tenant: str) -> Sequence[User]:
        return self.records.list(User, tenant=tenant)


def _with(roles: tuple[str, ...], name: str, instead_of: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*(role for role in roles if role != instead_of), name)))


def _check(name: str) -> None:
    if not ROLE.fullmatch(name):
        raise InvalidInput.of("displayName", "must be 1 to 100 letters, digits or . / @ + - _")
    if name == EVERYONE:
        raise AlreadyExists(f"A group '{name}' exists already")


def _chunks(users: Sequence[User]) -> Iterator[Sequence[User]]:
    for start in range(0, len(users), AT_ONCE):
        yield users[start : start + AT_ONCE]
