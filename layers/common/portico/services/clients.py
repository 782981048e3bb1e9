"""OAuth clients: an application's keys of one type, and the clients of the REST APIs.

Consumer secrets are random, so a SHA-256 of each is what is stored (RFC 6819 section 5.1.4.1.3).
"""

import hashlib
import hmac
import re
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from portico.domain.application import Client, ClientHome, ClientName, KeyType, Secret
from portico.domain.errors import AlreadyExists, LostRace, NotFound, Unauthenticated
from portico.domain.gateway import GatewayClient, Revocation
from portico.domain.records import Change, Create, Discard, Put, Remove, Replace
from portico.domain.tenant import SUPER_TENANT
from portico.domain.user import Caller
from portico.ports import Clock, Records
from portico.services.auditing import audit

CLIENT_ID = re.compile(r"[\x21-\x7e]{1,255}")
MAX_SECRETS = 20  # of one client; the oldest makes room
LONGEST_TOKEN = 604_800  # seconds; a token may be older than the client's present validity
TRIES = 5


def digest(secret: str) -> str:
    """What is stored of a random secret: its SHA-256, in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True)
class Clients:
    """The clients of all tenants; those of an application belong to its owner."""

    records: Records
    clock: Clock

    def prepare(
        self,
        tenant: str,
        name: str,
        owner: str,
        grant_types: Sequence[str],
        *,
        client_id: str = "",
        redirect_uris: Sequence[str] = (),
        application_id: str = "",
        key_type: str = KeyType.PRODUCTION,
        key_mapping_id: str = "",
        token_validity: int = 3600,
        refresh_validity: int = 86400,
    ) -> tuple[Client, str, list[Change]]:
        """A new client, its secret in clear (never again told), and what to commit for it."""
        text, secret = self._secret()
        client = Client(
            tenant=tenant,
            client_id=client_id or secrets.token_urlsafe(21),
            name=name,
            owner=owner,
            secrets=(secret,),
            grant_types=tuple(dict.fromkeys(grant_types)),
            redirect_uris=tuple(redirect_uris),
            application_id=application_id,
            application_owner=owner if application_id else "",
            key_type=key_type,
            key_mapping_id=key_mapping_id,
            token_validity=token_validity,
            refresh_validity=refresh_validity,
            created=int(self.clock.now()),
        )
        return client, text, [Create(client), *(Create(one) for one in _companions(client))]

    def create(
        self, caller: Caller, name: str, grant_types: Sequence[str], **more: str | int
    ) -> tuple[Client, str]:
        """A new client of the caller's, written at once; the keywords are those of `prepare`."""
        client, text, changes = self.prepare(
            caller.tenant,
            name,
            caller.user,
            grant_types,
            **more,  # type: ignore[arg-type]
        )
        entry = audit(
            self.clock, caller, "create", "client", client.client_id, after={"name": name}
        )
        self.records.commit(*changes, entry)
        return replace(client, stamp=1), text

    def register(
        self,
        caller: Caller,
        name: str,
        owner: str,
        grant_types: Sequence[str],
        redirect_uris: Sequence[str] = (),
    ) -> tuple[Client, str]:
        """The owner's REST client of this name and a secret of it: made, or one secret more.

        The first registration decides about grant types and redirect URIs, as WSO2's does. Only
        digests are kept, so the earlier secrets cannot be told again; they go on working.
        """
        for _ in range(TRIES):
            known = self.records.get(ClientName, tenant=caller.tenant, owner=owner, name=name)
            try:
                if known:
                    return self.add_secret(caller, self.get(caller.tenant, known.client_id))
                client, text, changes = self.prepare(
                    caller.tenant, name, owner, grant_types, redirect_uris=redirect_uris
                )
                claim = ClientName(
                    tenant=caller.tenant, owner=owner, name=name, client_id=client.client_id
                )
                told = {"name": name, "owner": owner, "grant_types": list(client.grant_types)}
                entry = audit(self.clock, caller, "create", "client", client.client_id, after=told)
                self.records.commit(*changes, Create(claim), entry)
                return replace(client, stamp=1), text
            except (AlreadyExists, LostRace, NotFound):
                continue  # registered, or removed, at the same moment by somebody else
        raise LostRace(f"The client '{name}' is being changed by others")

    def find(self, client_id: str, home: str = SUPER_TENANT) -> Client | None:
        """The client with this consumer key, of whatever tenant; looked for in `home` first."""
        if not CLIENT_ID.fullmatch(client_id):
            return None
        client = self.records.get(Client, tenant=home, client_id=client_id)
        if client:
            return client
        pointer = self.records.get(ClientHome, tenant="*", client_id=client_id)
        other = pointer.home if pointer else SUPER_TENANT
        return (
            None if other == home else self.records.get(Client, tenant=other, client_id=client_id)
        )

    def get(self, tenant: str, client_id: str) -> Client:
        """The tenant's client with this consumer key; NotFound otherwise."""
        client = self.records.get(Client, tenant=tenant, client_id=client_id)
        if client is None:
            raise NotFound("Client", client_id)
        return client

    def authenticate(self, client_id: str, secret: str, home: str = SUPER_TENANT) -> Client:
        """The client with this key and secret; Unauthenticated otherwise."""
        client = self.find(client_id, home)
        given, now = digest(secret), self.clock.now()
        fitting = [
            one
            for one in (client.secrets if client else ())
            if hmac.compare_digest(one.digest, given) and (not one.expires or one.expires > now)
        ]
        if client is None or not fitting:
            raise Unauthenticated("The client is unknown or its secret is wrong")
        return client

    def change(
        self,
        caller: Caller,
        client: Client,
        *,
        grant_types: Sequence[str] | None = None,
        redirect_uris: Sequence[str] | None = None,
        token_validity: int | None = None,
        refresh_validity: int | None = None,
    ) -> Client:
        """The client with what is given changed; LostRace when it was changed meanwhile."""
        changed = replace(
            client,
            grant_types=client.grant_types if grant_types is None else tuple(grant_types),
            redirect_uris=client.redirect_uris if redirect_uris is None else tuple(redirect_uris),
            token_validity=client.token_validity if token_validity is None else token_validity,
            refresh_validity=client.refresh_validity
            if refresh_validity is None
            else refresh_validity,
        )
        before = {"grant_types": list(client.grant_types), "validity": client.token_validity}
        after = {"grant_types": list(changed.grant_types), "validity": changed.token_validity}
        entry = audit(self.clock, caller, "update", "client", client.client_id, before, after)
        self.records.commit(Replace(changed), entry)
        return replace(changed, stamp=client.stamp + 1)

    def add_secret(self, caller: Caller, client: Client) -> tuple[Client, str]:
        """One more secret; the others go on working, but for the oldest of too many."""
        text, secret = self._secret()
        changed = replace(client, secrets=(*client.secrets, secret)[-MAX_SECRETS:])
        after = {"secrets": len(changed.secrets), "added": secret.id}
        entry = audit(self.clock, caller, "add-secret", "client", client.client_id, after=after)
        self.records.commit(Replace(changed), entry)
        return replace(changed, stamp=client.stamp + 1), text

    def regenerate_secret(self, caller: Caller, client: Client) -> tuple[Client, str]:
        """One new secret in place of all others; tokens that were issued before no longer hold."""
        text, secret = self._secret()
        changed = replace(client, secrets=(secret,))
        # A token of this very second may already be one that the new secret got.
        ended = _ended(client, self.clock.now(), since=int(self.clock.now()) - 1)
        entry = audit(self.clock, caller, "regenerate-secret", "client", client.client_id)
        self.records.commit(Replace(changed), ended, entry)
        return replace(changed, stamp=client.stamp + 1), text

    def removal(self, client: Client) -> list[Change]:
        """What to commit for a client to be gone, and every token of it refused."""
        name = ClientName(tenant=client.tenant, owner=client.owner, name=client.name, client_id="")
        gone = [*_companions(client), *([] if client.application_id else [name])]
        return [Remove(client), *map(Discard, gone), _ended(client, self.clock.now())]

    def remove(self, caller: Caller, client: Client) -> None:
        """Remove a client and revoke its tokens."""
        before = {"name": client.name, "owner": client.owner}
        entry = audit(self.clock, caller, "delete", "client", client.client_id, before=before)
        self.records.commit(*self.removal(client), entry)

    def _secret(self) -> tuple[str, Secret]:
        text = secrets.token_urlsafe(24)
        return text, Secret(str(uuid.uuid4()), digest(text), int(self.clock.now()))


def _companions(client: Client) -> list[GatewayClient | ClientHome]:
    """Records that exist as long as the client: for the authorizer, and to find it by its key."""
    found: list[GatewayClient | ClientHome] = []
    if client.application_id:
        found.append(
            GatewayClient(
                tenant=client.tenant,
                client_id=client.client_id,
                application_id=client.application_id,
                key_type=client.key_type,
            )
        )
    if client.tenant != SUPER_TENANT:
        found.append(ClientHome(tenant="*", client_id=client.client_id, home=client.tenant))
    return found


def _ended(client: Client, now: float, since: int = 0) -> Put:
    """Revokes the client's tokens, those issued up to `since` or all, until the last expired."""
    return Put(
        Revocation(
            tenant=client.tenant,
            subject=f"client:{client.client_id}",
            expires=int(now) + max(client.token_validity, LONGEST_TOKEN),
            since=since,
        )
    )
