"""Which scopes a token gets: those that were asked for, as far as the client, the user's roles and
the subscribed APIs allow (RFC 6749 section 3.3).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from portico.domain.application import Client
from portico.domain.bounded import Bounded
from portico.domain.claims import OIDC_SCOPES
from portico.domain.gateway import Deployment, Grant
from portico.domain.scopes import DEFAULT, REST_SCOPES, rest_scopes
from portico.domain.tenant import tenant_of_path
from portico.domain.user import EVERYONE, User
from portico.domain.words import SubscriptionStatus
from portico.ports import Clock, Records

REMEMBERED = 1_000  # owners, and applications
# A subscription that nobody has approved gives nothing.
UNAPPROVED = (SubscriptionStatus.ON_HOLD, SubscriptionStatus.REJECTED)

Bindings = Mapping[str, Sequence[str]]  # scope -> roles that may have it, none: everybody


@dataclass(frozen=True)
class Memory:
    """What decisions about scopes need and requests share, for some seconds: owners' roles and the
    scopes of applications' APIs. Users who ask for themselves are read each time.
    """

    clock: Clock
    seconds: float
    roles: Bounded[tuple[str, str], tuple[str, ...]] = field(init=False)
    bindings: Bounded[tuple[str, str], Bindings] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "roles", Bounded(REMEMBERED, self.clock.now))
        object.__setattr__(self, "bindings", Bounded(REMEMBERED, self.clock.now))

    @property
    def until(self) -> float:
        """When that which is remembered now is forgotten (epoch seconds)."""
        return self.clock.now() + self.seconds


@dataclass(frozen=True)
class Granting:
    """Decides about scopes."""

    records: Records
    memory: Memory

    def to_application(self, client: Client, asked: Iterable[str]) -> tuple[str, ...]:
        """Scopes for the client itself; its owner's roles decide.

        Keys of an application get no scopes of the REST APIs: they are often in other hands.
        """
        wanted = _wanted(client, asked)
        if client.application_id:
            wanted = [scope for scope in wanted if scope not in REST_SCOPES]
        allowed = self._of_roles(client, self._owners_roles(client), wanted) if wanted else set()
        return _granted(wanted, allowed)

    def to_user(self, client: Client, user: User, asked: Iterable[str]) -> tuple[str, ...]:
        """Scopes for a user of the client, those of OpenID Connect among them."""
        wanted = _wanted(client, asked)
        allowed: set[str] = set(OIDC_SCOPES)
        if set(wanted) - allowed:
            allowed |= self._of_roles(client, _roles(user), wanted)
        return _granted(wanted, allowed)

    def _of_roles(self, client: Client, roles: Sequence[str], wanted: Iterable[str]) -> set[str]:
        allowed = rest_scopes(wanted, roles)
        if client.application_id:
            mine = set(roles)
            allowed |= {
                name
                for name, bound in self._bindings(client.tenant, client.application_id).items()
                if not bound or mine & set(bound)
            }
        return allowed

    def _bindings(self, tenant: str, application_id: str) -> Bindings:
        """The scopes of the APIs that the application has subscribed to.

        Two APIs may share a scope's name: the roles of both may have it, and nobody is left out
        where one of them binds it to none.
        """
        known = self.memory.bindings.get((tenant, application_id))
        if known is not None:
            return known
        until = self.memory.until
        grants = [
            one
            for one in self.records.list(Grant, tenant=tenant, application_id=application_id)
            if one.status not in UNAPPROVED
        ]
        keys = [{"tenant": tenant_of_path(one.prefix), "prefix": one.prefix} for one in grants]
        found: dict[str, Sequence[str]] = {}
        for deployment in self.records.get_many(Deployment, keys) if keys else []:
            for name, bound in deployment.scopes.items():
                before = found.get(name)
                merged = [*before, *bound] if before and bound else []
                found[name] = bound if before is None else merged
        self.memory.bindings.put((tenant, application_id), found, until)
        return found

    def _owners_roles(self, client: Client) -> tuple[str, ...]:
        name = (client.application_owner or client.owner).lower()
        known = self.memory.roles.get((client.tenant, name))
        if known is None:
            until = self.memory.until
            owner = self.records.get(User, tenant=client.tenant, name=name)
            known = _roles(owner) if owner else ()
            self.memory.roles.put((client.tenant, name), known, until)
        return known


def _roles(user: User) -> tuple[str, ...]:
    return (*user.roles, EVERYONE) if user.active else ()


def _wanted(client: Client, asked: Iterable[str]) -> list[str]:
    return [
        scope
        for scope in dict.fromkeys(asked)
        if scope != DEFAULT and (client.scopes is None or scope in client.scopes)
    ]


def _granted(wanted: Iterable[str], allowed: set[str]) -> tuple[str, ...]:
    return tuple(scope for scope in wanted if scope in allowed) or (DEFAULT,)
