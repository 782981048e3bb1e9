"""OAuth clients: an application's keys of one type, the clients of the REST APIs, and those that
registered themselves.

What registrations may ask for is `registering_clients`' business.
"""

import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from portico.domain.application import Client, ClientHome, ClientName, KeyType
from portico.domain.errors import AlreadyExists, LostRace, NotFound, Unauthenticated
from portico.domain.gateway import GatewayClient
from portico.domain.records import Change, Create, Discard, Remove, Replace
from portico.domain.tenant import SUPER_TENANT
from portico.domain.user import Caller
from portico.ports import Clock, Records
from portico.services.auditing import audit
from portico.services.client_secrets import LONGEST_TOKEN as LONGEST_TOKEN
from portico.services.client_secrets import (
    MAX_SECRETS,
    SECRETLESS,
    ConsumerSecrets,
    ended,
    kept,
    living,
    new_secret,
)
from portico.services.client_secrets import digest as digest

CLIENT_ID = re.compile(r"[\x21-\x7e]{1,255}")
TRIES = 5


@dataclass(frozen=True)
class Clients:
    """The clients of all tenants; those of an application belong to its owner."""

    records: Records
    clock: Clock

    @property
    def secrets(self) -> ConsumerSecrets:
        """Their secrets, one by one."""
        return ConsumerSecrets(self.records, self.clock)

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
        more: Mapping[str, Any] | None = None,
    ) -> tuple[Client, str, list[Change]]:
        """A new client, its secret in clear (never again told), and what to commit for it.

        `more` are further fields of the client. One that proves itself without a secret has none:
        the text is empty.
        """
        more = more or {}
        text, secret = new_secret(self.clock.now())
        secretless = more.get("auth_method") in SECRETLESS
        client = Client(
            tenant=tenant,
            client_id=client_id or secrets.token_urlsafe(21),
            name=name,
            owner=owner,
            secrets=() if secretless else (secret,),
            grant_types=tuple(dict.fromkeys(grant_types)),
            redirect_uris=tuple(redirect_uris),
            application_id=application_id,
            application_owner=owner if application_id else "",
            key_type=key_type,
            key_mapping_id=key_mapping_id,
            token_validity=token_validity,
            refresh_validity=refresh_validity,
            created=int(self.clock.now()),
            **more,
        )
        text = "" if secretless else text
        return client, text, self.additions(client)

    def additions(self, client: Client) -> list[Change]:
        """What to commit for a new client."""
        return [Create(client), *(Create(one) for one in _companions(client))]

    def create(
        self, caller: Caller, name: str, grant_types: Sequence[str], **more: Any
    ) -> tuple[Client, str]:
        """A new client of the caller's, written at once; the keywords are those of `prepare`."""
        client, text, changes = self.prepare(
            caller.tenant,
            name,
            caller.user,
            grant_types,
            **more,
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
        *,
        opaque: bool = False,
        metadata: Mapping[str, Any] | None = None,
    ) -> tuple[Client, str]:
        """The owner's REST client of this name and a secret of it: made, or one secret more.

        The first registration decides about all but the secret, as WSO2's does. Only digests are
        kept, so the earlier secrets cannot be told again; they go on working, but for the oldest of
        too many.
        """
        for _ in range(TRIES):
            known = self.records.get(ClientName, tenant=caller.tenant, owner=owner, name=name)
            try:
                if known:
                    client = self.get(caller.tenant, known.client_id)
                    room = kept(living(client, self.clock.now()), MAX_SECRETS - 1)
                    return self.secrets.add(caller, replace(client, secrets=room))
                client, text, changes = self.prepare(
                    caller.tenant,
                    name,
                    owner,
                    grant_types,
                    redirect_uris=redirect_uris,
                    more={"opaque": opaque, "metadata": dict(metadata or {})},
                )
                told = {"name": name, "owner": owner, "grant_types": list(client.grant_types)}
                entry = audit(self.clock, caller, "create", "client", client.client_id, after=told)
                self.records.commit(*changes, Create(name_of(client)), entry)
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

    def of_owner(self, tenant: str, owner: str) -> list[ClientName]:
        """What finds the clients that a user registered."""
        return self.records.list(ClientName, tenant=tenant, owner=owner)

    def authenticate(self, client_id: str, secret: str, home: str = SUPER_TENANT) -> Client:
        """The client with this key and secret; Unauthenticated otherwise."""
        client = self.find(client_id, home)
        given = digest(secret)
        fitting = [
            one
            for one in (living(client, self.clock.now()) if client else ())
            if hmac.compare_digest(one.digest, given)
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
        return self.save(caller, client, changed)

    def save(
        self, caller: Caller, old: Client, new: Client, *also: Change, action: str = "update"
    ) -> Client:
        """Write the changed client and what goes `also` with it; LostRace when it was changed
        meanwhile.
        """
        entry = audit(
            self.clock, caller, action, "client", old.client_id, _telling(old), _telling(new)
        )
        self.records.commit(Replace(new), *also, entry)
        return replace(new, stamp=old.stamp + 1)

    def removal(self, client: Client) -> list[Change]:
        """What to commit for a client to be gone, and every token of it refused."""
        gone = [*_companions(client), *([] if client.application_id else [name_of(client)])]
        return [Remove(client), *map(Discard, gone), ended(client, self.clock.now())]

    def remove(self, caller: Caller, client: Client) -> None:
        """Remove a client and revoke its tokens."""
        before = {"name": client.name, "owner": client.owner}
        entry = audit(self.clock, caller, "delete", "client", client.client_id, before=before)
        self.records.commit(*self.removal(client), entry)


def name_of(client: Client) -> ClientName:
    """What finds a client by its owner: by its name, or, where several may have the same name, by
    its key in angle brackets, which no name has.
    """
    name = f"<{client.client_id}>" if client.management else client.name
    return ClientName(
        tenant=client.tenant, owner=client.owner, name=name, client_id=client.client_id
    )


def _telling(client: Client) -> dict[str, Any]:
    return {
        "name": client.name,
        "grant_types": list(client.grant_types),
        "redirect_uris": list(client.redirect_uris),
        "validity": client.token_validity,
        "opaque": client.opaque,
        "auth_method": client.auth_method,
    }


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
