"""Issuing tokens: access tokens for clients and users, with the first refresh token of a family.

How a request for them looks is not known here; later refresh tokens are `refreshing`'s business.
"""

import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from portico.domain.application import Client
from portico.domain.claims import OPENID, USERINFO, names_of, requested, subject_of
from portico.domain.errors import AlreadyExists, LostRace, Unauthenticated, Unavailable
from portico.domain.plugins import NOTHING
from portico.domain.plugins import Extra as Extra
from portico.domain.records import Change, Create
from portico.domain.scopes import DEFAULT
from portico.domain.token_rules import TokenRules
from portico.domain.user import TokenFamily, User
from portico.ports import Clock, Records
from portico.services.claim_headers import claim_headers
from portico.services.granting import Granting, Memory
from portico.services.minting import Minted, Minting
from portico.services.refresh_tokens import family_with, new_refresh_token
from portico.services.token_claims import APPLICATION, access_claims, for_userinfo
from portico.services.token_claims import APPLICATION_USER as APPLICATION_USER
from portico.tokens.keys import SigningKey

if TYPE_CHECKING:
    from portico.domain.authorization import SignIn

REFRESHING = "refresh_token"
TRIES = 8  # other requests may be issuing tokens of the same client
MEETINGS = 2  # transactions that meet are lost though nothing has changed yet


class InvalidGrant(Unauthenticated):
    """What the client shows for a token is unknown, expired, used before, revoked or another's."""

    error = "invalid_grant"


@dataclass(frozen=True)
class Issued:
    """What a grant gives; `expires_in` in seconds, `refresh_token` and `id_token` empty when there
    is none. `fields` and `headers` are further ones of the token response.
    """

    access_token: str
    expires_in: int
    scopes: tuple[str, ...]
    refresh_token: str = ""
    id_token: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


def _nothing(client: Client, claims: Mapping[str, Any]) -> Extra:
    return NOTHING


