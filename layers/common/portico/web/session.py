"""Signed-in browsers: a random cookie whose digest is stored, and the check that a form came from
our own pages.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools.shared.cookies import Cookie, SameSite

from portico.domain.errors import Unauthenticated
from portico.domain.records import Create, Discard
from portico.domain.user import Session, User
from portico.ports import Clock, Records

LIFETIME = 8 * 3600  # seconds


@dataclass(frozen=True)
class Sessions:
    """Sessions of one console.

    The cookie names its tenant, for every key starts with one: `<tenant>:<random>`.
    """

    records: Records
    clock: Clock
    secure: bool = True

    @property
    def cookie(self) -> str:
        """The cookie's name; `__Host-` binds it to this host and to https (RFC 6265bis section
        4.1.3.2).
        """
        return "__Host-portico" if self.secure else "portico"

    def begin(self, user: User) -> Cookie:
        """Start a session: the cookie to set."""
        value = f"{user.tenant}:{secrets.token_urlsafe(32)}"
        expires = int(self.clock.now()) + LIFETIME
        self.records.commit(
            Create(
                Session(
                    tenant=user.tenant,
                    digest=_digest(value),
                    user=user.name,
                    roles=user.roles,
                    expires=expires,
                    user_id=user.id,
                    era=user.era,
                )
            )
        )
        return self._set_cookie(value, LIFETIME)

    def end(self, raw: Mapping[str, Any]) -> Cookie:
        """End the session of an event, if any: the cookie that makes the browser forget it."""
        value = self._value(raw)
        if value:
            tenant = value.partition(":")[0]
            self.records.commit(
                Discard(Session(tenant=tenant, digest=_digest(value), user="", roles=(), expires=0))
            )
        return self._set_cookie("", 0)

    def current(self, raw: Mapping[str, Any]) -> Session | None:
        """The session of an event; Unauthenticated when it has expired."""
        value = self._value(raw)
        if not value:
            return None
        tenant = value.partition(":")[0]
        session = self.records.get(Session, tenant=tenant, digest=_digest(value))
        if session is None or session.expires <= self.clock.now():
            raise Unauthenticated("The session has expired; sign in again")
        return session

    def _value(self, raw: Mapping[str, Any]) -> str:
        for cookie in _cookies(raw):
            name, _, value = cookie.strip().partition("=")
            if name == self.cookie:
                return value
        return ""

    def _set_cookie(self, value: str, age: int) -> Cookie:
        return Cookie(
            self.cookie,
            value,
            path="/",
            max_age=age,
            http_only=True,
            secure=self.secure,
            same_site=SameSite.LAX_MODE,
        )


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def _cookies(raw: Mapping[str, Any]) -> list[str]:
    # Payload 2.0 lists cookies apart from headers; `sam local` leaves them in the header.
    headers = {name.lower(): value for name, value in (raw.get("headers") or {}).items()}
    return list(raw.get("cookies") or headers.get("cookie", "").split(";"))


def check_same_site(headers: Mapping[str, str]) -> bool:
    """Whether a state-changing request came from our own pages or from no page at all (lower-case
    header names).

    Browsers send `Sec-Fetch-Site` or at least `Origin` with every such request; a client without
    either is not a browser.
    """
    site = headers.get("sec-fetch-site", "")
    if site:
        return site in ("same-origin", "none")
    origin = headers.get("origin", "")
    # `scheme://host:port` and no more (RFC 6454 section 6.1).
    return not origin or origin.partition("://")[2] == headers.get("host", "")
