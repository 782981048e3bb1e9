"""`/tenant-config` with its rules about tokens, through the handler."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import jsonschema
import pytest

from portico.domain.backend_jwt import BackendJwtRules, GatewayUser
from portico.domain.operations import AuditEntry
from portico.domain.records import Discard
from portico.domain.token_rules import TokenRules, sealed_for
from portico.storage.sealing import KmsSealer
from tests.conftest import REGION, Aws
from tests.functions.admin.conftest import TENANT, Client, forget
from tests.functions.admin.keys import JWK, PEM, certificate

PROVIDER = {
    "id": "corp",
    "name": "Corporate sign-in",
    "issuer": "https://login.example.com",
    "clientId": "portico",
}
EMAIL = "http://wso2.org/claims/emailaddress"


@pytest.fixture(scope="module", autouse=True)
def kms_key(aws: Aws, client: Client) -> Iterator[str]:
    kms = boto3.client("kms", region_name=REGION)
    arn = kms.create_key()["KeyMetadata"]["Arn"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PORTICO_KMS_KEY", arn)
        patch.setenv("PORTICO_PLUGIN_PACKAGES", "acme_plugins")
        forget()
        yield arn
    kms.close()


@pytest.fixture(autouse=True)
def _afresh(aws: Aws) -> None:
    aws.records.commit(Discard(TokenRules(tenant=TENANT)))
    aws.records.commit(Discard(BackendJwtRules(tenant=TENANT)))


def put(client: Client, tokens: Any, **more: Any) -> Any:
    return client.rest("PUT", "/tenant-config", {"Tokens": tokens}, **more)


def test_the_defaults_are_the_safe_ones(client: Client) -> None:
    tokens = client.rest("GET", "/tenant-config").json["Tokens"]
    assert tokens["reissue"] is False
    assert tokens["grantTypes"] is None
    assert tokens["signUp"] == {"enabled": False, "roles": ["Internal/subscriber"]}
    assert tokens["extension"] == {
        "name": "",
        "applications": {},
        "seconds": 2.0,
        "failOpen": False,
    }
    assert tokens["codeValidity"] == 300


def test_what_is_set_is_told_and_sent_back_changes_nothing(client: Client) -> None:
    wanted = {
        "grantTypes": ["client_credentials", "urn:acme:badge"],
        "pluginGrants": {"urn:acme:badge": "acme_plugins.badges.Badge"},
        "reissue": True,
        "maxLiveTokens": 5,
        "codeValidity": 60,
        "claimHeaders": [EMAIL],
        "extension": {
            "name": "acme_plugins.jwt.Minting",
            "applications": {"11111111-2222": "portico-hook-claims"},
            "seconds": 1.5,
            "failOpen": True,
        },
        "trustedIssuers": [
            {"issuer": "https://idp.example.com", "jwks": [JWK], "roles": {"dev": "Internal/x"}},
            {"issuer": "urn:idp", "kind": "saml", "certificates": [PEM], "createUsers": True},
        ],
        "loginProviders": [{**PROVIDER, "clientSecret": "s3cret", "defaultRoles": ["Internal/x"]}],
        "signUp": {"enabled": True, "roles": ["Internal/subscriber"]},
        "openRegistration": True,
    }
    changed = put(client, wanted)
    assert changed.status == 200
    told = client.rest("GET", "/tenant-config")
    assert told.json["Tokens"] == changed.json["Tokens"]
    for name in ("grantTypes", "pluginGrants", "claimHeaders", "extension", "signUp"):
        assert told.json["Tokens"][name] == wanted[name]
    assert told.json["Tokens"]["trustedIssuers"][1]["certificates"] == [PEM]
    again = put(client, told.json["Tokens"], headers={"if-match": told.headers["etag"]})
    assert (again.status, again.json) == (200, told.json)


def test_settings_left_out_have_their_defaults_and_tokens_left_out_stay(client: Client) -> None:
    put(client, {"reissue": True, "maxLiveTokens": 3})
    kept = client.rest("PUT", "/tenant-config", {"DeprecateOldVersions": True}).json
    assert kept["Tokens"]["maxLiveTokens"] == 3
    changed = put(client, {"maxLiveTokens": 4}).json
    assert changed["DeprecateOldVersions"] is False
    assert changed["Tokens"]["reissue"] is False


def test_a_client_secret_is_stored_sealed_and_never_told(
    client: Client, aws: Aws, kms_key: str
) -> None:
    answer = put(client, {"loginProviders": [{**PROVIDER, "clientSecret": "top-s3cret"}]})
    assert answer.status == 200
    shown = client.rest("GET", "/tenant-config")
    assert "top-s3cret" not in answer.text + shown.text
    assert shown.json["Tokens"]["loginProviders"][0]["hasClientSecret"] is True
    assert "clientSecret" not in shown.json["Tokens"]["loginProviders"][0]
    stored = aws.records.get(TokenRules, tenant=TENANT)
    assert stored
    sealed = stored.providers[0].sealed_secret
    assert "top-s3cret" not in sealed
    kms = boto3.client("kms", region_name=REGION)
    opened = KmsSealer(lambda: kms, kms_key).open(sealed, sealed_for(TENANT, "corp"))
    assert opened == "top-s3cret"
    kms.close()


def test_a_client_secret_stays_until_it_is_another_server_or_said_to_go(
    client: Client, aws: Aws
) -> None:
    def sealed() -> str:
        stored = aws.records.get(TokenRules, tenant=TENANT)
        assert stored
        return stored.providers[0].sealed_secret

    put(client, {"loginProviders": [{**PROVIDER, "clientSecret": "s3cret"}]})
    first = sealed()
    put(client, {"loginProviders": [{**PROVIDER, "name": "Other name"}]})
    assert sealed() == first
    put(client, {"loginProviders": [{**PROVIDER, "clientSecret": ""}]})
    assert sealed() == ""
    put(client, {"loginProviders": [{**PROVIDER, "clientSecret": "s3cret"}]})
    put(client, {"loginProviders": [{**PROVIDER, "issuer": "https://evil.example.com"}]})
    assert sealed() == ""


BAD: list[tuple[Any, str]] = [
    ([], "Tokens"),
    ({"nothing": 1}, "Tokens.nothing"),
    ({"reissue": "true"}, "Tokens.reissue"),
    ({"grantTypes": ["implicit"]}, "Tokens.grantTypes.0"),
    ({"grantTypes": ["password", "password"]}, "Tokens.grantTypes"),
    ({"grantTypes": "password"}, "Tokens.grantTypes"),
    ({"pluginGrants": {"password": "acme_plugins.b.C"}}, "Tokens.pluginGrants.password"),
    ({"pluginGrants": {"badge": "acme_plugins.b.C"}}, "Tokens.pluginGrants.badge"),
    ({"pluginGrants": {"urn:a:b": "os.path.C"}}, "Tokens.pluginGrants.urn:a:b"),
    ({"pluginGrants": {"urn:a:b": "nonsense"}}, "Tokens.pluginGrants.urn:a:b"),
    ({"maxLiveTokens": -1}, "Tokens.maxLiveTokens"),
    ({"maxLiveTokens": 1.5}, "Tokens.maxLiveTokens"),
    ({"codeValidity": 3600}, "Tokens.codeValidity"),
    ({"claimHeaders": ["http://wso2.org/claims/password"]}, "Tokens.claimHeaders.0"),
    ({"extension": {"name": "subprocess.Popen"}}, "Tokens.extension.name"),
    ({"extension": {"name": "arn:aws:s3:::bucket"}}, "Tokens.extension.name"),
    ({"extension": {"applications": {"a": "os.C"}}}, "Tokens.extension.applications.a"),
    ({"extension": {"applications": {"": "f"}}}, "Tokens.extension.applications."),
    ({"extension": {"applications": {"a": ""}}}, "Tokens.extension.applications.a"),
    ({"extension": {"seconds": 60}}, "Tokens.extension.seconds"),
    ({"signUp": {"enabled": True, "roles": ["admin"]}}, "Tokens.signUp.roles"),
    ({"signUp": {"enabled": True, "roles": ["\r\n"]}}, "Tokens.signUp.roles"),
    ({"trustedIssuers": [{"issuer": "a b", "jwks": [JWK]}]}, "Tokens.trustedIssuers.0.issuer"),
    ({"trustedIssuers": [{"issuer": "urn:a"}]}, "Tokens.trustedIssuers.0.jwks"),
    ({"trustedIssuers": [{"issuer": "urn:a", "kind": "x"}]}, "Tokens.trustedIssuers.0.kind"),
    (
        {"trustedIssuers": [{"issuer": "urn:a", "jwksUri": "http://keys.example.com"}]},
        "Tokens.trustedIssuers.0.jwksUri",
    ),
    (
        {"trustedIssuers": [{"issuer": "urn:a", "jwks": [{**JWK, "d": "AAAA"}]}]},
        "Tokens.trustedIssuers.0.jwks.0",
    ),
    (
        {"trustedIssuers": [{"issuer": "urn:a", "jwks": [{"kty": "oct", "k": "AAAA"}]}]},
        "Tokens.trustedIssuers.0.jwks.0",
    ),
    (
        {"trustedIssuers": [{"issuer": "urn:a", "jwks": [JWK]}] * 2},
        "Tokens.trustedIssuers",
    ),
    (
        {"trustedIssuers": [{"issuer": "urn:a", "kind": "saml", "certificates": ["nonsense"]}]},
        "Tokens.trustedIssuers.0.certificates.0",
    ),
    (
        {"trustedIssuers": [{"issuer": "urn:a", "kind": "saml", "certificates": [PEM * 2]}]},
        "Tokens.trustedIssuers.0.certificates.0",
    ),
    (
        {"trustedIssuers": [{"issuer": "a", "kind": "saml", "certificates": [certificate(1024)]}]},
        "Tokens.trustedIssuers.0.certificates.0",
    ),
    ({"loginProviders": [{**PROVIDER, "id": "Über"}]}, "Tokens.loginProviders.0.id"),
    ({"loginProviders": [PROVIDER, PROVIDER]}, "Tokens.loginProviders"),
    (
        {"loginProviders": [{**PROVIDER, "issuer": "http://login.example.com"}]},
        "Tokens.loginProviders.0.issuer",
    ),
    ({"loginProviders": [{**PROVIDER, "scopes": ["email"]}]}, "Tokens.loginProviders.0.scopes"),
    (
        {"loginProviders": [{**PROVIDER, "clientSecret": "x" * 2049}]},
        "Tokens.loginProviders.0.clientSecret",
    ),
    ({"loginProviders": [{**PROVIDER, "name": "x" * 101}]}, "Tokens.loginProviders.0.name"),
    ({"loginProviders": [{"id": "corp"}]}, "Tokens.loginProviders.0.name"),
]


@pytest.mark.parametrize(("tokens", "field"), BAD)
def test_what_is_wrong_is_named_and_nothing_changes(
    client: Client, tokens: Any, field: str
) -> None:
    before = client.rest("GET", "/tenant-config")
    answer = put(client, tokens)
    assert answer.status == 400
    assert field in [one["code"] for one in answer.json["error"]]
    assert client.rest("GET", "/tenant-config").headers["etag"] == before.headers["etag"]


def test_a_change_over_one_that_was_not_seen_is_refused(client: Client) -> None:
    seen = client.rest("GET", "/tenant-config").headers["etag"]
    assert put(client, {"maxLiveTokens": 7}, headers={"if-match": seen}).status == 200
    lost = put(client, {"maxLiveTokens": 8}, headers={"if-match": seen})
    assert lost.status == 412
    assert client.rest("GET", "/tenant-config").json["Tokens"]["maxLiveTokens"] == 7
    settings = client.rest(
        "PUT", "/tenant-config", {"DeprecateOldVersions": True}, headers={"if-match": seen}
    )
    assert settings.status == 412


def test_a_change_is_in_the_audit_trail_without_secrets(client: Client, aws: Aws) -> None:
    put(client, {"reissue": True, "loginProviders": [{**PROVIDER, "clientSecret": "s3cret-x"}]})
    day = datetime.now(UTC).date().isoformat()
    entries = aws.records.list(AuditEntry, tenant=TENANT, day=day)
    found = [one for one in entries if one.kind == "token-rules"][-1]
    assert (found.user, found.action) == ("admin", "update")
    assert found.after["reissue"] is True
    assert "s3cret-x" not in str(entries)


def test_the_schema_describes_what_is_told(client: Client) -> None:
    schema = client.rest("GET", "/tenant-config-schema").json
    put(client, {"trustedIssuers": [{"issuer": "urn:a", "jwks": [JWK]}]})
    jsonschema.validate(client.rest("GET", "/tenant-config").json, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"Tokens": {"reissue": "yes"}}, schema)


def test_others_may_not(client: Client) -> None:
    token = client.token("jane", "apim:api_view")
    assert client.rest("GET", "/tenant-config", authorization=token).status == 401
    assert put(client, {}, authorization=token).status == 401


# --- backend JWTs ---

BACKEND = {
    "dialect": "http://acme.example/claims",
    "userClaims": [EMAIL],
    "algorithm": "RS256",
    "encoding": "base64",
    "compatibility": "1.x",
    "extension": {
        "name": "acme_plugins.clearance.Clearance",
        "everyCall": True,
        "seconds": 0.25,
        "failOpen": True,
    },
}


def test_rules_about_backend_jwts_are_told_and_sent_back_change_nothing(
    client: Client, aws: Aws
) -> None:
    first = client.rest("GET", "/tenant-config").json["BackendJwt"]
    assert first["dialect"] == "http://wso2.org/claims"
    assert first["extension"] == {
        "name": "",
        "everyCall": False,
        "seconds": 0.5,
        "failOpen": False,
    }
    changed = client.rest("PUT", "/tenant-config", {"BackendJwt": BACKEND})
    assert (changed.status, changed.json["BackendJwt"]) == (200, BACKEND)
    told = client.rest("GET", "/tenant-config")
    again = client.rest(
        "PUT", "/tenant-config", told.json, headers={"if-match": told.headers["etag"]}
    )
    assert (again.status, again.json) == (200, told.json)
    jsonschema.validate(told.json, client.rest("GET", "/tenant-config-schema").json)
    # Left out, they stay; so do the others.
    assert put(client, {"maxLiveTokens": 3}).json["BackendJwt"] == BACKEND
    kept = client.rest("PUT", "/tenant-config", {"BackendJwt": {}}).json
    assert (kept["Tokens"]["maxLiveTokens"], kept["BackendJwt"]) == (3, first)
    # The users were told to the gateway with the first claim.
    assert aws.records.get(GatewayUser, tenant=TENANT, name="admin")


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ([], "BackendJwt"),
        ({"nothing": 1}, "BackendJwt.nothing"),
        ({"dialect": "claims"}, "BackendJwt.dialect"),
        ({"userClaims": "x"}, "BackendJwt.userClaims"),
        ({"userClaims": ["urn:x"]}, "BackendJwt.userClaims.0"),
        ({"algorithm": "HS256"}, "BackendJwt.algorithm"),
        ({"extension": {"name": "os.Path"}}, "BackendJwt.extension.name"),
        ({"extension": {"seconds": 60}}, "BackendJwt.extension.seconds"),
        ({"extension": {"failOpen": "true"}}, "BackendJwt.extension.failOpen"),
    ],
)
def test_what_is_wrong_with_backend_jwts_is_named_and_nothing_changes(
    client: Client, wanted: Any, field: str
) -> None:
    before = client.rest("GET", "/tenant-config")
    body = {"BackendJwt": wanted, "Tokens": {"maxLiveTokens": 9}}
    answer = client.rest("PUT", "/tenant-config", body)
    assert answer.status == 400
    assert field in [one["code"] for one in answer.json["error"]]
    assert client.rest("GET", "/tenant-config").headers["etag"] == before.headers["etag"]
