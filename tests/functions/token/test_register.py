"""Dynamic client registration (RFC 7591) and its management (RFC 7592)."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portico.domain.application import Client, ClientName
from portico.domain.records import Put
from portico.domain.tenant import Tenant
from portico.domain.token_rules import TokenRules
from portico.domain.user import Caller
from portico.services.client_metadata import ID_TOKEN_ALGORITHMS
from portico.services.clients import digest
from tests.functions.token.conftest import ADMIN_PASSWORD, JANE_PASSWORD, TENANT, Answer, Server

JANE = ("jane", JANE_PASSWORD)
ADMIN = ("admin", ADMIN_PASSWORD)
BACK = "https://app.example/back"
EC_KEY = {"kty": "EC", "crv": "P-256", "x": "f" * 43, "y": "g" * 43, "kid": "one"}
RSA_KEY = {"kty": "RSA", "n": "n" * 342, "e": "AQAB"}


def ask(
    server: Server,
    body: Any,
    method: str = "POST",
    path: str = "/oauth2/register",
    **more: Any,
) -> Answer:
    text = body if isinstance(body, str) else json.dumps(body)
    headers = {"content-type": "application/json", **more.pop("headers", {})}
    return server.call(method, path, body=text, headers=headers, **more)


def registered(server: Server, **metadata: Any) -> dict[str, Any]:
    answer = ask(server, {"redirect_uris": [BACK], **metadata}, basic=JANE)
    assert answer.status == 201, answer.text
    told: dict[str, Any] = answer.json
    return told


def managed(server: Server, told: dict[str, Any], method: str, body: Any = None) -> Answer:
    """A request to the registration's own address with its token."""
    path = told["registration_client_uri"].removeprefix(server.aws.settings.gateway_url)
    token = {"Authorization": f"Bearer {told['registration_access_token']}"}
    return ask(server, body if body is not None else "", method, path, headers=token)


def stored(server: Server, client_id: str) -> Client | None:
    return server.aws.records.get(Client, tenant=TENANT, client_id=client_id)


def count(server: Server) -> int:
    return len(server.aws.records.list(ClientName, tenant=TENANT, owner="jane"))


def test_a_registration_has_the_defaults_of_rfc_7591_section_2(server: Server) -> None:
    told = registered(server)

    assert told["token_endpoint_auth_method"] == "client_secret_basic"
    assert told["grant_types"] == ["authorization_code"]
    assert told["response_types"] == ["code"]
    assert told["redirect_uris"] == [BACK]
    assert told["client_secret_expires_at"] == 0
    assert abs(told["client_id_issued_at"] - server.clients.clock.now()) < 60
    client = stored(server, told["client_id"])
    assert client is not None
    assert client.owner == "jane"
    assert told["client_secret"] not in repr(client)
    assert told["registration_access_token"] not in repr(client)
    assert client.management == digest(told["registration_access_token"])


def test_everything_that_a_client_tells_is_kept_and_told_back(server: Server) -> None:
    metadata = {
        "client_name": "Öl & Gas",
        "client_uri": "https://app.example/",
        "logo_uri": "https://app.example/logo.png",
        "tos_uri": "https://app.example/terms",
        "policy_uri": "https://app.example/privacy",
        "contacts": ["jane@app.example"],
        "scope": "openid order",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [EC_KEY, RSA_KEY]},
        "software_id": "4NRB1-0XZABZI9E6-5SM3R",
        "software_version": "1.2",
        "post_logout_redirect_uris": ["https://app.example/bye"],
        "id_token_signed_response_alg": "RS256",
        "require_pushed_authorization_requests": True,
        "redirect_uris": [BACK, "com.example.app:/back", "http://127.0.0.1:8000/back"],
    }
    told = registered(server, **metadata, colour="red", application_type="native")

    assert {name: told[name] for name in metadata} == metadata
    assert "colour" not in told, "what is not understood is left out of account (section 2)"
    assert "client_secret" not in told
    client = stored(server, told["client_id"])
    assert client is not None
    assert (client.secrets, client.auth_method) == ((), "private_key_jwt")
    assert client.scopes == ("openid", "order")
    assert client.require_par
    assert client.logout_uris == ("https://app.example/bye",)
    assert client.jwks == [EC_KEY, RSA_KEY]


