"""The token endpoint under a tenant's and a client's rules, at its old addresses, and what it reads
and writes.
"""

import base64
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from functions.token import handler as function
from portico.domain.application import Client
from portico.domain.claims import DIALECT
from portico.domain.gateway import Deployment, Grant
from portico.domain.records import Discard, Put
from portico.domain.token_rules import TokenRules
from tests.events import Context
from tests.functions.token.conftest import JANE_PASSWORD, TENANT, Server, basic_header

APPLICATION = {"grant_type": "client_credentials"}
JANE = {"grant_type": "password", "username": "jane", "password": JANE_PASSWORD}


@pytest.fixture
def rules(server: Server) -> Iterator[Any]:
    """Sets the tenant's rules for one test."""

    def put(**given: Any) -> None:
        server.aws.records.commit(Put(TokenRules(tenant=TENANT, **given)))

    yield put
    server.aws.records.commit(Discard(TokenRules(tenant=TENANT)))


def with_fields(server: Server, client: Client, **fields: Any) -> None:
    server.aws.records.commit(Put(replace(client, **fields)))


# Which grants there are


def test_a_grant_that_the_tenant_leaves_out_is_an_unsupported_grant_type(
    server: Server, rules: Any
) -> None:
    _, credentials = server.client("left-out")
    rules(grants=("client_credentials",))

    refused = server.token(JANE, basic=credentials)

    assert (refused.status, refused.json["error"]) == (400, "unsupported_grant_type")
    assert server.token(APPLICATION, basic=credentials).status == 200


def test_a_grant_that_the_client_may_not_use_is_unauthorized_client(server: Server) -> None:
    """RFC 6749 section 5.2."""
    _, credentials = server.client("one-grant", grant_types=("client_credentials",))

    refused = server.token(JANE, basic=credentials)

    assert (refused.status, refused.json["error"]) == (400, "unauthorized_client")


def test_wso2s_ntlm_grant_is_an_unsupported_grant_type(server: Server) -> None:
    _, credentials = server.client("ntlm")

    refused = server.token({"grant_type": "iwa:ntlm", "windows_token": "x"}, basic=credentials)

    assert (refused.status, refused.json["error"]) == (400, "unsupported_grant_type")


# Tokens


def test_an_opaque_token_answers_as_a_jwt_does(server: Server) -> None:
    client, credentials = server.client("opaque")
    with_fields(server, client, opaque=True)

    told = server.token({**APPLICATION, "validity_period": "77"}, basic=credentials).json

    assert {**told, "access_token": ""} == {
        "access_token": "",
        "scope": "default",
        "token_type": "Bearer",
        "expires_in": 77,
    }
    assert "." not in told["access_token"]
    inspected = server.call(
        "POST", "/oauth2/introspect", {"token": told["access_token"]}, basic=credentials
    ).json
    assert (inspected["active"], inspected["client_id"]) == (True, client.client_id)


def test_a_tenant_may_have_the_same_token_given_again(server: Server, rules: Any) -> None:
    _, credentials = server.client("again")
    rules(reissue=True)

    first, again = (server.token(APPLICATION, basic=credentials).json for _ in range(2))

    assert first["access_token"] == again["access_token"]
    server.call("POST", "/oauth2/revoke", {"token": first["access_token"]}, basic=credentials)
    third = server.token(APPLICATION, basic=credentials).json
    assert third["access_token"] != first["access_token"]


def test_beyond_a_clients_limit_its_oldest_token_ends(server: Server, rules: Any) -> None:
    _, credentials = server.client("limited")
    rules(max_tokens=2)

    tokens = [server.token(APPLICATION, basic=credentials).json["access_token"] for _ in range(3)]

    active = [
        server.call("POST", "/oauth2/introspect", {"token": one}, basic=credentials).json["active"]
        for one in tokens
    ]
    assert active == [False, True, True]


