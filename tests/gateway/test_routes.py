"""Routes of pass-through APIs: made, corrected, removed, and healed after a death half-way."""

from typing import Any

import pytest

from portico.domain.errors import AlreadyExists, InvalidInput, LostRace, Unavailable
from portico.gateway.mappings import BACKEND_JWT, check_mapping
from portico.gateway.routes import TRIES, HttpApiRoutes
from tests.gateway.fake_control_plane import Died, FakeControlPlane

PLACE = ("acme.com", "p1")
CONTEXT = "/t/acme.com/pizza/1.0.0"
BACKEND = "https://pizza.example/v1"


@pytest.fixture
def plane() -> FakeControlPlane:
    return FakeControlPlane()


def on(plane: Any) -> HttpApiRoutes:
    return HttpApiRoutes(plane, "api01", "auth01", sleep=lambda seconds: None)


def template(plane: FakeControlPlane) -> None:
    """What the stack's template makes, and nobody else may touch."""
    plane.integrations["tpl"] = {"IntegrationId": "tpl", "IntegrationType": "AWS_PROXY"}
    plane.routes["tplr"] = {
        "RouteId": "tplr",
        "RouteKey": "$default",
        "Target": "integrations/tpl",
        "AuthorizerId": "auth01",
    }


def served(plane: FakeControlPlane) -> dict[str, str]:
    """Route key -> URI behind it, for everything that was made at run time."""
    uris = {
        f"integrations/{name}": str(item.get("IntegrationUri"))
        for name, item in plane.integrations.items()
    }
    return {
        route["RouteKey"]: uris[route["Target"]]
        for route in plane.routes.values()
        if route["RouteKey"] != "$default"
    }


WANTED = {f"ANY {CONTEXT}": BACKEND, f"ANY {CONTEXT}/{{proxy+}}": BACKEND + "/{proxy}"}


def test_the_back_end_gets_the_path_after_the_context(plane: FakeControlPlane) -> None:
    on(plane).ensure(*PLACE, CONTEXT, BACKEND)

    assert served(plane) == WANTED
    for integration in plane.integrations.values():
        assert integration["IntegrationType"] == "HTTP_PROXY"
        assert integration["PayloadFormatVersion"] == "1.0"
        assert integration["RequestParameters"] == {
            "overwrite:header.X-JWT-Assertion": "$context.authorizer.jwt"
        }
    for route in plane.routes.values():
        assert (route["AuthorizationType"], route["AuthorizerId"]) == ("CUSTOM", "auth01")


def test_a_slash_at_the_end_of_the_endpoint_is_not_doubled(plane: FakeControlPlane) -> None:
    on(plane).ensure(*PLACE, CONTEXT, BACKEND + "/")
    assert served(plane)[f"ANY {CONTEXT}/{{proxy+}}"] == BACKEND + "/{proxy}"


def test_ensuring_again_changes_nothing(plane: FakeControlPlane) -> None:
    on(plane).ensure(*PLACE, CONTEXT, BACKEND)
    before = list(plane.changes)
    on(plane).ensure(*PLACE, CONTEXT, BACKEND)
    assert plane.changes == before


def test_what_differs_is_put_right(plane: FakeControlPlane) -> None:
    on(plane).ensure(*PLACE, CONTEXT, BACKEND)
    for integration in plane.integrations.values():
        integration["RequestParameters"] = {}
    for route in plane.routes.values():
        route["AuthorizationType"] = "NONE"

    on(plane).ensure(*PLACE, CONTEXT, "https://new.example")

    assert set(served(plane).values()) == {"https://new.example", "https://new.example/{proxy}"}
    assert all(i["RequestParameters"] == BACKEND_JWT for i in plane.integrations.values())
    assert all(r["AuthorizationType"] == "CUSTOM" for r in plane.routes.values())
    assert len(plane.integrations) == 2


def test_another_context_leaves_no_old_route(plane: FakeControlPlane) -> None:
    on(plane).ensure(*PLACE, CONTEXT, BACKEND)
    on(plane).ensure(*PLACE, "/moved/1.0.0", BACKEND)
    assert set(served(plane)) == {"ANY /moved/1.0.0", "ANY /moved/1.0.0/{proxy+}"}