def test_of_a_key_only_what_verifies_is_kept(server: Server) -> None:
    key = {**EC_KEY, "x5u": "https://evil.example/", "alg": 1, "more": [0.1]}
    body = json.dumps({"redirect_uris": [BACK], "jwks": {"keys": [key]}})

    told = ask(server, body.replace("0.1", "NaN"), basic=JANE).json

    assert told["jwks"] == {"keys": [EC_KEY]}


def test_the_registered_client_gets_tokens(server: Server) -> None:
    told = registered(server, grant_types=["client_credentials"], redirect_uris=None)

    basic = (told["client_id"], told["client_secret"])
    assert server.token({"grant_type": "client_credentials"}, basic=basic).status == 200


def test_each_registration_is_another_client(server: Server) -> None:
    first, second = (registered(server, client_name="same") for _ in range(2))

    assert first["client_id"] != second["client_id"]
    assert managed(server, first, "DELETE").status == 204
    assert managed(server, second, "GET").status == 200


INVALID: dict[str, tuple[dict[str, Any], str, str]] = {
    "no redirect URI": ({"redirect_uris": []}, "invalid_redirect_uri", "redirect_uris"),
    "a text": ({"redirect_uris": BACK}, "invalid_redirect_uri", "redirect_uris"),
    "relative": ({"redirect_uris": ["/back"]}, "invalid_redirect_uri", "absolute"),
    "fragment": ({"redirect_uris": [BACK + "#x"]}, "invalid_redirect_uri", "fragment"),
    "empty fragment": ({"redirect_uris": [BACK + "#"]}, "invalid_redirect_uri", "fragment"),
    "http": ({"redirect_uris": ["http://app.example/"]}, "invalid_redirect_uri", "https"),
    "javascript": ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri", "https"),
    "data": ({"redirect_uris": ["data:text/html,x"]}, "invalid_redirect_uri", "https"),
    "vbscript": ({"redirect_uris": ["vbscript:x"]}, "invalid_redirect_uri", "https"),
    "file": ({"redirect_uris": ["file:///etc/passwd"]}, "invalid_redirect_uri", "https"),
    "user": ({"redirect_uris": ["https://a@app.example/"]}, "invalid_redirect_uri", "user"),
    "wildcard": ({"redirect_uris": ["https://*.app.example/"]}, "invalid_redirect_uri", "*"),
    "one bad of two": ({"redirect_uris": [BACK, "x"]}, "invalid_redirect_uri", "absolute"),
    "logout": (
        {"post_logout_redirect_uris": ["javascript:x"]},
        "invalid_client_metadata",
        "post_logout_redirect_uris",
    ),
    "method": (
        {"token_endpoint_auth_method": "client_secret_jwt"},
        "invalid_client_metadata",
        "token_endpoint_auth_method",
    ),
    "grant": ({"grant_types": ["implicit"]}, "invalid_client_metadata", "grant_types"),
    "ntlm": ({"grant_types": ["iwa:ntlm"]}, "invalid_client_metadata", "grant_types"),
    "no grant": ({"grant_types": []}, "invalid_client_metadata", "grant_types"),
    "response": ({"response_types": ["token"]}, "invalid_client_metadata", "response_types"),
    "code without its grant": (
        {"grant_types": ["client_credentials"], "response_types": ["code"]},
        "invalid_client_metadata",
        "response_types",
    ),
    "grant without code": ({"response_types": []}, "invalid_client_metadata", "response_types"),
    "public with client_credentials": (
        {"grant_types": ["client_credentials"], "token_endpoint_auth_method": "none"},
        "invalid_client_metadata",
        "client_credentials",
    ),
    "no keys": (
        {"token_endpoint_auth_method": "private_key_jwt"},
        "invalid_client_metadata",
        "jwks",
    ),
    "both keys": (
        {"jwks": {"keys": [EC_KEY]}, "jwks_uri": "https://app.example/jwks"},
        "invalid_client_metadata",
        "jwks",
    ),
    "keys by http": ({"jwks_uri": "http://app.example/"}, "invalid_client_metadata", "jwks_uri"),
    "private key": (
        {"jwks": {"keys": [{**EC_KEY, "d": "x"}]}},
        "invalid_client_metadata",
        "private",
    ),
    "symmetric key": (
        {"jwks": {"keys": [{"kty": "oct", "k": "x"}]}},
        "invalid_client_metadata",
        "jwks",
    ),
    "short key": (
        {"jwks": {"keys": [{**RSA_KEY, "n": "n" * 171}]}},
        "invalid_client_metadata",
        "2048",
    ),
    "page": ({"logo_uri": "javascript:x"}, "invalid_client_metadata", "logo_uri"),
    "name": ({"client_name": "a<b"}, "invalid_client_metadata", "client_name"),
    "number as name": ({"client_name": 1}, "invalid_client_metadata", "client_name"),
    "scope": ({"scope": 'a "b"'}, "invalid_client_metadata", "scope"),
    "contacts": ({"contacts": "jane"}, "invalid_client_metadata", "contacts"),
    "flag": (
        {"require_pushed_authorization_requests": "yes"},
        "invalid_client_metadata",
        "require_pushed_authorization_requests",
    ),
    "alg none": (
        {"id_token_signed_response_alg": "none"},
        "invalid_client_metadata",
        "id_token_signed_response_alg",
    ),
}


