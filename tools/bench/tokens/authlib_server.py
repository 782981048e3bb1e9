"""Authlib's authorization server as its documentation sets it up on Flask, with JWTs of RFC 9068.

Runs by itself: `python authlib_server.py TASK` (see `sides.py`).
"""

import json
import sys
from hmac import compare_digest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, grants
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from flask import Flask
from joserfc.jwk import KeySet, RSAKey

from tools.bench.tokens.serving import serve


class Known(ClientMixin):  # type: ignore[misc]
    """The one client."""

    def __init__(self, client_id: str, secret: str) -> None:
        self.client_id, self.secret = client_id, secret

    def get_client_id(self) -> str:
        return self.client_id

    def get_allowed_scope(self, scope: str) -> str:
        return scope or "default"

    def check_client_secret(self, client_secret: str) -> bool:
        return compare_digest(self.secret, client_secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "client_credentials"


class Tokens(JWTBearerTokenGenerator):  # type: ignore[misc]
    """Signs with one key, which is parsed once."""

    def __init__(self, issuer: str, keys: KeySet) -> None:
        super().__init__(issuer, expires_generator=lambda client, grant_type: 3600)
        self.keys = keys

    def get_jwks(self) -> KeySet:
        return self.keys


def application(task: dict[str, Any]) -> Flask:
    """The server; nothing is stored of a JWT."""
    clients = {task["client_id"]: Known(task["client_id"], task["client_secret"])}
    app = Flask("authlib")
    server = AuthorizationServer(app, clients.get, lambda token, request: None)
    keys = KeySet([RSAKey.import_key(task["private"], {"kid": task["kid"]})])
    server.register_token_generator("default", Tokens(task["issuer"], keys))
    server.register_grant(grants.ClientCredentialsGrant)
    app.post("/oauth2/token")(server.create_token_response)
    return app


if __name__ == "__main__":
    serve(application(json.loads(sys.argv[1])))
