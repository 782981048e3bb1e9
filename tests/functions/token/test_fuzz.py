"""Whatever comes to whichever endpoint: an answer that was meant, never a fault of ours, nothing of
our insides, and the headers that keep it private. Endpoints are read from the table of paths.
"""

import json
import os
import string
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.token.paths import ENDPOINTS, SUCCESSORS
from portico.services.asking import PARAMETERS
from tests.functions.token.attacked import (
    ACCESS_TOKEN,
    ACME,
    ALL,
    CALLBACK,
    DEVICE,
    EXCHANGE,
    GRANT,
    TYPE,
    URL,
    VERIFIER,
    World,
    world_of,
)
from tests.functions.token.attacking import FORM, Answer, Call, contents, kinds_changed, safe, token
from tests.functions.token.conftest import JANE_PASSWORD, Server, basic_header, forget
from tests.functions.token.mailbox import SENDER, Mailbox
from tests.functions.token.saml import encoded, signed, text
from tests.functions.token.signing import by_secret, pair, part, unsigned
from tests.functions.token.test_attacks_pages import OWN, asking, begun

PATHS = sorted(
    {path.replace("*", name) for path in ENDPOINTS for name in ("x", "portico.css")}
    | set(SUCCESSORS)
)
METHODS = ("GET", "POST", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "get", "X")
NAMES = sorted(
    {
        *PARAMETERS,
        *("grant_type", "code", "code_verifier", "refresh_token", "token", "username", "password"),
        *("client_secret", "client_assertion", "client_assertion_type", "assertion", "flow"),
        *("device_code", "user_code", "subject_token", "subject_token_type", "actor_token"),
        *("actor_token_type", "requested_token_type", "audience", "resource", "validity_period"),
        *(
            "decision",
            "as",
            "link",
            "provider",
            "tenant",
            "iss",
            "error",
            "post_logout_redirect_uri",
        ),
        *("token_type_hint", "access_token", "schema", "email", "repeat", "present", "given_name"),
    }
)
HOSTILE = (
    *("", " ", "\x00", "a\r\nX: y", "\u2028", "\U0001f600", "<script>", "{{7*7}}", "%s%n", "../.."),
    *("#", "a#b", "%", "%ff", "'; --", '"', "\\", "null", "-1", "1e999", "9" * 400, "[]", "{}"),
    *("none", "S256", "plain", "form_post", "openid", "apim:admin", "a" * 5000, "~", "x~y", ":"),
    *("carbon.super:x", f"{ACME}~{'a' * 40}", "urn:ietf:params:oauth:request_uri:x"),
    *("urn:ietf:params:oauth:request_uri:a:b", "https://evil.example", "http://[", "//x", "x:"),
    *("http://x:99999/", "eyJhbGciOiJub25lIn0.e30.", "a.b.c", "e30.e30.e30", "..", "PGEvPg"),
    *('{"id_token":{"x":[]}}', '{"userinfo":1}', '{"a":' * 500, "\u0660", "\u00e4", "\u0130"),
    *("known", "other", "allow", "deny", "acme", "nobody", "nobody@carbon.super", f"joe@{ACME}"),
    *(*ALL, "iwa:ntlm", ACCESS_TOKEN, CALLBACK, VERIFIER),
)
DCR = "/client-registration/v0.17/register"
VALUES = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=30))
FIELDS = st.lists(
    st.tuples(st.one_of(st.sampled_from(NAMES), st.text(max_size=8)), VALUES), max_size=6
)
LETTERS = st.text(alphabet=string.printable, max_size=60)
TYPES = (
    *(FORM, f"{FORM}; charset=utf-8", "application/json", "application/json; charset=utf-16"),
    *("text/xml", "multipart/form-data; boundary=x", "", "x", "\u00e4"),
)
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            *("authorization", "Authorization", "cookie", "host", "origin", "sec-fetch-site"),
            *("accept", "accept-language", "content-encoding", "x-forwarded-for", "referer"),
            *("x-http-method-override", "content-length", "transfer-encoding", "dpop"),
        ]
    ),
    st.one_of(
        st.sampled_from(
            [
                *("Basic ", "Basic OjpAOg==", "Basic /////w==", "Bearer ", "Bearer a b", "Bearer"),
                *("same-origin", "cross-site", "none", "null", "127.0.0.1:8280", URL, "[", "//["),
                "http://[",
                basic_header("x", "y"),
                basic_header("a#b%00\u00e4", "y"),
                basic_header("nobody@carbon.super", ""),
            ]
        ),
        LETTERS,
    ),
    max_size=3,
)
COOKIES = st.lists(
    st.one_of(
        LETTERS,
        st.builds("{}={}".format, st.sampled_from(["portico-session", "portico-browser"]), VALUES),
    ),
    max_size=3,
)


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