@pytest.mark.parametrize(("change", "code", "word"), INVALID.values(), ids=INVALID.keys())
def test_a_refusal_by_rfc_7591_section_3_2_2_names_the_fault_and_makes_nothing(
    server: Server, change: dict[str, Any], code: str, word: str
) -> None:
    before = count(server)
    answer = ask(server, {"redirect_uris": [BACK], **change}, basic=JANE)

    assert (answer.status, answer.json["error"]) == (400, code), answer.text
    assert word in answer.json["error_description"]
    assert count(server) == before


@pytest.mark.parametrize(
    "body", ["", "{", "[]", '"x"', '{"client_name":"\\ud800"}', '{"a":1,"a":2}', "[" * 9999]
)
def test_what_is_no_json_object_is_an_invalid_request(server: Server, body: str) -> None:
    answer = ask(server, body, basic=JANE)

    assert (answer.status, answer.json["error"]) == (400, "invalid_request")


def test_another_content_type_is_refused(server: Server) -> None:
    answer = ask(server, {}, basic=JANE, headers={"content-type": "text/plain"})

    assert (answer.status, answer.json["error"]) == (400, "invalid_request")


def test_a_body_that_is_too_large_is_refused(server: Server) -> None:
    assert ask(server, {"client_name": "x" * 40_000}, basic=JANE).status == 413


@pytest.mark.parametrize("basic", [None, ("jane", "wrong"), ("nobody", "wrong")])
def test_registration_is_not_open(server: Server, basic: tuple[str, str] | None) -> None:
    answer = ask(server, {"redirect_uris": [BACK]}, basic=basic)

    assert (answer.status, answer.json["error"]) == (401, "invalid_token")
    assert "Basic" in answer.headers["WWW-Authenticate"]
    assert "Bearer" in answer.headers["WWW-Authenticate"]


def test_a_role_that_registers_clients_is_needed(server: Server) -> None:
    server.accounts.create(server.caller, "plain", "plain-of-tests")

    answer = ask(server, {"redirect_uris": [BACK]}, basic=("plain", "plain-of-tests"))

    assert (answer.status, answer.json["error"]) == (403, "insufficient_scope")


def access_token(server: Server, scope: str) -> str:
    _, basic = server.client(f"rest {scope}")
    form = {"grant_type": "password", "username": "jane", "password": JANE_PASSWORD, "scope": scope}
    token: str = server.token(form, basic=basic).json["access_token"]
    return token


def test_an_access_token_for_it_is_an_initial_access_token(server: Server) -> None:
    """RFC 7591 section 3: the initial access token is an ordinary one with the contract's scope."""
    body = {"redirect_uris": [BACK]}
    fitting = {"Authorization": f"Bearer {access_token(server, 'apim:dcr:app_manage')}"}
    other = {"Authorization": f"Bearer {access_token(server, 'apim:subscribe')}"}

    made = ask(server, body, headers=fitting)
    assert made.status == 201
    client = stored(server, made.json["client_id"])
    assert client is not None
    assert client.owner == "jane"
    assert ask(server, body, headers=other).json["error"] == "insufficient_scope"
    assert ask(server, body, headers={"Authorization": "Bearer x.y.z"}).status == 401


