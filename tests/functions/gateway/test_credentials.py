"""Credentials for back ends: sealed, sent, renewed, and never given back."""

import base64
import hashlib
import json
import re
import socket
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest

from functions.gateway.credentials import Tokens, strongest
from functions.gateway.requests import Outgoing
from portico.domain.errors import InvalidInput
from portico.domain.gateway import DeliveryPlan
from portico.storage.codec import encode
from tests.functions.gateway.backend import OK, Backend, running
from tests.functions.gateway.planned import JANE, Shop, one, secured

PASSWORD = "s3cret-päss"
BASIC = {"type": "BASIC", "username": "portico", "password": PASSWORD}
DIGEST = {**BASIC, "type": "DIGEST"}
KEY = {"type": "apikey", "apiKeyIdentifier": "X-Api-Key", "apiKeyValue": "k&y"}


@pytest.fixture
def backend() -> Iterator[Backend]:
    with running() as backend:
        yield backend


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()
    yield shop
    shop.close()


def oauth(token_url: str, **more: Any) -> dict[str, Any]:
    return {
        "type": "OAUTH",
        "grantType": "CLIENT_CREDENTIALS",
        "tokenUrl": token_url,
        "clientId": "portico",
        "clientSecret": "cl!ent",
        **more,
    }


def selling(shop: Shop, config: dict[str, Any]) -> dict[str, Any]:
    shown = shop.create(endpointConfig=config)
    shop.deploy()
    given_back: dict[str, Any] = shown["endpointConfig"]
    return given_back


# --- never given back ---


@pytest.mark.parametrize(
    "security",
    [BASIC, DIGEST, KEY, oauth("https://pizza.example/token")],
    ids=lambda security: security["type"],
)
def test_secrets_are_stored_encrypted_and_shown_empty(
    shop: Shop, backend: Backend, security: dict[str, Any]
) -> None:
    shown = selling(shop, secured(backend.url, **security))["endpoint_security"]["production"]
    secrets = {"password", "clientSecret", "apiKeyValue"} & security.keys()
    assert {name: shown[name] for name in secrets} == dict.fromkeys(secrets, "")
    assert {**shown, **{name: security[name] for name in secrets}} == {"enabled": True, **security}
    for record in shop.records.items.values():
        stored = encode(record)
        text = stored if isinstance(stored, str) else ""
        assert all(str(security[name]) not in text for name in secrets), type(record).__name__


def test_what_is_sealed_for_one_side_of_one_api_opens_nowhere_else(
    shop: Shop, backend: Backend
) -> None:
    selling(shop, secured(backend.url, **BASIC))
    assert shop.api
    contexts = {context for _, context in shop.sealer.sealed.values()}
    assert contexts == {f"carbon.super:endpoint:{shop.api.id}:production"}


def test_a_client_cannot_bring_a_sealed_text_of_its_own(shop: Shop, backend: Backend) -> None:
    with pytest.raises(InvalidInput, match="password: is needed"):
        shop.create(
            endpointConfig=secured(backend.url, type="BASIC", username="a", sealed="sealed-0")
        )


def test_a_password_that_is_left_out_stays(shop: Shop, backend: Backend) -> None:
    shown = selling(shop, secured(backend.url, **BASIC))
    shop.update(endpointConfig=shown, description="New words")
    shop.deploy()
    assert shop.call().status == 200
    assert backend.headers["authorization"].startswith("Basic ")
    assert len(shop.sealer.sealed) == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda config, url: config["production_endpoints"].update(url="https://evil.example/"),
        lambda config, url: config["production_endpoints"].update(url=f"{url[:-1]}0"),
        lambda config, url: config["endpoint_security"]["production"].update(username="b"),
        lambda config, url: config["endpoint_security"]["production"].update(type="DIGEST"),
        lambda config, url: config.update(
            endpoint_type="failover", production_failovers=[{"url": "https://evil.example"}]
        ),
    ],
    ids=["another host", "another port", "another user", "another kind", "one host more"],
)
def test_a_password_does_not_follow_to_another_host_or_user(
    shop: Shop, backend: Backend, change: Callable[..., None]
) -> None:
    shown = selling(shop, secured(backend.url, **BASIC))
    change(shown, backend.url)
    with pytest.raises(InvalidInput, match="password: is needed, and again"):
        shop.update(endpointConfig=shown)


def test_a_secret_does_not_follow_to_another_token_endpoint(shop: Shop, backend: Backend) -> None:
    shown = selling(shop, secured(backend.url, **oauth("https://pizza.example/token")))
    shown["endpoint_security"]["production"]["tokenUrl"] = "https://burger.example/token"
    with pytest.raises(InvalidInput, match="clientSecret: is needed, and again"):
        shop.update(endpointConfig=shown)


