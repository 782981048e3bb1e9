"""Clients that register themselves and look after their registration (RFC 7591, RFC 7592).

Who may register is decided by the endpoint; the clients of WSO2's tools are registered in
`clients`.
"""

import hmac
import secrets
from dataclasses import dataclass, replace

from portico.domain.application import Client
from portico.domain.errors import LimitReached, Unauthenticated
from portico.domain.grant_types import CODE, DEVICE, REFRESH
from portico.domain.records import Create
from portico.domain.user import Caller
from portico.ports import Clock, Records
from portico.services.auditing import audit
from portico.services.client_metadata import ClientMetadata, InvalidMetadata
from portico.services.client_secrets import SECRETLESS, digest, new_secret
from portico.services.clients import Clients, name_of

MAX_CLIENTS = 200  # that one user may register
# What a client may do that nobody vouches for: only what a user agrees to on our own pages.
OPEN_GRANTS = (CODE, REFRESH, DEVICE)


@dataclass(frozen=True)
class Registered:
    """A client with what is told once: its secret ('' where it has none or it stays the same), and
    the registration access token.
    """

    client: Client
    secret: str
    token: str


@dataclass(frozen=True)
class Registering:
    """The registrations of all tenants."""

    records: Records
    clock: Clock

    @property
    def _clients(self) -> Clients:
        return Clients(self.records, self.clock)

    def register(self, caller: Caller, metadata: ClientMetadata) -> Registered:
        """A new client of the caller's, each time. Nobody (a caller without a user) gets one that
        acts for users on our pages only.
        """
        if not caller.user and not set(metadata.grant_types) <= set(OPEN_GRANTS):
            text = f"grant_types: without an account only {', '.join(OPEN_GRANTS)}"
            raise InvalidMetadata(text)
        if caller.user:
            self._check_room(caller)
        token = secrets.token_urlsafe(32)
        fields = {**metadata.fields(), "management": digest(token)}
        client, secret, changes = self._clients.prepare(
            caller.tenant,
            metadata.name,
            caller.user,
            fields.pop("grant_types"),
            redirect_uris=fields.pop("redirect_uris"),
            more=fields,
        )
        if not client.name:
            client = replace(client, name=client.client_id)
            changes = self._clients.additions(client)
        after = {"name": client.name, "grant_types": list(client.grant_types)}
        entry = audit(self.clock, caller, "register", "client", client.client_id, after=after)
        self.records.commit(*changes, Create(name_of(client)), entry)
        return Registered(replace(client, stamp=1), secret, token)

    def show(self, tenant: str, client_id: str, token: str) -> Client:
        """The client that the registration access token is for.

        Unauthenticated otherwise, and for a client that is no longer there (RFC 7592 section 2.1).
        """
        client = self._clients.find(client_id, tenant)
        given = digest(token)
        if client is None or not hmac.compare_digest(client.management or "-", given):
            raise Unauthenticated("The registration access token does not hold")
        return client

    def replace(self, client: Client, metadata: ClientMetadata, secret: str = "") -> Registered:
        """The client with this metadata in place of all it had (RFC 7592 section 2.2).

        `secret`, where the client sends one, must be one of its own. A client that now proves
        itself by a secret and had none gets one.
        """
        if not client.owner and not set(metadata.grant_types) <= set(OPEN_GRANTS):
            text = f"grant_types: without an account only {', '.join(OPEN_GRANTS)}"
            raise InvalidMetadata(text)
        if secret:
            self._check_secret(client, secret)
        changed = replace(client, name=metadata.name or client.client_id, **metadata.fields())
        text = ""
        if metadata.auth_method in SECRETLESS:
            changed = replace(changed, secrets=())
        elif not client.secrets:
            text, fresh = new_secret(self.clock.now())
            changed = replace(changed, secrets=(fresh,))
        return Registered(self._clients.save(_itself(client), client, changed), text, "")

    def remove(self, client: Client) -> None:
        """Remove the client and refuse its tokens from now on (RFC 7592 section 2.3)."""
        self._clients.remove(_itself(client), client)

    def _check_secret(self, client: Client, secret: str) -> None:
        try:
            self._clients.authenticate(client.client_id, secret, client.tenant)
        except Unauthenticated:
            text = "client_secret: a client cannot choose its own (RFC 7592 section 2.2)"
            raise InvalidMetadata(text) from None

    def _check_room(self, caller: Caller) -> None:
        if len(self._clients.of_owner(caller.tenant, caller.user)) >= MAX_CLIENTS:
            raise LimitReached(f"A user may register {MAX_CLIENTS} clients; remove one first")


def _itself(client: Client) -> Caller:
    """Who changes a registration by its token: the client, in its owner's name."""
    return Caller(
        client.tenant, client.owner or f"<{client.client_id}>", client_id=client.client_id
    )
