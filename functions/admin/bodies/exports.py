"""The schema ExportThrottlePolicy: a policy in a file, as WSO2's tools carry it between servers."""

from collections.abc import Mapping
from typing import Any

from functions.admin.bodies.policies import BODIES, TYPES, PolicyBody, policy_body
from portico.domain.errors import InvalidInput
from portico.domain.policy import Level, Policy
from portico.web.rest import parse

VERSION = "v4.7.0"
NAMES = {
    Level.APPLICATION.value: "application",
    Level.SUBSCRIPTION.value: "subscription",
    Level.API.value: "advanced",
    Level.CUSTOM.value: "custom",
}


def export_body(policy: Policy) -> dict[str, Any]:
    """A policy as a file."""
    return {
        "type": "rate-limiting policy",
        "subtype": NAMES[policy.level],
        "version": VERSION,
        "data": policy_body(policy),
    }


def imported(value: Any) -> tuple[str, PolicyBody]:
    """Level and policy in a file; InvalidInput."""
    if not isinstance(value, Mapping) or not isinstance(value.get("data"), Mapping):
        raise InvalidInput.of("file", "is no exported policy: type, subtype, version and data")
    level = _level(value)
    # WSO2 writes fields without a value as null.
    data = {name: part for name, part in value["data"].items() if part is not None}
    return level, parse(BODIES[level], data)


def _level(value: Mapping[str, Any]) -> str:
    # WSO2 writes "application policy" and "custom rule", too.
    subtype = str(value.get("subtype") or "").lower().removesuffix(" policy").removesuffix(" rule")
    kind = value["data"].get("type")
    for level, name in NAMES.items():
        if subtype == name or (not subtype and kind == TYPES[level]):
            return level
    raise InvalidInput.of("subtype", f"must be one of {', '.join(NAMES.values())}")
