"""Refresh tokens (RFC 6749 section 6): each is used once, and a second use ends its whole family
(RFC 9700 section 4.14.2).
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NoReturn

from portico.domain.application import Client
from portico.domain.errors import AlreadyExists, LostRace, Unavailable
from portico.domain.records import Create, Replace, Wanted
from portico.domain.tenant import split_user
from portico.domain.user import RefreshToken, TokenFamily, User
from portico.services.clients import digest
from portico.services.families import end, marks, outlived
from portico.services.issuing import REFRESHING, TRIES, InvalidGrant, Issued, Issuing
from portico.services.refresh_tokens import new_refresh_token
from portico.services.token_claims import for_userinfo


@dataclass(frozen=True)
class Refreshing:
    """The use of refresh tokens: that one is used up and what it gives go together."""

    issuing: Issuing

    def refreshed(self, client: Client, refresh_token: str, asked: Iterable[str]) -> Issued:
        """Tokens for a refresh token, which is used up by it; raises InvalidGrant.

        A token that comes a second time has been stolen, by whichever came first: the whole family
        ends. Fewer scopes may be asked for, never more than the first token had, and the roles of
        today decide.
        """
        asked = tuple(asked)
        for _ in range(TRIES):
            old, family, user = self._living(client, refresh_token)
            try:
                return self._rotated(client, old, family, user, asked)
            except (LostRace, AlreadyExists):
                continue  # by another use of the token, which the next round sees, or of the client
        raise Unavailable("Too many tokens of this client are issued at once")

    def _rotated(
        self,
        client: Client,
        old: RefreshToken,
        family: TokenFamily,
        user: User,
        asked: tuple[str, ...],
    ) -> Issued:
        issuing = self.issuing
        rules = issuing.rules(client)
        kept = [scope for scope in old.scopes if not asked or scope in asked]
        scopes = issuing.granting.to_user(client, user, kept)
        more = for_userinfo(family.userinfo)
        claims = issuing.claims_for(client, user, scopes, family.id, REFRESHING, more)
        minted = issuing.minting.mint(client, rules, claims)
        issued = issuing.for_user(client, user, minted)
        now = issuing.clock.now()
        text, token = new_refresh_token(client, family.id, user, old.scopes, now)
        issuing.records.commit(
            Replace(replace(old, used=True)),
            Replace(replace(family, expires=max(family.expires, token.expires))),
            Create(token),
            *minted.changes,
        )
        return replace(issued, refresh_token=text)

    def _living(self, client: Client, refresh_token: str) -> tuple[RefreshToken, TokenFamily, User]:
        """The token's record, its family and its user, all of them as good as ever."""
        records, tenant, now = self.issuing.records, client.tenant, self.issuing.clock.now()
        token = records.get(RefreshToken, tenant=tenant, digest=digest(refresh_token))
        if token is None or token.client_id != client.client_id:
            raise InvalidGrant("The refresh token is not known")
        name = split_user(token.user)[0]
        family, user, *found = records.gather(
            Wanted(TokenFamily, {"tenant": tenant, "id": token.family}),
            Wanted(User, {"tenant": tenant, "name": name}),
            *marks(client, name),
        )
        if not isinstance(family, TokenFamily) or family.revoked or outlived(family, found, now):
            raise InvalidGrant("The refresh token has been revoked")
        if token.used:
            self._reused(client, family.id)
        if token.expires <= now:
            raise InvalidGrant("The refresh token has expired")
        if not isinstance(user, User) or not _same(user, token):
            raise InvalidGrant("The user of the refresh token is no longer active")
        return token, family, user

    def _reused(self, client: Client, family_id: str) -> NoReturn:
        end(self.issuing.records, self.issuing.clock, client, family_id)
        raise InvalidGrant("The refresh token was used before; all tokens of its grant are revoked")


def _same(user: User, token: RefreshToken) -> bool:
    """Whether it is the user who got the token, and no new password has ended it since."""
    return user.active and token.user_id in ("", user.id) and token.era == user.era
