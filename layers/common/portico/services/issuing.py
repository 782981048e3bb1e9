"""Issuing access tokens (RFC 9068) and rotating refresh tokens.

How a request for them looks is not known here.
"""

import base64
import hashlib
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from portico.domain.application import Client
from portico.domain.authorization import SignIn
from portico.domain.claims import (
    OIDC_SCOPES,
    OPENID,
    USERINFO,
    names_of,
    oidc_claims,
    requested,
    subject_of,
)
from portico.domain.errors import LostRace, Unauthenticated
from portico.domain.gateway import Deployment, Grant
from portico.domain.records import Change, Create, Replace
from portico.domain.scopes import DEFAULT, REST_SCOPES, rest_scopes
from portico.domain.tenant import join_user, split_user, tenant_of_path
from portico.domain.user import EVERYONE, RefreshToken, TokenFamily, User
from portico.ports import Clock, Records
from portico.services.clients import digest
from portico.services.families import end
from portico.tokens.jwt import ACCESS_TOKEN, sign
from portico.tokens.keys import SigningKey

REFRESHING = "refresh_token"
ID_TOKEN_VALIDITY = 3600  # seconds
APPLICATION = "APPLICATION"
APPLICATION_USER = "APPLICATION_USER"


class InvalidGrant(Unauthenticated):
    """The refresh token is unknown, expired, used before, revoked or another client's."""

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


@dataclass(frozen=True)
class Extra:
    """What a token-issue extension adds to a token response."""

    fields: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


NOTHING = Extra()


def _nothing(client: Client, claims: Mapping[str, Any]) -> Extra:
    return NOTHING


