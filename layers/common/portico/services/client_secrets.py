"""Consumer secrets and other random credentials of clients, as they are made and kept.

They are random, so a SHA-256 of each is what is stored (RFC 6819 section 5.1.4.1.3).
"""

import hashlib
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from portico.domain.application import Client, Secret
from portico.domain.errors import InvalidInput, LimitReached, NotFound
from portico.domain.gateway import Revocation
from portico.domain.records import Put, Replace
from portico.domain.user import Caller
from portico.ports import Clock, Records
from portico.services.auditing import audit

MAX_SECRETS = 20  # live ones, of one client
LONGEST_SECRET = 315_360_000  # seconds: ten years
MAX_DESCRIPTION = 255
LONGEST_TOKEN = 604_800  # seconds; a token may be older than the client's present validity
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


def ended(client: Client, now: float, since: int = 0) -> Put:
    """Revokes the client's tokens, those issued up to `since` or all, until the last expired."""
    return Put(
        Revocation(
            tenant=client.tenant,
            subject=f"client:{client.client_id}",
            expires=int(now) + max(client.token_validity, LONGEST_TOKEN),
            since=since,
        )
    )


@dataclass(frozen=True)
class ConsumerSecrets:
    """The secrets of clients: several live ones at a time, each told once."""

    records: Records
    clock: Clock

    def add(
        self, caller: Caller, client: Client, seconds: int = 0, description: str = ""
    ) -> tuple[Client, str]:
        """One more secret, told only now; the others go on working. It ends after `seconds`, or
        never when 0. LimitReached when there are as many as there may be.
        """
        check_secret(client, seconds, description)
        live = living(client, self.clock.now())
        if len(live) >= MAX_SECRETS:
            raise LimitReached(f"A client has at most {MAX_SECRETS} secrets; revoke one first")
        text, secret = new_secret(self.clock.now(), seconds, description)
        changed = replace(client, secrets=(*live, secret))
        after = {"secrets": len(changed.secrets), "added": secret.id}
        entry = audit(self.clock, caller, "add-secret", "client", client.client_id, after=after)
        self.records.commit(Replace(changed), entry)
        return replace(changed, stamp=client.stamp + 1), text

    def revoke(self, caller: Caller, client: Client, secret_id: str) -> Client:
        """The client without this secret, and without those that expired; NotFound.

        Tokens that it got stay valid, so that a rotation interrupts nobody. The last one may go
        too: nobody gets tokens until there is a new one.
        """
        live = living(client, self.clock.now())
        left = tuple(one for one in live if one.id != secret_id)
        if len(left) == len(live):
            raise NotFound("Secret", secret_id)
        changed = replace(client, secrets=left)
        before = {"secrets": len(live), "revoked": secret_id}
        entry = audit(
            self.clock, caller, "revoke-secret", "client", client.client_id, before=before
        )
        self.records.commit(Replace(changed), entry)
        return replace(changed, stamp=client.stamp + 1)

    def regenerate(self, caller: Caller, client: Client) -> tuple[Client, str]:
        """One new secret in place of all others; tokens that were issued before no longer hold."""
        check_secret(client, 0, "")
        text, secret = new_secret(self.clock.now())
        changed = replace(client, secrets=(secret,))
        # A token of this very second may already be one that the new secret got.
        ends = ended(client, self.clock.now(), since=int(self.clock.now()) - 1)
        entry = audit(self.clock, caller, "regenerate-secret", "client", client.client_id)
        self.records.commit(Replace(changed), ends, entry)
        return replace(changed, stamp=client.stamp + 1), text
