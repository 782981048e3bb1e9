"""Another company's OpenID provider: a small one over real HTTP on 127.0.0.1, honest unless a test
tells it otherwise.
"""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from tests.functions.token.signing import Pair, in_time, pair

CLIENT_ID = "portico at acme"
SECRET = "a secret: with 100% odd signs"
CODE = "the-code"


@dataclass
class Provider:
    """What it says, and what it was asked.

    `claims` are put over those of an honest id_token, None takes one away; `metadata` and `tokens`
    likewise over the documents; `replies` answers a path with a status and bytes instead.
    """

    issuer: str = ""
    key: Pair = field(default_factory=lambda: pair("RS256"))
    person: dict[str, Any] = field(
        default_factory=lambda: {
            "sub": "248289761001",
            "email": "kim@company.example",
            "email_verified": True,
            "given_name": "Kim",
            "family_name": "Company",
        }
    )
    claims: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    tokens: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    replies: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    answered: dict[str, Any] = field(default_factory=dict)  # parameters put over those of callback
    slow: float = 0.0  # seconds before each answer
    asked: dict[str, str] = field(default_factory=dict)  # the last authorization request
    forms: list[tuple[dict[str, str], str]] = field(default_factory=list)  # and Authorization

    def sign_in(self, location: str) -> str:
        """Somebody signs in there: the query that their browser is sent back to us with."""
        target = urlsplit(location)
        assert f"{target.scheme}://{target.netloc}{target.path}" == f"{self.issuer}/authorize"
        self.asked = dict(parse_qsl(target.query))
        given = {"code": CODE, "state": self.asked["state"], "iss": self.issuer, **self.answered}
        return urlencode({name: value for name, value in given.items() if value is not None})

    def reply(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, bytes]:
        time.sleep(self.slow)
        if path in self.replies:
            return self.replies[path]
        match method, path:
            case "GET", "/.well-known/openid-configuration":
                return _json(self._metadata())
            case "GET", "/jwks":
                return _json({"keys": [self.key.jwk]})
            case "GET", "/userinfo":
                return _json({"sub": self.person["sub"], **self.userinfo})
            case "POST", "/token":
                return self._token(headers, body)
        return 404, b""

    def _metadata(self) -> dict[str, Any]:
        told = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "authorization_response_iss_parameter_supported": True,
            **self.metadata,
        }
        return {name: value for name, value in told.items() if value is not None}

    def _token(self, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        form = dict(parse_qsl(body.decode()))
        self.forms.append((form, headers.get("Authorization", "")))
        hashed = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(hashed).decode().rstrip("=")
        holds = form.get("code") == CODE and challenge == self.asked["code_challenge"]
        if not holds or form.get("redirect_uri") != self.asked["redirect_uri"]:
            return _json({"error": "invalid_grant"}, 400)
        half = hashlib.sha256(b"their-token").digest()[:16]
        claims = {
            **in_time(iss=self.issuer, aud=CLIENT_ID, nonce=self.asked["nonce"]),
            **self.person,
            "at_hash": base64.urlsafe_b64encode(half).decode().rstrip("="),
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        answer = {
            "access_token": "their-token",
            "token_type": "Bearer",
            "id_token": self.key.sign(claims),
            **self.tokens,
        }
        return _json({name: value for name, value in answer.items() if value is not None})


def _json(value: Any, status: int = 200) -> tuple[int, bytes]:
    return status, json.dumps(value).encode()


@contextmanager
def serving(provider: Provider) -> Iterator[Provider]:
    """The provider behind a free port of 127.0.0.1, until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

        def _answer(self, body: bytes) -> None:
            status, content = provider.reply(self.command, self.path, dict(self.headers), body)
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except OSError:
                return  # the other side did not wait

        def log_message(self, format: str, *args: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
