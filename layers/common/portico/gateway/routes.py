"""Routes of pass-through APIs on the HTTP API: the Routes port on API Gateway's control plane.

HTTP APIs have no tags on routes and integrations, so an integration's description says whose it is,
and a route belongs to whom its operation name or its integration names. Nothing is remembered
elsewhere: each call lists what is there and puts right what differs, so one that died half-way is
healed by the next.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from portico.domain.errors import AlreadyExists, InUse, InvalidInput, LostRace, Unavailable
from portico.domain.http_api import DELIVERY_FIELD, Survey, WantedRoute, no_room
from portico.gateway.drift import survey, target_of
from portico.gateway.mappings import BACKEND_JWT, check_mapping
from portico.gateway.pieces import (
    MARK,
    Piece,
    corrected_mapping,
    differing,
    guard_of,
    integration_of,
    mark_of,
    owner_of,
    pieces,
)

if TYPE_CHECKING:
    from types_boto3_apigatewayv2 import ApiGatewayV2Client
    from types_boto3_apigatewayv2.type_defs import IntegrationTypeDef, RouteTypeDef

T = TypeVar("T")
TRIES = 4
PAUSE = 0.5  # seconds, doubled: API Gateway refuses changes to one API at the same moment
THROTTLED = {"TooManyRequestsException", "ThrottlingException", "LimitExceededException"}


@dataclass(frozen=True)
class HttpApiRoutes:
    """Keeps routes and integrations of one HTTP API. Errors of AWS become domain errors.

    Changes to one HTTP API conflict when they run at once: the outbox serialises its work, and what
    meets a template's deployment, or too many calls, is repeated after a pause.
    """

    client: "ApiGatewayV2Client"
    http_api_id: str
    authorizer_id: str
    route_limit: int = 300
    integration_limit: int = 300
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    def ensure(self, tenant: str, api_id: str, context: str, endpoint: str) -> None:
        """Make or correct the routes and integrations of an API; idempotent.

        Raises AlreadyExists when a route is there and not the API's (what else the API has is put
        right first, but nothing is begun for one that has nothing), InvalidInput when a quota of
        the HTTP API leaves no room, Unavailable when AWS does not answer.
        """
        _check_endpoint(endpoint)
        wanted = pieces(tenant, api_id, context, endpoint)
        self._repeated(lambda: self._ensure(owner_of(tenant, api_id), wanted))

    def remove(self, tenant: str, api_id: str) -> None:
        """Remove what `ensure` made; harmless when there is nothing."""
        self._repeated(lambda: self._remove(owner_of(tenant, api_id)))

    def remove_all(self) -> int:
        """Remove every route and integration made at run time; how many integrations there were.

        For the deletion of the stack, which would fail while a route refers to the authorizer.
        """
        return self._repeated(lambda: self._remove(f"{MARK}:"))

    def survey(self, wanted: Sequence[WantedRoute]) -> Survey:
        """What differs from the wanted routes, and what there is beside ours; changes nothing."""
        return self._repeated(
            lambda: survey(wanted, self._routes(), self._integrations(""), self.authorizer_id)
        )

    def _ensure(self, owner: str, wanted: tuple[Piece, ...]) -> None:
        everything, routes = self._integrations(""), self._routes()
        ours = _of(owner, everything)
        own = _own(owner, ours, routes)
        keys = {piece.route_key for piece in wanted}
        taken = {found["RouteKey"] for found in routes if found not in own} & keys
        if taken and not ours:
            raise _taken(taken)
        mine = [piece for piece in wanted if piece.route_key not in taken]
        self._check_room(mine, ours, own, everything, routes)
        self._guard(own)
        kept = []
        for piece in mine:
            integration_id = self._integrate(piece, ours)
            kept.append(integration_id)
            self._route(piece, f"integrations/{integration_id}", mark_of(owner), own)
        for route in own:
            if route["RouteKey"] not in keys:
                self._delete_route(route)
        self._delete_integrations(found for found in ours if found["IntegrationId"] not in kept)
        if taken:
            raise _taken(taken)

    def _check_room(
        self,
        wanted: "Sequence[Piece]",
        ours: "Sequence[IntegrationTypeDef]",
        own: "Sequence[RouteTypeDef]",
        integrations: "Sequence[IntegrationTypeDef]",
        routes: "Sequence[RouteTypeDef]",
    ) -> None:
        """Nothing is begun that has no room for its end."""
        known = {found["RouteKey"] for found in own}
        made = {found.get("Description") for found in ours}
        new_routes = sum(piece.route_key not in known for piece in wanted)
        new_integrations = sum(piece.description not in made for piece in wanted)
        for what, there, more, limit in (
            ("routes", len(routes), new_routes, self.route_limit),
            ("integrations", len(integrations), new_integrations, self.integration_limit),
        ):
            if more and there + more > limit:
                raise InvalidInput.of(DELIVERY_FIELD, no_room(what, there, limit))

    def _guard(self, own: "Sequence[RouteTypeDef]") -> None:
        """Before everything else, for until then calls come through unchecked."""
        guard: dict[str, Any] = guard_of(self.authorizer_id)
        for route in own:
            if differing(route, guard):
                self.client.update_route(ApiId=self.http_api_id, RouteId=route["RouteId"], **guard)

    def _integrate(self, piece: Piece, ours: "Sequence[IntegrationTypeDef]") -> str:
        check_mapping(BACKEND_JWT)
        wanted = integration_of(piece)
        for found in ours:
            if found.get("Description") == piece.description:
                if differing(found, wanted):
                    self.client.update_integration(
                        ApiId=self.http_api_id,
                        IntegrationId=found["IntegrationId"],
                        **{**wanted, "RequestParameters": corrected_mapping(found)},
                    )
                return found["IntegrationId"]
        made = self.client.create_integration(
            ApiId=self.http_api_id, Description=piece.description, **wanted
        )
        return made["IntegrationId"]

    def _route(self, piece: Piece, target: str, mark: str, own: "Sequence[RouteTypeDef]") -> None:
        wanted: dict[str, Any] = {
            "Target": target,
            "OperationName": mark,
            **guard_of(self.authorizer_id),
        }
        for route in own:
            if route["RouteKey"] == piece.route_key:
                # Its authorizer is right by now.
                if differing(route, {"Target": target, "OperationName": mark}):
                    self.client.update_route(
                        ApiId=self.http_api_id, RouteId=route["RouteId"], **wanted
                    )
                return
        self.client.create_route(ApiId=self.http_api_id, RouteKey=piece.route_key, **wanted)

    def _remove(self, owner: str) -> int:
        ours = self._integrations(owner)
        for route in _own(owner, ours, self._routes()):
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
            if target_of(integration) in in_use:
                raise InUse(f"The integration {integration['IntegrationId']} still has a route")
            with suppress(self.client.exceptions.NotFoundException):
                self.client.delete_integration(
                    ApiId=self.http_api_id, IntegrationId=integration["IntegrationId"]
                )

    def _integrations(self, owner: str) -> "list[IntegrationTypeDef]":
        """Integrations whose description begins with the owner, in a settled order."""
        pages = self.client.get_paginator("get_integrations").paginate(ApiId=self.http_api_id)
        found = _of(owner, [entry for page in pages for entry in page["Items"]])
        return sorted(found, key=lambda entry: entry["IntegrationId"])

    def _routes(self) -> "list[RouteTypeDef]":
        pages = self.client.get_paginator("get_routes").paginate(ApiId=self.http_api_id)
        return [entry for page in pages for entry in page["Items"]]

    def _repeated(self, action: Callable[[], T]) -> T:
        """The action, again from the start when AWS reports a conflict or too many calls."""
        for attempt in range(TRIES):
            try:
                return action()
            except self.client.exceptions.ConflictException as exc:
                if attempt == TRIES - 1:
                    raise LostRace("API Gateway is being changed by another") from exc
            except (ClientError, BotoCoreError) as exc:
                if attempt == TRIES - 1 or not _throttled(exc):
                    raise Unavailable(f"API Gateway did not accept the change: {exc}") from exc
            self.sleep(PAUSE * 2**attempt)
        raise AssertionError("the last attempt returns or raises")


def _of(owner: str, integrations: "Sequence[IntegrationTypeDef]") -> "list[IntegrationTypeDef]":
    return [found for found in integrations if found.get("Description", "").startswith(owner)]


def _own(
    owner: str, ours: "Sequence[IntegrationTypeDef]", routes: "Sequence[RouteTypeDef]"
) -> "list[RouteTypeDef]":
    """Routes with the owner's mark, wherever they lead, and those that lead to its integrations."""
    everybody = owner == f"{MARK}:"
    mark = owner if everybody else mark_of(owner)
    targets = {target_of(found) for found in ours}
    return [
        route
        for route in routes
        if route.get("Target") in targets
        or (name := route.get("OperationName", "")) == mark
        or (everybody and name.startswith(mark))
    ]


def _taken(keys: Iterable[str]) -> AlreadyExists:
    # AWS refuses a second route of a key, and this one is somebody else's.
    return AlreadyExists(f"The route {', '.join(sorted(keys))} belongs to something else")


def _throttled(error: Exception) -> bool:
    return isinstance(error, ClientError) and error.response["Error"]["Code"] in THROTTLED


def _check_endpoint(endpoint: str) -> None:
    if not endpoint.startswith(("http://", "https://")) or set("{}?#") & set(endpoint):
        raise InvalidInput.of(
            "endpoint",
            "an integration needs an http or https URL without braces, query or fragment",
        )