MEMBERS = st.recursive(
    st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), VALUES),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from([*NAMES, *("keys", "kty", "n", "e", "x5c")]), inner),
    ),
    max_leaves=6,
)
BODIES = st.one_of(
    FIELDS.map(lambda pairs: urlencode(pairs).encode()),
    FIELDS.map(lambda pairs: urlencode(pairs, encoding="latin-1", errors="replace").encode()),
    MEMBERS.map(_json),
    st.binary(max_size=60),
    st.sampled_from(["a=b".encode("utf-16"), b"\xff=\xff", b"a=%ff", b"[" * 20_000, b"{" * 99]),
)
QUERIES = st.one_of(
    FIELDS.map(urlencode), LETTERS, st.text(max_size=30), st.just("a=b&" * 60), st.just("%ff=%00")
)
ANYTHING = settings(
    max_examples=24,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


def holds(call: Call, answer: Answer) -> None:
    """What every answer of every endpoint keeps to."""
    safe(answer)
    kind = answer.headers.get("Content-Type", "")
    assert answer.status in (200, 201, 204, 303, 400, 401, 403, 404, 405, 409, 413, 429, 501), (
        answer
    )
    if kind.startswith("text/html"):
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "no-store" in answer.headers["Cache-Control"]
    elif answer.status >= 400 and answer.text:
        told = answer.json
        assert {"error", "error_description"} <= set(told) or {"code", "message"} <= set(told), told
    if answer.status == 429:
        assert int(answer.headers["Retry-After"]) > 0
    if answer.status == 405:
        assert answer.headers["Allow"]
    if call.method == "HEAD":
        assert answer.text == ""


@pytest.fixture(scope="module")
def world(server: Server) -> Iterator[World]:
    """The targets, where mails can be sent."""
    os.environ["PORTICO_MAIL_SENDER"] = SENDER
    forget()
    Mailbox.at(server.aws.url)
    yield world_of(server)
    os.environ["PORTICO_MAIL_SENDER"] = ""
    forget()


@pytest.mark.parametrize("path", PATHS)
@ANYTHING
@given(
    method=st.sampled_from(METHODS),
    prefix=st.sampled_from(["", "", "", f"/t/{ACME}", "/t/unknown", "/t/CARBON.SUPER"]),
    suffix=st.sampled_from(["", "", "", "", "", "", "/", "/x", "%00", "\u00e4", "?"]),
    query=st.one_of(st.just(""), QUERIES),
    kind=st.sampled_from(TYPES),
    body=BODIES,
    headers=HEADERS,
    cookies=COOKIES,
    number=st.integers(0, 250),
)
def test_any_request_gets_an_answer(
    world: World,
    path: str,
    method: str,
    prefix: str,
    suffix: str,
    query: str,
    kind: str,
    body: bytes,
    headers: dict[str, str],
    cookies: list[str],
    number: int,
) -> None:
    call = Call(
        method,
        prefix + path + suffix,
        query=query,
        headers={"content-type": kind, **headers},
        body=body,
        cookies=tuple(cookies),
        address=f"198.51.100.{number}",
    )
    answer = call.send()
    holds(replace(call, method=method.upper()), answer)
    assert '"access_token"' not in answer.text


def granting(grant_type: str, make: Callable[[World], dict[str, str]]) -> Callable[[World], Call]:
    return lambda world: token({"grant_type": grant_type, **make(world)}, basic=world.mine)


def person(world: World) -> dict[str, str]:
    """Somebody who has not failed yet."""
    return dict(zip(("username", "password"), world.person(), strict=True))


def page(world: World, path: str, kind: str = "authorize", **fields: str) -> Call:
    """A form of a page, by a browser that is signed in for the flow."""
    flow, cookies = begun(world, kind, world.session())
    return Call("POST", path, {"flow": flow, **fields}, headers=OWN, cookies=cookies)


# A request that is answered as the client wants it, for each grant and endpoint with parameters.
VALID: Mapping[str, Callable[[World], Call]] = {
    "client_credentials": granting("client_credentials", lambda _: {"validity_period": "60"}),
    "password": granting("password", person),
    "refresh_token": granting(
        "refresh_token", lambda world: {"refresh_token": world.tokens()["refresh_token"]}
    ),
    "authorization_code": lambda world: world.exchange(world.code()),
    "jwt-bearer": granting(
        f"{GRANT}jwt-bearer", lambda world: {"assertion": pair("RS256").sign(world.bearer())}
    ),
    "saml2-bearer": granting(
        f"{GRANT}saml2-bearer", lambda _: {"assertion": encoded(signed(text()))}
    ),
    "token-exchange": granting(
        EXCHANGE,
        lambda world: {
            "subject_token": world.tokens()["access_token"],
            "subject_token_type": ACCESS_TOKEN,
            "audience": world.mine[0],
            "resource": f"{URL}/x",
        },
    ),
    "private_key_jwt": lambda world: token(
        {
            "grant_type": "client_credentials",
            "client_assertion": world.assertion(),
            "client_assertion_type": TYPE,
        }
    ),
    "device": lambda world: token(
        {
            "grant_type": DEVICE,
            "device_code": world.device()["device_code"],
            "client_id": world.public.client_id,
        }
    ),
    "device_authorize": lambda world: Call(
        "POST", "/oauth2/device_authorize", {"client_id": world.public.client_id, "scope": "openid"}
    ),
    "par": lambda world: Call(
        "POST", "/oauth2/par", dict(parse_qsl(asking(world))), basic=world.mine
    ),
    "authorize": lambda world: Call(
        "POST", "/oauth2/authorize", {**dict(parse_qsl(asking(world))), "claims": "{}"}
    ),
    "introspect": lambda world: Call(
        "POST", "/oauth2/introspect", {"token": world.tokens()["access_token"]}, basic=world.mine
    ),
    "revoke": lambda world: Call(
        "POST", "/oauth2/revoke", {"token": world.tokens()["access_token"]}, basic=world.mine
    ),
    "login": lambda world: page(world, "/oauth2/login", **person(world)),
    "consent": lambda world: page(world, "/oauth2/consent", decision="deny"),
    "device confirm": lambda world: page(
        world, "/oauth2/device/confirm", "device", decision="deny"
    ),
    "password page": lambda world: page(world, "/oauth2/password", present="x", password="x"),
    "sign-up": lambda world: page(world, "/oauth2/sign-up", username="x", email="x", password="x"),
}


@pytest.mark.parametrize("name", VALID)
def test_the_requests_to_be_mutated_are_answered(world: World, name: str) -> None:
    answer = VALID[name](world).send()
    holds(VALID[name](world), answer)
    wanted = {"device": 400, "par": 201, "password page": 400, "sign-up": 400}
    assert answer.status in (200, 303) or answer.status == wanted.get(name), answer


@pytest.mark.parametrize("name", VALID)
@ANYTHING
@given(
    data=st.data(),
    changes=st.lists(VALUES, min_size=1, max_size=3),
    more=FIELDS,
    as_json=st.booleans(),
    number=st.integers(0, 60_000),
)
def test_a_request_that_is_almost_right_gets_an_answer(
    world: World,
    name: str,
    data: st.DataObject,
    changes: list[str],
    more: list[tuple[str, str]],
    as_json: bool,
    number: int,
) -> None:
    # Whoever guesses from one address is soon not looked at any longer.
    call = replace(VALID[name](world), address=f"198.18.{number // 250}.{number % 250}")
    fields = dict(call.form or {})
    for value in changes:
        which = data.draw(st.sampled_from(sorted(fields)))
        old = fields[which]
        fields[which] = data.draw(
            st.sampled_from([value, old + value, value + old, old[: len(value)], old.upper()])
        )
    pairs = [*fields.items(), *more]
    if as_json:
        body = json.dumps(dict(pairs)).encode()
        headers = {**call.headers, "content-type": "application/json"}
        call = replace(call, form=None, body=body, headers=headers)
    else:
        call = replace(call, form=pairs)
    holds(call, call.send())


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/oauth2/register"), ("POST", DCR), ("PUT", f"{DCR}/%s"), ("GET", f"{DCR}/%s")],
)
@ANYTHING
@given(
    body=st.dictionaries(
        st.sampled_from(
            [
                *("redirect_uris", "client_name", "grant_types", "response_types", "scope", "jwks"),
                *(
                    "jwks_uri",
                    "token_endpoint_auth_method",
                    "client_id",
                    "client_secret",
                    "logo_uri",
                ),
                *("post_logout_redirect_uris", "contacts", "client_name#de", "software_statement"),
                *("clientName", "callbackUrl", "grantType", "owner", "tokenType", "saasApp", "x"),
            ]
        ),
        MEMBERS,
        max_size=4,
    ),
    fine=st.booleans(),
)
def test_any_registration_gets_an_answer(
    world: World, method: str, path: str, body: dict[str, Any], fine: bool
) -> None:
    base: dict[str, Any] = {"clientName": "fine"} if DCR in path else {"redirect_uris": [CALLBACK]}
    call = Call(
        method,
        path.replace("%s", world.client.client_id),
        headers={"content-type": "application/json"},
        body=_json({**base, **body} if fine else body),
        basic=("jane", JANE_PASSWORD),
    )
    holds(call, call.send())


