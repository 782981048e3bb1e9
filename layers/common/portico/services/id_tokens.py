"""Id_tokens (OpenID Connect Core section 2): who signed in, how and when, for the client."""

import base64
import hashlib
from collections.abc import Collection
from typing import Any

from portico.domain.application import ID_TOKEN, Client
from portico.domain.authorization import SignIn
from portico.domain.claims import oidc_claims, subject_of
from portico.domain.user import User
from portico.tokens.jwt import sign
from portico.tokens.keys import SigningKey

ID_TOKEN_VALIDITY = 3600  # seconds, where the client has no other


def id_token(
    client: Client,
    user: User,
    names: Collection[str],
    sign_in: SignIn,
    access_token: str,
    *,
    issuer: str,
    now: int,
    key: SigningKey,
) -> str:
    """The signed id_token that goes with an access token, with these claims of the user."""
    half = hashlib.sha256(access_token.encode()).digest()[:16]
    claims: dict[str, Any] = {
        **oidc_claims(user, names),
        "iss": issuer,
        "sub": subject_of(user),
        "aud": client.client_id,
        "azp": client.client_id,
        "iat": now,
        "exp": now + client.validities.get(ID_TOKEN, ID_TOKEN_VALIDITY),
        "auth_time": sign_in.at,
        "at_hash": base64.urlsafe_b64encode(half).decode().rstrip("="),
    }
    if sign_in.nonce:
        claims["nonce"] = sign_in.nonce
    if sign_in.methods:
        claims["amr"] = list(sign_in.methods)
    if sign_in.sid:
        claims["sid"] = sign_in.sid
    return sign(claims, key)
