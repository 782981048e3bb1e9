"""What of the routes and integrations on an HTTP API differs from what pass-through APIs need.

Pure: lists as AWS gives them go in, findings come out.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from portico.domain.http_api import Drift, Survey, WantedRoute
from portico.gateway.pieces import (
    URGENT,
    differing,
    guard_of,
    integration_of,
    mark_of,
    owner_in,
    owner_of,
    pieces,
    words,
)

if TYPE_CHECKING:
    from types_boto3_apigatewayv2.type_defs import IntegrationTypeDef, RouteTypeDef

Integrations = Sequence["IntegrationTypeDef"]
Routes = Sequence["RouteTypeDef"]
Place = tuple[str, str]  # tenant, id of the API


def survey(
    wanted: Sequence[WantedRoute], routes: Routes, integrations: Integrations, authorizer_id: str
) -> Survey:
    """Compare everything that is there with everything that should be."""
    owned: dict[Place, list[IntegrationTypeDef]] = {}
    for found in integrations:
        if place := owner_in(found.get("Description", "")):
            owned.setdefault(place, []).append(found)
    by_target: dict[str, list[RouteTypeDef]] = {}
    by_mark: dict[str, list[RouteTypeDef]] = {}
    for route in routes:
        by_target.setdefault(route.get("Target", ""), []).append(route)
        by_mark.setdefault(route.get("OperationName", ""), []).append(route)
    by_key = {route["RouteKey"]: route for route in routes}
    places = {(one.tenant, one.api_id): one for one in wanted}
    mine: set[str] = set()
    drifts = []
    for place in sorted({*places, *owned}):
        ours = owned.get(place, [])
        candidates = [
            route for found in ours for route in by_target.get(target_of(found), [])
        ] + by_mark.get(mark_of(owner_of(*place)), [])
        own = {route["RouteId"]: route for route in candidates}
        mine |= own.keys()
        one = places.get(place)
        drift = (
            _drift(one, ours, list(own.values()), by_key, authorizer_id)
            if one
            else _left_over(place, ours, list(own.values()), authorizer_id)
        )
        if drift.found or drift.taken:
            drifts.append(drift)
    return Survey(
        drifts=tuple(drifts),
        other_routes=len(routes) - len(mine),
        other_integrations=len(integrations) - sum(map(len, owned.values())),
    )


def target_of(integration: "IntegrationTypeDef") -> str:
    """How routes name an integration."""
    return f"integrations/{integration['IntegrationId']}"


def _drift(
    one: WantedRoute,
    ours: Integrations,
    own: Routes,
    by_key: dict[str, "RouteTypeDef"],
    authorizer_id: str,
) -> Drift:
    found: list[str] = []
    taken: list[str] = []
    needed = pieces(one.tenant, one.api_id, one.context, one.endpoint)
    kept: set[str] = set()
    for piece in needed:
        route = by_key.get(piece.route_key)
        if route and route not in own:
            taken.append(piece.route_key)
            continue
        # The first in order of ids, as the repair takes it.
        behind = next((i for i in ours if i.get("Description") == piece.description), None)
        if behind is None:
            found.append(f"{piece.route_key}: no integration")
        else:
            kept.add(behind["IntegrationId"])
            differences = words(differing(behind, integration_of(piece)))
            found += [f"{piece.route_key}: {word}" for word in differences]
        if route is None:
            found.append(f"{piece.route_key}: no route")
        else:
            asked = {
                **guard_of(authorizer_id),
                "OperationName": mark_of(owner_of(one.tenant, one.api_id)),
                **({"Target": target_of(behind)} if behind else {}),
            }
            found += [f"{piece.route_key}: {word}" for word in words(differing(route, asked))]
    keys = {piece.route_key for piece in needed}
    more = [route for route in own if route["RouteKey"] not in keys]
    found += [f"{route['RouteKey']}: not wanted" for route in more]
    if any(integration["IntegrationId"] not in kept for integration in ours) and not taken:
        found.append("an integration too many")
    if taken and not ours:
        found = []  # nothing is begun for it
    urgent = _urgent(found) or any(differing(route, guard_of(authorizer_id)) for route in more)
    return Drift(one.tenant, one.api_id, tuple(found), tuple(taken), urgent)


def _left_over(place: Place, ours: Integrations, own: Routes, authorizer_id: str) -> Drift:
    found = [f"{route['RouteKey']}: not wanted" for route in own]
    found += [f"integration {found['IntegrationId']}: not wanted" for found in ours]
    urgent = any(differing(route, guard_of(authorizer_id)) for route in own)
    return Drift(*place, tuple(found), urgent=urgent)


def _urgent(found: list[str]) -> bool:
    return any(text.rpartition(": ")[2] in URGENT for text in found)
