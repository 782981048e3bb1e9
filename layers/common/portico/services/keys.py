"""The keys of an application: one consumer key for PRODUCTION and one for SANDBOX, and tokens for
trying them out.

How clients and their secrets are kept is `clients`' business; tokens come from the token endpoint.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from portico.domain.application import Application, Client, KeyMapping, Secret
from portico.domain.errors import (
    AlreadyExists,
    InvalidInput,
    LostRace,
    NotFound,
    Unauthenticated,
)
from portico.domain.grant_types import CLIENT_CREDENTIALS, offered
from portico.domain.grant_types import GRANT_TYPES as GRANT_TYPES
from portico.domain.records import Create, Remove, Require
from portico.domain.token_rules import TokenRules
from portico.domain.user import Caller
from portico.ports import Clock, Records, TokenEndpoint
from portico.services.application_rules import OPAQUE
from portico.services.applications import Applications
from portico.services.auditing import audit
from portico.services.client_secrets import living
from portico.services.clients import Clients
from portico.services.key_settings import KeySettings as KeySettings
from portico.services.key_settings import settled

ATTEMPTS = 4


@dataclass(frozen=True)
class Key:
    """The keys of one type; the secret is there only when it has just been made. `live` are the
    secrets that have not expired.
    """

    mapping: KeyMapping
    client: Client
    secret: str = ""
    live: tuple[Secret, ...] = ()


@dataclass(frozen=True)
class Token:
    """An access token as the token endpoint gave it; `validity` is in seconds."""

    text: str
    scopes: tuple[str, ...]
    validity: int


@dataclass(frozen=True)
class Keys:
    """Keys of the caller's applications."""

    records: Records
    clock: Clock
    applications: Applications
    clients: Clients
    tokens: TokenEndpoint

    def generate(
        self, caller: Caller, application_id: str, key_type: str, wanted: KeySettings
    ) -> Key:
        """New keys, with their secret for the only time. AlreadyExists when the application has
        keys of this type.
        """
        for attempt in range(ATTEMPTS):
            application = self.applications.show(caller, application_id)
            mapping_id = str(uuid.uuid4())
            bare, secret, _ = self.clients.prepare(
                caller.tenant,
                f"{caller.user}_{application.name}_{key_type}",
                caller.user,
                (),
                application_id=application.id,
                key_type=key_type,
                key_mapping_id=mapping_id,
                more={"opaque": application.token_type == OPAQUE},
            )
            client = settled(bare, wanted, self.offered(caller.tenant))
            mapping = KeyMapping(
                tenant=caller.tenant,
                application_id=application.id,
                key_type=key_type,
                id=mapping_id,
                client_id=client.client_id,
            )
            entry = audit(
                self.clock,
                caller,
                "generate-keys",
                "application",
                application.id,
                after={"key_type": key_type, "client": client.client_id},
            )
            try:
                # A removal of the application at this moment either sees the keys or prevents them.
                self.records.commit(
                    Create(mapping), *self.clients.additions(client), Require(application), entry
                )
            except AlreadyExists:
                raise AlreadyExists(f"'{application.name}' has {key_type} keys already") from None
            except LostRace:
                if attempt == ATTEMPTS - 1:
                    raise
            else:
                made = replace(client, stamp=1)
                told = secret if made.secrets else ""
                return self._key(replace(mapping, stamp=1), made, told)
        raise AssertionError("the last attempt returns or raises")

    def all(self, caller: Caller, application_id: str) -> list[Key]:
        """The keys of an application, without secrets."""
        application = self.applications.show(caller, application_id)
        return [
            self._key(mapping, client)
            for mapping in self._mappings(application)
            if (client := self._client(mapping))
        ]

    def show(self, caller: Caller, application_id: str, key: str) -> Key:
        """The keys with this mapping id or of this type; NotFound."""
        for found in self.all(caller, application_id):
            if key in (found.mapping.id, found.mapping.key_type):
                return found
        raise NotFound("Key", key)

    def change(self, caller: Caller, application_id: str, key: str, wanted: KeySettings) -> Key:
        """The keys with other settings. A client that becomes public has no secret any more, and
        one that becomes confidential needs a new one.
        """
        found = self.show(caller, application_id, key)
        changed = settled(found.client, wanted, self.offered(caller.tenant))
        return self._key(found.mapping, self.clients.save(caller, found.client, changed))

    def offered(self, tenant: str) -> tuple[str, ...]:
        """The grant types that keys may have."""
        return offered(self.records.get(TokenRules, tenant=tenant) or TokenRules(tenant=tenant))

    def add_secret(
        self,
        caller: Caller,
        application_id: str,
        key: str,
        seconds: int = 0,
        description: str = "",
    ) -> Key:
        """One more secret, told only now and the last of `live`; 0 seconds are for ever."""
        found = self.show(caller, application_id, key)
        client, secret = self.clients.secrets.add(caller, found.client, seconds, description)
        return self._key(found.mapping, client, secret)

    def revoke_secret(self, caller: Caller, application_id: str, key: str, secret_id: str) -> Key:
        """The keys without this secret; NotFound. Tokens that it got stay valid."""
        found = self.show(caller, application_id, key)
        return self._key(
            found.mapping, self.clients.secrets.revoke(caller, found.client, secret_id)
        )

    def regenerate_secret(self, caller: Caller, application_id: str, key: str) -> Key:
        """A new secret, told only now; all others and the tokens they got hold no longer."""
        found = self.show(caller, application_id, key)
        client, secret = self.clients.secrets.regenerate(caller, found.client)
        return self._key(found.mapping, client, secret)

    def remove(self, caller: Caller, application_id: str, key: str) -> None:
        """Remove the keys; every token of them is refused from then on."""
        found = self.show(caller, application_id, key)
        entry = audit(
            self.clock,
            caller,
            "remove-keys",
            "application",
            application_id,
            before={"key_type": found.mapping.key_type, "client": found.client.client_id},
        )
        self.records.commit(Remove(found.mapping), *self.clients.removal(found.client), entry)

    def token(
        self,
        caller: Caller,
        application_id: str,
        key: str,
        secret: str,
        scopes: Sequence[str] = (),
        validity: int | None = None,
        revoke: str = "",
    ) -> Token:
        """An access token for the application itself, got with the consumer secret that the caller
        gives.

        Only a digest of the secret is stored, so without it there is no token: InvalidInput.
        `revoke` is an earlier token that the new one takes the place of.
        """
        found = self.show(caller, application_id, key)
        if not secret:
            raise InvalidInput.of(
                "consumerSecret", "is needed; a lost one is replaced by regenerate-secret"
            )
        if CLIENT_CREDENTIALS not in found.client.grant_types:
            raise InvalidInput.of(
                "grantType", "these keys may not use the grant client_credentials"
            )
        try:
            self.clients.authenticate(found.client.client_id, secret, caller.tenant)
            if revoke:
                self.tokens.revoke(found.client.client_id, secret, revoke)
            text, granted, seconds = self.tokens.client_credentials(
                found.client.client_id, secret, scopes, validity
            )
        except Unauthenticated:
            raise InvalidInput.of("consumerSecret", "does not belong to these keys") from None
        return Token(text, granted, seconds)

    def _mappings(self, application: Application) -> list[KeyMapping]:
        return self.records.list(
            KeyMapping, tenant=application.tenant, application_id=application.id
        )

    def _client(self, mapping: KeyMapping) -> Client | None:
        return self.records.get(Client, tenant=mapping.tenant, client_id=mapping.client_id)

    def _key(self, mapping: KeyMapping, client: Client, secret: str = "") -> Key:
        return Key(mapping, client, secret, living(client, self.clock.now()))