@pytest.mark.parametrize("name", ["jwt-bearer", "private_key_jwt"])
@ANYTHING
@given(
    claims=st.dictionaries(
        st.sampled_from(["iss", "sub", "aud", "exp", "iat", "nbf", "jti", "azp", "email", "act"]),
        st.one_of(
            st.none(),
            st.booleans(),
            st.integers(),
            st.floats(allow_nan=False),
            VALUES,
            st.lists(VALUES, max_size=2),
            st.dictionaries(VALUES, VALUES, max_size=2),
        ),
        min_size=1,
        max_size=3,
    ),
    header=st.dictionaries(
        st.sampled_from(["kid", "typ", "crit", "jku", "x5u", "b64", "zip", "cty"]),
        st.one_of(st.none(), st.integers(), VALUES, st.lists(VALUES, max_size=2)),
        max_size=2,
    ),
    how=st.sampled_from(["signed", "unsigned", "by a secret", "cut"]),
)
def test_any_assertion_gets_an_answer(
    world: World, name: str, claims: dict[str, Any], header: dict[str, Any], how: str
) -> None:
    base = world.bearer() if name == "jwt-bearer" else world.claims()
    told = {**base, **claims}
    match how:
        case "signed":
            made = ".".join(_signed(told, {"alg": "RS256", "kid": "one", **header}))
        case "unsigned":
            made = unsigned(told)
        case "by a secret":
            made = by_secret(told, pair("RS256").pem)
        case _:
            made = unsigned(told)[: 10 + len(str(told)) % 60]
    call = VALID[name](world)
    which = "assertion" if name == "jwt-bearer" else "client_assertion"
    call = replace(call, form={**dict(call.form or {}), which: made})
    holds(call, call.send())


