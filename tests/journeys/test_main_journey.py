"""The main journey over HTTP on the deployed stack, from publishing to every refusal.

The tests build on each other in the order of this file, as the journey does.
"""

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import jwt
import pytest

from tests.deployed import PUBLISHER, Person, Stack, eventually

DATA = Path(__file__).parent.parent / "data"
CONTEXT = "/pizza-journey"
PREFIX = f"{CONTEXT}/1.0.0"


@dataclass
class Journey:
    """What earlier steps made and later ones use."""

    api: dict[str, Any] = field(default_factory=dict)
    second: dict[str, Any] = field(default_factory=dict)
    application: dict[str, Any] = field(default_factory=dict)
    subscription: dict[str, Any] = field(default_factory=dict)
    keys: dict[str, Any] = field(default_factory=dict)
    application_token: str = ""
    user_token: str = ""
    refresh_token: str = ""


@pytest.fixture(scope="module")
def journey() -> Journey:
    return Journey()


@pytest.fixture(scope="module")
def backend(stack: Stack) -> str:
    return str(stack.endpoints["backend"])


def token(stack: Stack, keys: dict[str, Any], **fields: str) -> httpx.Response:
    """An answer of the token endpoint."""
    return stack.http.post(
        f"{stack.endpoints['token']}/oauth2/token",
        auth=(keys["consumerKey"], keys["consumerSecret"]),
        data=fields,
    )


def change(person: Person, api_id: str, action: str, expect: int = 200, **query: str) -> Any:
    """A life-cycle event, asked of the publisher."""
    answer = person.send(
        "POST",
        "/apis/change-lifecycle",
        expect,
        params={"action": action, "apiId": api_id, **query},
    )
    return answer.json()


def fault(answer: httpx.Response) -> tuple[int, str]:
    """Status and WSO2 code of a refusal."""
    return answer.status_code, str(answer.json()["code"])


# 1. REST credentials


def test_1_a_publisher_gets_a_token_with_the_scopes_of_its_roles(stack: Stack) -> None:
    person = stack.person("publisher", "publisher", PUBLISHER)
    granted = set(person.granted.split())
    assert {"apim:api_view", "apim:api_create", "apim:api_publish"} <= granted
    person.scopes = "apim:api_view apim:admin"
    person.sign_in()
    assert person.granted == "apim:api_view"


def test_1_a_developer_gets_no_publisher_scope(stack: Stack) -> None:
    person = stack.person("developer", "publisher", PUBLISHER)
    person.scopes = "apim:api_create apim:api_publish"
    person.sign_in()
    assert "apim:api_create" not in person.granted
    assert person.send("POST", "/apis", 401, json={}).json()["code"]


def test_1_registering_needs_the_right_password(stack: Stack) -> None:
    answer = stack.http.post(
        f"{stack.endpoints['dcr']}/client-registration/v0.17/register",
        auth=("publisher", "wrong"),
        json={"clientName": "x", "owner": "publisher", "grantType": "password"},
    )
    assert answer.status_code == 401


# 2. Two APIs


def test_2_an_api_comes_from_an_openapi_file(
    publisher: Person, journey: Journey, backend: str
) -> None:
    about = {
        "name": "PizzaJourney",
        "version": "1.0.0",
        "context": CONTEXT,
        "policies": ["Bronze", "Unlimited"],
        "endpointConfig": {
            "endpoint_type": "http",
            "production_endpoints": {"url": backend},
            "sandbox_endpoints": {"url": backend},
        },
    }
    journey.api = publisher.send(
        "POST",
        "/apis/import-openapi",
        201,
        files={
            "file": ("pizza.yaml", (DATA / "pizza-journey.yaml").read_bytes(), "text/yaml"),
            "additionalProperties": (None, json.dumps(about)),
        },
    ).json()
    assert journey.api["lifeCycleStatus"] == "CREATED"
    operations = {(one["verb"], one["target"]): one for one in journey.api["operations"]}
    assert operations["POST", "/order"]["scopes"] == ["pizza:order"]
    assert operations["GET", "/order/{id}"]["authType"] == "Application User"