def test_removing_takes_only_what_is_the_apis(plane: FakeControlPlane) -> None:
    template(plane)
    on(plane).ensure(*PLACE, CONTEXT, BACKEND)
    on(plane).ensure("acme.com", "p10", "/other/1", BACKEND)  # its id begins like the first one's

    on(plane).remove(*PLACE)
    on(plane).remove(*PLACE)

    assert set(served(plane)) == {"ANY /other/1", "ANY /other/1/{proxy+}"}
    assert {"tpl"} < set(plane.integrations)
    assert "tplr" in plane.routes


def test_removing_all_leaves_the_templates_own(plane: FakeControlPlane) -> None:
    template(plane)
    for n in range(3):
        on(plane).ensure("acme.com", f"p{n}", f"/api{n}/1", BACKEND)

    assert on(plane).remove_all() == 6
    assert (set(plane.routes), set(plane.integrations)) == ({"tplr"}, {"tpl"})
    assert on(plane).remove_all() == 0


@pytest.mark.parametrize("changes", range(5))
def test_a_death_half_way_through_making_is_healed(plane: FakeControlPlane, changes: int) -> None:
    plane.die_after = changes
    if changes < 4:
        with pytest.raises(Died):
            on(plane).ensure(*PLACE, CONTEXT, BACKEND)
    plane.die_after = -1

    on(plane).ensure(*PLACE, CONTEXT, BACKEND)

    assert served(plane) == WANTED
    assert len(plane.integrations) == 2


@pytest.mark.parametrize("changes", range(4))
def test_a_death_half_way_through_removing_is_healed(plane: FakeControlPlane, changes: int) -> None:
    on(plane).ensure(*PLACE, CONTEXT, BACKEND)
    plane.die_after = changes
    with pytest.raises(Died):
        on(plane).remove(*PLACE)
    plane.die_after = -1

    on(plane).remove(*PLACE)

    assert (plane.routes, plane.integrations) == ({}, {})


@pytest.mark.parametrize("changes", range(4))
def test_a_death_half_way_through_making_can_be_removed(
    plane: FakeControlPlane, changes: int
) -> None:
    plane.die_after = changes
    with pytest.raises(Died):
        on(plane).ensure(*PLACE, CONTEXT, BACKEND)
    plane.die_after = -1

    on(plane).remove(*PLACE)

    assert (plane.routes, plane.integrations) == ({}, {})


def test_a_route_of_somebody_else_is_not_taken(plane: FakeControlPlane) -> None:
    template(plane)
    plane.routes["tplr"]["RouteKey"] = f"ANY {CONTEXT}"
    with pytest.raises(AlreadyExists):
        on(plane).ensure(*PLACE, CONTEXT, BACKEND)
    assert plane.changes == []  # not even the other half
    assert plane.routes["tplr"]["Target"] == "integrations/tpl"


def test_changes_at_the_same_moment_are_tried_again(plane: FakeControlPlane) -> None:
    plane.conflicts = TRIES - 1
    on(plane).ensure(*PLACE, CONTEXT, BACKEND)
    assert served(plane) == WANTED

    plane.conflicts = 100
    with pytest.raises(LostRace):
        on(plane).remove(*PLACE)


def test_a_full_http_api_is_said(plane: FakeControlPlane) -> None:
    for n in range(150):
        on(plane).ensure("acme.com", f"full{n}", f"/full{n}/1", BACKEND)
    before = list(plane.changes)
    with pytest.raises(InvalidInput, match=r"300 of at most 300 routes.*mediated"):
        on(plane).ensure(*PLACE, CONTEXT, BACKEND)
    assert plane.changes == before
    on(plane).ensure("acme.com", "full0", "/full0/1", BACKEND + "/new")  # nothing more is needed


def test_a_quota_that_leaves_room_for_half_of_an_api_begins_nothing(
    plane: FakeControlPlane,
) -> None:
    template(plane)
    routes = HttpApiRoutes(plane, "api01", "auth01", 300, 2, sleep=lambda seconds: None)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="1 of at most 2 integrations"):
        routes.ensure(*PLACE, CONTEXT, BACKEND)
    assert plane.changes == []