def test_credentials_go_when_they_are_switched_off(shop: Shop, backend: Backend) -> None:
    shown = selling(shop, secured(backend.url, **BASIC))
    shown["endpoint_security"]["production"]["enabled"] = False
    shop.update(endpointConfig=shown)
    assert shop.api
    assert "sealed" not in json.dumps(shop.api.extra)
    shown["endpoint_security"]["production"]["enabled"] = True
    with pytest.raises(InvalidInput, match="password: is needed"):
        shop.update(endpointConfig=shown)


def test_undeploying_takes_the_credentials_off_the_gateway(shop: Shop, backend: Backend) -> None:
    selling(shop, secured(backend.url, **BASIC))
    assert shop.api
    shop.publishing.delete(JANE, shop.api.id)
    assert not [one for one in shop.records.items.values() if isinstance(one, DeliveryPlan)]


@pytest.mark.parametrize(
    ("security", "field"),
    [
        ({"type": "MAGIC"}, "type: must be one of"),
        ({"type": "BASIC", "password": "p"}, "username: is needed"),
        ({"type": "BASIC", "username": "u"}, "password: is needed"),
        ({"type": "BASIC", "username": "u", "password": "a\r\nb"}, "printable"),
        ({**KEY, "apiKeyIdentifierType": "COOKIE"}, "apiKeyIdentifierType"),
        ({**KEY, "apiKeyIdentifier": "Host"}, "apiKeyIdentifier"),
        ({**KEY, "apiKeyIdentifier": "a b"}, "apiKeyIdentifier"),
        (oauth("http://169.254.169.254/token"), "tokenUrl"),
        (oauth(""), "tokenUrl"),
        (oauth("https://pizza.example", grantType="CODE"), "grantType"),
        (oauth("https://pizza.example", caCertificates="no PEM"), "caCertificates"),
        (oauth("https://pizza.example", grantType="PASSWORD"), "password: is needed"),
        (oauth("https://pizza.example", customParameters="[1"), "customParameters"),
    ],
)
def test_what_cannot_work_is_refused(shop: Shop, security: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        shop.create(endpointConfig=secured("https://pizza.example", **security))
    assert field in str(caught.value)


def test_a_credential_that_cannot_be_opened_stops_the_call(shop: Shop, backend: Backend) -> None:
    selling(shop, secured(backend.url, **BASIC))
    shop.sealer.sealed.clear()
    assert shop.fault() == "101503"
    assert backend.requests == []


# --- what the back end gets ---


def test_basic(shop: Shop, backend: Backend) -> None:
    selling(shop, secured(backend.url, **BASIC))
    shop.call(headers={"authorization": "Bearer client"}, pass_authorization="true")
    value = backend.headers["authorization"].removeprefix("Basic ")
    assert base64.b64decode(value).decode() == f"portico:{PASSWORD}"


def test_secrets_without_an_endpoint_are_encrypted_too(shop: Shop) -> None:
    config = {"endpoint_type": "http", "endpoint_security": {"sandbox": {"enabled": True, **BASIC}}}
    shown = shop.create(endpointConfig=config)
    assert shown["endpointConfig"]["endpoint_security"]["sandbox"]["password"] == ""
    assert shop.api
    assert PASSWORD not in repr(shop.records.items)


def test_each_side_has_its_own(shop: Shop, backend: Backend) -> None:
    config = secured(backend.url, **BASIC)
    config["sandbox_endpoints"] = {"url": backend.url}
    selling(shop, config)
    shop.call(sandbox="true")
    assert "authorization" not in backend.headers


def test_a_key_in_a_header_takes_the_place_of_the_clients(shop: Shop, backend: Backend) -> None:
    selling(shop, secured(backend.url, **KEY))
    shop.call(headers={"X-API-KEY": "mine"})
    assert backend.last.lower().count("x-api-key: k&y") == 1
    assert "mine" not in backend.last


def test_a_key_in_the_query_takes_the_place_of_the_clients(shop: Shop, backend: Backend) -> None:
    security = {**KEY, "apiKeyIdentifier": "key", "apiKeyIdentifierType": "QUERY_PARAMETER"}
    selling(shop, secured(backend.url, **security))
    shop.call(query="a=1&key=mine&%6Bey=too&b=%2f")
    assert backend.line == "GET /menu?a=1&b=%2f&key=k%26y HTTP/1.1"


# --- digest ---


class DigestServer:
    """Judges as RFC 7616 says; a nonce is good for three calls."""

    def __init__(self, algorithm: str = "SHA-256", qop: bool = True) -> None:
        self.algorithm, self.qop, self.nonce, self.last = algorithm, qop, 0, 0
        self.statuses: list[int] = []

    def __call__(self, connection: socket.socket, request: bytes) -> None:
        good = self._good(request.decode("latin-1"))
        self.statuses.append(200 if good else 401)
        if good:
            connection.sendall(OK)
            return
        self.nonce, self.last = self.nonce + 1, 0
        qop = ', qop="auth-int, auth"' if self.qop else ""
        connection.sendall(
            b"HTTP/1.1 401 No\r\nContent-Length: 0\r\nWWW-Authenticate: Basic realm=x\r\n"
            + f'WWW-Authenticate: Digest realm="a \\"b\\"", nonce="n{self.nonce}"{qop}, '
            f'opaque="o,1", algorithm={self.algorithm}\r\n\r\n'.encode()
        )

    def _good(self, text: str) -> bool:
        method, uri, _ = text.split("\r\n", 1)[0].split(" ")
        header = re.search(r"authorization: Digest (.*)\r\n", text)
        if not header:
            return False
        told = {
            name: (quoted or plain).replace('\\"', '"')
            for name, quoted, plain in re.findall(
                r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^,\s]+))', header[1]
            )
        }
        hashed = hashlib.sha256 if self.algorithm.startswith("SHA") else hashlib.md5

        def digest(text: str) -> str:
            return hashed(text.encode()).hexdigest()

        secret = digest(f'portico:a "b":{PASSWORD}')
        if self.algorithm.endswith("-sess"):
            secret = digest(f"{secret}:{told['nonce']}:{told['cnonce']}")
        middle = ""
        if self.qop:
            count = int(told["nc"], 16)
            if count <= self.last or count > 3:
                return False
            self.last = count
            middle = f":{told['nc']}:{told['cnonce']}:auth"
        wanted = digest(f"{secret}:{told['nonce']}{middle}:{digest(f'{method}:{uri}')}")
        return bool(
            told["nonce"] == f"n{self.nonce}"
            and told["uri"] == uri
            and told["opaque"] == "o,1"
            and told["response"] == wanted
        )