def test_2_a_second_one_from_json(publisher: Person, journey: Journey, backend: str) -> None:
    body = {
        "name": "Second",
        "version": "2.0",
        "context": "/second",
        "policies": ["Unlimited"],
        "operations": [{"target": "/*", "verb": "GET"}],
        "endpointConfig": {"endpoint_type": "http", "production_endpoints": {"url": backend}},
    }
    journey.second = publisher.send("POST", "/apis", 201, json=body).json()
    assert publisher.send("POST", "/apis", 409, json=body).json()["code"]
    found = publisher.send("GET", "/apis", params={"query": "name:Second"}).json()
    assert [one["id"] for one in found["list"]] == [journey.second["id"]]


def test_2_contexts_of_the_gateway_itself_are_refused(publisher: Person) -> None:
    body = {"name": "Thief", "version": "1", "context": "/oauth2", "policies": ["Unlimited"]}
    assert "context" in publisher.send("POST", "/apis", 400, json=body).text


# 3. Revision, deployment, life cycle


def test_3_a_revision_is_made_and_deployed(publisher: Person, journey: Journey) -> None:
    api = journey.api["id"]
    revision = publisher.send(
        "POST", f"/apis/{api}/revisions", 201, json={"description": "first"}
    ).json()
    publisher.send(
        "POST",
        f"/apis/{api}/deploy-revision",
        201,
        params={"revisionId": revision["id"]},
        json=[{"name": "Default", "vhost": "localhost", "displayOnDevportal": True}],
    )
    listed = publisher.send("GET", f"/apis/{api}/revisions", params={"query": "deployed:true"})
    assert [one["id"] for one in listed.json()["list"]] == [revision["id"]]


def test_3_publishing_goes_through_the_life_cycle(publisher: Person, journey: Journey) -> None:
    api = journey.api["id"]
    state = publisher.send("GET", f"/apis/{api}/lifecycle-state").json()
    assert state["state"].upper() == "CREATED"
    assert "Publish" in [one["event"] for one in state["availableTransitions"]]
    changed = change(publisher, api, "Publish")
    assert changed["lifecycleState"]["state"].upper() == "PUBLISHED"
    history = publisher.send("GET", f"/apis/{api}/lifecycle-history").json()
    assert history["list"][-1]["postState"].upper() == "PUBLISHED"
    assert history["list"][-1]["user"] == "publisher"
    refused = change(publisher, api, "Retire", 400)
    assert "Retire" in refused["description"]


def test_3_publish_makes_and_deploys_a_revision_when_none_is(
    publisher: Person, journey: Journey
) -> None:
    api = journey.second["id"]
    change(publisher, api, "Publish")
    revisions = publisher.send("GET", f"/apis/{api}/revisions").json()
    assert revisions["count"] == 1
    assert revisions["list"][0]["deploymentInfo"]


def test_3_unticked_the_api_is_in_the_store_and_not_deployed(
    publisher: Person, developer: Person, stack: Stack, backend: str
) -> None:
    body = {
        "name": "Unpropagated",
        "version": "1",
        "context": "/unpropagated",
        "policies": ["Unlimited"],
        "operations": [{"target": "/*", "verb": "GET", "authType": "None"}],
        "endpointConfig": {"endpoint_type": "http", "production_endpoints": {"url": backend}},
    }
    api = publisher.send("POST", "/apis", 201, json=body).json()["id"]
    change(publisher, api, "Publish", lifecycleChecklist="Propagate Changes to API Gateway:false")
    assert developer.send("GET", f"/apis/{api}").json()["name"] == "Unpropagated"
    assert publisher.send("GET", f"/apis/{api}/revisions").json()["count"] == 0
    assert stack.call("/unpropagated/1/menu").status_code == 404


def test_3_unknown_checklist_items_are_refused_with_the_known_ones(
    publisher: Person, journey: Journey
) -> None:
    answer = change(
        publisher, journey.second["id"], "Publish", 400, lifecycleChecklist="Make Coffee:true"
    )
    assert "Propagate Changes to API Gateway" in json.dumps(answer)


