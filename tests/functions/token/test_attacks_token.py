"""Attacks on the token endpoint, one row each: refused with the right error, and nothing changes
but what the row says.
"""

import base64
import json

import pytest

from tests.functions.token.attacked import ACCESS_TOKEN as KIND
from tests.functions.token.attacked import (
    ACME,
    CALLBACK,
    DEVICE,
    EXCHANGE,
    GRANT,
    TYPE,
    VERIFIER,
    World,
    world_of,
)
from tests.functions.token.attacking import FORM, Attack, Call, altered, token
from tests.functions.token.conftest import JANE_PASSWORD, Server, basic_header
from tests.functions.token.signing import by_secret, pair, part, unsigned

ITSELF = {"grant_type": "client_credentials"}
REVOKED = frozenset({"REVOKED", "FAMILY", "AUDIT"})


@pytest.fixture(scope="module")
def world(server: Server) -> World:
    return world_of(server)


def replayed_code(world: World) -> list[Call]:
    call = world.exchange(world.code())
    assert call.send().status == 200
    return [call]


def replayed_refresh(world: World) -> list[Call]:
    call = refreshing(world)
    assert call.send().status == 200
    return [call]


def refreshing(world: World, **more: str) -> Call:
    form = {"grant_type": "refresh_token", "refresh_token": world.tokens()["refresh_token"]}
    return token({**form, **more}, basic=world.mine)


def signed(assertion: str, **more: str) -> Call:
    form = {**ITSELF, "client_assertion_type": TYPE, "client_assertion": assertion}
    return token({**form, **more})


def used_assertion(world: World) -> Call:
    call = signed(world.assertion())
    assert call.send().status == 200
    return call


def exchanging(world: World, subject: str, **more: str) -> Call:
    form = {"grant_type": EXCHANGE, "subject_token": subject, "subject_token_type": KIND}
    return token({**form, **more}, basic=world.theirs)


def raw(world: World, body: bytes, kind: str = FORM) -> Call:
    headers = {"content-type": kind}
    return Call("POST", "/oauth2/token", headers=headers, body=body, basic=world.mine)


def in_address(name: str, value: str) -> Attack:
    return Attack(
        f"{name} in the address",
        "RFC 6749 2.3.1, RFC 9700 4.3.2",
        lambda world: token(ITSELF, basic=world.mine, query=f"{name}={value}"),
        400,
        "invalid_request",
    )