def test_too_many_calls_are_made_again_later(plane: FakeControlPlane) -> None:
    waited: list[float] = []
    plane.throttled = TRIES - 1
    HttpApiRoutes(plane, "api01", "auth01", sleep=waited.append).ensure(*PLACE, CONTEXT, BACKEND)  # type: ignore[arg-type]
    assert served(plane) == WANTED
    assert waited == [0.5, 1.0, 2.0]

    plane.throttled = TRIES
    with pytest.raises(Unavailable, match="TooManyRequests"):
        on(plane).remove(*PLACE)


def test_a_mapping_that_others_added_goes(plane: FakeControlPlane) -> None:
    on(plane).ensure(*PLACE, CONTEXT, BACKEND)
    for integration in plane.integrations.values():
        integration["RequestParameters"] = {"overwrite:header.X-Extra": "'1'"}
    on(plane).ensure(*PLACE, CONTEXT, BACKEND)
    assert all(i["RequestParameters"] == BACKEND_JWT for i in plane.integrations.values())


def test_a_route_led_elsewhere_comes_back_by_its_mark(plane: FakeControlPlane) -> None:
    template(plane)
    on(plane).ensure(*PLACE, CONTEXT, BACKEND)
    (ours, _) = [r for r in plane.routes.values() if r["RouteKey"] != "$default"]
    ours["Target"] = "integrations/tpl"
    on(plane).ensure(*PLACE, CONTEXT, BACKEND)
    assert served(plane) == WANTED

    ours["Target"] = "integrations/tpl"
    on(plane).remove(*PLACE)
    assert (set(plane.routes), set(plane.integrations)) == ({"tplr"}, {"tpl"})


def test_the_rest_of_an_api_is_put_right_beside_a_route_of_somebody_else(
    plane: FakeControlPlane,
) -> None:
    template(plane)
    on(plane).ensure(*PLACE, CONTEXT, BACKEND)
    (root, below) = [r for r in plane.routes.values() if r["RouteKey"] != "$default"]
    root.update({"Target": "integrations/tpl", "OperationName": "by hand"})
    below["AuthorizationType"] = "NONE"

    with pytest.raises(AlreadyExists):
        on(plane).ensure(*PLACE, CONTEXT, BACKEND)

    assert below["AuthorizationType"] == "CUSTOM"
    assert root["Target"] == "integrations/tpl"


def test_the_authorizer_is_put_back_before_anything_else(plane: FakeControlPlane) -> None:
    on(plane).ensure(*PLACE, CONTEXT, BACKEND)
    for route in plane.routes.values():
        route["AuthorizationType"] = "NONE"
    plane.changes.clear()
    on(plane).ensure(*PLACE, CONTEXT, BACKEND + "/new")
    assert plane.changes == ["update_route"] * 2 + ["update_integration"] * 2


@pytest.mark.parametrize(
    "endpoint", ["", "ftp://a.example", "https://a.example/{x}", "https://a.example?q=1"]
)
def test_an_endpoint_that_aws_would_refuse_never_reaches_it(
    plane: FakeControlPlane, endpoint: str
) -> None:
    with pytest.raises(InvalidInput):
        on(plane).ensure(*PLACE, CONTEXT, endpoint)
    assert plane.changes == []


@pytest.mark.parametrize(
    "target",
    [
        "overwrite:header.Authorization",
        "remove:header.authorization",
        "append:header.X-Amzn-Trace-Id",
        "overwrite:header.X-Forwarded-For",
        "overwrite:header.access-control-allow-origin",
        "overwrite:header.",
        "overwrite:cookie.a",
        "append:path",
        "replace:header.a",
        "header.a",
    ],
)
def test_mappings_that_aws_refuses_are_refused(target: str) -> None:
    with pytest.raises(InvalidInput):
        check_mapping({target: "x"})


@pytest.mark.parametrize(
    "target",
    ["overwrite:header.X-JWT-Assertion", "overwrite:path", "remove:querystring.apikey"],
)
def test_other_mappings_are_fine(target: str) -> None:
    check_mapping({target: "x"})
