"""Routes of pass-through APIs on the HTTP API: the Routes port on API Gateway's control plane.

HTTP APIs have no tags on routes and integrations, so an integration's description says whose it
is, and a route belongs to whom its integration does. Nothing is remembered elsewhere: each call
lists what is there and puts right what differs, so one that died half-way is healed by the next.
"""

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from portico.domain.errors import AlreadyExists, InUse, InvalidInput, LostRace, Unavailable
from portico.gateway.mappings import BACKEND_JWT, check_mapping

if TYPE_CHECKING:
    from types_boto3_apigatewayv2 import ApiGatewayV2Client
    from types_boto3_apigatewayv2.type_defs import IntegrationTypeDef, RouteTypeDef

MARK = "portico"
TRIES = 4
PAUSE = 0.5  # seconds, doubled: API Gateway refuses changes to one API at the same moment
TIMEOUT_MS = 30_000  # the most that an HTTP API waits


@dataclass(frozen=True)
class Piece:
    """One route with the integration behind it."""

    description: str
    route_key: str
    uri: str


def pieces(tenant: str, api_id: str, context: str, endpoint: str) -> tuple[Piece, Piece]:
    """What an API needs: its context alone, and everything below, where the path goes on."""
    base = endpoint.rstrip("/")
    owner = f"{MARK}:{tenant}:{api_id}"
    return (
        Piece(f"{owner}:root", f"ANY {context}", endpoint),
        Piece(f"{owner}:below", f"ANY {context}/{{proxy+}}", base + "/{proxy}"),
    )


