"""Attacks on the endpoints that applications call besides the token endpoint, and on whose word
counts: others' tokens, other tenants, wrapped assertions, hosts that are not ours.
"""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from portico.domain.gateway import OpaqueToken
from portico.domain.records import Put
from portico.domain.token_rules import TokenRules
from portico.services.clients import digest
from tests.functions.token.attacked import (
    ACME,
    GRANT,
    URL,
    World,
    world_of,
)
from tests.functions.token.attacking import (
    Attack,
    Call,
    bearer,
    contents,
    kinds_changed,
    safe,
    token,
)
from tests.functions.token.conftest import TENANT, Server
from tests.functions.token.saml import encoded, text
from tests.functions.token.saml import signed as signed_xml
from tests.functions.token.signing import by_secret, pair, unsigned
from tests.functions.token.test_saml2_bearer import FORGED, WRAPPED

INTROSPECT, USERINFO = "/oauth2/introspect", "/oauth2/userinfo"
SAML_BEARER = f"{GRANT}saml2-bearer"


@pytest.fixture(scope="module")
def world(server: Server) -> World:
    return world_of(server)


def introspect(given: str, by: tuple[str, str], tenant: str = "") -> Call:
    path = f"/t/{tenant}{INTROSPECT}" if tenant else INTROSPECT
    return Call("POST", path, {"token": given}, basic=by)


def userinfo(given: str, tenant: str = "") -> Call:
    path = f"/t/{tenant}{USERINFO}" if tenant else USERINFO
    return Call("GET", path, headers=bearer(given))


def inactive(name: str, prepare: Callable[..., Call], source: str = "RFC 7662 4") -> Attack:
    return Attack(name, source, prepare, 200, told='{"active": false}')


OPAQUE_TOKENS = (
    inactive(
        "a token of another client",
        lambda world: introspect(world.tokens()["access_token"], world.theirs),
    ),
    inactive(
        "a refresh token of another client",
        lambda world: introspect(world.tokens()["refresh_token"], world.theirs),
    ),
    inactive(
        "an opaque token of another client",
        lambda world: introspect(world.tokens(world.opaque)["access_token"], world.theirs),
    ),
    inactive(
        "an opaque token at the wrong tenant",
        lambda world: introspect(world.tokens(world.opaque)["access_token"], world.acme, ACME),
    ),
    inactive(
        "an administrator of another tenant",
        lambda world: introspect(
            world.tokens()["access_token"], (f"root@{ACME}", "root-of-tests"), ACME
        ),
    ),
    *(
        inactive(
            f"a token that our key did not sign as such: {name}",
            lambda world, made=made: introspect(made(world), world.mine),
        )
        for name, made in {
            "alg none": lambda world: unsigned(world.claims()),
            "HS256": lambda world: by_secret(
                world.claims(), json.dumps(world.server.jwks[0]).encode(), "one"
            ),
            "expired": lambda world: world.access(exp=1_700_000_000),
            "of another issuer": lambda world: world.access(iss="https://evil.example"),
            "of the future": lambda world: world.access(nbf=4_000_000_000, iat=4_000_000_000),
            "of somebody gone": lambda world: world.access(sub="nobody@carbon.super"),
        }.items()
    ),
    Attack(
        "a public client asks about tokens",
        "RFC 7662 4",
        lambda world: Call(
            "POST",
            INTROSPECT,
            {"token": world.tokens()["access_token"], "client_id": world.public.client_id},
        ),
        401,
        "invalid_client",
    ),
    Attack(
        "nobody asks about tokens",
        "RFC 7662 2.1",
        lambda world: Call("POST", INTROSPECT, {"token": world.tokens()["access_token"]}),
        401,
        "invalid_client",
    ),
    Attack(
        "a user's own token asks about others'",
        "RFC 7662 2.1",
        lambda world: Call(
            "POST",
            INTROSPECT,
            {"token": world.tokens()["access_token"]},
            headers=bearer(world.tokens()["access_token"]),
        ),
        401,
        "invalid_token",
    ),
    Attack(
        "revoking another client's token",
        "RFC 7009 2.1",
        lambda world: Call(
            "POST", "/oauth2/revoke", {"token": world.tokens()["access_token"]}, basic=world.theirs
        ),
        400,
        "unauthorized_client",
    ),
    Attack(
        "revoking another client's refresh token",
        "RFC 7009 2.1",
        lambda world: Call(
            "POST", "/oauth2/revoke", {"token": world.tokens()["refresh_token"]}, basic=world.theirs
        ),
        400,
        "unauthorized_client",
    ),
    Attack(
        "revoking a token without a proof",
        "RFC 7009 2.1",
        lambda world: Call(
            "POST",
            "/oauth2/revoke",
            {"token": world.tokens()["access_token"], "client_id": world.client.client_id},
        ),
        401,
        "invalid_client",
    ),
)
USERINFOS = (
    *(
        Attack(
            f"userinfo: {name}",
            "RFC 6750 3.1",
            lambda world, made=made: userinfo(made(world)),
            401,
            "invalid_token",
        )
        for name, made in {
            "no token of ours": lambda world: "x.y.z",
            "alg none": lambda world: unsigned(world.claims()),
            "expired": lambda world: world.access(exp=1_700_000_000),
            "of another issuer": lambda world: world.access(iss="https://evil.example"),
            "a refresh token": lambda world: world.tokens()["refresh_token"],
            "long": lambda world: "a" * 30_000,
        }.items()
    ),
    Attack(
        "userinfo: a token in the address",
        "RFC 9700 4.3.2",
        lambda world: Call("GET", USERINFO, query=f"access_token={world.tokens()['access_token']}"),
        400,
        "invalid_request",
    ),
    Attack(
        "userinfo: an application's own token",
        "OpenID Connect Core 5.3",
        lambda world: userinfo(
            token({"grant_type": "client_credentials"}, basic=world.mine)
            .send()
            .json["access_token"]
        ),
        403,
        "insufficient_scope",
    ),
    *(
        Attack(
            f"userinfo: {name} at the wrong tenant",
            "RFC 6750 3.1",
            lambda world, who=who: userinfo(world.tokens(who(world))["access_token"], ACME),
            401,
            "invalid_token",
        )
        for name, who in {
            "a token": lambda world: world.mine,
            "an opaque token": lambda world: world.opaque,
        }.items()
    ),
)
SAML = tuple(
    Attack(
        f"a SAML assertion: {name}",
        "RFC 7522 3, 8.1",
        lambda world, forge=forge: token(
            {"grant_type": SAML_BEARER, "assertion": encoded(forge())}, basic=world.mine
        ),
        400,
        "invalid_grant",
    )
    for name, forge in {
        **{one.__name__: one for one in WRAPPED},
        **{
            name: FORGED[name]
            for name in (
                *("unsigned", "another name", "the wrong key", "expired", "not valid yet"),
                *("for another audience", "for another recipient", "HMAC", "deep nesting"),
                *("billion laughs", "an external entity", "an external document type", "UTF-16"),
            )
        },
    }.items()
)


