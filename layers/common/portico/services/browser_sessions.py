"""Browsers that are signed in at the authorization server: single sign-on for its clients.

The consoles have sessions of their own.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from portico.domain.authorization import BrowserSession
from portico.domain.gateway import Revocation, subject_of_user
from portico.domain.records import Change, Create, Discard, Wanted
from portico.domain.user import User
from portico.ports import Clock, Records
from portico.services.clients import digest
from portico.services.flows import new_text, tenant_of

LIFETIME = 8 * 3600  # seconds


@dataclass(frozen=True)
class BrowserSessions:
    """Sessions by the digest of the browser's cookie."""

    records: Records
    clock: Clock

    def prepare(self, user: User, methods: Sequence[str]) -> tuple[str, BrowserSession]:
        """A session that is yet to be committed, and the value of its cookie; `methods` are those
        of RFC 8176, such as `pwd`.
        """
        value, now = new_text(user.tenant), int(self.clock.now())
        return value, BrowserSession(
            tenant=user.tenant,
            digest=digest(value),
            user=user.name,
            user_id=user.id,
            at=now,
            expires=now + LIFETIME,
            methods=tuple(methods),
            sid=secrets.token_urlsafe(16),
            era=user.era,
        )

    def begin(self, user: User, methods: Sequence[str]) -> tuple[str, BrowserSession]:
        """A new session, and the value of its cookie."""
        value, session = self.prepare(user, methods)
        self.records.commit(Create(session))
        return value, session

    def current(self, value: str) -> BrowserSession | None:
        """The living session of a cookie.

        None also when its user is no longer there or active, or all that the user had until now
        has been revoked.
        """
        tenant = tenant_of(value)
        session = (
            self.records.get(BrowserSession, tenant=tenant, digest=digest(value))
            if tenant
            else None
        )
        now = self.clock.now()
        if session is None or session.expires <= now:
            return None
        user, revoked = self.records.gather(
            Wanted(User, {"tenant": session.tenant, "name": session.user}),
            Wanted(
                Revocation,
                {"tenant": session.tenant, "subject": subject_of_user(session.user)},
            ),
        )
        if not isinstance(user, User) or not user.active or user.id != session.user_id:
            return None
        if user.era != session.era:
            return None
        if isinstance(revoked, Revocation) and revoked.ends(session.at, now):
            return None
        return session

    def end(self, value: str) -> None:
        """End the session of a cookie; harmless when there is none."""
        changes = self.ending(value)
        if changes:
            self.records.commit(*changes)

    @staticmethod
    def ending(value: str) -> list[Change]:
        """What to commit to end the session of a cookie."""
        tenant = tenant_of(value) if value else None
        if tenant is None:
            return []
        known = BrowserSession(
            tenant=tenant, digest=digest(value), user="", user_id="", at=0, expires=0
        )
        return [Discard(known)]
