"""Registration of REST clients: WSO2's DCR contract, `/client-registration/v0.17/register`."""

import json
import re
from dataclasses import dataclass
from typing import Any

from functions.token.answers import answer
from functions.token.endpoints.credentials import basic
from functions.token.errors import TooLargeBody
from functions.token.requests import MAX_BODY, Request, is_text
from functions.token.wiring import Wiring
from portico.domain.application import Client
from portico.domain.errors import Forbidden, InvalidInput, NotFound, Problem, Unauthenticated
from portico.domain.tenant import shown_user
from portico.domain.user import ADMIN, Caller

FIELDS = (
    "callbackUrl",
    "clientName",
    "owner",
    "grantType",
    "saasApp",
    "tokenType",
    "userstoreDomainInSubject",
)
# What WSO2's own clients send although the contract does not list it.
ALIASES = {"callBackURL": "callbackUrl", "redirectUris": "callbackUrl"}
NAME = re.compile(r"[^\x00-\x1f\x7f<>]{1,150}")
GRANT_TYPE = re.compile(r"[A-Za-z0-9:._-]{1,100}")
DEFAULT_GRANTS = ("client_credentials",)


@dataclass(frozen=True)
class Registration:
    """What the body asks for."""

    name: str
    owner: str
    grant_types: tuple[str, ...]
    redirect_uris: tuple[str, ...]
    token_type: str


def serve(request: Request, wiring: Wiring) -> dict[str, Any]:
    """The client of this name and owner with a secret; 200 for a new and for a known one."""
    caller = _caller(request, wiring)
    asked = _registration(request.body)
    owner = _owner(asked.owner, caller, wiring)
    client, secret = wiring.clients.register(
        caller, asked.name, owner, asked.grant_types, asked.redirect_uris
    )
    return answer(200, _body(client, secret, asked.token_type))


def _caller(request: Request, wiring: Wiring) -> Caller:
    found = basic(request.headers.get("authorization", ""))
    if found is None:
        raise Unauthenticated("HTTP Basic with a user name and a password is needed")
    tenant, name = wiring.accounts.resolve(found[0], request.tenant)
    user = wiring.accounts.authenticate(tenant, name, found[1], request.address)
    return Caller(tenant, user.name, user.roles)


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


def _registration(body: bytes) -> Registration:
    fields = _fields(body)
    texts = {name: _text(name, fields.get(name)) for name in ("clientName", "owner", "tokenType")}
    grant_types = tuple(_words("grantType", fields.get("grantType"))) or DEFAULT_GRANTS
    redirect_uris = tuple(_words("callbackUrl", fields.get("callbackUrl")))
    problems = [
        Problem("grantType", f"'{one[:100]}' is not a grant type")
        for one in grant_types
        if not GRANT_TYPE.fullmatch(one)
    ]
    if not NAME.fullmatch(texts["clientName"]):
        problems.append(Problem("clientName", "must have 1 to 150 characters"))
    if len(grant_types) > 20:
        problems.append(Problem("grantType", "names more than 20 grant types"))
    if problems:
        raise InvalidInput("The client cannot be registered", problems)
    return Registration(
        texts["clientName"],
        texts["owner"],
        grant_types,
        redirect_uris,
        texts["tokenType"] or "JWT",
    )


def _fields(body: bytes) -> dict[str, Any]:
    if len(body) > MAX_BODY:
        raise TooLargeBody(f"The body has more than {MAX_BODY} bytes")
    try:
        found: Any = json.loads(body.decode())
    except (ValueError, RecursionError) as exc:
        raise InvalidInput.of("body", "is not well-formed JSON") from exc
    if not isinstance(found, dict):
        raise InvalidInput.of("body", "must be a JSON object")
    fields = {ALIASES.get(str(name), str(name)): value for name, value in found.items()}
    unknown = [name for name in fields if name not in FIELDS]
    if unknown:
        problems = [Problem(name[:100], "is not a field of a registration") for name in unknown]
        raise InvalidInput(f"Unknown fields: {', '.join(unknown)[:500]}", problems)
    return fields


def _text(name: str, value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > 1000 or not is_text(value):
        raise InvalidInput.of(name, "must be a string of at most 1000 characters")
    return value.strip()


def _words(name: str, value: Any) -> list[str]:
    """Words of a text, as the contract has it, or of a list, as some clients send it."""
    if isinstance(value, list):
        return [_text(name, one) for one in value]
    return _text(name, value).split()


def _body(client: Client, secret: str, token_type: str) -> dict[str, Any]:
    """The contract's `DCRResult`."""
    uris, grants = " ".join(client.redirect_uris), " ".join(client.grant_types)
    known = {
        "grant_types": grants,
        "redirect_uris": uris,
        "client_name": client.name,
    }
    return {
        "clientId": client.client_id,
        "clientName": client.name,
        "clientSecret": secret,
        "callbackUrl": uris,
        "isSaasApplication": "true",  # text, in the contract
        "appOwner": shown_user(client.owner, client.tenant),
        "jsonString": json.dumps(known),
        "jsonAppAttribute": "{}",
        "tokenType": token_type,
    }
