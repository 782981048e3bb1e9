"""The routes and integrations that a pass-through API needs, by what they are known as Portico's,
and in what those that are there differ. Nothing here asks AWS.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portico.gateway.mappings import BACKEND_JWT

MARK = "portico"
TIMEOUT_MS = 30_000  # the most that an HTTP API waits

# In people's words, what drifts; the others of AWS's fields say "settings".
WORDS = {
    "IntegrationUri": "endpoint",
    "RequestParameters": "parameter mapping",
    "TimeoutInMillis": "timeout",
    "Target": "integration",
    "AuthorizationType": "authorizer",
    "AuthorizerId": "authorizer",
    "OperationName": "mark",
}
# Without these, calls are not checked, or the back end believes what a client says of itself.
URGENT = {"authorizer", "parameter mapping"}


@dataclass(frozen=True)
class Piece:
    """One route with the integration behind it."""

    description: str
    route_key: str
    uri: str


def owner_of(tenant: str, api_id: str) -> str:
    """What descriptions of an API's integrations begin with."""
    return f"{MARK}:{tenant}:{api_id}:"


def owner_in(description: str) -> tuple[str, str] | None:
    """The tenant and the id of the API that an integration's description names, if any."""
    mark, _, rest = description.partition(":")
    tenant, _, rest = rest.partition(":")
    api_id, _, part = rest.rpartition(":")
    return (tenant, api_id) if mark == MARK and tenant and api_id and part else None


def mark_of(owner: str) -> str:
    """The operation name of an owner's routes: AWS allows 64 characters, which no names fit in."""
    return f"{MARK}:{hashlib.sha256(owner.encode()).hexdigest()[:40]}"


def pieces(tenant: str, api_id: str, context: str, endpoint: str) -> tuple[Piece, Piece]:
    """What an API needs: its context alone, and everything below, where the path goes on."""
    base = endpoint.rstrip("/")
    owner = owner_of(tenant, api_id)
    return (
        Piece(f"{owner}root", f"ANY {context}", endpoint),
        Piece(f"{owner}below", f"ANY {context}/{{proxy+}}", base + "/{proxy}"),
    )


def integration_of(piece: Piece) -> dict[str, Any]:
    """A piece's integration, as arguments of the control plane."""
    return {
        "IntegrationType": "HTTP_PROXY",
        "IntegrationMethod": "ANY",
        "IntegrationUri": piece.uri,
        "PayloadFormatVersion": "1.0",
        "TimeoutInMillis": TIMEOUT_MS,
        "RequestParameters": BACKEND_JWT,
    }


def guard_of(authorizer_id: str) -> dict[str, str]:
    """What makes a route ask the authorizer, as arguments of the control plane."""
    return {"AuthorizationType": "CUSTOM", "AuthorizerId": authorizer_id}


def differing(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Names of the wanted fields that are otherwise in what was found."""
    return [name for name, value in wanted.items() if _effective(found.get(name)) != value]


def corrected_mapping(found: Mapping[str, Any]) -> dict[str, str]:
    """The mapping to send for an integration: what others added is named with an empty value, for
    AWS merges what it is sent into what it has.
    """
    there = found.get("RequestParameters") or {}
    return {**{name: "" for name in there if name not in BACKEND_JWT}, **BACKEND_JWT}


def words(names: list[str]) -> list[str]:
    """The same differences in people's words, each once."""
    return list(dict.fromkeys(WORDS.get(name, "settings") for name in names))


def _effective(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: mapped for name, mapped in value.items() if mapped}
    return value
