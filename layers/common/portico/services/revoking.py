"""Revoking tokens (RFC 7009) and telling what is true of one (RFC 7662)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from portico.domain.application import Client
from portico.domain.errors import Forbidden, Unauthenticated
from portico.domain.gateway import Revocation
from portico.domain.records import Put
from portico.domain.tenant import split_user
from portico.domain.user import RefreshToken, User
from portico.ports import Clock, Records
from portico.services.clients import digest
from portico.services.families import end
from portico.services.issuing import APPLICATION_USER
from portico.tokens.jwt import verify
from portico.tokens.keys import Keys

TOLD = ("scope", "client_id", "exp", "iat", "nbf", "sub", "aud", "iss", "jti", "aut")


@dataclass(frozen=True)
class Revoking:
    """Ends tokens before their time, and knows which have ended. `keys` gives those that verify."""

    records: Records
    clock: Clock
    keys: Callable[[], Keys]

    def revoke(self, client: Client, token: str) -> None:
        """End an access or refresh token of the client, and with it what came of the same sign-in.

        A token that is unknown or has ended is no error (RFC 7009 section 2.2); another client's is
        Forbidden.
        """
        claims = self._verified(token)
        if claims is None:
            self._end_refresh(client, token)
            return
        _check_owner(client, str(claims["client_id"]))
        ends = Revocation(tenant=client.tenant, subject=claims["jti"], expires=int(claims["exp"]))
        end(self.records, self.clock, client, str(claims.get("fam", "")), [Put(ends)])

    def inspect(self, token: str) -> dict[str, Any]:
        """RFC 7662 section 2.2's members of an access token that holds, and `tenant`.

        Of every other token it tells `{"active": False}` and no more.
        """
        claims = self._verified(token)
        if claims is None or self._ended(claims) or not self._has_its_user(claims):
            return {"active": False}
        told = {name: claims[name] for name in TOLD if name in claims}
        if claims.get("aut") == APPLICATION_USER:
            told["username"] = claims["sub"]
        return {"active": True, "token_type": "Bearer", "tenant": claims["tenant"], **told}

    def _verified(self, token: str) -> dict[str, Any] | None:
        try:
            return verify(token, self.keys(), now=self.clock.now())
        except Unauthenticated:
            return None

    def _ended(self, claims: dict[str, Any]) -> bool:
        tenant, client_id = claims["tenant"], claims["client_id"]
        subjects = [claims["jti"], f"fam:{claims.get('fam', '')}", f"client:{client_id}"]
        keys = [{"tenant": tenant, "subject": subject} for subject in subjects]
        now = self.clock.now()
        found = self.records.get_many(Revocation, keys)
        return any(one.ends(claims["iat"], now) for one in found)

    def _has_its_user(self, claims: dict[str, Any]) -> bool:
        """Whether the user of a user's token is still there, and is not another of the name."""
        if claims.get("aut") != APPLICATION_USER:
            return True
        name, tenant = split_user(claims["sub"])
        user = self.records.get(User, tenant=tenant, name=name)
        return user is not None and user.active and user.existed(claims["iat"])

    def _end_refresh(self, client: Client, token: str) -> None:
        found = self.records.get(RefreshToken, tenant=client.tenant, digest=digest(token))
        if found:
            _check_owner(client, found.client_id)
            end(self.records, self.clock, client, found.family)


def _check_owner(client: Client, client_id: str) -> None:
    if client_id != client.client_id:
        raise Forbidden("The token was issued to another client")
