"""Revoking tokens (RFC 7009) and telling what is true of one (RFC 7662)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from portico.domain.application import Client
from portico.domain.errors import Forbidden
from portico.domain.gateway import OpaqueToken, Revocation
from portico.domain.records import Change, Discard, Put
from portico.domain.tenant import SUPER_TENANT, join_user, split_user
from portico.domain.user import RefreshToken, TokenFamily, User
from portico.ports import Clock, Records
from portico.services.clients import digest
from portico.services.families import end, outlived
from portico.services.families import marks as marks_of_family
from portico.tokens.access import APPLICATION_USER, holds, marks, opaque_key, stated_claims
from portico.tokens.keys import Keys

TOLD = ("scope", "client_id", "exp", "iat", "nbf", "sub", "aud", "iss", "jti", "aut", "act", "cnf")
INACTIVE: dict[str, Any] = {"active": False}


@dataclass(frozen=True)
class Revoking:
    """Ends tokens before their time, and knows which have ended. `keys` gives those that verify;
    tokens of another `issuer` than this are none of ours (RFC 9068 section 4).
    """

    records: Records
    clock: Clock
    keys: Callable[[], Keys]
    issuer: str

    def revoke(self, client: Client, token: str) -> None:
        """End an access or refresh token of the client, and with it what came of the same sign-in.

        A token that is unknown or has ended is no error (RFC 7009 section 2.2); another client's is
        Forbidden.
        """
        claims = self._stated(token, client.tenant)
        if claims is None:
            self._end_refresh(client, token)
            return
        _check_owner(client, str(claims["tenant"]), str(claims["client_id"]))
        key = opaque_key(token, client.tenant)
        ends: Change
        if key is not None:
            ends = Discard(OpaqueToken(tenant=key["tenant"], digest=key["digest"], expires=0))
        else:
            ends = Put(
                Revocation(tenant=client.tenant, subject=claims["jti"], expires=int(claims["exp"]))
            )
        end(self.records, self.clock, client, str(claims.get("fam", "")), [ends])

    def claims(self, token: str, tenant: str) -> dict[str, Any] | None:
        """The claims of an access token of either kind that holds now; None for all others.

        `tenant` is where an opaque token that names no tenant belongs: the one of the path.
        """
        claims = self._stated(token, tenant)
        if claims is None:
            return None
        found = self.records.gather(*marks(claims))
        return claims if holds(claims, found, self.clock.now()) else None

    def inspect(self, token: str, tenant: str = SUPER_TENANT) -> dict[str, Any]:
        """RFC 7662 section 2.2's members of an access or refresh token that holds, and `tenant`.

        Of every other token it tells `{"active": False}` and no more. `tenant` is where tokens that
        name none belong.
        """
        claims = self.claims(token, tenant)
        if claims is None:
            return self._inspect_refresh(token, tenant)
        told = {name: claims[name] for name in TOLD if name in claims}
        if claims.get("aut") == APPLICATION_USER:
            told["username"] = claims["sub"]
        return {"active": True, "token_type": "Bearer", "tenant": claims["tenant"], **told}

    def _inspect_refresh(self, token: str, tenant: str) -> dict[str, Any]:
        now = self.clock.now()
        found = self.records.get(RefreshToken, tenant=tenant, digest=digest(token))
        if found is None or found.used or found.expires <= now:
            return dict(INACTIVE)
        client = self.records.get(Client, tenant=tenant, client_id=found.client_id)
        family = self.records.get(TokenFamily, tenant=tenant, id=found.family)
        name = split_user(found.user)[0]
        user = self.records.get(User, tenant=tenant, name=name)
        if client is None or family is None or family.revoked:
            return dict(INACTIVE)
        if user is None or not user.active or found.era != user.era:
            return dict(INACTIVE)
        if found.user_id not in ("", user.id):
            return dict(INACTIVE)
        if outlived(family, self.records.gather(*marks_of_family(client, name)), now):
            return dict(INACTIVE)
        full_name = join_user(user.name, user.tenant)
        return {
            "active": True,
            "token_type": "refresh_token",
            "tenant": tenant,
            "client_id": found.client_id,
            "scope": " ".join(found.scopes),
            "exp": found.expires,
            "username": full_name,
            "sub": full_name,
            "aut": APPLICATION_USER,
        }

    def _stated(self, token: str, tenant: str) -> dict[str, Any] | None:
        claims = stated_claims(token, tenant, self.records, self.clock.now(), self.keys)
        return claims if claims is not None and claims.get("iss") == self.issuer else None

    def _end_refresh(self, client: Client, token: str) -> None:
        found = self.records.get(RefreshToken, tenant=client.tenant, digest=digest(token))
        if found:
            _check_owner(client, found.tenant, found.client_id)
            end(self.records, self.clock, client, found.family)


def _check_owner(client: Client, tenant: str, client_id: str) -> None:
    if (tenant, client_id) != (client.tenant, client.client_id):
        raise Forbidden("The token was issued to another client")