CODES = (
    Attack(
        "a code is used twice: what it gave ends",
        "RFC 6749 4.1.2, RFC 9700 2.1.1",
        replayed_code,
        400,
        "invalid_grant",
        REVOKED,
    ),
    Attack(
        "a code of another client",
        "RFC 6749 4.1.3",
        lambda world: world.exchange(world.code(), world.theirs),
        400,
        "invalid_grant",
    ),
    Attack(
        "a code of another tenant's client",
        "RFC 6749 4.1.3",
        lambda world: world.exchange(world.code(), world.acme),
        400,
        "invalid_grant",
    ),
    Attack(
        "a code with a public client's bare id",
        "RFC 6749 4.1.3",
        lambda world: token(
            {
                "grant_type": "authorization_code",
                "code": world.code(),
                "redirect_uri": CALLBACK,
                "code_verifier": VERIFIER,
                "client_id": world.client.client_id,
            }
        ),
        401,
        "invalid_client",
    ),
    Attack(
        "an expired code",
        "RFC 6749 4.1.2",
        lambda world: world.exchange(world.code(expires=1_700_000_000)),
        400,
        "invalid_grant",
    ),
    Attack(
        "PKCE: no verifier",
        "RFC 7636 4.6",
        lambda world: world.exchange(world.code(), code_verifier=""),
        400,
        "invalid_grant",
    ),
    Attack(
        "PKCE: another verifier",
        "RFC 7636 4.6",
        lambda world: world.exchange(world.code(), code_verifier="w" * 43),
        400,
        "invalid_grant",
    ),
    Attack(
        "PKCE: a verifier too short to be one",
        "RFC 7636 4.1",
        lambda world: world.exchange(world.code(), code_verifier="v" * 42),
        400,
        "invalid_request",
    ),
    Attack(
        "PKCE: the challenge itself, as with plain",
        "RFC 7636 7.2",
        lambda world: world.exchange(
            world.code(challenge="c" * 43), code_verifier="c" * 43, code_challenge_method="plain"
        ),
        400,
        "invalid_grant",
    ),
    Attack(
        "PKCE: the challenge was taken out of the request",
        "RFC 9700 4.8.2",
        lambda world: world.exchange(world.code(challenge="")),
        400,
        "invalid_grant",
    ),
    *(
        Attack(
            f"the exchange names another redirect URI: {name}",
            "RFC 6749 4.1.3",
            lambda world, uri=uri: world.exchange(world.code(), redirect_uri=uri),
            400,
            "invalid_grant",
        )
        for name, uri in {
            "none": "",
            "path": f"{CALLBACK}/..",
            "case": "https://app.example/CALLBACK",
            "port": "https://app.example:8443/callback",
            "fragment": f"{CALLBACK}#x",
            "user": "https://app.example@evil.example/callback",
            "query": f"{CALLBACK}?x=1",
            "slash": f"{CALLBACK}/",
            "encoded": "https://app.example/%63allback",
        }.items()
    ),
)
REFRESHING = (
    Attack(
        "a refresh token is used twice: its family ends",
        "RFC 9700 4.14.2",
        replayed_refresh,
        400,
        "invalid_grant",
        REVOKED,
    ),
    Attack(
        "a refresh token of another client",
        "RFC 6749 6",
        lambda world: altered(refreshing(world), basic=world.theirs),
        400,
        "invalid_grant",
    ),
    Attack(
        "a refresh token of another tenant",
        "RFC 6749 6",
        lambda world: altered(refreshing(world), basic=world.acme, path=f"/t/{ACME}/oauth2/token"),
        400,
        "invalid_grant",
    ),
    Attack(
        "an access token as a refresh token",
        "RFC 6749 6",
        lambda world: token(
            {"grant_type": "refresh_token", "refresh_token": world.tokens()["access_token"]},
            basic=world.mine,
        ),
        400,
        "invalid_grant",
    ),
)
CLIENTS = (
    *(
        Attack(
            f"a client that is none: {name}",
            "RFC 6749 5.2",
            lambda world, who=who: token(ITSELF, basic=who(world)),
            401,
            "invalid_client",
        )
        for name, who in {
            "unknown": lambda world: ("nobody", "x"),
            "wrong secret": lambda world: (world.mine[0], "x"),
            "no secret": lambda world: (world.mine[0], ""),
            "another's secret": lambda world: (world.mine[0], world.theirs[1]),
            "with a wildcard": lambda world: ("*", world.mine[1]),
            "with parts of a key": lambda world: ("a#CLIENT#b", "x"),
            "public": lambda world: (world.public.client_id, ""),
            "one that signs": lambda world: (world.signing.client_id, ""),
            "not ASCII": lambda world: ("\u00e4\u0000\r\n", "x"),
        }.items()
    ),
    *(
        Attack(
            f"an Authorization header that is none: {name}",
            "RFC 7617 2",
            lambda world, text=text: token(ITSELF, headers={"authorization": text}),
            401,
            "invalid_client",
        )
        for name, text in {
            "no base64": "Basic !!!",
            "no colon": "Basic " + base64.b64encode(b"ab").decode(),
            "no UTF-8": "Basic " + base64.b64encode(b"\xff:\xff").decode(),
            "no scheme": "x",
            "another scheme": "Digest username=x",
            "a bearer token": "Bearer x",
            "long": "Basic " + "QQ" * 4000,
        }.items()
    ),
    Attack(
        "two ways at once",
        "RFC 6749 2.3",
        lambda world: token({**ITSELF, "client_secret": world.mine[1]}, basic=world.mine),
        400,
        "invalid_request",
    ),
    Attack(
        "the id of one, the secret of another",
        "RFC 6749 2.3",
        lambda world: token({**ITSELF, "client_id": world.mine[0]}, basic=world.theirs),
        400,
        "invalid_request",
    ),
    Attack(
        "a public client for itself",
        "RFC 6749 4.4",
        lambda world: token({**ITSELF, "client_id": world.public.client_id}),
        400,
        "unauthorized_client",
    ),
    Attack(
        "a public client with a password",
        "RFC 9700 2.4",
        lambda world: token(
            {
                "grant_type": "password",
                "username": "jane",
                "password": JANE_PASSWORD,
                "client_id": world.public.client_id,
            }
        ),
        400,
        "unauthorized_client",
    ),
    Attack(
        "a grant that the client may not use",
        "RFC 6749 5.2",
        lambda world: token(
            ITSELF, basic=world.server.client("narrow", grant_types=("refresh_token",))[1]
        ),
        400,
        "unauthorized_client",
    ),
    *(
        Attack(
            f"a grant that there is not: {name[:20]}",
            "RFC 6749 5.2",
            lambda world, name=name: token({"grant_type": name}, basic=world.mine),
            400,
            "unsupported_grant_type",
        )
        for name in ("implicit", "iwa:ntlm", "../token", "__init__", "CLIENT_CREDENTIALS", "\x00")
    ),
)
# JSON Web Signatures that do not hold, for whatever they speak of.
ALGORITHMS = {
    "alg none": lambda claims, by: unsigned(claims),
    "alg None": lambda claims, by: unsigned(claims, "None"),
    "HS256 with the public key": lambda claims, by: by_secret(claims, by.pem),
    "HS256 with the JWK": lambda claims, by: by_secret(claims, json.dumps(by.jwk).encode()),
    "an unknown kid": lambda claims, by: by.sign(claims, {"kid": "other"}),
    "a kid that is a path": lambda claims, by: by.sign(claims, {"kid": "../../dev/null"}),
    "another's key": lambda claims, by: pair("RS256", "attacker").sign(claims, {"kid": "one"}),
    "another's key in the header": lambda claims, by: pair("RS256", "attacker").sign(
        claims, {"kid": "one", "jwk": pair("RS256", "attacker").jwk}
    ),
    "jku to another's keys": lambda claims, by: pair("RS256", "attacker").sign(
        claims, {"kid": "attacker", "jku": "https://evil.example/jwks"}
    ),
    "x5u to another's certificate": lambda claims, by: pair("RS256", "attacker").sign(
        claims, {"kid": "attacker", "x5u": "https://evil.example/cert"}
    ),
    "crit": lambda claims, by: by.sign(claims, {"crit": ["x"], "x": 1}),
    "a changed claim": lambda claims, by: ".".join(
        (
            by.sign(claims).split(".")[0],
            part({**claims, "sub": claims["sub"], "x": 1}),
            by.sign(claims).split(".")[2],
        )
    ),
    "no signature": lambda claims, by: by.sign(claims).rpartition(".")[0] + ".",
}
TIMES = {
    "expired": {"exp": 1_700_000_000},
    "no end": {"exp": None},
    "not yet": {"nbf": 4_000_000_000},
    "issued in the future": {"iat": 4_000_000_000, "exp": 4_000_000_300},
    "too far an end": {"exp": 4_000_000_000},
    "an end that is no time": {"exp": "tomorrow"},
    "an end without end": {"exp": 1e400},
}
ASSERTIONS = (
    Attack("an assertion is used twice", "RFC 7523 3 (7)", used_assertion, 401, "invalid_client"),
    *(
        Attack(
            f"a client assertion: {name}",
            "RFC 8725 2, RFC 7523 3",
            lambda world, forge=forge: signed(forge(world.claims(), pair("RS256"))),
            401,
            "invalid_client",
        )
        for name, forge in ALGORITHMS.items()
    ),
    *(
        Attack(
            f"a client assertion: {name}",
            "RFC 7523 3",
            lambda world, more=more: signed(world.assertion(**more)),
            401,
            "invalid_client",
        )
        for name, more in {
            **TIMES,
            "wrong audience": {"aud": "https://other.example/token"},
            "two audiences": {"aud": ["http://127.0.0.1:8280/oauth2/token", "https://b.example"]},
            "no audience": {"aud": None},
            "another subject": {"sub": "other"},
            "no jti": {"jti": None},
            "jti of lines": {"jti": ["a"]},
        }.items()
    ),
    Attack(
        "an assertion of one, the id of another",
        "RFC 7521 4.2",
        lambda world: signed(world.assertion(), client_id=world.mine[0]),
        401,
        "invalid_client",
    ),
    *(
        Attack(
            f"a bearer assertion: {name}",
            "RFC 8725 2, RFC 7523 3",
            lambda world, forge=forge: token(
                {
                    "grant_type": f"{GRANT}jwt-bearer",
                    "assertion": forge(world.bearer(), pair("RS256")),
                },
                basic=world.mine,
            ),
            400,
            "invalid_grant",
        )
        for name, forge in ALGORITHMS.items()
    ),
    *(
        Attack(
            f"a bearer assertion: {name}",
            "RFC 7523 3",
            lambda world, more=more: token(
                {
                    "grant_type": f"{GRANT}jwt-bearer",
                    "assertion": pair("RS256").sign(world.bearer(**more)),
                },
                basic=world.mine,
            ),
            400,
            "invalid_grant",
        )
        for name, more in {
            **TIMES,
            "wrong audience": {"aud": "https://other.example/token"},
            "an unknown issuer": {"iss": "https://evil.example"},
            "an unknown user": {"sub": "nobody"},
            "a user of another tenant": {"sub": f"joe@{ACME}"},
            "a name with line breaks": {"sub": "jane\r\nX: y"},
        }.items()
    ),
)
EXCHANGES = (
    Attack(
        "an exchange asks for more",
        "RFC 8693 2.1",
        lambda world: exchanging(world, world.tokens()["access_token"], scope="apim:admin"),
        400,
        "invalid_scope",
    ),
    Attack(
        "an exchange for a place that is not ours",
        "RFC 8693 2.2.2",
        lambda world: exchanging(
            world, world.tokens()["access_token"], resource="https://evil.example/"
        ),
        400,
        "invalid_target",
    ),
    Attack(
        "a public client exchanges another's token",
        "RFC 8693 5",
        lambda world: token(
            {
                "grant_type": EXCHANGE,
                "subject_token": world.tokens()["access_token"],
                "subject_token_type": KIND,
                "client_id": world.public.client_id,
            }
        ),
        400,
        "invalid_request",
    ),
    Attack(
        "somebody acts with another's token",
        "RFC 8693 4.4",
        lambda world: exchanging(
            world,
            world.tokens()["access_token"],
            actor_token=world.tokens()["access_token"],
            actor_token_type=KIND,
        ),
        400,
        "invalid_request",
    ),
    Attack(
        "a token of the other tenant",
        "RFC 8693 2.2.2",
        lambda world: exchanging(
            world,
            world.tokens(world.acme, f"joe@{ACME}", "joe-of-tests")["access_token"],
        ),
        400,
        "invalid_request",
    ),
    *(
        Attack(
            f"an exchange of a token: {name}",
            "RFC 8725 2, RFC 8693 2.2.2",
            lambda world, more=more: exchanging(world, world.access(**more)),
            400,
            "invalid_request",
        )
        for name, more in {
            "expired": {"exp": 1_700_000_000},
            "of another issuer": {"iss": "https://evil.example"},
        }.items()
    ),
)
DEVICES = (
    Attack(
        "a device code of another client",
        "RFC 8628 3.4",
        lambda world: token(
            {"grant_type": DEVICE, "device_code": world.device()["device_code"]}, basic=world.theirs
        ),
        400,
        "invalid_grant",
    ),
    Attack(
        "a user code as a device code",
        "RFC 8628 3.4",
        lambda world: token(
            {
                "grant_type": DEVICE,
                "device_code": world.device()["user_code"],
                "client_id": world.public.client_id,
            }
        ),
        400,
        "invalid_grant",
    ),
)
REQUESTS = (
    *(in_address(name, "x") for name in ("client_secret", "password", "code", "refresh_token")),
    in_address("client_assertion", "x"),
    in_address("client%5Fsecret", "x"),
    *(
        Attack(
            f"{name} comes twice",
            "RFC 6749 3.2",
            lambda world, name=name: token(
                [*ITSELF.items(), ("scope", "a"), (name, "x"), (name, "x")], basic=world.mine
            ),
            400,
            "invalid_request",
        )
        for name in ("grant_type", "scope", "code", "client_id", "unknown")
    ),
    Attack(
        "a body of 40 KB",
        "RFC 9110 15.5.14",
        lambda world: token({**ITSELF, "scope": "a" * 40_000}, basic=world.mine),
        413,
        "invalid_request",
    ),
    Attack(
        "a thousand parameters",
        "RFC 6749 5.2",
        lambda world: token([(f"p{n}", "x") for n in range(1000)], basic=world.mine),
        400,
        "invalid_request",
    ),
    Attack(
        "an address of 40 KB",
        "RFC 9110 15.5.15",
        lambda world: token(ITSELF, basic=world.mine, query="a=" + "b" * 40_000),
        413,
        "invalid_request",
    ),
    *(
        Attack(
            f"a body that cannot be read: {name}",
            "RFC 6749 B",
            lambda world, body=body, kind=kind: raw(world, body, kind),
            400,
            "invalid_request",
        )
        for name, (body, kind) in {
            "no UTF-8": (b"grant_type=client_credentials&scope=\xff", FORM),
            "no UTF-8, encoded": (b"grant_type=client_credentials&scope=%ff", FORM),
            "Latin-1, and says so": (
                "grant_type=client_credentials&scope=\u00e4".encode("latin-1"),
                f"{FORM}; charset=iso-8859-1",
            ),
            "UTF-16": ("grant_type=client_credentials".encode("utf-16"), FORM),
            "UTF-7": (b"grant_type=+AGMAbABp-", "text/plain; charset=utf-7"),
            "multipart": (b"--x\r\n\r\n--x--", "multipart/form-data; boundary=x"),
            "XML": (b"<a/>", "application/xml"),
            "no type": (b"grant_type=client_credentials", ""),
            "no form": (b"grant_type", FORM),
            "JSON: twice": (b'{"grant_type":"a","grant_type":"b"}', "application/json"),
            "JSON: a number": (b'{"grant_type":1}', "application/json"),
            "JSON: a list": (b'["grant_type"]', "application/json"),
            "JSON: half a letter": (b'{"grant_type":"\\ud800"}', "application/json"),
            "JSON: half a name": (b'{"\\ud800":"x"}', "application/json"),
            "JSON: deep": (b"[" * 30_000, "application/json"),
            "JSON: NaN": (b'{"grant_type":NaN}', "application/json"),
        }.items()
    ),
    *(
        Attack(
            f"line breaks in {name}",
            "RFC 9110 5.5",
            lambda world, name=name, value=value: token(
                {**ITSELF, name: f"{value}\r\nSet-Cookie: x=y"}, basic=world.mine
            ),
            400,
            error,
        )
        for name, value, error in (
            ("grant_type", "client_credentials", "unsupported_grant_type"),
            ("validity_period", "60", "invalid_request"),
            ("scope", 'a"', "invalid_scope"),
            ("client_id", "x", "invalid_request"),
        )
    ),
    *(
        Attack(
            f"another method: {name}",
            "RFC 6749 3.2",
            lambda world, method=method, headers=headers: Call(
                method, "/oauth2/token", ITSELF, headers=headers, basic=world.mine
            ),
            405,
            "invalid_request",
        )
        for name, method, headers in (
            ("GET", "GET", {}),
            ("TRACE", "TRACE", {}),
            ("GET that means POST", "GET", {"x-http-method-override": "POST"}),
            ("PUT that means POST", "PUT", {"x-http-method": "POST", "x-method-override": "POST"}),
        )
    ),
    *(
        Attack(
            f"another path: {path}",
            "RFC 3986 6",
            lambda world, path=path: Call("POST", path, ITSELF, basic=world.mine),
            404,
            "invalid_request",
        )
        for path in (
            "//oauth2/token",
            "/oauth2//token",
            "/oauth2/./token",
            "/oauth2/x/../token",
            "/oauth2/%74oken",
            "/oauth2%2ftoken",
            "/OAUTH2/token",
            "/oauth2/token;x=1",
            "/oauth2/token%00",
            "/oauth2/token/x",
            "/t/acme.example/t/carbon.super/oauth2/token",
            "/t/../oauth2/token/x",
            "/t/a%2fb/oauth2/token",
            "/t/a b/oauth2/token",
            "/t//oauth2/token",
        )
    ),
)
TABLE = (*CODES, *REFRESHING, *CLIENTS, *ASSERTIONS, *EXCHANGES, *DEVICES, *REQUESTS)


