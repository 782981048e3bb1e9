"""Signing keys as the secrets hold them and their public halves as a JWKS (RFC 7517).

Every key is parsed once, here.
"""

import json
import secrets
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

RS256 = "RS256"
ES256 = "ES256"
RSA_BITS = 2048

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


@dataclass(frozen=True)
class SigningKey:
    """A parsed private key; `alg` is RS256 or ES256. `created` and `begins`, the moment from which
    it signs, are in epoch seconds. A key with a certificate (base64 of the DER) has its thumbprint.
    """

    kid: str
    alg: str
    private: PrivateKey
    created: int = 0
    begins: int = 0
    certificate: str = ""
    x5t: str = ""


@dataclass(frozen=True)
class VerificationKey:
    """A parsed public key, and the only algorithm that it verifies (RFC 8725 section 3.1)."""

    kid: str
    alg: str
    public: PublicKey


Keys = Mapping[str, VerificationKey]  # by key id


def generate(alg: str, created: int, begins: int | None = None) -> dict[str, Any]:
    """A new key as an entry of a secret's `keys`: `{kid, alg, private (PEM PKCS8), created}`, and
    `begins` when it signs only from then on.
    """
    private: PrivateKey
    if alg == RS256:
        private = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    elif alg == ES256:
        private = ec.generate_private_key(ec.SECP256R1())
    else:
        raise ValueError(f"no keys are made for the algorithm {alg!r}")
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    entry = {"kid": secrets.token_urlsafe(12), "alg": alg, "private": pem, "created": created}
    return entry if begins is None else {**entry, "begins": begins}


def begins(entry: Mapping[str, Any]) -> int:
    """From when on the key of an entry signs, in epoch seconds."""
    return int(entry.get("begins", entry.get("created", 0)))


def signing_key(secret: str, now: float | None = None, alg: str = "") -> SigningKey:
    """The key of a secret's `{"keys": [...]}` that signs at that moment (now, when None), of those
    for `alg` if one is given. LookupError when there is none for it.
    """
    entries = [entry for entry in _entries(secret) if alg in ("", entry["alg"])]
    if not entries:
        raise LookupError(f"The secret has no key for {alg}")
    at = _signing([begins(entry) for entry in entries], time.time() if now is None else now)
    return _parse(entries[at])


def current(keys: Sequence[SigningKey], now: float) -> SigningKey:
    """The one of the keys that signs at that moment."""
    return keys[_signing([key.begins for key in keys], now)]


def signing_keys(secret: str) -> list[SigningKey]:
    """All keys of a secret."""
    return [_parse(entry) for entry in _entries(secret)]


def public_jwk(key: SigningKey) -> dict[str, Any]:
    """The public half as a JWK with `kid`, `alg` and `use` (RFC 7517 section 4); with `x5c` and
    `x5t` when the key has a certificate.
    """
    public = key.private.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        jwk = RSAAlgorithm.to_jwk(public, as_dict=True)
    else:
        jwk = ECAlgorithm.to_jwk(public, as_dict=True)
    jwk.pop("key_ops", None)
    certificate = {"x5c": [key.certificate], "x5t": key.x5t} if key.certificate else {}
    return {**jwk, "kid": key.kid, "alg": key.alg, "use": "sig", **certificate}


def verification_keys(
    jwks: Iterable[Mapping[str, Any]], only: Collection[str] | None = None
) -> dict[str, VerificationKey]:
    """Parsed keys of a JWKS by `kid`; `only` names those to take, such as `PublicKeys.access`."""
    return {
        str(jwk["kid"]): VerificationKey(str(jwk["kid"]), str(jwk["alg"]), _public(jwk))
        for jwk in jwks
        if only is None or jwk["kid"] in only
    }


def _entries(secret: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads(secret)["keys"]
    return entries


def _signing(moments: Sequence[int], now: float) -> int:
    """Which key signs: the one that began last; were none to have begun yet, the next to."""
    begun = [moment for moment in moments if moment <= now]
    return moments.index(max(begun) if begun else min(moments))


def _parse(entry: Mapping[str, Any]) -> SigningKey:
    # The check of an RSA key's primes takes 65 ms; the deployment made and keeps this key itself.
    private = load_pem_private_key(
        entry["private"].encode(), password=None, unsafe_skip_rsa_key_validation=True
    )
    if not isinstance(private, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise TypeError(f"key {entry['kid']} is neither RSA nor EC")
    created = int(entry.get("created", 0))
    certificate, x5t = str(entry.get("certificate", "")), str(entry.get("x5t", ""))
    return SigningKey(entry["kid"], entry["alg"], private, created, begins(entry), certificate, x5t)


def _public(jwk: Mapping[str, Any]) -> PublicKey:
    algorithm = RSAAlgorithm if jwk["kty"] == "RSA" else ECAlgorithm
    key = algorithm.from_jwk(dict(jwk))
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        raise TypeError(f"key {jwk['kid']} of a JWKS is not a public key")
    return key
