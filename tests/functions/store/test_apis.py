"""APIs, tags and policies through the store's real handler."""

import json

import pytest

from tests.functions.store.conftest import ACME, Store


def names(store: Store, user: str = "jane", **more: object) -> list[str]:
    return [one["name"] for one in store.ok("GET", "/apis", user, **more)["list"]]


def test_everybody_sees_public_apis_that_are_published(store: Store) -> None:
    assert names(store, "") == ["Pizza", "Proto", "Sushi"]


def test_a_user_sees_the_private_ones_of_the_tenant_too(store: Store) -> None:
    assert names(store) == ["Pizza", "Private", "Proto", "Sushi"]


def test_a_restricted_api_is_for_its_roles(store: Store) -> None:
    assert "Restricted" in names(store, "pam")
    assert store.call("GET", "/apis/restricted", "jane").status == 404
    assert store.ok("GET", "/apis/restricted", "pam")["name"] == "Restricted"


@pytest.mark.parametrize("api", ["draft", "blocked", "old", "private", "missing", "acme"])
@pytest.mark.parametrize("rest", ["", "/swagger", "/thumbnail", "/subscription-policies"])
def test_what_is_not_visible_is_not_found(store: Store, api: str, rest: str) -> None:
    assert store.call("GET", f"/apis/{api}{rest}", "").status == 404


def test_the_header_selects_the_tenant(store: Store) -> None:
    header = {"X-WSO2-Tenant": ACME}
    assert names(store, "", headers=header) == ["Acme"]
    assert names(store, "jane", headers=header) == ["Acme"]
    assert names(store, "jane@acme.com") == ["Acme", "AcmePrivate"]
    assert store.ok("GET", "/apis/acme", "", headers=header)["context"] == "/t/acme.com/acme/1.0.0"
    assert store.call("GET", "/apis/acmeprivate", "jane", headers=header).status == 404


def test_an_unknown_tenant_has_no_apis(store: Store) -> None:
    assert names(store, "", headers={"x-wso2-tenant": "nowhere.example"}) == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("pizza", ["Pizza"]),
        ("name:PIZ", ["Pizza"]),
        ('name:"piz"', []),
        ('name:"Pizza"', ["Pizza"]),
        ("tag:food", ["Pizza", "Sushi"]),
        ("tag:foo", []),
        ("tag:foo*", ["Pizza", "Sushi"]),
        ("tag:food italian", ["Pizza"]),
        ("context:/sushi", ["Sushi"]),
        ("status:PROTOTYPED", ["Proto"]),
        ("provider:paula name:sushi", ["Sushi"]),
        ("name:[ps]", []),
    ],
)
def test_searching(store: Store, query: str, found: list[str]) -> None:
    assert names(store, "", query={"query": query}) == found


def test_an_unknown_prefix_is_refused_with_the_known_ones(store: Store) -> None:
    answer = store.call("GET", "/apis", query={"query": "colour:red"})
    assert answer.status == 400
    assert "context, description" in answer.body["description"]


def test_pages_of_the_list(store: Store) -> None:
    body = store.ok("GET", "/apis", "", query={"limit": "1", "offset": "1"})
    assert [one["name"] for one in body["list"]] == ["Proto"]
    assert body["pagination"] == {
        "offset": 1,
        "limit": 1,
        "total": 3,
        "next": "/apis?limit=1&offset=2",
        "previous": "/apis?limit=1&offset=0",
    }


@pytest.mark.parametrize(
    "page", [{"limit": "-1"}, {"limit": "x"}, {"offset": "1e9"}, {"limit": "1001"}]
)
def test_a_page_out_of_range_is_refused(store: Store, page: dict[str, str]) -> None:
    answer = store.call("GET", "/apis", query=page)
    assert answer.status == 400
    assert answer.body["error"][0]["code"] in page


def test_an_api_says_nothing_of_its_back_end(store: Store) -> None:
    answer = store.call("GET", "/apis/pizza", "")
    assert answer.headers["etag"]
    assert "backend" not in json.dumps(answer.body)
    assert answer.body["context"] == "/pizza/1.0.0"
    assert answer.body["tiers"] == [
        {"tierName": "Gold", "tierPlan": "FREE"},
        {"tierName": "Unlimited", "tierPlan": "FREE"},
    ]
    assert answer.body["businessInformation"] == {"businessOwner": "Paula"}
    assert [one["name"] for one in answer.body["additionalProperties"]] == ["colour"]
    (endpoint,) = answer.body["endpointURLs"]
    assert endpoint["URLs"]["http"].endswith("/pizza/1.0.0")


def test_the_definition_names_the_gateway_alone(store: Store) -> None:
    body = store.ok("GET", "/apis/pizza/swagger", "")
    assert [one["url"] for one in body["servers"]] == [
        f"{store.ok('GET', '/settings')['apiGatewayEndpoint']}/pizza/1.0.0"
    ]
    assert "backend" not in json.dumps(body)


def test_no_thumbnail_is_no_content(store: Store) -> None:
    answer = store.call("GET", "/apis/pizza/thumbnail", "")
    assert (answer.status, answer.body) == (204, None)


def test_the_policies_of_an_api(store: Store) -> None:
    body = store.ok("GET", "/apis/pizza/subscription-policies", "")
    assert [(one["name"], one["requestCount"]) for one in body] == [
        ("Gold", 5000),
        ("Unlimited", 2147483647),
    ]


def test_tags_are_counted_over_what_the_reader_sees(store: Store) -> None:
    body = store.ok("GET", "/tags", "")
    assert body["list"] == [{"value": "food", "count": 2}, {"value": "italian", "count": 1}]


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("application", {"10PerMin", "20PerMin", "50PerMin", "Unlimited"}),
        ("subscription", {"Bronze", "Silver", "Gold", "Unlimited", "DefaultSubscriptionless"}),
    ],
)
def test_policies_of_a_level(store: Store, level: str, expected: set[str]) -> None:
    body = store.ok("GET", f"/throttling-policies/{level}", "")
    assert {one["name"] for one in body["list"]} == expected


def test_a_policy_by_its_name(store: Store) -> None:
    body = store.ok("GET", "/throttling-policies/subscription/Gold", "")
    assert (body["requestCount"], body["unitTime"], body["timeUnit"]) == (5000, 1, "min")


@pytest.mark.parametrize(
    "path",
    ["/api", "/nonsense", "/application/Platinum", "/subscription/10PerMin", "/api/10KPerMin"],
)
def test_unknown_policies_and_levels_are_not_found(store: Store, path: str) -> None:
    assert store.call("GET", f"/throttling-policies{path}", "").status == 404


@pytest.mark.parametrize(
    "path", ["/settings", "/settings/application-attributes", "/api-categories", "/key-managers"]
)
def test_what_the_portal_asks_of_the_deployment(store: Store, path: str) -> None:
    assert store.ok("GET", path)


def test_settings_need_a_scope(store: Store) -> None:
    assert store.call("GET", "/settings", "").status == 401
    assert store.call("GET", "/settings", "nobody").status == 401


def test_what_is_not_implemented_says_so(store: Store) -> None:
    answer = store.call("GET", "/apis/pizza/comments", "")
    assert answer.status == 501
    assert "getAllCommentsOfAPI" in answer.body["description"]
