"""What access tokens say (RFC 9068 section 2.2, and WSO2's claims); pure."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from portico.domain.application import Client
from portico.domain.claims import USERINFO

APPLICATION = "APPLICATION"
APPLICATION_USER = "APPLICATION_USER"


def access_claims(
    client: Client,
    subject: str,
    scopes: Sequence[str],
    validity: int,
    more: Mapping[str, Any],
    *,
    issuer: str,
    now: int,
) -> dict[str, Any]:
    """The claims of a new access token; `validity` in seconds, `now` in epoch seconds."""
    claims = {
        "iss": issuer,
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
    return claims


def for_userinfo(names: Collection[str]) -> dict[str, Any]:
    """Claims that the userinfo endpoint shall tell besides those of the scopes, for the token."""
    return {USERINFO: list(names)} if names else {}