def used_saml(world: World) -> Call:
    form = {"grant_type": SAML_BEARER, "assertion": encoded(signed_xml(text()))}
    call = token(form, basic=world.mine)
    assert call.send().status == 200
    return call


def used_bearer(world: World) -> Call:
    form = {"grant_type": f"{GRANT}jwt-bearer", "assertion": pair("RS256").sign(world.bearer())}
    call = token(form, basic=world.mine)
    assert call.send().status == 200
    return call


REPLAYS = (
    Attack("a SAML assertion is used twice", "RFC 7522 3 (6)", used_saml, 400, "invalid_grant"),
    Attack("a JWT assertion is used twice", "RFC 7523 3 (7)", used_bearer, 400, "invalid_grant"),
)


PUSHES = (
    Attack(
        "a push to a redirect URI that is not the client's",
        "RFC 9126 2.1",
        lambda world: Call(
            "POST",
            "/oauth2/par",
            {"response_type": "code", "redirect_uri": "https://evil.example/"},
            basic=world.mine,
        ),
        400,
        "invalid_request",
    ),
    Attack(
        "a push of a pushed request",
        "RFC 9126 2.1",
        lambda world: Call(
            "POST",
            "/oauth2/par",
            {"response_type": "code", "request_uri": "urn:ietf:params:oauth:request_uri:x"},
            basic=world.mine,
        ),
        400,
        "invalid_request",
    ),
    Attack(
        "a push without a proof",
        "RFC 9126 2",
        lambda world: Call(
            "POST",
            "/oauth2/par",
            {"response_type": "code", "client_id": world.client.client_id},
        ),
        401,
        "invalid_client",
    ),
)
TABLE = (*OPAQUE_TOKENS, *USERINFOS, *SAML, *REPLAYS, *PUSHES)