def test_no_token_response_holds_a_backend_jwt(server: Server) -> None:
    """It is made when a call is judged, and is nobody else's."""
    _, credentials = server.client("no-backend-jwt")

    for form in (APPLICATION, JANE):
        answer = server.token(form, basic=credentials)
        texts = [answer.text, *answer.headers, *answer.headers.values()]
        assert "assertion" not in " ".join(texts).lower()
        for token in (value for value in answer.json.values() if str(value).count(".") == 2):
            head = json.loads(base64.urlsafe_b64decode(token.partition(".")[0] + "=="))
            assert (head["typ"], head["alg"]) == ("at+jwt", "RS256")


# Claims as response headers


def test_claims_of_the_user_are_headers_of_user_grants_alone(server: Server, rules: Any) -> None:
    admin = server.caller
    user = server.accounts.create(
        admin, "zoë", "zoes-password", email="zoe@example.org", given_name="Zoë",
        claims={f"{DIALECT}/streetaddress": "1 High Street\r\nX-Evil: 1"},
    )  # fmt: skip
    _, credentials = server.client("headers")
    names = ("emailaddress", "givenname", "streetaddress", "country")
    rules(claim_headers=tuple(f"{DIALECT}/{name}" for name in names))
    form = {"grant_type": "password", "username": user.name, "password": "zoes-password"}

    first = server.token(form, basic=credentials)
    refresh = {"grant_type": "refresh_token", "refresh_token": first.json["refresh_token"]}
    second = server.token(refresh, basic=credentials)

    for answer in (first, second):
        assert answer.headers["Email"] == "zoe@example.org"
        assert answer.headers["First-Name"] == "UTF-8''Zo%C3%AB"
        assert answer.headers["Street-Address"] == "1 High Street X-Evil: 1"
        assert "Country" not in answer.headers
    assert "Email" not in server.token(APPLICATION, basic=credentials).headers


# Addresses


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("/token", "/oauth2/token"),
        ("/login", "/oauth2/token"),
        ("/t/carbon.super/token", "/oauth2/token"),
        ("/t/acme.example/token", "/t/acme.example/oauth2/token"),
        ("/revoke", "/oauth2/revoke"),
        ("/userinfo", "/oauth2/userinfo"),
        ("/authorize", "/oauth2/authorize"),
    ],
)
def test_an_old_address_does_the_same_and_says_what_took_its_place(
    server: Server, old: str, new: str
) -> None:
    """RFC 9745 section 2; RFC 8288 and RFC 5829 for the link."""
    _, credentials = server.client("old")

    for path in (old, new):
        answer = server.call("POST", path, APPLICATION, basic=credentials)
        if path == old:
            assert answer.headers["Deprecation"] == "@1735689600"
            link = f'<http://127.0.0.1:8280{new}>; rel="successor-version"'
            assert answer.headers["Link"] == link
        else:
            assert not {"Deprecation", "Link"} & set(answer.headers)
    assert (answer.status == 200) == new.endswith("/token")


def test_an_old_address_is_deprecated_in_its_refusals_too(server: Server) -> None:
    answer = server.call("GET", "/token")

    assert answer.status == 405
    assert answer.headers["Deprecation"]


SECRETS = (
    "client_secret=x",
    "password=x",
    "refresh_token=x",
    "code=x",
    "assertion=x",
    "a=1&code=x",
)


@pytest.mark.parametrize("query", SECRETS)
def test_credentials_in_the_address_are_refused_though_those_in_the_body_are_right(
    server: Server, query: str
) -> None:
    """RFC 6749 section 2.3.1: parameters must not be in the request URI."""
    _, credentials = server.client("address")

    answer = in_address(query, credentials)

    assert answer["statusCode"] == 400
    assert json.loads(answer["body"])["error"] == "invalid_request"


def test_other_parameters_in_the_address_mean_nothing(server: Server) -> None:
    _, credentials = server.client("harmless")

    assert in_address("utm=1", credentials)["statusCode"] == 200