@pytest.mark.parametrize(
    ("algorithm", "qop"),
    [("SHA-256", True), ("MD5", True), ("MD5", False), ("SHA-256-sess", True), ("MD5-sess", True)],
)
def test_digest_answers_a_challenge_and_remembers_it(
    shop: Shop, backend: Backend, algorithm: str, qop: bool
) -> None:
    selling(shop, secured(f"{backend.url}/v1", **DIGEST))
    server = DigestServer(algorithm, qop)
    backend.behave = server
    for _ in range(5):
        assert shop.call("POST", query="a=1&b=%20", body="x").status == 200
        assert backend.body == b"x"
    # Asked once, and again when the nonce was used up.
    uses = [401, 200, 200, 200, 401, 200, 200] if qop else [401, 200, 200, 200, 200, 200]
    assert server.statuses == uses


def test_a_wrong_digest_is_the_back_ends_401(shop: Shop, backend: Backend) -> None:
    selling(shop, secured(backend.url, **{**DIGEST, "password": "wrong"}))
    backend.behave = server = DigestServer()
    assert shop.call().status == 401
    assert server.statuses == [401, 401]


@pytest.mark.parametrize(
    ("header", "nonce"),
    [
        (
            'Digest realm="r", nonce="md5", algorithm=MD5, '
            'Digest realm="r", nonce="sha", algorithm=SHA-256',
            "sha",
        ),
        ('Basic realm="Digest nonce", Digest realm="r", nonce="n"', "n"),
        ('Digest realm="r", nonce="n", qop="auth-int"', None),
        ('Digest realm="r", nonce="n", algorithm=SHA-512', None),
        ('Digest realm="r"', None),
        ("Bearer", None),
        ("", None),
    ],
)
def test_the_strongest_challenge_that_can_be_answered(header: str, nonce: str | None) -> None:
    found = strongest(header)
    assert (found and found["nonce"]) == nonce


# --- tokens ---


