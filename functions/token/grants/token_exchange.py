"""Token exchange (RFC 8693): a token for the user of another token, for this client.

Without an actor token it impersonates: the new token speaks of the user alone, and its `client_id`
tells who asked. With one it delegates: `act` names who acts for the user (section 4.1). The new
token never allows more than a subject token of ours and never outlives it, and has no refresh token
(section 2.2.1).
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from functions.token.errors import OAuthError
from functions.token.grants.foreign_jwt import read
from functions.token.wiring import GrantRequest, Wiring
from portico.domain.addresses import AddressRefused, target_of
from portico.domain.errors import Unauthenticated
from portico.domain.grant_types import EXCHANGE
from portico.domain.tenant import split_user
from portico.domain.user import User
from portico.services.issuing import Issued
from portico.tokens.access import APPLICATION_USER
from portico.tokens.foreign import TOKEN_TYPES, claims_unverified
from portico.tokens.jwt import InvalidToken

_TYPE = "urn:ietf:params:oauth:token-type:"
ACCESS_TOKEN = f"{_TYPE}access_token"
JWT = f"{_TYPE}jwt"
ID_TOKEN = f"{_TYPE}id_token"
DEEPEST = 5  # actors in a chain of `act`


@dataclass(frozen=True)
class Subject:
    """Whom a subject or actor token speaks of, and until when. `user` is None for an actor that is
    none of ours; `scopes` None for a token that says nothing about ours.
    """

    claims: Mapping[str, Any]
    expires: int  # epoch seconds
    user: User | None = None
    scopes: tuple[str, ...] | None = None


def issue(grant: GrantRequest, wiring: Wiring) -> Issued:
    """An access token for the user of the subject token. `invalid_request` for tokens that do not
    hold, `invalid_target` for a place that our tokens are not for (section 2.2.2).
    """
    requested = _requested(grant)
    _check_target(grant, wiring)
    subject = _subject(grant, wiring)
    if subject.user is None:
        raise OAuthError("invalid_request", "The subject_token is not a user's")
    asked = _scopes(grant, subject)
    left = subject.expires - int(wiring.clock.now())
    validity = min(grant.client.validity(EXCHANGE), left)
    if validity <= 0:
        raise OAuthError("invalid_request", "The subject_token has expired")
    issued = wiring.issuing.to_user(
        replace(grant.client, validities={**grant.client.validities, EXCHANGE: validity}),
        subject.user,
        asked,
        grant_type=EXCHANGE,
        # Always a token of its own, which nobody else's end touches and which touches nobody's.
        family=secrets.token_urlsafe(16),
        refreshable=False,
        more=_acting(grant, wiring, subject),
    )
    return replace(issued, fields={**issued.fields, "issued_token_type": requested})


def _requested(grant: GrantRequest) -> str:
    requested = grant.parameters.get("requested_token_type", ACCESS_TOKEN)
    if requested not in (ACCESS_TOKEN, JWT) or (requested == JWT and grant.client.opaque):
        raise OAuthError("invalid_request", "Tokens of the requested_token_type are not issued")
    return requested


def _check_target(grant: GrantRequest, wiring: Wiring) -> None:
    """Our tokens are for their client and the APIs of this gateway; section 2.2.2."""
    audience, resource = grant.parameters.get("audience"), grant.parameters.get("resource")
    if audience and audience not in (grant.client.client_id, wiring.issuer, wiring.url):
        raise OAuthError("invalid_target", "Tokens for this audience are not issued")
    if not resource:
        return
    try:
        here = target_of(resource) == target_of(wiring.url) and "#" not in resource
    except AddressRefused:
        here = False
    if not here:
        raise OAuthError("invalid_target", "The resource is not one of this gateway")


def _scopes(grant: GrantRequest, subject: Subject) -> tuple[str, ...]:
    if subject.scopes is None:
        return grant.scopes
    wider = [scope for scope in grant.scopes if scope not in subject.scopes]
    if wider:
        raise OAuthError("invalid_scope", "The scope is wider than that of the subject_token")
    return grant.scopes or subject.scopes


def _acting(grant: GrantRequest, wiring: Wiring, subject: Subject) -> dict[str, Any]:
    """The claim `act`: who acts, and in it who acted before (section 4.1)."""
    actor = _actor(grant, wiring)
    allowed = subject.claims.get("may_act")
    if allowed is not None and not _may_act(allowed, actor):
        raise OAuthError("invalid_request", "The subject_token does not allow this actor")
    before = subject.claims.get("act")
    act = _chain(before if actor is None else {**actor.claims, "act": before})
    return {"act": act} if act else {}


def _chain(actor: Any, depth: int = 1) -> dict[str, Any]:
    """An actor by name and issuer, and in it the one before; nothing else that others may say."""
    if not isinstance(actor, Mapping):
        return {}
    if depth > DEEPEST:
        raise OAuthError("invalid_request", "Too many actors have acted one for another")
    told = {name: text for name in ("sub", "iss") if isinstance(text := actor.get(name), str)}
    before = _chain(actor.get("act"), depth + 1)
    return {**told, "act": before} if before else told


def _may_act(allowed: Any, actor: Subject | None) -> bool:
    """Section 4.4: the actor has everything that the claim says of it."""
    if actor is None or not isinstance(allowed, dict) or not allowed:
        return False
    return all(actor.claims.get(name) == value for name, value in allowed.items())


def _subject(grant: GrantRequest, wiring: Wiring) -> Subject:
    token, kind = _pair(grant, "subject_token")
    if not token or not kind:
        raise OAuthError("invalid_request", "subject_token and subject_token_type are needed")
    ours = _ours(wiring, grant, token) if kind in (ACCESS_TOKEN, JWT) else None
    if ours is None:
        return _foreign(wiring, grant, token, kind, "subject_token")
    # Whoever has found a token could say to be a public client.
    if grant.client.public and ours.claims.get("client_id") != grant.client.client_id:
        raise OAuthError("invalid_request", "A public client may exchange its own tokens only")
    return ours


def _actor(grant: GrantRequest, wiring: Wiring) -> Subject | None:
    token, kind = _pair(grant, "actor_token")
    if not token and not kind:
        return None
    if not token or not kind:
        raise OAuthError("invalid_request", "actor_token and actor_token_type belong together")
    ours = _ours(wiring, grant, token) if kind in (ACCESS_TOKEN, JWT) else None
    if ours is None:
        return _foreign(wiring, grant, token, kind, "actor_token")
    # Who acts is who asks; another's token would let the client act in another's name.
    if ours.claims.get("client_id") != grant.client.client_id:
        raise OAuthError("invalid_request", "The actor_token was issued to another client")
    return ours


def _pair(grant: GrantRequest, name: str) -> tuple[str, str]:
    kind = grant.parameters.get(f"{name}_type", "")
    if kind not in ("", ACCESS_TOKEN, JWT, ID_TOKEN):
        raise OAuthError("invalid_request", f"Tokens of this {name}_type are not taken")
    return grant.parameters.get(name, ""), kind


def _ours(wiring: Wiring, grant: GrantRequest, token: str) -> Subject | None:
    """An access token of ours that holds, of the client's tenant."""
    tenant = grant.client.tenant
    claims = wiring.revoking.claims(token, tenant)
    if claims is None or claims.get("tenant") != tenant:
        return None
    user = None
    if claims.get("aut") == APPLICATION_USER:
        name, _ = split_user(str(claims["sub"]))
        user = wiring.records.get(User, tenant=tenant, name=name)
    return Subject(claims, int(claims["exp"]), user, tuple(str(claims["scope"]).split()))


def _foreign(wiring: Wiring, grant: GrantRequest, token: str, kind: str, parameter: str) -> Subject:
    """A JWT of an issuer that the tenant trusts."""
    tenant = grant.client.tenant
    try:
        if kind == ACCESS_TOKEN or claims_unverified(token).get("iss") == wiring.issuer:
            raise InvalidToken("it is not an access token of this server that holds")
        found = read(wiring, tenant, token, wiring.names(tenant), TOKEN_TYPES)
        user = None
        if parameter == "subject_token":
            user, _ = wiring.assertions.user(tenant, found.issuer, found.person)
    except Unauthenticated as exc:
        raise OAuthError("invalid_request", f"The {parameter} does not hold: {exc}") from exc
    return Subject(found.claims, found.expires, user)