def _signed(claims: dict[str, Any], header: dict[str, Any]) -> tuple[str, str, str]:
    """A true signature of our trusted issuer over whatever header and claims."""
    first, second = part(header), part(claims)
    made = pair("RS256").private.sign(
        f"{first}.{second}".encode(), padding.PKCS1v15(), hashes.SHA256()
    )
    return first, second, part(made)


# What reads a body only after something else has been found to hold, or never.
READ_LATER = {"/oauth2/password", "/oauth2/reset/new", "/oauth2/sign-up/confirm"}
POSTED = sorted(path for path, methods in ENDPOINTS.items() if "POST" in methods)


@pytest.mark.parametrize("path", POSTED)
@pytest.mark.parametrize(
    ("body", "status"),
    [(b"flow=" + b"a" * 40_000, 413), (b"flow=\xff", 400), (b"flow=%ff&a=%80", 400)],
    ids=["too large", "no UTF-8", "no UTF-8, encoded"],
)
def test_a_body_that_cannot_be_is_refused_everywhere(
    server: Server, world: World, path: str, body: bytes, status: int
) -> None:
    """RFC 9110 section 15.5.14, RFC 6749 appendix B; and nothing has changed."""
    register = "register" in path
    basic = ("jane", JANE_PASSWORD) if register else None
    kind = "application/json" if register else FORM
    before = contents(server)
    answer = Call(
        "POST", path, headers={**OWN, "content-type": kind}, body=body, basic=basic
    ).send()
    safe(answer)
    if path in READ_LATER:
        assert answer.status in (303, 400)
        return
    assert answer.status == status, answer
    assert kinds_changed(before, contents(server)) == frozenset()


def test_every_path_is_looked_at() -> None:
    """The table of paths is the list: a new endpoint is covered by itself."""
    assert {path for path in ENDPOINTS if "*" not in path} <= set(PATHS)
    assert set(SUCCESSORS) <= set(PATHS)
    assert len(PATHS) >= 40
