"""Deny policies: whose calls are refused whatever they have; compiled once for a tenant's table."""

from collections.abc import Mapping
from typing import Any

from functions.authorizer.calls import Call
from functions.authorizer.throttle.addresses import Range, packed, range_of


class Denials:
    """A tenant's deny policies that are active. Looked up, not searched, but for addresses."""

    def __init__(self, tenant: str, entries: Mapping[str, Mapping[str, Any]]) -> None:
        self._suffix = f"@{tenant}".lower()
        self._apis: set[str] = set()
        self._applications: set[str] = set()
        self._users: set[str] = set()
        self._addresses: list[tuple[Range, bool]] = []
        for entry in entries.values():
            if entry.get("active", True):
                self._add(entry)
        self._any = bool(self._apis or self._applications or self._users or self._addresses)

    def _add(self, entry: Mapping[str, Any]) -> None:
        value = entry.get("value") or ""
        match entry.get("kind"):
            case "API":
                self._apis.add(str(value))
            case "APPLICATION":
                self._applications.add(str(entry.get("subject") or self._plain(str(value))))
            case "USER":
                self._users.add(self._plain(str(value)))
            case "IP" | "IPRANGE":
                told: Mapping[str, Any] = value if isinstance(value, dict) else entry
                first = told.get("from") or told.get("start") or told.get("value") or ""
                last = told.get("to") or told.get("end") or ""
                found = range_of(str(first), str(last))
                if found is not None:
                    self._addresses.append((found, bool(entry.get("invert"))))

    def hit(self, call: Call) -> bool:
        """Whether one of them refuses the call."""
        return self._any and (
            call.api.context in self._apis
            or self._denies_caller(call)
            or self._denies_address(call.source_ip)
        )

    def _denies_caller(self, call: Call) -> bool:
        identity, application = call.identity, call.application
        if identity is not None and identity.user and identity.user.lower() in self._users:
            return True
        return application is not None and (
            application.application_id in self._applications
            or f"{application.owner}:{application.name}".lower() in self._applications
        )

    def _denies_address(self, text: str) -> bool:
        if not self._addresses:
            return False
        address = packed(text)
        return any((address in each) != invert for each, invert in self._addresses)

    def _plain(self, name: str) -> str:
        """A user's name, or `owner:application`, as the gateway has it: in lower case, and without
        the tenant that WSO2 writes after the user.
        """
        owner, colon, rest = name.lower().partition(":")
        return f"{owner.removesuffix(self._suffix)}{colon}{rest}"
