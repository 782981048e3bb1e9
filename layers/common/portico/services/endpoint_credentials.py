"""Credentials of back ends: encrypted before an API is stored, opened by the gateway function only,
and never given back.
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from portico.domain.endpoints import (
    ALL_SECRETS,
    SEALED,
    SECRETS,
    SIDES,
    endpoints,
    kind_of,
    security_of,
)
from portico.domain.errors import InvalidInput
from portico.ports import Sealer


def context_of(tenant: str, api_id: str, side: str) -> str:
    """What a side's credentials are sealed for, so that those of one API serve no other."""
    return f"{tenant}:endpoint:{api_id}:{side}"


def sealed(
    config: Mapping[str, Any],
    before: Mapping[str, Any],
    tenant: str,
    api_id: str,
    sealer: Sealer | None,
) -> dict[str, Any]:
    """The endpoint configuration with its secrets encrypted.

    A secret that is left out stays as it is, as clients send back what they were given; but not
    where it would go to another host, for then whoever may edit an API could read it there.
    """
    given = config.get("endpoint_security") or {}
    if not given:
        return dict(config)
    kept = dict(given)
    for side in SIDES:
        if not isinstance(given.get(side), Mapping):
            continue
        kept[side] = {
            name: "" if name in ALL_SECRETS else value
            for name, value in given[side].items()
            if name != SEALED
        }
        if security_of(config, side):
            kept[side][SEALED] = _sealed(
                config, before, side, context_of(tenant, api_id, side), sealer
            )
    return {**config, "endpoint_security": kept}


def shown(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration as it is given back: secrets are empty texts."""
    security = config.get("endpoint_security")
    if not security:
        return dict(config)
    masked = {
        side: {
            name: "" if name in ALL_SECRETS else value
            for name, value in one.items()
            if name != SEALED
        }
        if isinstance(one, Mapping)
        else one
        for side, one in security.items()
    }
    return {**config, "endpoint_security": masked}


def _sealed(
    config: Mapping[str, Any],
    before: Mapping[str, Any],
    side: str,
    context: str,
    sealer: Sealer | None,
) -> str:
    security = security_of(config, side)
    field = f"endpointConfig.endpoint_security.{side}"
    known = SECRETS.get(kind_of(security), ())
    given = {name: str(security[name]) for name in known if security.get(name)}
    if not given:
        earlier = security_of(before, side)
        if earlier.get(SEALED) and _whose(before, side) == _whose(config, side):
            return str(earlier[SEALED])
        raise InvalidInput.of(
            f"{field}.{known[0]}" if known else field,
            "is needed, and again whenever the credential or where it is sent to changes",
        )
    needed = set(known[:1])
    if str(security.get("grantType") or "").upper() == "PASSWORD":
        needed = set(known)
    if missing := sorted(needed - given.keys()):
        raise InvalidInput.of(f"{field}.{missing[0]}", "is needed along with the other secrets")
    if any(not value.isprintable() for value in given.values()):
        raise InvalidInput.of(field, "secrets have printable characters only")
    if sealer is None:
        raise InvalidInput.of(field, "credentials cannot be encrypted here")
    return sealer.seal(json.dumps(given), context)


def _whose(config: Mapping[str, Any], side: str) -> tuple[object, ...]:
    """Whose secret it is, and who gets to see it."""
    security = security_of(config, side)
    places = {_origin(one["url"]) for _, one in endpoints(config, side)}
    return (
        kind_of(security),
        security.get("username"),
        security.get("clientId"),
        _origin(str(security.get("tokenUrl") or "")),
        frozenset(places),
    )


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.lower()