@pytest.mark.parametrize("attack", TABLE, ids=lambda one: f"{one.name} [{one.source}]")
def test_an_attack_on_an_endpoint(server: Server, world: World, attack: Attack) -> None:
    attack.run(server, world)


def test_a_tenants_path_makes_no_client_of_that_tenant(world: World) -> None:
    """A client of one tenant at another's path speaks for its own tenant alone."""
    path = f"/t/{ACME}/oauth2/token"
    told = Call("POST", path, {"grant_type": "client_credentials"}, basic=world.mine).send()
    assert world.server.claims(told.json["access_token"])["tenant"] == TENANT
    form = {"grant_type": "password", "username": f"joe@{ACME}", "password": "joe-of-tests"}
    refused = Call("POST", path, form, basic=world.mine).send()
    assert (refused.status, refused.error) == (400, "invalid_grant")


def test_a_user_code_cannot_be_guessed(server: Server, world: World) -> None:
    """RFC 8628 section 5.1: the 21st guess of a network is not looked at, even if it were right."""
    right = world.device()["user_code"]
    before = contents(server)
    headers = {"sec-fetch-site": "same-origin"}
    for guess in range(20):
        letters = f"BCDF-{'BCDFGHJKLM'[guess % 10]}{'BC'[guess // 10]}BB"
        call = Call("POST", "/oauth2/device", {"user_code": letters}, headers=headers)
        assert call.send().status == 400
    answer = Call("POST", "/oauth2/device", {"user_code": right}, headers=headers).send()
    assert answer.status == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert not answer.location
    assert kinds_changed(before, contents(server)) == {"ATTEMPTS"}


HOSTS = {
    "host": "evil.example",
    "x-forwarded-host": "evil.example",
    "x-forwarded-proto": "gopher",
    "forwarded": "host=evil.example",
    "x-original-url": "/oauth2/evil.example",
    "x-rewrite-url": "/oauth2/evil.example",
    "x-forwarded-prefix": "/evil.example",
    "referer": "https://evil.example/",
}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/.well-known/openid-configuration"),
        ("GET", f"/t/{ACME}/.well-known/openid-configuration"),
        ("GET", "/oauth2/password"),
        ("GET", "/oidc/logout"),
        ("GET", f"/t/{ACME}/oauth2/device"),
        ("POST", "/token"),
        ("POST", "/oauth2/token"),
        ("POST", "/oauth2/device_authorize"),
    ],
)
def test_addresses_come_from_the_settings_never_from_a_header(
    world: World, method: str, path: str
) -> None:
    """RFC 8414 section 3.3: an issuer that the caller may choose would be a mixed-up one."""
    form = {"grant_type": "client_credentials"} if method == "POST" else None
    answer = Call(method, path, form, headers=HOSTS, basic=world.mine).send()
    safe(answer)
    assert answer.status < 400, answer
    assert "evil" not in answer.text + str(answer.headers) + str(answer.cookies)
    if "access_token" in answer.text:
        assert world.server.claims(answer.json["access_token"])["iss"] == f"{URL}/oauth2/token"


def test_line_breaks_in_claims_make_no_headers(server: Server, world: World) -> None:
    """RFC 9110 section 5.5, RFC 8187: a claim is told as one header, whatever is in it."""
    name, password = world.person()
    uri = "http://wso2.org/claims/givenname"
    user = server.accounts.get(TENANT, name)
    evil = "K\u00efm\r\nSet-Cookie: a=b\u2028\x00\ud83d\ude00".encode("utf-16", "surrogatepass")
    server.accounts.update(server.caller, user, given_name=evil.decode("utf-16"))
    rules = server.aws.records.get(TokenRules, tenant=TENANT)
    assert rules
    server.aws.records.commit(Put(replace(rules, claim_headers=(uri,))))
    form = {"grant_type": "password", "username": name, "password": password}
    answer = token(form, basic=world.mine).send()
    server.aws.records.commit(Put(rules))
    safe(answer)
    assert answer.status == 200
    assert not [one for one in answer.headers if one.lower() == "set-cookie"]
    assert [one for one in answer.headers if "name" in one.lower()], answer.headers


def test_an_opaque_token_is_kept_as_a_digest_alone(server: Server, world: World) -> None:
    text = world.tokens(world.opaque)["access_token"]
    assert server.aws.records.get(OpaqueToken, tenant=TENANT, digest=digest(text))
    assert text not in str(contents(server))
