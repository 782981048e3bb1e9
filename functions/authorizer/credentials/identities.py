"""What kinds of bearer tokens share: where a call has its token, whom its claims name, and whether
that has been ended.
"""

from collections.abc import Mapping
from typing import Any

from functions.authorizer.calls import Call, Identity
from portico.domain.gateway import (
    GatewayApplication,
    GatewayClient,
    Grant,
    Revocation,
    revoking_subjects,
)
from portico.domain.tenant import split_user
from portico.storage.readmodel import Key, key
from portico.tokens.jwt import MAX_TOKEN, InvalidToken

SCHEME = "bearer "
MAX_CLAIM = 256  # characters of a claim that becomes part of a key


def token_of(call: Call) -> str | None:
    """The bearer token (RFC 6750 section 2.1) in the header that the API reads; None without.

    While the API is not known, the one in any header: good enough for reading ahead.
    """
    api = call.deployment
    if api is not None:
        value = call.headers.get(api.authorization_header.lower(), "")
    else:
        value = call.headers.get("authorization") or _bearing(call)
    if value[: len(SCHEME)].lower() != SCHEME:
        return None
    return value[len(SCHEME) :].strip()


def _bearing(call: Call) -> str:
    values = call.headers.values()
    return next((one for one in values if one[: len(SCHEME)].lower() == SCHEME), "")


def identity_of(digest: bytes, claims: Mapping[str, Any], kid: str) -> Identity:
    """Whom the claims name; InvalidToken when they do not say what is needed."""

    def text(name: str, *, needed: bool = False, longest: int = MAX_CLAIM) -> str:
        value = claims.get(name, "")
        if not isinstance(value, str) or len(value) > longest or (needed and not value):
            raise InvalidToken(f"The token has no usable '{name}'")
        return value

    def number(name: str) -> float:
        value = claims.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidToken(f"The token has no usable '{name}'")
        return value

    tenant, client_id = text("tenant", needed=True), text("client_id", needed=True)
    application_id = text("app")
    text("jti"), text("fam")
    is_user = text("aut") == "APPLICATION_USER"
    user = split_user(text("sub", needed=True))[0] if is_user else text("owner")
    revocations = tuple(
        key(Revocation, tenant=tenant, subject=name) for name in revoking_subjects(claims)
    )
    client = key(GatewayClient, tenant=tenant, client_id=client_id)
    application = key(GatewayApplication, tenant=tenant, application_id=application_id)
    return Identity(
        digest=digest,
        kid=kid,
        tenant=tenant,
        client_id=client_id,
        application_id=application_id,
        key_type=text("keytype") or "PRODUCTION",
        user=user,
        is_user=is_user,
        scopes=frozenset(text("scope", longest=MAX_TOKEN).split()),
        issued=number("iat"),
        expires=number("exp"),
        revocations=revocations,
        client=client,
        application=application,
        records=(*revocations, client, *([application] if application_id else [])),
        audience=_audience(claims.get("aud")),
    )


def _audience(given: object) -> frozenset[str]:
    # RFC 7519 section 4.1.3: one text or a list of them.
    texts = given if isinstance(given, list) else [given]
    return frozenset(one for one in texts if isinstance(one, str))


def ended(identity: Identity, call: Call) -> bool:
    """Whether the token, its family, its client or its user has been revoked since it was issued.

    A mark counts until its own end, whether or not the database has removed it by then.
    """
    call.view.load(identity.revocations)
    for revocation in identity.revocations:
        found = call.view.get(revocation)
        if found is not None and found.ends(identity.issued, call.now):
            return True
    return False


def load(identity: Identity, call: Call) -> None:
    """Read in one request what a call needs that nobody could foresee: whose a random text is."""
    grant = grant_of(call.tenant, identity.application_id, call.api.context)
    call.view.load((*identity.records, *([grant] if identity.application_id else [])))


def grant_of(tenant: str, application_id: str, context: str) -> Key[Grant]:
    """Where a subscription is, as the gateway sees it."""
    return key(Grant, tenant=tenant, application_id=application_id, prefix=context)