def test_3_without_the_permission_to_ask_nothing_changes(
    publisher: Person, journey: Journey, stack: Stack
) -> None:
    iam = stack.aws("iam")
    functions = stack.aws("lambda")
    name = f"{stack.endpoints['stack']}-publisher"
    role = functions.get_function_configuration(FunctionName=name)["Role"].rpartition("/")[2]
    kept = {}
    for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
        statements = document["Statement"]
        rest = [one for one in statements if "lambda:InvokeFunction" not in one["Action"]]
        if len(rest) < len(statements):
            kept[policy] = document
            if rest:
                changed = {**document, "Statement": rest}
                iam.put_role_policy(
                    RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(changed)
                )
            else:
                iam.delete_role_policy(RoleName=role, PolicyName=policy)
    assert kept, "the publisher's role has no policy that lets it invoke the lifecycle function"
    try:
        eventually(
            lambda: (
                publisher.http.post(
                    f"{publisher.base}/apis/change-lifecycle",
                    params={"action": "Block", "apiId": journey.second["id"]},
                    headers={"Authorization": f"Bearer {publisher.token}"},
                ).status_code
                >= 500
            )
        )
        api = publisher.send("GET", f"/apis/{journey.second['id']}").json()
        assert api["lifeCycleStatus"] == "PUBLISHED"
    finally:
        for policy, document in kept.items():
            iam.put_role_policy(
                RoleName=role, PolicyName=policy, PolicyDocument=json.dumps(document)
            )


# 4. The developer


def test_4_the_store_shows_what_is_published(
    developer: Person, publisher: Person, journey: Journey, stack: Stack, backend: str
) -> None:
    found = developer.send("GET", "/apis", params={"query": "PizzaJourney"}).json()
    assert [one["id"] for one in found["list"]] == [journey.api["id"]]
    anonymous = stack.http.get(f"{developer.base}/apis/{journey.api['id']}")
    assert anonymous.status_code == 200
    hidden = {
        "name": "Hidden",
        "version": "1",
        "context": "/hidden",
        "policies": ["Unlimited"],
        "endpointConfig": {"endpoint_type": "http", "production_endpoints": {"url": backend}},
    }
    api = publisher.send("POST", "/apis", 201, json=hidden).json()["id"]
    developer.send("GET", f"/apis/{api}", 404)


def test_4_application_subscription_and_keys(
    developer: Person, journey: Journey, admin: Person
) -> None:
    journey.application = developer.send(
        "POST",
        "/applications",
        201,
        json={"name": "Journey", "throttlingPolicy": "Unlimited", "description": "hungry"},
    ).json()
    application = journey.application["applicationId"]
    wish = {
        "applicationId": application,
        "apiId": journey.api["id"],
        "throttlingPolicy": "Unlimited",
    }
    journey.subscription = developer.send("POST", "/subscriptions", 201, json=wish).json()
    assert journey.subscription["status"] == "UNBLOCKED"
    developer.send("POST", "/subscriptions", 409, json=wish)
    journey.keys = developer.send(
        "POST",
        f"/applications/{application}/generate-keys",
        json={
            "keyType": "PRODUCTION",
            "grantTypesToBeSupported": ["client_credentials", "password", "refresh_token"],
            "callbackUrl": "",
            "validityTime": "3600",
        },
    ).json()
    listed = developer.send("GET", f"/applications/{application}/oauth-keys").json()
    assert [one["consumerKey"] for one in listed["list"]] == [journey.keys["consumerKey"]]
    assert not listed["list"][0].get("consumerSecret")


def test_4_tokens_by_three_grants(stack: Stack, journey: Journey) -> None:
    answer = token(stack, journey.keys, grant_type="client_credentials")
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    journey.application_token = answer.json()["access_token"]
    assert answer.json()["token_type"] == "Bearer"
    assert answer.json()["expires_in"] == 3600
    user = next(one for one in stack.endpoints["users"] if one["name"] == "developer")
    answer = token(
        stack,
        journey.keys,
        grant_type="password",
        username="developer",
        password=user["password"],
        scope="pizza:order",
    )
    assert answer.status_code == 200, answer.text
    assert "pizza:order" not in answer.json().get("scope", "").split()
    answer = token(
        stack,
        journey.keys,
        grant_type="refresh_token",
        refresh_token=answer.json()["refresh_token"],
    )
    assert answer.status_code == 200, answer.text
    journey.user_token = answer.json()["access_token"]
    journey.refresh_token = answer.json()["refresh_token"]


