"""Self-signed certificates of signing keys, for back ends that find a key by its thumbprint or read
it from a certificate. Nobody vouches for them: trust comes from where the JWKS is.
"""

import base64
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import NameOID

YEARS = timedelta(days=3650)  # longer than any key signs


def certified(entry: Mapping[str, Any], name: str) -> dict[str, Any]:
    """An entry of a secret's `keys` with its `certificate` (base64 of the DER) and `x5t`, the
    thumbprint as RFC 7515 section 4.1.7 has it; unchanged when it has one.
    """
    if entry.get("certificate"):
        return dict(entry)
    key = load_pem_private_key(str(entry["private"]).encode(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise TypeError(f"key {entry['kid']} is neither RSA nor EC")
    whose = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begins = datetime.fromtimestamp(int(entry.get("created", 0)), UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(whose)
        .issuer_name(whose)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + YEARS)
        .sign(key, SHA256())
        .public_bytes(Encoding.DER)
    )
    # SHA-1 is what the member is defined by; nothing rests on it.
    thumbprint = base64.urlsafe_b64encode(hashlib.sha1(made).digest())  # noqa: S324
    return {
        **entry,
        "certificate": base64.b64encode(made).decode(),
        "x5t": thumbprint.rstrip(b"=").decode(),
    }
