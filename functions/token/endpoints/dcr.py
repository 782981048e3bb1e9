"""Registration of REST clients: WSO2's DCR contract, `/client-registration/v0.17/register`, and a
client's own address below it for its owner and administrators.

Clients of any kind register by RFC 7591, in `register`.
"""

from dataclasses import replace
from typing import Any

from functions.token.answers import answer
from functions.token.dcr_bodies import (
    UNUSED_CALLBACK,
    Registration,
    check_callbacks,
    registration,
    result,
)
from functions.token.registrars import registrar
from functions.token.requests import Request
from functions.token.wiring import Wiring
from portico.domain.application import Client
from portico.domain.errors import Forbidden, InvalidInput, NotFound
from portico.domain.records import Change, Create, Discard
from portico.domain.user import ADMIN, Caller
from portico.services.clients import name_of

DEFAULT_GRANTS = ("client_credentials",)


def serve(request: Request, wiring: Wiring) -> dict[str, Any]:
    """The client of this name and owner with a secret; 200 for a new and for a known one."""
    caller = registrar(request, wiring)
    asked = registration(request.body)
    if asked.name is None:
        raise InvalidInput.of("clientName", "must have 1 to 150 characters")
    grant_types = asked.grant_types or DEFAULT_GRANTS
    check_callbacks(grant_types, asked.callbacks or ())
    client, secret = wiring.clients.register(
        caller,
        asked.name,
        _owner(asked.owner, caller, wiring),
        grant_types,
        asked.redirect_uris(),
        opaque=bool(asked.opaque),
        metadata=_metadata(asked),
    )
    return answer(200, result(client, secret))


def show(request: Request, wiring: Wiring) -> dict[str, Any]:
    """A client without its secrets."""
    return answer(200, result(_client(request, registrar(request, wiring), wiring)))


def update(request: Request, wiring: Wiring) -> dict[str, Any]:
    """The client with what the body names changed; its secrets stay, and so does its owner."""
    caller = registrar(request, wiring)
    client, asked = _client(request, caller, wiring), registration(request.body)
    if client.management:
        raise Forbidden("This client looks after its own registration, at /oauth2/register")
    if asked.owner and wiring.accounts.resolve(asked.owner, caller.tenant) != (
        client.tenant,
        client.owner,
    ):
        raise InvalidInput.of("owner", "cannot be changed")
    changed = _changed(client, asked)
    renaming: list[Change] = []
    if name_of(changed) != name_of(client):
        renaming = [Create(name_of(changed)), Discard(name_of(client))]
    return answer(200, result(wiring.clients.save(caller, client, changed, *renaming)))


def remove(request: Request, wiring: Wiring) -> dict[str, Any]:
    """The client is gone, and with it its tokens."""
    caller = registrar(request, wiring)
    wiring.clients.remove(caller, _client(request, caller, wiring))
    return answer(204, None)


def _client(request: Request, caller: Caller, wiring: Wiring) -> Client:
    """The client of the address if it is the caller's or the caller administers; else NotFound, as
    for one that is not there. Keys of applications belong to the developer portal.
    """
    client_id = request.path.rpartition("/")[2]
    client = wiring.clients.find(client_id, caller.tenant)
    if (
        client is None
        or client.tenant != caller.tenant
        or client.application_id
        or (client.owner != caller.user and ADMIN not in caller.roles)
    ):
        raise NotFound("Client", client_id[:100])
    return client


def _changed(client: Client, asked: Registration) -> Client:
    changed = replace(
        client,
        name=asked.name or client.name,
        grant_types=asked.grant_types or client.grant_types,
        opaque=client.opaque if asked.opaque is None else asked.opaque,
    )
    if asked.callbacks is not None:
        metadata = {name: one for name, one in client.metadata.items() if name != UNUSED_CALLBACK}
        changed = replace(
            changed, redirect_uris=asked.redirect_uris(), metadata=metadata | _metadata(asked)
        )
    check_callbacks(changed.grant_types, asked.callbacks or changed.redirect_uris)
    return changed


def _metadata(asked: Registration) -> dict[str, str]:
    unused = [uri for uri in asked.callbacks or () if uri not in asked.redirect_uris()]
    return {UNUSED_CALLBACK: " ".join(unused)} if unused else {}


def _owner(asked: str, caller: Caller, wiring: Wiring) -> str:
    if not asked:
        return caller.user
    tenant, name = wiring.accounts.resolve(asked, caller.tenant)
    if (tenant, name) == (caller.tenant, caller.user):
        return name
    if ADMIN not in caller.roles or tenant != caller.tenant:
        raise Forbidden("Only an administrator may register a client for somebody else")
    try:
        return wiring.accounts.get(tenant, name).name
    except NotFound as exc:
        raise InvalidInput.of("owner", "there is no such user") from exc
