"""Bodies of WSO2's DCR contract: what a registration asks for, and `DCRResult`."""

import json
import re
from dataclasses import dataclass
from typing import Any

from functions.token.errors import TooLargeBody
from functions.token.requests import MAX_BODY, is_text
from portico.domain.application import Client
from portico.domain.errors import InvalidInput, Problem
from portico.domain.grant_types import CODE, redirects
from portico.domain.redirect_uris import MAX_URIS, redirect_problem
from portico.domain.tenant import shown_user

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
MAX_GRANTS = 20
SELF_CONTAINED, OPAQUE = "JWT", "OAUTH"
# Token type -> whether its tokens are random texts; WSO2's default is the self-contained one.
TOKEN_TYPES = {"": False, "JWT": False, "DEFAULT": False, "OAUTH": True, "OPAQUE": True}
# Where a callback is kept that is no address to go back to, for clients that never need one: the
# contract's own example is one.
UNUSED_CALLBACK = "callbackUrl"


@dataclass(frozen=True)
class Registration:
    """What the body asks for; None where it says nothing."""

    name: str | None
    owner: str
    grant_types: tuple[str, ...] | None
    callbacks: tuple[str, ...] | None
    opaque: bool | None

    def redirect_uris(self) -> tuple[str, ...]:
        """The callbacks that are addresses to go back to."""
        return tuple(uri for uri in self.callbacks or () if not redirect_problem(uri))


def registration(body: bytes) -> Registration:
    """The body, read strictly; InvalidInput that names the fields at fault, or TooLargeBody."""
    fields = _fields(body)
    texts = {name: _text(name, fields.get(name)) for name in ("clientName", "owner", "tokenType")}
    grant_types = tuple(dict.fromkeys(_words("grantType", fields.get("grantType"))))
    callbacks = tuple(dict.fromkeys(_words("callbackUrl", fields.get("callbackUrl"))))
    problems = [
        Problem("grantType", f"'{one[:100]}' is not a grant type")
        for one in grant_types
        if not GRANT_TYPE.fullmatch(one)
    ]
    if "clientName" in fields and not NAME.fullmatch(texts["clientName"]):
        problems.append(Problem("clientName", "must have 1 to 150 characters"))
    if len(grant_types) > MAX_GRANTS:
        problems.append(Problem("grantType", f"names more than {MAX_GRANTS} grant types"))
    if texts["tokenType"].upper() not in TOKEN_TYPES:
        problems.append(Problem("tokenType", f"must be {SELF_CONTAINED} or {OPAQUE}"))
    if problems:
        raise InvalidInput("The client cannot be registered", problems)
    return Registration(
        name=texts["clientName"] or None,
        owner=texts["owner"],
        grant_types=grant_types or None,
        callbacks=callbacks if fields.get("callbackUrl") is not None else None,
        opaque=TOKEN_TYPES[texts["tokenType"].upper()] if texts["tokenType"] else None,
    )


def check_callbacks(grant_types: tuple[str, ...], callbacks: tuple[str, ...]) -> None:
    """InvalidInput for callbacks that a browser must not be sent to, and for none where one is
    needed.

    Without the grant type that needs them, a text that is no absolute URI is let through: it is
    told back and never used.
    """
    needed = redirects(grant_types)
    if len(callbacks) > MAX_URIS:
        raise InvalidInput.of("callbackUrl", f"names more than {MAX_URIS} addresses")
    if needed and not callbacks:
        raise InvalidInput.of("callbackUrl", f"is needed for {CODE}")
    for uri in callbacks:
        problem = redirect_problem(uri)
        if problem and (needed or ":" in uri):
            raise InvalidInput.of("callbackUrl", problem)


def result(client: Client, secret: str = "") -> dict[str, Any]:
    """The contract's `DCRResult`; the secret is in it only when it has just been made."""
    uris = " ".join(client.redirect_uris) or str(client.metadata.get(UNUSED_CALLBACK, ""))
    known = {
        "grant_types": " ".join(client.grant_types),
        "redirect_uris": uris,
        "client_name": client.name,
    }
    return {
        "clientId": client.client_id,
        "clientName": client.name,
        **({"clientSecret": secret} if secret else {}),
        "callbackUrl": uris,
        "isSaasApplication": "true",  # text, in the contract
        "appOwner": shown_user(client.owner, client.tenant),
        "jsonString": json.dumps(known),
        "jsonAppAttribute": "{}",
        "tokenType": OPAQUE if client.opaque else SELF_CONTAINED,
    }


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