@pytest.mark.parametrize("attack", TABLE, ids=lambda one: f"{one.name} [{one.source}]")
def test_an_attack_on_the_token_endpoint(server: Server, world: World, attack: Attack) -> None:
    attack.run(server, world)


def test_the_requests_that_the_attacks_change_are_answered(world: World) -> None:
    """Or every row above might be refused for another reason."""
    device = {"grant_type": DEVICE, "client_id": world.public.client_id}
    subject = world.tokens()["access_token"]
    bearer = {"grant_type": f"{GRANT}jwt-bearer", "assertion": pair("RS256").sign(world.bearer())}
    for call in (
        token(ITSELF, basic=world.mine),
        token(ITSELF, headers={"Authorization": basic_header(*world.mine)}),
        token({**ITSELF, "client_id": world.mine[0]}, basic=world.mine),
        raw(world, b'{"grant_type":"client_credentials"}', "application/json"),
        world.exchange(world.code()),
        world.exchange(world.code(challenge=""), code_verifier=""),
        refreshing(world, scope="openid"),
        signed(world.assertion()),
        token(bearer, basic=world.mine),
        exchanging(world, subject),
        exchanging(world, world.access()),
    ):
        answer = call.send()
        assert answer.status == 200, (call, answer)
    waiting = token({**device, "device_code": world.device()["device_code"]}).send()
    assert waiting.error == "authorization_pending"


def test_a_refresh_token_gives_no_scope_that_was_not_granted(world: World) -> None:
    """RFC 6749 sections 3.3 and 6: what was not granted is left out, and the answer says so."""
    told = refreshing(world, scope="openid apim:admin apim:api_create").send().json
    assert told["scope"] == "openid"