def in_address(query: str, credentials: tuple[str, str]) -> dict[str, Any]:
    event = {
        "rawPath": "/oauth2/token",
        "rawQueryString": query,
        "headers": {
            "authorization": basic_header(*credentials),
            "content-type": "application/x-www-form-urlencoded",
        },
        "requestContext": {"http": {"method": "POST", "path": "/oauth2/token", "sourceIp": "::1"}},
        "body": "grant_type=client_credentials",
    }
    return function.handler(event, Context("token"))


# What DynamoDB is asked


@contextmanager
def asked() -> Iterator[Counter[str]]:
    """The operations on DynamoDB that the function asks for meanwhile, by name."""
    counted: Counter[str] = Counter()

    def count(model: Any, **_: Any) -> None:
        counted[model.name] += 1

    events = function._records().client.meta.events
    events.register("before-call.dynamodb", count)
    yield counted
    events.unregister("before-call.dynamodb", count)


READS, WRITES = {"BatchGetItem", "GetItem", "Query"}, {"TransactWriteItems", "PutItem"}


def spent(counted: Counter[str]) -> tuple[int, int]:
    """How many reads and writes; nothing else may have been asked."""
    assert not set(counted) - READS - WRITES, counted
    return sum(counted[one] for one in READS), sum(counted[one] for one in WRITES)


@pytest.mark.parametrize(
    ("fields", "limit", "expected"),
    [
        ({}, {}, (1, 0)),
        ({"opaque": True}, {}, (1, 1)),
        ({}, {"max_tokens": 100}, (1, 1)),
        ({"opaque": True}, {"max_tokens": 100}, (1, 1)),
        ({}, {"grants": ("client_credentials",), "claim_headers": ("x",)}, (1, 0)),
    ],
    ids=["jwt", "opaque", "limit", "opaque and limit", "other rules"],
)
def test_client_credentials_takes_one_read_and_at_most_one_write(
    server: Server, rules: Any, fields: Any, limit: Any, expected: tuple[int, int]
) -> None:
    client, credentials = server.client("budget")
    with_fields(server, client, **fields)
    if limit:
        rules(**limit)

    with asked() as counted:
        assert server.token(APPLICATION, basic=credentials).status == 200

    assert spent(counted) == expected


@pytest.mark.parametrize("opaque", [False, True])
def test_a_refresh_takes_two_reads_and_one_write(server: Server, rules: Any, opaque: bool) -> None:
    client, credentials = server.client("refresh-budget", application_id="app-budget")
    with_fields(server, client, opaque=opaque)
    rules(max_tokens=100, claim_headers=(f"{DIALECT}/emailaddress",))
    token = server.token({**JANE, "scope": "openid"}, basic=credentials).json["refresh_token"]

    with asked() as counted:
        form = {"grant_type": "refresh_token", "refresh_token": token}
        assert server.token(form, basic=credentials).status == 200

    assert spent(counted) == (2, 1)


def test_scopes_of_apis_and_owners_are_read_once_in_the_cache_seconds(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTICO_CACHE_SECONDS", "5")
    function.settings.cache_clear()
    function.wiring.cache_clear()
    deployment = Deployment(
        tenant=TENANT, prefix="/tea/1.0", api_id="tea", name="Tea", version="1.0",
        context="/tea/1.0", provider="admin", state="PUBLISHED", revision_id="1", resources=[],
        scopes={"drink": []},
    )  # fmt: skip
    grant = Grant(
        tenant=TENANT, application_id="app-tea", prefix="/tea/1.0", api_id="tea",
        subscription_id="1", status="UNBLOCKED", policy="Gold",
    )  # fmt: skip
    server.aws.records.commit(Put(deployment), Put(grant))
    _, credentials = server.client("tea", application_id="app-tea")
    form = {**APPLICATION, "scope": "drink"}

    assert server.token(form, basic=credentials).json["scope"] == "drink"
    with asked() as counted:
        assert server.token(form, basic=credentials).json["scope"] == "drink"

    assert spent(counted) == (1, 0)
    monkeypatch.undo()
    function.settings.cache_clear()
    function.wiring.cache_clear()