def test_4_wrong_secrets_and_grants_are_refused_as_rfc_6749_says(
    stack: Stack, journey: Journey
) -> None:
    wrong = {**journey.keys, "consumerSecret": "wrong"}
    answer = token(stack, wrong, grant_type="client_credentials")
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    answer = token(stack, journey.keys, grant_type="nonsense")
    assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")
    answer = token(stack, journey.keys, grant_type="password", username="developer", password="x")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


# 5. Calls


def assertion(stack: Stack, answer: httpx.Response) -> dict[str, Any]:
    """The verified claims of the backend JWT that the shop received."""
    headers = {name.lower(): value for name, value in received(answer).items()}
    raw = headers["x-jwt-assertion"]
    jwks = jwt.PyJWKSet.from_dict(stack.http.get(f"{stack.endpoints['token']}/oauth2/jwks").json())
    key = jwks[jwt.get_unverified_header(raw)["kid"]]
    claims: dict[str, Any] = jwt.decode(
        raw, key.key, algorithms=["ES256", "RS256"], options={"verify_aud": False}
    )
    return claims


def received(answer: httpx.Response) -> dict[str, str]:
    """The headers that the demo back end says it received."""
    headers: dict[str, str] = answer.json()["_received"]["headers"]
    return headers


def test_5_an_application_token(stack: Stack, journey: Journey) -> None:
    answer = stack.call(f"{PREFIX}/menu", journey.application_token)
    assert answer.status_code == 200, answer.text
    assert answer.json()["pizzas"]
    claims = assertion(stack, answer)
    dialect = "http://wso2.org/claims/"
    assert claims[f"{dialect}usertype"] == "APPLICATION"
    assert claims[f"{dialect}applicationname"] == "Journey"
    assert claims[f"{dialect}apicontext"] == PREFIX
    assert claims[f"{dialect}keytype"] == "PRODUCTION"
    assert claims[f"{dialect}tier"] == "Unlimited"
    assert claims[f"{dialect}subscriber"] == "developer"


def test_5_a_user_token(stack: Stack, journey: Journey) -> None:
    answer = stack.call(f"{PREFIX}/order/7", journey.user_token)
    assert answer.status_code in (200, 404)  # the shop may not know the order
    claims = assertion(stack, answer)
    assert claims["http://wso2.org/claims/usertype"] == "APPLICATION_USER"
    assert claims["http://wso2.org/claims/enduser"] == "developer@carbon.super"


def test_5_the_access_token_and_forged_assertions_stay_out(stack: Stack, journey: Journey) -> None:
    forged = {"X-JWT-Assertion": "forged", "x-custom": "kept"}
    answer = stack.call(f"{PREFIX}/echo?a=1&b=%20x", journey.application_token, headers=forged)
    assert answer.status_code == 200, answer.text
    headers = {name.lower(): value for name, value in received(answer).items()}
    assert "authorization" not in headers
    assert headers["x-custom"] == "kept"
    assert "forged" not in headers["x-jwt-assertion"]
    open_to_all = stack.call(f"{PREFIX}/opening-hours", headers=forged)
    assert "forged" not in json.dumps(open_to_all.json())


def test_5_bodies_pass_unchanged(stack: Stack, journey: Journey) -> None:
    content = bytes(range(256)) * 4
    answer = stack.call(
        f"{PREFIX}/echo",
        journey.application_token,
        "POST",
        content=content,
        headers={"Content-Type": "application/octet-stream"},
    )
    assert answer.status_code == 200, answer.text
    got = answer.json()["_received"]
    body = got.get("body_base64") or got["body"]
    assert base64.b64decode(body) == content


# 6. Refusals


def test_6_tokens_that_do_not_hold(stack: Stack, journey: Journey) -> None:
    missing = stack.call(f"{PREFIX}/menu")
    assert fault(missing) == (401, "900902")
    assert missing.headers.get("www-authenticate") or missing.headers.get(
        "x-amzn-remapped-www-authenticate"
    )
    assert missing.json().keys() >= {"code", "message", "description"}
    assert fault(stack.call(f"{PREFIX}/menu", "nonsense")) == (401, "900901")
    head, payload, signature = journey.application_token.split(".")
    flipped = ("A" if signature[0] != "A" else "B") + signature[1:]
    assert fault(stack.call(f"{PREFIX}/menu", f"{head}.{payload}.{flipped}")) == (401, "900901")


