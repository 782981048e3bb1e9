"""Signing keys, made once: private halves in Secrets Manager, public halves in the Gateway table.

Not their rotation.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from botocore.exceptions import ClientError

from portico.domain.errors import LostRace, Unavailable
from portico.domain.gateway import PublicKeys
from portico.domain.records import Replace
from portico.ports import Clock, Records
from portico.tokens.keys import ES256, RS256, generate, public_jwk, signing_keys

if TYPE_CHECKING:
    from types_boto3_secretsmanager import SecretsManagerClient

EVERY_TENANT = "*"
ATTEMPTS = 5
T = TypeVar("T")


class UnreadableSecret(Exception):
    """A secret holds something that is neither keys nor nothing; it is never overwritten."""


class Vault(Protocol):
    """Secrets by ARN or name."""

    def read(self, name: str) -> str | None:
        """The current value; None when the secret has none yet."""

    def write(self, name: str, value: str) -> None: ...


@dataclass(frozen=True)
class SecretsVault:
    """The Vault in Secrets Manager."""

    client: "SecretsManagerClient"

    def read(self, name: str) -> str | None:
        try:
            return self.client.get_secret_value(SecretId=name).get("SecretString")
        except self.client.exceptions.ResourceNotFoundException:
            # Also what a secret without any version answers; one that is not there at all
            # refuses the write.
            return None
        except ClientError as exc:
            raise Unavailable(
                f"The secret could not be read ({exc.response['Error']['Code']})"
            ) from exc

    def write(self, name: str, value: str) -> None:
        try:
            self.client.put_secret_value(SecretId=name, SecretString=value)
        except ClientError as exc:
            raise Unavailable(
                f"The secret could not be written ({exc.response['Error']['Code']})"
            ) from exc


@dataclass(frozen=True)
class SigningKeys:
    """The keys of a deployment: RSA for access tokens, EC for the backend JWT."""

    vault: Vault
    records: Records
    clock: Clock
    access_secret: str
    backend_secret: str

    def ensure(self) -> list[str]:
        """Make the keys that are missing and publish the public halves; the ids of keys made now.

        Raises UnreadableSecret when a secret holds something else than keys.
        """
        made = [
            *self._make(self.access_secret, RS256),
            *self._make(self.backend_secret, ES256),
        ]
        for _ in range(ATTEMPTS - 1):
            try:
                self._publish()
            except LostRace:
                continue
            return made
        self._publish()
        return made

    def _make(self, secret: str, alg: str) -> list[str]:
        if _has_keys(self.vault.read(secret)):
            return []
        entry = generate(alg, int(self.clock.now()))
        self.vault.write(secret, json.dumps({"keys": [entry]}))
        return [str(entry["kid"])]

    def _publish(self) -> None:
        # The record before the secrets: when another run writes keys in between, its record
        # makes ours lose the race.
        old = self.records.get(PublicKeys, tenant=EVERY_TENANT) or PublicKeys(
            tenant=EVERY_TENANT, keys=[]
        )
        access = self._public(self.access_secret)
        new = PublicKeys(
            tenant=EVERY_TENANT,
            keys=[*access, *self._public(self.backend_secret)],
            access=tuple(str(jwk["kid"]) for jwk in access),
            stamp=old.stamp,
        )
        if new != old:
            self.records.commit(Replace(new))

    def _public(self, secret: str) -> list[dict[str, Any]]:
        value = self.vault.read(secret)
        if value is None or not _has_keys(value):
            raise Unavailable("The keys that were just written cannot be read yet")
        return [public_jwk(key) for key in _readable(lambda: signing_keys(value))]


def _has_keys(value: str | None) -> bool:
    """Whether a secret has keys; an empty object or list is a placeholder."""
    if value is None or not value.strip():
        return False
    content = _readable(lambda: json.loads(value))
    if not isinstance(content, dict) or content.keys() - {"keys"}:
        raise UnreadableSecret(
            "A secret for signing keys holds something else; empty or remove its value by hand"
        )
    return bool(content.get("keys"))


def _readable(read: Callable[[], T]) -> T:
    try:
        return read()
    except (ValueError, KeyError, TypeError, AttributeError):
        # Without its cause: the message could quote the secret.
        raise UnreadableSecret(
            "A secret for signing keys holds something that is not keys"
        ) from None
