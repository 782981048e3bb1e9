"""API Gateway's control plane in memory, with the refusals of AWS that the embedded one lacks."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from portico.domain.errors import InvalidInput
from portico.gateway.mappings import check_mapping

QUOTA = 300  # routes, and integrations, of one HTTP API
PAGE = 2  # items of a page: small, so that paging is always used


class ConflictException(ClientError):
    """AWS: a duplicate route key, an integration in use, a change at the same moment."""


class NotFoundException(ClientError):
    """AWS: there is no such route or integration."""


class BadRequestException(ClientError):
    """AWS: an argument is not allowed."""


class TooManyRequestsException(ClientError):
    """AWS: more calls than the account may make."""


class Died(BaseException):
    """The function was killed: no `except Exception` sees it."""


@dataclass
class FakeControlPlane:
    """One HTTP API. `before` is called with the operation's name before and after each change."""

    routes: dict[str, dict[str, Any]] = field(default_factory=dict)
    integrations: dict[str, dict[str, Any]] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)
    die_after: int = -1  # changes; -1: never
    conflicts: int = 0  # this many changes meet another one's
    throttled: int = 0  # this many calls, lists too, are too many
    exceptions: Any = field(
        default_factory=lambda: SimpleNamespace(
            ConflictException=ConflictException,
            NotFoundException=NotFoundException,
            BadRequestException=BadRequestException,
            TooManyRequestsException=TooManyRequestsException,
        )
    )
    _count: int = 0

    def get_paginator(self, operation: str) -> "FakeControlPlane._Pages":
        self._throttle(operation)
        kind = {"get_routes": self.routes, "get_integrations": self.integrations}[operation]
        return self._Pages(kind)

    @dataclass
    class _Pages:
        items: dict[str, dict[str, Any]]

        def paginate(self, ApiId: str) -> Iterator[dict[str, Any]]:
            everything = [dict(item) for item in self.items.values()]
            for start in range(0, len(everything), PAGE):
                yield {"Items": everything[start : start + PAGE]}

    def create_integration(self, **arguments: Any) -> dict[str, Any]:
        self._begin("create_integration")
        self._check(arguments)
        return self._add(self.integrations, "IntegrationId", arguments)

    def update_integration(self, **arguments: Any) -> dict[str, Any]:
        self._begin("update_integration")
        self._check(arguments)
        found = self._known(self.integrations, arguments["IntegrationId"])
        # Merged into what is there; an empty value takes a mapping away.
        mapping = {**(found.get("RequestParameters") or {}), **arguments["RequestParameters"]}
        found.update(_fields(arguments))
        found["RequestParameters"] = {name: value for name, value in mapping.items() if value}
        return self._end(self.integrations[arguments["IntegrationId"]])

    def delete_integration(self, **arguments: Any) -> None:
        self._begin("delete_integration")
        wanted = arguments["IntegrationId"]
        self._known(self.integrations, wanted)
        if any(route["Target"] == f"integrations/{wanted}" for route in self.routes.values()):
            raise ConflictException(_error("ConflictException", "in use"), "DeleteIntegration")
        del self.integrations[wanted]
        self._end({})

    def create_route(self, **arguments: Any) -> dict[str, Any]:
        self._begin("create_route")
        if any(route["RouteKey"] == arguments["RouteKey"] for route in self.routes.values()):
            raise ConflictException(_error("ConflictException", "duplicate"), "CreateRoute")
        self._known(self.integrations, arguments["Target"].removeprefix("integrations/"))
        return self._add(self.routes, "RouteId", arguments)

    def update_route(self, **arguments: Any) -> dict[str, Any]:
        self._begin("update_route")
        self._known(self.routes, arguments["RouteId"]).update(_fields(arguments))
        return self._end(self.routes[arguments["RouteId"]])

    def delete_route(self, **arguments: Any) -> None:
        self._begin("delete_route")
        self._known(self.routes, arguments["RouteId"])
        del self.routes[arguments["RouteId"]]
        self._end({})

    def _throttle(self, operation: str) -> None:
        if self.throttled:
            self.throttled -= 1
            code = "TooManyRequestsException"
            raise TooManyRequestsException(_error(code, "slower"), operation)

    def _begin(self, operation: str) -> None:
        self._throttle(operation)
        if self.conflicts:
            self.conflicts -= 1
            raise ConflictException(_error("ConflictException", "try again"), operation)
        self.changes.append(operation)

    def _end(self, item: dict[str, Any]) -> dict[str, Any]:
        if self.die_after == 0:
            raise Died
        self.die_after -= 1
        return dict(item)

    def _add(
        self, items: dict[str, dict[str, Any]], name: str, arguments: dict[str, Any]
    ) -> dict[str, Any]:
        if len(items) >= QUOTA:
            raise BadRequestException(_error("BadRequestException", "limit exceeded"), name)
        self._count += 1
        item = {name: f"{name[:3].lower()}{self._count}", **_fields(arguments)}
        items[item[name]] = item
        return self._end(item)

    def _known(self, items: dict[str, dict[str, Any]], wanted: str) -> dict[str, Any]:
        if wanted not in items:
            raise NotFoundException(_error("NotFoundException", wanted), "operation")
        return items[wanted]

    def _check(self, arguments: dict[str, Any]) -> None:
        try:
            check_mapping(arguments["RequestParameters"])
        except InvalidInput as exc:
            raise BadRequestException(_error("BadRequestException", str(exc)), "") from exc


def _fields(arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if name != "ApiId"}


def _error(code: str, message: str) -> Any:
    return {"Error": {"Code": code, "Message": message}}