class TokenServer:
    """Token endpoint and back end at once; `valid` are the tokens that it takes."""

    def __init__(self) -> None:
        self.asked: list[dict[str, list[str]]] = []
        self.client = ""
        self.valid: set[str] = set()
        self.life: Any = 3600
        self.status = "200 OK"

    def __call__(self, connection: socket.socket, request: bytes) -> None:
        text = request.decode("latin-1")
        if text.startswith("POST /token "):
            self.client = re.findall(r"authorization: (.*)\r\n", text)[0]
            self.asked.append(parse_qs(text.split("\r\n\r\n", 1)[1]))
            token = f"t{len(self.asked)}"
            self.valid.add(token)
            body = json.dumps({"access_token": token, "expires_in": self.life}).encode()
            connection.sendall(
                f"HTTP/1.1 {self.status}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
            return
        token = re.findall(r"authorization: Bearer (.*)\r\n", text)[0]
        if token in self.valid:
            connection.sendall(OK)
        else:
            connection.sendall(b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n")


@pytest.fixture
def server(backend: Backend) -> TokenServer:
    backend.behave = server = TokenServer()
    return server


def test_a_token_is_asked_for_once(shop: Shop, backend: Backend, server: TokenServer) -> None:
    security = oauth(f"{backend.url}/token", scopes=["a", "b"], customParameters={"audience": "x"})
    selling(shop, secured(backend.url, **security))
    for _ in range(3):
        assert shop.call(headers={"authorization": "Bearer client"}).status == 200
    assert server.asked == [
        {"grant_type": ["client_credentials"], "scope": ["a b"], "audience": ["x"]}
    ]
    assert base64.b64decode(server.client.removeprefix("Basic ")) == b"portico:cl%21ent"


def test_the_password_grant(shop: Shop, backend: Backend, server: TokenServer) -> None:
    security = oauth(
        f"{backend.url}/token", grantType="PASSWORD", username="jane", password=PASSWORD
    )
    selling(shop, secured(backend.url, **security))
    assert shop.call().status == 200
    assert server.asked == [
        {"grant_type": ["password"], "username": ["jane"], "password": [PASSWORD]}
    ]


def test_a_refused_token_is_replaced_once(
    shop: Shop, backend: Backend, server: TokenServer
) -> None:
    selling(shop, secured(backend.url, **oauth(f"{backend.url}/token")))
    shop.call()
    server.valid.clear()
    assert shop.call("POST", body="x").status == 200
    assert len(server.asked) == 2
    # A back end that takes none is not asked for ever.
    backend_calls = len(backend.requests)
    server.valid = type("None_", (set,), {"add": lambda self, token: None})()
    assert shop.call().status == 401
    assert len(backend.requests) == backend_calls + 3


def test_a_token_is_renewed_before_its_end(shop: Shop, backend: Backend) -> None:
    backend.behave = server = TokenServer()
    server.life = "100"
    now = [0.0]
    tokens = Tokens(
        shop.forwarder, oauth(f"{backend.url}/token"), {"clientSecret": "s"}, lambda: now[0]
    )

    def call() -> int:
        deadline = shop.forwarder.deadline()
        request = Outgoing("GET", "/", "", {})
        return tokens.exchange(
            request,
            backend.url,
            lambda one: shop.forwarder.exchange(one, backend.url, deadline),
            deadline,
        ).status

    for moment, asked in ((0, 1), (89, 1), (91, 2), (180, 2)):
        now[0] = moment
        assert call() == 200
        assert len(server.asked) == asked
    # The server is down when it is time: the token is good until its end.
    server.status = "503 No"
    now[0] = 185
    assert call() == 200


@pytest.mark.parametrize("status", ["401 No", "500 Oops", "302 Found\r\nLocation: http://x"])
def test_without_a_token_nothing_is_called(
    shop: Shop, backend: Backend, server: TokenServer, status: str
) -> None:
    server.status = status
    selling(shop, secured(backend.url, **oauth(f"{backend.url}/token")))
    assert shop.fault() == "101503"
    assert all(request.startswith(b"POST /token ") for request in backend.requests)


def test_the_token_endpoints_address_is_guarded_when_it_is_called(
    shop: Shop, backend: Backend
) -> None:
    selling(shop, secured(backend.url, **oauth("http://pizza.example/token")))
    shop.backends._resolve = lambda host, port: ["169.254.169.254"]
    assert shop.fault() == "101503"


def test_a_plain_endpoint_beside_credentials_of_the_other_side(
    shop: Shop, backend: Backend
) -> None:
    config = one(backend.url, sandbox_endpoints={"url": backend.url})
    config["endpoint_security"] = {"sandbox": {"enabled": True, **BASIC}, "production": None}
    selling(shop, config)
    shop.call()
    assert "authorization" not in backend.headers
    shop.call(sandbox="true")
    assert "authorization" in backend.headers
