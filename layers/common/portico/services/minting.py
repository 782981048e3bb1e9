"""Access tokens as texts: JWTs (RFC 9068) or opaque ones, the same one again where a tenant wants
that, and never more of them than a client may have.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from portico.domain.application import Client
from portico.domain.gateway import Grant, OpaqueToken, Revocation
from portico.domain.live_tokens import KeptToken, LiveToken, LiveTokens
from portico.domain.records import Change, Create, Discard, Put, Record, Replace, Wanted
from portico.domain.tenant import SUPER_TENANT
from portico.domain.token_rules import TokenRules
from portico.domain.user import TokenFamily
from portico.ports import Clock, Records
from portico.services.clients import digest
from portico.tokens.access import holds, marks
from portico.tokens.jwt import ACCESS_TOKEN, sign
from portico.tokens.keys import RS256, SigningKey

MOST_LIVE = 1_000  # tokens that a limit counts; the record of them stays one item
ENDED_AT_ONCE = 40  # after a limit was lowered: a transaction has room for 100 changes
LEFT = 10  # seconds that a token which is given again must still have
# What differs between two tokens for the same.
_OWN = ("iat", "nbf", "exp", "jti", "fam")


@dataclass(frozen=True)
class Minted:
    """A token's text and claims, and what to commit for it.

    `again` tells that it was given before. `shared` are the records that other requests change too,
    as they were: whoever loses a race for one of them mints anew.
    """

    text: str
    claims: Mapping[str, Any]
    changes: tuple[Change, ...] = ()
    again: bool = False
    shared: tuple[Record, ...] = ()


@dataclass(frozen=True)
class Minting:
    """Makes tokens of claims. `key` gives the key that signs now."""

    records: Records
    clock: Clock
    key: Callable[[], SigningKey]

    def mint(
        self,
        client: Client,
        rules: TokenRules,
        claims: Mapping[str, Any],
        *,
        for_whom: str | None = None,
    ) -> Minted:
        """A token with these claims; beyond the client's limit its oldest token ends, so that no
        client shuts itself out.

        Where the rules want tokens to be given again, it is the one of before that says the same
        and holds. `for_whom` is then the id of its user, '' for the client itself; None: never.
        """
        key = self.key()
        if for_whom is None or not rules.reissue or key.alg != RS256:
            return self._counted(client, rules, self._new(client, claims, key))
        kept = self._kept(client, claims, for_whom)
        if kept.stamp and self._holds(client, kept, claims, key):
            return Minted(_text(client, kept.claims, key), kept.claims, again=True, shared=(kept,))
        changed = replace(kept, kid=key.kid, claims=dict(claims), expires=claims["exp"])
        minted = self._new(client, claims, key, _text(client, claims, key))
        change = Replace(changed) if kept.stamp else Create(changed)
        minted = replace(minted, changes=(*minted.changes, change), shared=(kept,))
        return self._counted(client, rules, minted)

    def overtaken(self, minted: Minted) -> bool:
        """Whether one of the shared records has changed since."""
        wanted = [Wanted(type(one), _key(one)) for one in minted.shared]
        found = self.records.gather(*wanted) if wanted else []
        return any(
            (now.stamp if now else 0) != one.stamp
            for one, now in zip(minted.shared, found, strict=True)
        )

    def _new(
        self, client: Client, claims: Mapping[str, Any], key: SigningKey, text: str = ""
    ) -> Minted:
        if not client.opaque:
            return Minted(text or sign(claims, key, ACCESS_TOKEN), claims)
        text = text or _opaque(client.tenant, secrets.token_urlsafe(32))
        record = OpaqueToken(
            tenant=client.tenant,
            digest=digest(text),
            expires=claims["exp"],
            claims=dict(claims),
        )
        return Minted(text, claims, (Create(record),))

    def _counted(self, client: Client, rules: TokenRules, minted: Minted) -> Minted:
        limit = min(client.max_tokens or rules.max_tokens, MOST_LIVE)
        if not limit:
            return minted
        now, tenant = int(self.clock.now()), client.tenant
        found = self.records.get(LiveTokens, tenant=tenant, client_id=client.client_id)
        known = found or LiveTokens(
            tenant=tenant, client_id=client.client_id, tokens=(), expires=now
        )
        live = [one for one in known.tokens if one.expires > now]
        ended = live[: min(max(len(live) + 1 - limit, 0), ENDED_AT_ONCE)]
        of_text = digest(minted.text) if client.opaque else ""
        mine = LiveToken(minted.claims["jti"], minted.claims["exp"], of_text)
        left = (*live[len(ended) :], mine)
        changed = replace(known, tokens=left, expires=max(one.expires for one in left))
        changes = (
            *minted.changes,
            Replace(changed) if found else Create(changed),
            *(change for one in ended for change in _ending(tenant, one)),
        )
        return replace(minted, changes=changes, shared=(*minted.shared, known))

    def _kept(self, client: Client, claims: Mapping[str, Any], for_whom: str) -> KeptToken:
        name = [client.client_id, client.opaque, claims["sub"], for_whom, _scopes(claims)]
        text = digest(json.dumps(name))
        found = self.records.get(KeptToken, tenant=client.tenant, digest=text)
        return found or KeptToken(tenant=client.tenant, digest=text, kid="", expires=0)

    def _holds(
        self, client: Client, kept: KeptToken, claims: Mapping[str, Any], key: SigningKey
    ) -> bool:
        """Whether the token says what is wanted now, has time left, and nothing has ended it."""
        now, old, tenant = self.clock.now(), kept.claims, client.tenant
        if kept.kid != key.kid or kept.expires <= now + LEFT or _said(old) != _said(claims):
            return False
        wanted = [Wanted(TokenFamily, {"tenant": tenant, "id": str(old.get("fam", "-"))})]
        if client.opaque:
            of_text = digest(_text(client, old, key))
            wanted.append(Wanted(OpaqueToken, {"tenant": tenant, "digest": of_text}))
        family, *found = self.records.gather(*wanted, *marks(old))
        if isinstance(family, TokenFamily) and family.revoked:
            return False
        if (client.opaque and not found.pop(0)) or not holds(old, found, now):
            return False
        # A revocation of one subscription ends the token for that API only; a new one is due.
        app = client.application_id
        grants = self.records.list(Grant, tenant=tenant, application_id=app) if app else []
        return all(not one.since or one.since < old["iat"] for one in grants)


def _text(client: Client, claims: Mapping[str, Any], key: SigningKey) -> str:
    """The same text for the same claims and key: RS256 signatures have nothing random in them."""
    text = sign(claims, key, ACCESS_TOKEN)
    if not client.opaque:
        return text
    random = base64.urlsafe_b64encode(hashlib.sha256(f"opaque:{text}".encode()).digest())
    return _opaque(client.tenant, random.decode().rstrip("="))


def _opaque(tenant: str, random: str) -> str:
    """What is random, and before it the tenant unless that is the super one; `~` because a bearer
    token may hold it (RFC 6750 section 2.1).
    """
    return random if tenant == SUPER_TENANT else f"{tenant}~{random}"


def _said(claims: Mapping[str, Any]) -> dict[str, Any]:
    said = {name: value for name, value in claims.items() if name not in _OWN}
    return {**said, "scope": _scopes(claims)}


def _scopes(claims: Mapping[str, Any]) -> list[str]:
    return sorted(str(claims["scope"]).split())


def _ending(tenant: str, token: LiveToken) -> list[Change]:
    gone = OpaqueToken(tenant=tenant, digest=token.digest, expires=0)
    ended = Put(Revocation(tenant=tenant, subject=token.jti, expires=token.expires))
    return [ended, Discard(gone)] if token.digest else [ended]


def _key(record: Record) -> dict[str, str]:
    name = "client_id" if isinstance(record, LiveTokens) else "digest"
    return {"tenant": record.tenant, name: getattr(record, name)}