def test_open_registration_is_a_tenants_rule_and_gives_no_client_of_its_own_right(
    server: Server,
) -> None:
    rules = server.aws.records.get(TokenRules, tenant=TENANT) or TokenRules(tenant=TENANT)
    server.aws.records.commit(Put(replace(rules, open_registration=True)))
    try:
        made = ask(server, {"redirect_uris": [BACK]})
        acting = ask(server, {"grant_types": ["client_credentials"]})
    finally:
        server.aws.records.commit(Put(rules))

    assert made.status == 201
    assert (acting.status, acting.json["error"]) == (400, "invalid_client_metadata")
    assert managed(server, made.json, "GET").status == 200


def test_a_registration_is_read_without_its_secret(server: Server) -> None:
    """RFC 7592 section 2.1; the secret is told once only."""
    told = registered(server, client_name="reader")

    answer = managed(server, told, "GET")

    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    secret = {"client_secret", "client_secret_expires_at"}
    assert answer.json == {name: value for name, value in told.items() if name not in secret}


@pytest.mark.parametrize("token", ["", "wrong", "another's"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_only_the_registration_access_token_opens_a_registration(
    server: Server, method: str, token: str
) -> None:
    told, other = registered(server), registered(server)
    given = other["registration_access_token"] if token == "another's" else token
    before = stored(server, told["client_id"])
    wrong = {**told, "registration_access_token": given}
    body = {"client_id": told["client_id"], "redirect_uris": ["https://evil.example/"]}

    answer = managed(server, wrong, method, body)

    assert (answer.status, answer.json["error"]) == (401, "invalid_token")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert stored(server, told["client_id"]) == before


def test_a_password_does_not_open_a_registration(server: Server) -> None:
    told = registered(server)
    path = f"/oauth2/register/{told['client_id']}"

    assert ask(server, "", "GET", path, basic=JANE).status == 401


def test_clients_without_a_registration_access_token_cannot_be_managed(server: Server) -> None:
    client, _ = server.client("of the portal", application_id="some-app")
    told = {"registration_client_uri": f"/oauth2/register/{client.client_id}"}

    for token in ("", "-", digest("-")):
        answer = managed(server, {**told, "registration_access_token": token}, "GET")
        assert answer.status == 401


def test_an_update_takes_the_place_of_all_that_was_said(server: Server) -> None:
    """RFC 7592 section 2.2: fields that are left out go back to their defaults."""
    told = registered(server, client_name="before", scope="openid", contacts=["a@b.example"])
    body = {
        "client_id": told["client_id"],
        "client_secret": told["client_secret"],
        "client_name": "after",
        "redirect_uris": ["https://app.example/new"],
    }

    answer = managed(server, told, "PUT", body)

    assert answer.status == 200, answer.text
    assert answer.json["client_name"] == "after"
    assert answer.json["redirect_uris"] == ["https://app.example/new"]
    assert not {"scope", "contacts", "client_secret"} & answer.json.keys()
    assert managed(server, told, "GET").json == answer.json
    assert server.clients.authenticate(told["client_id"], told["client_secret"]).scopes is None


def test_a_client_that_becomes_public_loses_its_secret_and_gets_a_new_one_after(
    server: Server,
) -> None:
    told = registered(server)
    body = {"client_id": told["client_id"], "redirect_uris": [BACK]}

    public = managed(server, told, "PUT", {**body, "token_endpoint_auth_method": "none"})
    client = stored(server, told["client_id"])
    assert client is not None
    assert (public.status, client.public, client.secrets) == (200, True, ())
    back = managed(server, told, "PUT", body).json
    assert back["client_secret"] != told["client_secret"]
    assert server.clients.authenticate(told["client_id"], back["client_secret"])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"client_id": "another"}, "invalid_client_metadata"),
        ({"client_id": None}, "invalid_client_metadata"),
        ({"client_secret": "chosen-by-myself"}, "invalid_client_metadata"),
        ({"client_secret": 1}, "invalid_client_metadata"),
        ({"registration_access_token": "x"}, "invalid_client_metadata"),
        ({"registration_client_uri": "https://x.example"}, "invalid_client_metadata"),
        ({"client_secret_expires_at": 0}, "invalid_client_metadata"),
        ({"client_id_issued_at": 0}, "invalid_client_metadata"),
        ({"redirect_uris": ["http://x.example/"]}, "invalid_redirect_uri"),
        ({"grant_types": ["implicit"]}, "invalid_client_metadata"),
    ],
)
def test_a_refused_update_changes_nothing(
    server: Server, change: dict[str, Any], code: str
) -> None:
    told = registered(server)
    before = stored(server, told["client_id"])
    body = {"client_id": told["client_id"], "redirect_uris": [BACK], **change}

    answer = managed(server, told, "PUT", body)

    assert (answer.status, answer.json["error"]) == (400, code)
    assert stored(server, told["client_id"]) == before


