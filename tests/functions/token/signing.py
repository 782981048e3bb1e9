"""JSON Web Tokens as others would sign them, and as an attacker would."""

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm


@dataclass(frozen=True)
class Pair:
    """A private key, and its public half as a JWK."""

    alg: str
    private: Any
    jwk: dict[str, Any]

    def sign(self, claims: dict[str, Any], headers: dict[str, Any] | None = None) -> str:
        """A JWS; the headers may say anything."""
        named = {"kid": self.jwk["kid"], **(headers or {})}
        named = {name: value for name, value in named.items() if value is not None}
        return jwt.encode(claims, self.private, algorithm=self.alg, headers=named)

    @property
    def pem(self) -> bytes:
        """The public half as anybody can have it."""
        form = PublicFormat.SubjectPublicKeyInfo
        return bytes(self.private.public_key().public_bytes(Encoding.PEM, form))


@cache
def pair(alg: str, kid: str = "one") -> Pair:
    """A key pair; the same for the same arguments."""
    private: Any
    if alg.startswith("ES"):
        private = ec.generate_private_key(ec.SECP256R1())
        jwk = ECAlgorithm.to_jwk(private.public_key(), as_dict=True)
    elif alg == "EdDSA":
        private = ed25519.Ed25519PrivateKey.generate()
        jwk = OKPAlgorithm.to_jwk(private.public_key(), as_dict=True)
    else:
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        jwk = RSAAlgorithm.to_jwk(private.public_key(), as_dict=True)
    jwk.pop("key_ops", None)
    return Pair(alg, private, {**jwk, "kid": kid})


def now() -> int:
    """Epoch seconds; not a constant, for a long run of tests is older than a token."""
    return int(time.time())


def in_time(**more: Any) -> dict[str, Any]:
    """Claims of a token that is valid for five minutes; None takes one away."""
    claims = {"iat": now(), "exp": now() + 300, **more}
    return {name: value for name, value in claims.items() if value is not None}


def part(value: Any) -> str:
    """One part of a JWS."""
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def unsigned(claims: dict[str, Any], alg: str = "none") -> str:
    """A JWS without a signature (RFC 7518 section 3.6)."""
    return f"{part({'alg': alg, 'kid': 'one'})}.{part(claims)}."


def by_secret(claims: dict[str, Any], secret: bytes, kid: str = "one") -> str:
    """A JWS by HMAC with what is no secret, such as a public key (RFC 8725 section 2.1)."""
    signed = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': kid})}.{part(claims)}"
    return f"{signed}.{part(hmac.digest(secret, signed.encode(), hashlib.sha256))}"
