"""Dynamic client registration: `/oauth2/register` (RFC 7591), and a registration's own address
below it (RFC 7592).
"""

import json
from collections.abc import Mapping
from typing import Any

from functions.token.answers import answer
from functions.token.errors import OAuthError, TooLargeBody
from functions.token.registrars import CHALLENGE, registrar
from functions.token.requests import JSON, MAX_BODY, Request, is_text
from functions.token.wiring import Wiring
from portico.domain.application import Client
from portico.domain.errors import Forbidden, LimitReached, Unauthenticated
from portico.domain.grant_types import offered
from portico.domain.tenant import SUPER_TENANT
from portico.domain.user import Caller
from portico.services.client_metadata import ClientMetadata, InvalidMetadata, read, told_of
from portico.services.registering_clients import Registering

BEARER = 'Bearer realm="portico", error="invalid_token"'
# What only we say, so that no update may contain it (RFC 7592 section 2.2).
OURS = (
    "registration_access_token",
    "registration_client_uri",
    "client_secret_expires_at",
    "client_id_issued_at",
)


def create(request: Request, wiring: Wiring) -> dict[str, Any]:
    """A new client, its secret and its registration access token, told only now."""
    try:
        caller = _initial(request, wiring)
    except Unauthenticated as exc:
        return _refused(401, "invalid_token", str(exc), CHALLENGE)
    except Forbidden as exc:
        return _refused(403, "insufficient_scope", str(exc))
    made = _registering(wiring)
    try:
        found = made.register(caller, _metadata(_body(request), caller.tenant, wiring))
    except InvalidMetadata as exc:
        return _refused(400, exc.error, str(exc))
    except LimitReached as exc:
        return _refused(403, "access_denied", str(exc))
    return answer(201, _told(found.client, wiring, found.token, found.secret))


def show(request: Request, wiring: Wiring) -> dict[str, Any]:
    """The registration, without the secret: that is told once."""
    try:
        client, token = _itself(request, wiring)
    except Unauthenticated as exc:
        return _refused(401, "invalid_token", str(exc), BEARER)
    return answer(200, _told(client, wiring, token))


def update(request: Request, wiring: Wiring) -> dict[str, Any]:
    """Other metadata in place of all that there was; a secret only where a new one was needed."""
    try:
        client, token = _itself(request, wiring)
    except Unauthenticated as exc:
        return _refused(401, "invalid_token", str(exc), BEARER)
    try:
        body = _body(request)
        _check_update(body, client)
        metadata = _metadata(body, client.tenant, wiring)
        found = _registering(wiring).replace(client, metadata, str(body.get("client_secret") or ""))
    except InvalidMetadata as exc:
        return _refused(400, exc.error, str(exc))
    return answer(200, _told(found.client, wiring, token, found.secret))


def remove(request: Request, wiring: Wiring) -> dict[str, Any]:
    """The client is gone, and with it its tokens."""
    try:
        client, _ = _itself(request, wiring)
    except Unauthenticated as exc:
        return _refused(401, "invalid_token", str(exc), BEARER)
    _registering(wiring).remove(client)
    return answer(204, None)


def _initial(request: Request, wiring: Wiring) -> Caller:
    """Who registers: a user, or nobody where the tenant's registration is open to all."""
    if "authorization" not in request.headers and wiring.rules(request.tenant).open_registration:
        return Caller(request.tenant, "")
    return registrar(request, wiring)


def _itself(request: Request, wiring: Wiring) -> tuple[Client, str]:
    """The client of the address, which shows its registration access token (RFC 6750)."""
    scheme, _, token = request.headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("The registration access token is needed")
    client_id = request.path.rpartition("/")[2]
    return _registering(wiring).show(request.tenant, client_id, token.strip()), token.strip()


def _registering(wiring: Wiring) -> Registering:
    return Registering(wiring.records, wiring.clock)


def _metadata(body: Mapping[str, Any], tenant: str, wiring: Wiring) -> ClientMetadata:
    return read(body, offered(wiring.rules(tenant)))


def _body(request: Request) -> dict[str, Any]:
    if len(request.body) > MAX_BODY:
        raise TooLargeBody(f"The body has more than {MAX_BODY} bytes")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        raise OAuthError("invalid_request", f"The content type must be {JSON}")
    try:
        found = json.loads(request.body.decode(), object_pairs_hook=_once)
        whole = is_text(json.dumps(found, ensure_ascii=False))
    except (ValueError, RecursionError) as exc:
        raise OAuthError("invalid_request", "The body is not well-formed JSON") from exc
    if not isinstance(found, dict) or not whole:
        raise OAuthError("invalid_request", "The body must be a JSON object")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a member comes twice")
    return found


def _check_update(body: Mapping[str, Any], client: Client) -> None:
    if body.get("client_id") != client.client_id:
        raise InvalidMetadata("client_id: must be that of the client")
    for name in OURS:
        if name in body:
            raise InvalidMetadata(f"{name}: may not be in an update (RFC 7592 section 2.2)")
    if not isinstance(body.get("client_secret", ""), str | None):
        raise InvalidMetadata("client_secret: must be a text")


def _told(client: Client, wiring: Wiring, token: str, secret: str = "") -> dict[str, Any]:
    """The client information response (RFC 7591 section 3.2.1, RFC 7592 section 3)."""
    path = "" if client.tenant == SUPER_TENANT else f"/t/{client.tenant}"
    told = {
        "client_id": client.client_id,
        "client_id_issued_at": client.created,
        "registration_access_token": token,
        "registration_client_uri": f"{wiring.url}{path}/oauth2/register/{client.client_id}",
        **told_of(client),
    }
    if secret:
        told |= {"client_secret": secret, "client_secret_expires_at": 0}
    return told


def _refused(status: int, code: str, text: str, challenge: str = "") -> dict[str, Any]:
    headers = {"WWW-Authenticate": challenge} if challenge else {}
    ascii_text = text.encode("ascii", "replace").decode().replace('"', "'").replace("\\", "/")
    return answer(status, {"error": code, "error_description": ascii_text[:500]}, headers)