def test_a_removed_client_is_gone_with_its_tokens(server: Server) -> None:
    """RFC 7592 section 2.3."""
    told = registered(server, grant_types=["client_credentials"], redirect_uris=None)
    basic = (told["client_id"], told["client_secret"])
    token = server.token({"grant_type": "client_credentials"}, basic=basic).json["access_token"]

    answer = managed(server, told, "DELETE")

    assert (answer.status, answer.text) == (204, "")
    assert managed(server, told, "GET").status == 401
    assert server.token({"grant_type": "client_credentials"}, basic=basic).status == 401
    told = server.call("POST", "/oauth2/introspect", {"token": token}, basic=ADMIN).json
    assert told == {"active": False}
    assert stored(server, basic[0]) is None


def test_a_users_registrations_go_with_the_user(server: Server) -> None:
    server.accounts.create(server.caller, "joe", "joe-of-tests", ["Internal/creator"])
    body = {"redirect_uris": [BACK], "client_name": "joes"}
    told = ask(server, body, basic=("joe", "joe-of-tests")).json

    server.accounts.delete(server.caller, server.accounts.get(TENANT, "joe"))

    assert managed(server, told, "GET").status == 401
    assert stored(server, told["client_id"]) is None


def test_a_tenants_registration_is_found_at_its_own_address(server: Server) -> None:
    root = Caller("acme.example", "root", ("admin",))
    server.aws.records.commit(Put(Tenant(tenant="acme.example")))
    server.accounts.create(root, "ann", "ann-of-tests", ["Internal/creator"])

    basic = ("ann@acme.example", "ann-of-tests")
    told = ask(server, {"redirect_uris": [BACK]}, basic=basic).json

    assert "/t/acme.example/oauth2/register/" in told["registration_client_uri"]
    assert managed(server, told, "GET").status == 200


def test_the_id_token_algorithm_is_that_of_our_keys(server: Server) -> None:
    assert {key["alg"] for key in server.jwks} == set(ID_TOKEN_ALGORITHMS)


NAMES = st.sampled_from(
    [
        "redirect_uris", "grant_types", "response_types", "token_endpoint_auth_method", "jwks",
        "jwks_uri", "client_name", "client_uri", "logo_uri", "scope", "contacts", "tos_uri",
        "software_id", "post_logout_redirect_uris", "id_token_signed_response_alg",
        "require_pushed_authorization_requests", "subject_type", "client_id",
    ]
)  # fmt: skip
KEYS = st.dictionaries(
    st.sampled_from(["kty", "crv", "x", "y", "n", "e", "kid", "x5c"]),
    st.sampled_from(["EC", "RSA", "P-256", "f" * 43, "n" * 342, "AQAB", 1.5, None, {"a": [0.1]}]),
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=40)
    | st.sampled_from([BACK, "none", "private_key_jwt", "code", "authorization_code"])
    | st.fixed_dictionaries({"keys": st.lists(KEYS, max_size=2)}),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def bearer(server: Server) -> dict[str, str]:
    """An initial access token; a password would cost its hash each time."""
    return {"Authorization": f"Bearer {access_token(server, 'apim:dcr:app_manage')}"}


@settings(max_examples=60, deadline=None)
@given(body=st.dictionaries(NAMES | st.text(max_size=8), VALUES, max_size=6))
def test_whatever_a_registration_says_is_registered_or_refused(
    server: Server, bearer: dict[str, str], body: dict[str, Any]
) -> None:
    answer = ask(server, {"redirect_uris": [BACK], **body}, headers=bearer)

    assert answer.status in (201, 400), answer.text
    if answer.status == 201:
        assert managed(server, answer.json, "DELETE").status == 204
    else:
        assert set(answer.json) == {"error", "error_description"}
