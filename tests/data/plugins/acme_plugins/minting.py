"""Mints a JWT of the operator's own for each token response, as handlers for WSO2 do."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec


@cache
def key() -> ec.EllipticCurvePrivateKey:
    """The operator's own key; a real one comes from a secret of theirs."""
    return ec.generate_private_key(ec.SECP256R1())


class JwtMinting:
    """`X-JWT-Session`: who the token is for, signed with a key that Portico does not know."""

    def extend(self, token: Mapping[str, Any]) -> dict[str, Any]:
        user = token["user"] or {}
        claims = {
            "iss": "urn:acme:handler",
            "sub": user.get("name", token["client"]["id"]),
            "email": user.get("email", ""),
            "roles": user.get("roles", []),
            "scopes": token["scopes"],
            "exp": token["claims"]["exp"],
        }
        minted = jwt.encode(claims, key(), algorithm="ES256")
        return {"headers": {"X-JWT-Session": minted}, "fields": {"session_kind": "acme"}}