@dataclass(frozen=True)
class Issuing:
    """Issues tokens. `key` gives the key that signs now, `issuer` is the `iss` claim.

    `extend` is asked about every access token, by its claims, before anything is stored: when it
    refuses, no refresh token or code has been used up.
    """

    records: Records
    clock: Clock
    key: Callable[[], SigningKey]
    issuer: str
    extend: Callable[[Client, Mapping[str, Any]], Extra] = _nothing

    def to_application(
        self,
        client: Client,
        asked: Iterable[str],
        validity: int | None = None,
        *,
        grant_type: str = "client_credentials",
    ) -> Issued:
        """An access token for the client itself; its owner's roles decide about scopes.

        `validity` is in seconds, the client's own when None. Keys of an application get no scopes
        of the REST APIs: they are often in other hands.
        """
        wanted = [scope for scope in asked if not client.application_id or scope not in REST_SCOPES]
        scopes = self._granted(client, lambda: self._owner(client), wanted)
        seconds = client.validity(grant_type) if validity is None else validity
        return self._issued(client, client.client_id, scopes, seconds, {"aut": APPLICATION})

    def to_user(
        self,
        client: Client,
        user: User,
        asked: Iterable[str],
        *,
        grant_type: str = "password",
        sign_in: SignIn | None = None,
        family: str = "",
        refreshable: bool = True,
        claims: Mapping[str, Any] | None = None,
        more: Mapping[str, Any] | None = None,
        also: Sequence[Change] = (),
    ) -> Issued:
        """An access token for a user of the client, and the first refresh token of a family.

        `sign_in` tells how the user signed in, for an id_token where `openid` is granted; `family`
        names the family when something before it, such as a code, must be able to revoke it;
        `claims` is the `claims` parameter of the request; `more` are further claims of the access
        token; `also` is committed with what is stored.
        """
        scopes = self._granted(client, lambda: user, asked, oidc=True)
        family = family or secrets.token_urlsafe(16)
        told = requested(claims or {}, USERINFO)
        more = {**_for_userinfo(told), **(more or {})}
        issued = self._for_user(client, user, scopes, family, grant_type, more)
        if sign_in is not None and OPENID in scopes:
            names = (*names_of(scopes), *requested(claims or {}, "id_token"))
            id_token = self._id_token(client, user, names, sign_in, issued.access_token)
            issued = replace(issued, id_token=id_token)
        if not refreshable or REFRESHING not in client.grant_types:
            if also:
                self.records.commit(*also)
            return issued
        text, token = self._refresh_token(client, family, user, scopes)
        began = TokenFamily(tenant=client.tenant, id=family, expires=token.expires, userinfo=told)
        self.records.commit(Create(began), Create(token), *also)
        return replace(issued, refresh_token=text)

    def grantable(self, client: Client, user: User, asked: Iterable[str]) -> tuple[str, ...]:
        """Those of the asked scopes that `to_user` would grant now, in order."""
        granted = self._granted(client, lambda: user, asked, oidc=True)
        return tuple(scope for scope in granted if scope != DEFAULT)

    def refreshed(self, client: Client, refresh_token: str, asked: Iterable[str]) -> Issued:
        """Tokens for a refresh token, which is used up by it; raises InvalidGrant.

        A token that comes a second time has been stolen, by whichever came first: the whole family
        ends. Fewer scopes may be asked for, and the roles of today decide.
        """
        old, family = self._living(client, refresh_token)
        user_name, tenant = split_user(old.user)
        user = self.records.get(User, tenant=tenant, name=user_name)
        if user is None or not user.active or old.user_id not in ("", user.id):
            raise InvalidGrant("The user of the refresh token is no longer active")
        wanted = set(asked)
        kept = [scope for scope in old.scopes if not wanted or scope in wanted]
        scopes = self._granted(client, lambda: user, kept, oidc=True)
        text, token = self._refresh_token(client, family.id, user, old.scopes)
        more = _for_userinfo(family.userinfo)
        issued = self._for_user(client, user, scopes, family.id, REFRESHING, more)
        try:
            self.records.commit(
                Replace(replace(old, used=True)),
                Replace(replace(family, expires=max(family.expires, token.expires))),
                Create(token),
            )
        except LostRace:
            self._reused(client, family.id)
        return replace(issued, refresh_token=text)

    def _living(self, client: Client, refresh_token: str) -> tuple[RefreshToken, TokenFamily]:
        tenant, now = client.tenant, self.clock.now()
        token = self.records.get(RefreshToken, tenant=tenant, digest=digest(refresh_token))
        if token is None or token.client_id != client.client_id:
            raise InvalidGrant("The refresh token is not known")
        family = self.records.get(TokenFamily, tenant=tenant, id=token.family)
        if family is None or family.revoked:
            raise InvalidGrant("The refresh token has been revoked")
        if token.used:
            self._reused(client, family.id)
        if token.expires <= now:
            raise InvalidGrant("The refresh token has expired")
        return token, family

    def _reused(self, client: Client, family_id: str) -> NoReturn:
        end(self.records, self.clock, client, family_id)
        raise InvalidGrant("The refresh token was used before; all tokens of its grant are revoked")

    def _for_user(
        self,
        client: Client,
        user: User,
        scopes: tuple[str, ...],
        family: str,
        grant_type: str,
        more: Mapping[str, Any] | None = None,
    ) -> Issued:
        claims = {"aut": APPLICATION_USER, "fam": family, **(more or {})}
        return self._issued(client, subject_of(user), scopes, client.validity(grant_type), claims)

    def _issued(
        self,
        client: Client,
        subject: str,
        scopes: tuple[str, ...],
        validity: int,
        more: Mapping[str, Any],
    ) -> Issued:
        now = int(self.clock.now())
        claims = {
            "iss": self.issuer,
            "sub": subject,
            "aud": client.client_id,
            "client_id": client.client_id,
            "azp": client.client_id,
            "scope": " ".join(scopes),
            "iat": now,
            "nbf": now,
            "exp": now + validity,
            "jti": secrets.token_urlsafe(16),
            "keytype": client.key_type,
            "owner": client.application_owner or client.owner,
            "tenant": client.tenant,
            **more,
        }
        if client.application_id:
            claims["app"] = client.application_id
        extra = self.extend(client, claims)
        return Issued(
            sign(claims, self.key(), ACCESS_TOKEN),
            validity,
            scopes,
            fields=extra.fields,
            headers=extra.headers,
        )

    def _id_token(
        self,
        client: Client,
        user: User,
        names: Collection[str],
        sign_in: SignIn,
        access_token: str,
    ) -> str:
        """An id_token (OpenID Connect Core section 2) with these claims of the user."""
        now = int(self.clock.now())
        half = hashlib.sha256(access_token.encode()).digest()[:16]
        claims: dict[str, Any] = {
            **oidc_claims(user, names),
            "iss": self.issuer,
            "sub": subject_of(user),
            "aud": client.client_id,
            "azp": client.client_id,
            "iat": now,
            "exp": now + ID_TOKEN_VALIDITY,
            "auth_time": sign_in.at,
            "at_hash": base64.urlsafe_b64encode(half).decode().rstrip("="),
        }
        if sign_in.nonce:
            claims["nonce"] = sign_in.nonce
        if sign_in.methods:
            claims["amr"] = list(sign_in.methods)
        if sign_in.sid:
            claims["sid"] = sign_in.sid
        return sign(claims, self.key())

    def _refresh_token(
        self, client: Client, family: str, user: User, scopes: tuple[str, ...]
    ) -> tuple[str, RefreshToken]:
        text = secrets.token_urlsafe(32)
        return text, RefreshToken(
            tenant=client.tenant,
            digest=digest(text),
            family=family,
            client_id=client.client_id,
            user=join_user(user.name, user.tenant),
            scopes=scopes,
            expires=int(self.clock.now()) + client.refresh_validity,
            user_id=user.id,
        )

    def _granted(
        self,
        client: Client,
        user: Callable[[], User | None],
        asked: Iterable[str],
        *,
        oidc: bool = False,
    ) -> tuple[str, ...]:
        """The asked scopes that client and roles allow, in order; others are left out. `oidc` lets
        those of OpenID Connect through.
        """
        wanted = [
            scope
            for scope in dict.fromkeys(asked)
            if scope != DEFAULT and (client.scopes is None or scope in client.scopes)
        ]
        allowed: set[str] = set(OIDC_SCOPES) if oidc else set()
        if set(wanted) - allowed:
            person = user()
            roles = (*person.roles, EVERYONE) if person and person.active else ()
            allowed |= rest_scopes(wanted, roles)
            if client.application_id:
                allowed |= self._api_scopes(client, roles)
        return tuple(scope for scope in wanted if scope in allowed) or (DEFAULT,)

    def _api_scopes(self, client: Client, roles: Iterable[str]) -> set[str]:
        """Scopes of the APIs that the client's application uses, as far as the roles go."""
        grants = self.records.list(
            Grant, tenant=client.tenant, application_id=client.application_id
        )
        keys = [{"tenant": tenant_of_path(one.prefix), "prefix": one.prefix} for one in grants]
        mine = set(roles)
        return {
            name
            for deployment in (self.records.get_many(Deployment, keys) if keys else [])
            for name, bound in deployment.scopes.items()
            if not bound or mine & set(bound)
        }

    def _owner(self, client: Client) -> User | None:
        owner = client.application_owner or client.owner
        return self.records.get(User, tenant=client.tenant, name=owner.lower())


def _for_userinfo(names: Collection[str]) -> dict[str, Any]:
    """Claims that the userinfo endpoint shall tell besides those of the scopes, for the token."""
    return {USERINFO: list(names)} if names else {}
