"""The search over policies of all levels, and the schema ThrottlePolicyDetails that it answers."""

from typing import Any

from functions.admin.bodies.policies import TYPES
from portico.domain.errors import InvalidInput
from portico.domain.policy import Level, Policy

SHORT_TYPES = {
    Level.APPLICATION.value: "app",
    Level.SUBSCRIPTION.value: "sub",
    Level.API.value: "api",
    Level.CUSTOM.value: "global",
}
LEVELS = {short: level for level, short in SHORT_TYPES.items()}


def policy_details(policy: Policy) -> dict[str, Any]:
    """The schema ThrottlePolicyDetails, without `policyId`: a row number of WSO2's database."""
    return {
        "uuid": policy.id,
        "policyName": policy.name,
        "displayName": policy.display_name or policy.name,
        "description": policy.description,
        "isDeployed": policy.is_deployed,
        "type": SHORT_TYPES[policy.level],
    }


def sought(query: str) -> tuple[list[str], str]:
    """Levels, and part of a lower-case name, that a search such as `type:sub name:go` asks for."""
    levels, name = list(TYPES), ""
    for term in query.split():
        key, colon, value = term.partition(":")
        match key.lower() if colon else "name":
            case "type" if value.lower() in ("", "all"):
                pass
            case "type":
                if value.lower() not in LEVELS:
                    raise InvalidInput.of("query", "type is one of all, app, sub, api, global")
                levels = [LEVELS[value.lower()]]
            case "name":
                name = (value if colon else term).lower()
            case _:
                raise InvalidInput.of("query", f"'{key[:50]}' cannot be searched by: type, name")
    return levels, name