def test_6_an_expired_token(stack: Stack, developer: Person, journey: Journey) -> None:
    application = journey.application["applicationId"]
    keys = developer.send(
        "POST",
        f"/applications/{application}/generate-keys",
        json={
            "keyType": "SANDBOX",
            "grantTypesToBeSupported": ["client_credentials"],
            "additionalProperties": {"application_access_token_expiry_time": 1},
        },
    ).json()
    short = token(stack, keys, grant_type="client_credentials").json()
    assert short["expires_in"] == 1
    time.sleep(1.5)
    assert fault(stack.call(f"{PREFIX}/menu", short["access_token"])) == (401, "900903")


def test_6_a_revoked_token(stack: Stack, journey: Journey) -> None:
    gone = token(stack, journey.keys, grant_type="client_credentials").json()["access_token"]
    assert stack.call(f"{PREFIX}/menu", gone).status_code == 200
    credentials = (journey.keys["consumerKey"], journey.keys["consumerSecret"])
    base = stack.endpoints["token"]
    told = stack.http.post(f"{base}/oauth2/introspect", auth=credentials, data={"token": gone})
    assert told.json()["active"] is True
    revoked = stack.http.post(f"{base}/oauth2/revoke", auth=credentials, data={"token": gone})
    assert revoked.status_code == 200
    told = stack.http.post(f"{base}/oauth2/introspect", auth=credentials, data={"token": gone})
    assert told.json() == {"active": False}
    eventually(lambda: stack.call(f"{PREFIX}/menu", gone).status_code == 401)


def test_6_another_apis_token_scopes_and_kinds(stack: Stack, journey: Journey) -> None:
    ours = journey.application_token
    assert fault(stack.call("/second/2.0/menu", ours)) == (403, "900908")
    assert fault(stack.call(f"{PREFIX}/order", ours, "POST", json={})) == (403, "900910")
    assert fault(stack.call(f"{PREFIX}/order/7", ours)) == (401, "900905")


def test_6_unknown_apis_paths_and_verbs(stack: Stack, journey: Journey) -> None:
    ours = journey.application_token
    assert stack.call("/nowhere/1.0/menu", ours).status_code == 404
    assert stack.call(f"{PREFIX}/nothing", ours).status_code == 404
    refused = stack.call(f"{PREFIX}/menu", ours, "DELETE")
    assert refused.status_code == 405
    assert "GET" in refused.headers["allow"]


def test_6_faults_as_xml(stack: Stack) -> None:
    answer = stack.call(f"{PREFIX}/menu", headers={"Accept": "application/xml"})
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("application/xml")
    root = ElementTree.fromstring(answer.text)  # noqa: S314 - our own answer
    space = "{http://wso2.org/apimanager}"
    assert root.tag == f"{space}fault"
    assert root.findtext(f"{space}code") == "900902"


def test_6_a_blocked_subscription(stack: Stack, publisher: Person, journey: Journey) -> None:
    query = {"subscriptionId": journey.subscription["subscriptionId"], "blockState": "BLOCKED"}
    publisher.send("POST", "/subscriptions/block-subscription", params=query)
    ours = journey.application_token
    eventually(lambda: fault_or_ok(stack, ours) == (401, "900907"))
    publisher.send("POST", "/subscriptions/unblock-subscription", params=query)
    eventually(lambda: stack.call(f"{PREFIX}/menu", ours).status_code == 200)


def fault_or_ok(stack: Stack, ours: str) -> tuple[int, str]:
    answer = stack.call(f"{PREFIX}/menu", ours)
    return fault(answer) if answer.status_code != 200 else (200, "")


