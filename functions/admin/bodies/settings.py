"""The schemas Settings and Scope."""

from functools import cache
from typing import Any

from portico.domain.scopes import REST_SCOPES
from portico.web.contract import BASES, contract


def settings_body() -> dict[str, Any]:
    """The schema Settings; what Portico does not have is said to be off."""
    return {
        "scopes": sorted(_scopes_of("admin")),
        "gatewayTypes": ["Regular"],
        "IsJWTEnabledForLoginTokens": False,
        "orgAccessControlEnabled": False,
        "keyManagerConfiguration": [],
        "gatewayConfiguration": [],
        "analyticsEnabled": False,
        "transactionCounterEnable": False,
        "isGatewayNotificationEnabled": False,
    }


def scope_body(name: str) -> dict[str, Any]:
    """The schema Scope; its tag is the first REST API whose contract asks for it."""
    return {
        "tag": next((api for api in BASES if name in _scopes_of(api)), ""),
        "name": name,
        "description": "",
        "roles": sorted(REST_SCOPES[name]),
    }


@cache
def _scopes_of(api: str) -> frozenset[str]:
    return frozenset(scope for operation in contract(api).operations for scope in operation.scopes)
