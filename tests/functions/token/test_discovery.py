"""The metadata (OpenID Connect Discovery 1.0, RFC 8414): complete, and true of what is served."""

from typing import Any

import pytest

from portico.domain.claims import NAMES
from portico.domain.records import Discard, Put
from portico.domain.token_rules import TokenRules
from tests.functions.token.conftest import TENANT, Server

GATEWAY = "http://127.0.0.1:8280"
PATHS = [
    "/.well-known/openid-configuration",
    # OpenID Connect Discovery section 4, RFC 8414 section 3.1
    "/oauth2/token/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server/oauth2/token",
    "/.well-known/oauth-authorization-server",
    "/oauth2/oidcdiscovery/.well-known/openid-configuration",
    "/t/carbon.super/oauth2/token/.well-known/openid-configuration",
]

ENDPOINTS = {
    "authorization_endpoint",
    "token_endpoint",
    "userinfo_endpoint",
    "revocation_endpoint",
    "introspection_endpoint",
    "device_authorization_endpoint",
    "pushed_authorization_request_endpoint",
    "end_session_endpoint",
    "registration_endpoint",
}


def told(server: Server, path: str = PATHS[0]) -> dict[str, Any]:
    answer = server.call("GET", path)
    assert answer.status == 200, answer.text
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    found: dict[str, Any] = answer.json
    return found


@pytest.mark.parametrize("path", PATHS)
def test_all_places_tell_the_same_and_the_issuer_of_the_tokens(server: Server, path: str) -> None:
    found = told(server, path)

    assert found == told(server)
    assert found["issuer"] == f"{GATEWAY}/oauth2/token"


def test_the_metadata_tells_addresses_that_answer(server: Server) -> None:
    found = told(server)

    addresses = {name: value for name, value in found.items() if name.endswith("_endpoint")}
    assert set(addresses) == ENDPOINTS
    for address in (*addresses.values(), found["jwks_uri"]):
        path = address.removeprefix(GATEWAY)
        method = "GET" if path in ("/oauth2/jwks", "/oauth2/authorize") else "POST"
        assert server.call(method, path).status not in (404, 405, 500, 501), address


def test_a_tenants_metadata_has_its_addresses_and_the_issuer_of_its_tokens(server: Server) -> None:
    found = told(server, "/t/acme.example/oauth2/token/.well-known/openid-configuration")

    assert found["issuer"] == f"{GATEWAY}/oauth2/token"
    assert found["token_endpoint"] == f"{GATEWAY}/t/acme.example/oauth2/token"
    assert found["end_session_endpoint"] == f"{GATEWAY}/oidc/logout"


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("response_types_supported", ["code"]),
        ("response_modes_supported", ["query", "form_post"]),
        ("subject_types_supported", ["public"]),
        ("id_token_signing_alg_values_supported", ["RS256"]),
        ("code_challenge_methods_supported", ["S256"]),
        ("authorization_response_iss_parameter_supported", True),
        ("claims_parameter_supported", True),
        ("request_parameter_supported", False),
        ("request_uri_parameter_supported", False),
        ("prompt_values_supported", ["none", "login", "consent", "select_account"]),
        (
            "scopes_supported",
            ["address", "email", "groups", "offline_access", "openid", "phone", "profile", "roles"],
        ),
        (
            "token_endpoint_auth_methods_supported",
            ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
        ),
        (
            "introspection_endpoint_auth_methods_supported",
            ["client_secret_basic", "client_secret_post", "private_key_jwt"],
        ),
    ],
)
def test_what_is_understood(server: Server, member: str, value: Any) -> None:
    assert told(server)[member] == value


def test_no_weak_algorithm_is_offered_for_client_assertions(server: Server) -> None:
    """RFC 8725 section 3.2; `none` must not be there (OpenID Connect Discovery section 3)."""
    offered = told(server)["token_endpoint_auth_signing_alg_values_supported"]

    assert "RS256" in offered
    assert not [name for name in offered if name == "none" or name.startswith("HS")]


def test_every_claim_of_every_scope_is_told(server: Server) -> None:
    assert set(told(server)["claims_supported"]) >= NAMES | {"sub", "iss", "auth_time", "nonce"}


def test_grant_types_are_those_that_the_tenant_allows(server: Server) -> None:
    everything = told(server)["grant_types_supported"]
    assert {"authorization_code", "urn:ietf:params:oauth:grant-type:device_code"} <= set(everything)

    rules = TokenRules(tenant=TENANT, grants=("client_credentials", "refresh_token"))
    server.aws.records.commit(Put(rules))
    try:
        fewer = told(server)["grant_types_supported"]
    finally:
        server.aws.records.commit(Discard(rules))

    assert fewer == ["client_credentials", "refresh_token"]