def test_6_over_the_policys_limit(
    stack: Stack, admin: Person, publisher: Person, developer: Person, journey: Journey
) -> None:
    policy = {
        "policyName": "ThreeADay",
        "displayName": "ThreeADay",
        "description": "three calls a day",
        "defaultLimit": {
            "type": "REQUESTCOUNTLIMIT",
            "requestCount": {"timeUnit": "days", "unitTime": 1, "requestCount": 3},
        },
        "stopOnQuotaReach": True,
    }
    admin.send("POST", "/throttling/policies/subscription", 201, json=policy)
    api = publisher.send("GET", f"/apis/{journey.second['id']}").json()
    api["policies"] = ["Unlimited", "ThreeADay"]
    publisher.send("PUT", f"/apis/{api['id']}", json=api)
    wish = {
        "applicationId": journey.application["applicationId"],
        "apiId": api["id"],
        "throttlingPolicy": "ThreeADay",
    }
    developer.send("POST", "/subscriptions", 201, json=wish)
    ours = journey.application_token
    got = [stack.call("/second/2.0/menu", ours).status_code for _ in range(4)]
    assert got == [200, 200, 200, 429]
    refused = stack.call("/second/2.0/menu", ours)
    assert fault(refused) == (429, "900804")
    assert 0 < int(refused.headers["retry-after"]) <= 86400


def test_6_blocked_and_retired_apis(stack: Stack, publisher: Person, journey: Journey) -> None:
    api, ours = journey.api["id"], journey.application_token
    change(publisher, api, "Block")
    eventually(lambda: fault_or_ok(stack, ours) == (503, "700700"))
    change(publisher, api, "Re-Publish")
    eventually(lambda: fault_or_ok(stack, ours) == (200, ""))
    second = journey.second["id"]
    change(publisher, second, "Deprecate")
    change(publisher, second, "Retire")
    eventually(lambda: stack.call("/second/2.0/menu", ours).status_code == 404)


# 7. Pass-through


@pytest.fixture
def http_api(stack: Stack) -> Iterator[tuple[Any, str]]:
    client = stack.aws("apigatewayv2")
    yield client, client.get_apis()["Items"][0]["ApiId"]
    client.close()


def routes(http_api: tuple[Any, str]) -> list[str]:
    client, api = http_api
    return [
        one["RouteKey"]
        for one in client.get_routes(ApiId=api)["Items"]
        if PREFIX in one["RouteKey"]
    ]


def test_7_the_same_api_as_pass_through(
    stack: Stack, publisher: Person, journey: Journey, http_api: tuple[Any, str]
) -> None:
    api = publisher.send("GET", f"/apis/{journey.api['id']}").json()
    others = [
        one for one in api.get("additionalProperties", []) if one["name"] != "portico_delivery"
    ]
    api["additionalProperties"] = [
        *others,
        {"name": "portico_delivery", "value": "pass-through", "display": False},
    ]
    publisher.send("PUT", f"/apis/{api['id']}", json=api)
    revision = publisher.send("POST", f"/apis/{api['id']}/revisions", 201, json={}).json()
    publisher.send(
        "POST",
        f"/apis/{api['id']}/deploy-revision",
        201,
        params={"revisionId": revision["id"]},
        json=[{"name": "Default", "vhost": "localhost"}],
    )
    eventually(lambda: len(routes(http_api)) > 0)
    ours = journey.application_token
    forged = {"X-JWT-Assertion": "forged"}
    eventually(lambda: stack.call(f"{PREFIX}/echo", ours).status_code == 200)
    answer = stack.call(f"{PREFIX}/echo?a=1", ours, headers=forged)
    assert assertion(stack, answer)["http://wso2.org/claims/apicontext"] == PREFIX
    headers = {name.lower(): value for name, value in received(answer).items()}
    assert "forged" not in headers["x-jwt-assertion"]
    assert headers["authorization"] == f"Bearer {ours}"
    assert stack.call(f"{PREFIX}/menu").status_code == 401
    assert stack.call(f"{PREFIX}/order", ours, "POST", json={}).status_code == 403


def test_7_blocking_removes_the_route_and_unblocking_brings_it_back(
    stack: Stack, publisher: Person, journey: Journey, http_api: tuple[Any, str]
) -> None:
    change(publisher, journey.api["id"], "Block")
    eventually(lambda: routes(http_api) == [])
    eventually(lambda: fault_or_ok(stack, journey.application_token) == (503, "700700"))
    change(publisher, journey.api["id"], "Re-Publish")
    eventually(lambda: len(routes(http_api)) > 0)


def test_7_unpublishing_removes_the_route(
    publisher: Person, journey: Journey, http_api: tuple[Any, str]
) -> None:
    change(publisher, journey.api["id"], "Demote to Created")
    eventually(lambda: routes(http_api) == [])