@dataclass(frozen=True)
class Issuing:
    """Issues tokens. `key` gives the key that signs now, `issuer` is the `iss` claim, `memory` what
    requests share.

    `extend` is asked about every access token, by its claims, before anything is stored: when it
    refuses, no refresh token or code has been used up.
    """

    records: Records
    clock: Clock
    key: Callable[[], SigningKey]
    issuer: str
    extend: Callable[[Client, Mapping[str, Any]], Extra] = _nothing
    memory: Memory | None = None

    def to_application(
        self,
        client: Client,
        asked: Iterable[str],
        validity: int | None = None,
        *,
        grant_type: str = "client_credentials",
        more: Mapping[str, Any] | None = None,
    ) -> Issued:
        """An access token for the client itself; its owner's roles decide about scopes.

        `validity` is in seconds, the client's own when None; a token of a validity that was asked
        for is always a new one. `more` are further claims.
        """
        scopes = self.granting.to_application(client, asked)
        seconds = client.validity(grant_type) if validity is None else validity
        own, now = {**(more or {}), "aut": APPLICATION}, int(self.clock.now())
        claims = access_claims(
            client, client.client_id, scopes, seconds, own, issuer=self.issuer, now=now
        )
        for_whom = "" if validity is None else None
        return self._committed(
            client, claims, for_whom, lambda minted: (self._of(client, minted), [])
        )

    def to_user(
        self,
        client: Client,
        user: User,
        asked: Iterable[str],
        *,
        grant_type: str = "password",
        sign_in: "SignIn | None" = None,
        family: str = "",
        refreshable: bool = True,
        claims: Mapping[str, Any] | None = None,
        more: Mapping[str, Any] | None = None,
        also: Sequence[Change] = (),
    ) -> Issued:
        """An access token for a user of the client, and the first refresh token of a family.

        `sign_in` tells how the user signed in, for an id_token where `openid` is granted; `family`
        names the family when something before it, such as a code, must be able to revoke it, and
        the access token is then always a new one; `claims` is the `claims` parameter of the
        request; `more` are further claims of the access token; `also` is committed with what is
        stored, and its lost races are the caller's to judge.
        """
        scopes = self.granting.to_user(client, user, asked)
        told = requested(claims or {}, USERINFO)
        names = (*names_of(scopes), *requested(claims or {}, "id_token"))
        access = self.claims_for(
            client,
            user,
            scopes,
            family or secrets.token_urlsafe(16),
            grant_type,
            {**for_userinfo(told), **(more or {})},
        )
        refreshable = refreshable and REFRESHING in client.grant_types

        def completed(minted: Minted) -> tuple[Issued, list[Change]]:
            issued = self.for_user(client, user, minted)
            if sign_in is not None and OPENID in issued.scopes:
                text = self._id_token(client, user, names, sign_in, issued.access_token)
                issued = replace(issued, id_token=text)
            if not refreshable:
                return issued, list(also)
            family, now = minted.claims["fam"], self.clock.now()
            text, token = new_refresh_token(client, family, user, scopes, now)
            known = (
                self.records.get(TokenFamily, tenant=client.tenant, id=family)
                if minted.again
                else None
            )
            began = family_with(known, token, told, now)
            return replace(issued, refresh_token=text), [began, Create(token), *also]

        return self._committed(client, access, None if family else user.id, completed)

    def grantable(self, client: Client, user: User, asked: Iterable[str]) -> tuple[str, ...]:
        """Those of the asked scopes that `to_user` would grant now, in order."""
        granted = self.granting.to_user(client, user, asked)
        return tuple(scope for scope in granted if scope != DEFAULT)

    def refreshed(self, client: Client, refresh_token: str, asked: Iterable[str]) -> Issued:
        """Tokens for a refresh token, which is used up by it; raises InvalidGrant."""
        # Only this grant needs it: loading it is not every start's time.
        from portico.services.refreshing import Refreshing

        return Refreshing(self).refreshed(client, refresh_token, asked)

    def claims_for(
        self,
        client: Client,
        user: User,
        scopes: tuple[str, ...],
        family: str,
        grant_type: str,
        more: Mapping[str, Any],
    ) -> dict[str, Any]:
        """The claims of a user's access token."""
        own = {"aut": APPLICATION_USER, "fam": family, **more}
        validity, now = client.validity(grant_type), int(self.clock.now())
        return access_claims(
            client, subject_of(user), scopes, validity, own, issuer=self.issuer, now=now
        )

    def for_user(self, client: Client, user: User, minted: Minted) -> Issued:
        """A user's token as it is given out, with the claims that the tenant wants as headers."""
        issued = self._of(client, minted)
        headers = claim_headers(user, self.rules(client).claim_headers)
        return replace(issued, headers={**headers, **issued.headers}) if headers else issued

    def rules(self, client: Client) -> TokenRules:
        """The rules of the client's tenant."""
        found = self.records.get(TokenRules, tenant=client.tenant)
        return found or TokenRules(tenant=client.tenant)

    @property
    def minting(self) -> Minting:
        """What makes texts of claims."""
        return Minting(self.records, self.clock, self.key)

    @property
    def granting(self) -> Granting:
        """What decides about scopes."""
        return Granting(self.records, self.memory or Memory(self.clock, 0))

    def _committed(
        self,
        client: Client,
        claims: Mapping[str, Any],
        for_whom: str | None,
        completed: Callable[[Minted], tuple[Issued, list[Change]]],
    ) -> Issued:
        """Mint, and commit what belongs to it, anew when another request was faster.

        Races for records that no other token has to do with are raised as they are.
        """
        rules = self.rules(client)
        for attempt in range(TRIES):
            minted = self.minting.mint(client, rules, claims, for_whom=for_whom)
            issued, changes = completed(minted)
            changes = [*minted.changes, *changes]
            try:
                if changes:
                    self.records.commit(*changes)
                return issued
            except (LostRace, AlreadyExists):
                if not minted.shared or (
                    attempt >= MEETINGS and not self.minting.overtaken(minted)
                ):
                    raise
        raise Unavailable("Too many tokens of this client are issued at once")

    def _of(self, client: Client, minted: Minted) -> Issued:
        extra = self.extend(client, minted.claims)
        begins = int(self.clock.now()) if minted.again else minted.claims["iat"]
        return Issued(
            minted.text,
            minted.claims["exp"] - begins,
            tuple(minted.claims["scope"].split()),
            fields=extra.fields,
            headers=extra.headers,
        )

    def _id_token(
        self,
        client: Client,
        user: User,
        names: Collection[str],
        sign_in: "SignIn",
        access_token: str,
    ) -> str:
        from portico.services.id_tokens import id_token

        now, key = int(self.clock.now()), self.key()
        return id_token(
            client, user, names, sign_in, access_token, issuer=self.issuer, now=now, key=key
        )
