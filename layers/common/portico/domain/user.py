"""Users, their roles, and who is calling."""

from dataclasses import dataclass, field

from portico.domain.records import Record

ADMIN = "admin"
CREATOR = "Internal/creator"
PUBLISHER = "Internal/publisher"
SUBSCRIBER = "Internal/subscriber"
EVERYONE = "Internal/everyone"
CLOCKS = 5  # seconds by which the clocks of two functions may differ
ROLES = (ADMIN, CREATOR, PUBLISHER, SUBSCRIBER, EVERYONE)


@dataclass(frozen=True, kw_only=True)
class User(Record):
    """A person or machine with a password; `name` has no tenant and is compared without case."""

    name: str
    id: str
    password: str  # argon2id hash in its own encoded form
    roles: tuple[str, ...] = ()
    email: str = ""
    given_name: str = ""
    family_name: str = ""
    active: bool = True
    created: int = 0  # epoch seconds
    claims: dict[str, str] = field(default_factory=dict)
    era: int = 0  # counts how often all sign-ins of the user were ended, as by a new password

    def existed(self, moment: float) -> bool:
        """Whether this user, and no former one of the name, was there then (epoch seconds)."""
        return moment + CLOCKS >= self.created


@dataclass(frozen=True, kw_only=True)
class Attempts(Record):
    """Failed sign-ins of a user name or an address within a window; `expires` ends it (epoch
    seconds).
    """

    subject: str
    count: int
    expires: int


@dataclass(frozen=True, kw_only=True)
class Session(Record):
    """A signed-in browser; `digest` is the SHA-256 of its cookie. `expires` is in epoch seconds."""

    digest: str
    user: str
    roles: tuple[str, ...]
    expires: int
    user_id: str = ""  # the name may be somebody else's one day
    era: int = 0  # the user's at sign-in


@dataclass(frozen=True, kw_only=True)
class RefreshToken(Record):
    """A refresh token, stored by digest; a used one is kept so that its reuse revokes the whole
    family.
    """

    digest: str
    family: str
    client_id: str
    user: str
    scopes: tuple[str, ...]
    expires: int
    used: bool = False
    user_id: str = ""  # the name may be somebody else's one day
    era: int = 0  # the user's when it was issued


@dataclass(frozen=True, kw_only=True)
class TokenFamily(Record):
    """What one sign-in or grant began: revoking it ends every token that came of it."""

    id: str
    expires: int
    revoked: bool = False
    began: int = 0  # epoch seconds
    userinfo: tuple[str, ...] = ()  # claims that the `claims` parameter asked userinfo for


@dataclass(frozen=True)
class Caller:
    """Who makes a REST or console call."""

    tenant: str
    user: str
    roles: tuple[str, ...] = ()
    scopes: frozenset[str] = frozenset()
    client_id: str = ""

    def has_role(self, *roles: str) -> bool:
        """Whether the caller has one of the roles; an administrator has them all."""
        return ADMIN in self.roles or any(role in self.roles for role in roles)
