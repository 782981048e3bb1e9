"""Cross-origin answers of the gateway (Fetch Standard, "CORS protocol"): preflights and headers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from portico.domain.api import Cors

MAX_AGE = "3600"  # seconds that a browser may keep a preflight's answer


@dataclass(frozen=True)
class Policy:
    """The CORS settings that apply to a call; `own` says that the API's publisher chose them."""

    cors: Cors
    own: bool

    def preflight(self, origin: str, verbs: str) -> tuple[int, dict[str, str]]:
        """Status and headers; without CORS headers a browser stops the call itself."""
        allowed = self.headers(origin)
        if allowed:
            methods = ", ".join(self.cors.allow_methods) if self.own else verbs.replace(",", ", ")
            allowed |= {
                "access-control-allow-methods": methods,
                "access-control-allow-headers": ", ".join(self.cors.allow_headers),
                "access-control-max-age": MAX_AGE,
            }
        return 204, {**allowed, "vary": "origin"}

    def headers(self, origin: str) -> dict[str, str]:
        """What lets a page of this origin read the answer; nothing for other origins."""
        if not origin:
            return {}
        if "*" in self.cors.allow_origins:
            # A wildcard never goes with credentials (Fetch Standard, "CORS check").
            return {"access-control-allow-origin": "*"}
        if origin not in self.cors.allow_origins:
            return {}
        found = {"access-control-allow-origin": origin, "vary": "origin"}
        if self.cors.allow_credentials:
            found["access-control-allow-credentials"] = "true"
        return found


def policy(given: str) -> Policy:
    """The API's own settings (JSON), or the gateway's default where it has none or they are off."""
    if given:
        known = {each.name for each in fields(Cors)}
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in json.loads(given).items()
            if name in known
        }
        own = Cors(**values)
        if own.enabled:
            return Policy(own, own=True)
    return Policy(Cors(), own=False)


def added(found: Policy, origin: str, there: Mapping[str, str]) -> dict[str, str]:
    """Headers to add to a back end's answer: the API's own settings win, the default gives way."""
    if not found.own and "access-control-allow-origin" in there:
        return {}
    return found.headers(origin)