@dataclass(frozen=True)
class HttpApiRoutes:
    """Keeps routes and integrations of one HTTP API. Errors of AWS become domain errors.

    Changes to one HTTP API conflict when they run at once: the outbox serialises its work, and what
    meets a template's deployment all the same is repeated after a pause.
    """

    client: "ApiGatewayV2Client"
    http_api_id: str
    authorizer_id: str
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    def ensure(self, tenant: str, api_id: str, context: str, endpoint: str) -> None:
        """Make or correct the routes and integrations of an API; idempotent.

        Raises AlreadyExists when the route is there and not the API's, Unavailable when AWS does
        not answer.
        """
        _check_endpoint(endpoint)
        wanted = pieces(tenant, api_id, context, endpoint)
        self._repeated(lambda: self._ensure(_owner(tenant, api_id), wanted))

    def remove(self, tenant: str, api_id: str) -> None:
        """Remove what `ensure` made; harmless when there is nothing."""
        self._repeated(lambda: self._remove(_owner(tenant, api_id)))

    def remove_all(self) -> int:
        """Remove every route and integration made at run time; how many integrations there were.

        For the deletion of the stack, which would fail while a route refers to the authorizer.
        """
        return self._repeated(lambda: self._remove(f"{MARK}:"))

    def _ensure(self, owner: str, wanted: tuple[Piece, ...]) -> int:
        ours = self._integrations(owner)
        routes = self._routes()
        targets = {f"integrations/{found['IntegrationId']}" for found in ours}
        kept = []
        for piece in wanted:
            integration_id = self._integrate(piece, ours)
            kept.append(integration_id)
            self._route(piece, f"integrations/{integration_id}", targets, routes)
        keys = {piece.route_key for piece in wanted}
        for route in routes:
            if route.get("Target") in targets and route["RouteKey"] not in keys:
                self._delete_route(route)
        self._delete_integrations(found for found in ours if found["IntegrationId"] not in kept)
        return len(kept)

    def _integrate(self, piece: Piece, ours: "list[IntegrationTypeDef]") -> str:
        check_mapping(BACKEND_JWT)
        arguments: dict[str, Any] = {
            "ApiId": self.http_api_id,
            "IntegrationType": "HTTP_PROXY",
            "IntegrationMethod": "ANY",
            "IntegrationUri": piece.uri,
            "PayloadFormatVersion": "1.0",
            "TimeoutInMillis": TIMEOUT_MS,
            "RequestParameters": BACKEND_JWT,
        }
        for found in ours:
            if found.get("Description") == piece.description:
                same = all(
                    found.get(name) == value for name, value in arguments.items() if name != "ApiId"
                )
                if not same:
                    self.client.update_integration(
                        IntegrationId=found["IntegrationId"], **arguments
                    )
                return found["IntegrationId"]
        made = self.client.create_integration(Description=piece.description, **arguments)
        return made["IntegrationId"]

    def _route(
        self, piece: Piece, target: str, ours: set[str], routes: "list[RouteTypeDef]"
    ) -> None:
        arguments: dict[str, Any] = {
            "ApiId": self.http_api_id,
            "RouteKey": piece.route_key,
            "Target": target,
            "AuthorizationType": "CUSTOM",
            "AuthorizerId": self.authorizer_id,
        }
        for route in routes:
            if route["RouteKey"] != piece.route_key:
                continue
            if route.get("Target") not in {target, *ours}:
                # AWS refuses a second route of this key, and this one is somebody else's.
                raise AlreadyExists(f"The route {piece.route_key} belongs to something else")
            if any(
                route.get(name) != value for name, value in arguments.items() if name != "ApiId"
            ):
                self.client.update_route(RouteId=route["RouteId"], **arguments)
            return
        self.client.create_route(**arguments)

    def _remove(self, owner: str) -> int:
        ours = self._integrations(owner)
        targets = {f"integrations/{found['IntegrationId']}" for found in ours}
        for route in self._routes() if ours else []:
            if route.get("Target") in targets:
                self._delete_route(route)
        self._delete_integrations(ours)
        return len(ours)

    def _delete_route(self, route: "RouteTypeDef") -> None:
        with suppress(self.client.exceptions.NotFoundException):
            self.client.delete_route(ApiId=self.http_api_id, RouteId=route["RouteId"])

    def _delete_integrations(self, found: "Iterable[IntegrationTypeDef]") -> None:
        gone = list(found)
        if not gone:
            return
        # AWS answers ConflictException for an integration that a route still has.
        in_use = {route.get("Target") for route in self._routes()}
        for integration in gone:
            if f"integrations/{integration['IntegrationId']}" in in_use:
                raise InUse(f"The integration {integration['IntegrationId']} still has a route")
            with suppress(self.client.exceptions.NotFoundException):
                self.client.delete_integration(
                    ApiId=self.http_api_id, IntegrationId=integration["IntegrationId"]
                )

    def _integrations(self, owner: str) -> "list[IntegrationTypeDef]":
        """Integrations whose description begins with the owner, in a settled order."""
        pages = self.client.get_paginator("get_integrations").paginate(ApiId=self.http_api_id)
        found = [
            entry
            for page in pages
            for entry in page["Items"]
            if entry.get("Description", "").startswith(owner)
        ]
        return sorted(found, key=lambda entry: entry["IntegrationId"])

    def _routes(self) -> "list[RouteTypeDef]":
        pages = self.client.get_paginator("get_routes").paginate(ApiId=self.http_api_id)
        return [entry for page in pages for entry in page["Items"]]

    def _repeated(self, action: Callable[[], int]) -> int:
        """The action, again from the start when AWS reports a conflict."""
        for attempt in range(TRIES):
            try:
                return action()
            except self.client.exceptions.ConflictException as exc:
                if attempt == TRIES - 1:
                    raise LostRace("API Gateway is being changed by another") from exc
                self.sleep(PAUSE * 2**attempt)
            except (ClientError, BotoCoreError) as exc:
                raise Unavailable(f"API Gateway did not accept the change: {exc}") from exc
        raise AssertionError("the last attempt returns or raises")


def _owner(tenant: str, api_id: str) -> str:
    return f"{MARK}:{tenant}:{api_id}:"


def _check_endpoint(endpoint: str) -> None:
    if not endpoint.startswith(("http://", "https://")) or set("{}?#") & set(endpoint):
        raise InvalidInput.of(
            "endpoint",
            "an integration needs an http or https URL without braces, query or fragment",
        )
