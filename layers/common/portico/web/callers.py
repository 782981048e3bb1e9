"""Who makes a REST call: the bearer of one of our access tokens, a signed-in browser, or (where
allowed) HTTP Basic.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from portico.domain.errors import Forbidden, Unauthenticated
from portico.domain.gateway import OpaqueToken, PublicKeys
from portico.domain.scopes import scopes_of_roles
from portico.domain.tenant import SUPER_TENANT, split_user
from portico.domain.user import Caller, User
from portico.ports import Clock, Records
from portico.tokens.access import holds, marks, opaque_key
from portico.tokens.jwt import ExpiredToken, InvalidToken, UnknownKey, verify
from portico.tokens.keys import VerificationKey, verification_keys
from portico.web.session import Sessions, check_same_site

Authenticate = Callable[[str, str, str], User]  # full name, password, address


class Event(Protocol):
    """What is needed of Powertools' event."""

    @property
    def raw_event(self) -> dict[str, Any]: ...


@dataclass
class Callers:
    """Finds the caller of an event.

    Refuses with Unauthenticated what is there and does not hold; None when nothing is.
    """

    records: Records
    clock: Clock
    sessions: Sessions
    basic: Authenticate | None = None  # HTTP Basic, for SCIM and other scripts of administrators
    _keys: dict[str, VerificationKey] = field(default_factory=dict)

    def of(self, event: Event) -> Caller | None:
        """The caller; a credential that does not hold is an error, not an anonymous caller."""
        raw = event.raw_event
        headers = {name.lower(): value for name, value in (raw.get("headers") or {}).items()}
        scheme, _, credential = headers.get("authorization", "").partition(" ")
        match scheme.lower():
            case "bearer":
                return self._bearer(credential.strip())
            case "basic" if self.basic:
                return self._basic(self.basic, credential.strip(), address_of(raw))
            case "":
                return self._session(raw, headers)
            case _:
                raise Unauthenticated(
                    f"The authentication scheme '{scheme[:20]}' is not supported here"
                )

    def _bearer(self, token: str) -> Caller:
        claims = self._verified(token)
        tenant, issued = str(claims.get("tenant", "")), int(claims.get("iat", 0))
        if not holds(claims, self.records.gather(*marks(claims)), self.clock.now()):
            raise InvalidToken("The access token has been revoked, or is a former user's")
        scopes = frozenset(str(claims.get("scope", "")).split())
        by_user = claims.get("aut") == "APPLICATION_USER"
        name = split_user(str(claims["sub"]))[0] if by_user else str(claims.get("owner", ""))
        user = self._user(tenant, name)
        if not user.existed(issued):
            raise InvalidToken("The access token is that of a former user of this name")
        return Caller(tenant, user.name, user.roles, scopes, str(claims.get("client_id", "")))

    def _verified(self, token: str) -> dict[str, Any]:
        key = opaque_key(token, SUPER_TENANT)
        if key is not None:
            kept = self.records.get(OpaqueToken, **key)
            if kept is None:
                raise InvalidToken("The access token is not known, or has been revoked")
            if kept.expires <= self.clock.now():
                raise ExpiredToken("The token has expired")
            return kept.claims
        try:
            return verify(token, self._keys, now=self.clock.now())
        except UnknownKey:
            # A key that came by rotation: look once more.
            found = self.records.get(PublicKeys, tenant="*")
            self._keys = verification_keys(found.keys, found.access) if found else {}
            return verify(token, self._keys, now=self.clock.now())

    def _basic(self, authenticate: Authenticate, credential: str, address: str) -> Caller:
        try:
            name, colon, password = (
                base64.b64decode(credential, validate=True).decode().partition(":")
            )
        except ValueError as exc:
            raise Unauthenticated("The Basic credentials are malformed") from exc
        if not colon:
            raise Unauthenticated("The Basic credentials are malformed")
        user = authenticate(name, password, address)
        return Caller(user.tenant, user.name, user.roles, frozenset(scopes_of_roles(user.roles)))

    def _session(self, raw: Mapping[str, Any], headers: Mapping[str, str]) -> Caller | None:
        session = self.sessions.current(raw)
        if session is None:
            return None
        method = raw["requestContext"]["http"]["method"]
        if method not in ("GET", "HEAD", "OPTIONS") and not check_same_site(headers):
            raise Forbidden("The request came from another site")
        user = self._user(session.tenant, session.user)
        if session.user_id not in ("", user.id):
            raise Unauthenticated("The session is that of a former user of this name")
        if session.era != user.era:
            raise Unauthenticated("The session has ended; sign in again")
        return Caller(user.tenant, user.name, user.roles, frozenset(scopes_of_roles(user.roles)))

    def _user(self, tenant: str, name: str) -> User:
        user = self.records.get(User, tenant=tenant, name=name.lower())
        if user is None or not user.active:
            raise Unauthenticated("The user of this token no longer exists or is not active")
        return user


def address_of(raw: Mapping[str, Any]) -> str:
    """The client's address as API Gateway or the function URL saw it."""
    return str(raw.get("requestContext", {}).get("http", {}).get("sourceIp", ""))
