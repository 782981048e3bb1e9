"""Consumer secrets and other random credentials of clients, as they are made and kept.

They are random, so a SHA-256 of each is what is stored (RFC 6819 section 5.1.4.1.3).
"""

import hashlib
import secrets
import uuid
from collections.abc import Sequence

from portico.domain.application import Client, Secret
from portico.domain.errors import InvalidInput

MAX_SECRETS = 20  # live ones, of one client
LONGEST_SECRET = 315_360_000  # seconds: ten years
MAX_DESCRIPTION = 255
# Of clients that prove themselves otherwise or not at all (RFC 7591 section 2).
SECRETLESS = ("none", "private_key_jwt")


def digest(secret: str) -> str:
    """What is stored of a random secret: its SHA-256, in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


def new_secret(now: float, seconds: int = 0, description: str = "") -> tuple[str, Secret]:
    """A secret in clear and as it is stored; it ends after `seconds`, or never when 0."""
    text = secrets.token_urlsafe(24)
    created = int(now)
    expires = created + seconds if seconds else 0
    return text, Secret(str(uuid.uuid4()), digest(text), created, expires, description)


def living(client: Client, now: float) -> tuple[Secret, ...]:
    """The secrets of a client that have not expired, oldest first."""
    return tuple(one for one in client.secrets if not one.expires or one.expires > now)


def check_secret(client: Client, seconds: int, description: str) -> None:
    """InvalidInput unless the client may have such a secret."""
    if client.auth_method in SECRETLESS:
        raise InvalidInput.of("keyMappingId", "a client without client secret cannot have one")
    if not 0 <= seconds <= LONGEST_SECRET:
        raise InvalidInput.of("expiresIn", f"must be 1 to {LONGEST_SECRET} seconds, 0 for never")
    if len(description) > MAX_DESCRIPTION or not (description.isprintable() or not description):
        raise InvalidInput.of("description", f"at most {MAX_DESCRIPTION} printable characters")


def kept(secrets_: Sequence[Secret], most: int = MAX_SECRETS) -> tuple[Secret, ...]:
    """The newest of them, as many as a client may have."""
    return tuple(secrets_)[-most:]
