"""An application that uses Authlib: its framework-independent OpenID Connect client for signing in,
its session for all else.
"""

import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

from authlib.integrations.base_client import BaseApp, OAuth2Mixin, OAuthError, OpenIDMixin
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2 import rfc9207
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oidc import rpinitiated
from authlib.oidc.discovery import OpenIDProviderMetadata, get_well_known_url
from joserfc.jwk import ECKey

from tests.clients.applications import DEVICE, Application
from tests.clients.library import Refused


class _App(OAuth2Mixin, OpenIDMixin, BaseApp):  # type: ignore[misc]
    """As Authlib's integrations of web frameworks are put together."""

    client_cls = OAuth2Session


class Authlib:
    """`Library` with Authlib."""

    def __init__(self, application: Application) -> None:
        self.application = application
        signing = application.method == "private_key_jwt"
        secret = ECKey.import_key(application.key) if signing else application.client_secret
        methods = [PrivateKeyJWT(alg="ES256", headers={"kid": application.key.get("kid")})]
        self._app: Any = _App(
            None,
            "shop",
            client_id=application.client_id,
            client_secret=secret,
            client_auth_methods=methods if signing else [],
            client_kwargs={
                "code_challenge_method": "S256",
                "token_endpoint_auth_method": application.method,
                "default_timeout": 40,
            },
            server_metadata_url=get_well_known_url(application.issuer, external=True),
        )
        self.metadata: dict[str, Any] = self._app.load_server_metadata()
        self._session: Any = OAuth2Session(
            application.client_id,
            secret,
            token_endpoint_auth_method=application.method,
            revocation_endpoint_auth_method=application.method,
            token_endpoint=self.metadata["token_endpoint"],
            default_timeout=40,
        )
        if signing:
            self._session.register_client_auth_method(methods[0])
        self._begun: dict[str, Any] = {}
        self._device: dict[str, Any] = {}

    def discover(self) -> dict[str, Any]:
        known = OpenIDProviderMetadata(self.metadata)
        known.validate(
            metadata_classes=[
                rfc9207.AuthorizationServerMetadata,
                rpinitiated.OpenIDProviderMetadata,
            ]
        )
        return dict(known)

    def begin(self, scope: str) -> str:
        self._begun = self._app.create_authorization_url(
            redirect_uri=self.application.redirect_uri, scope=scope
        )
        return str(self._begun["url"])

    def finish(self, callback: str) -> dict[str, Any]:
        answer = {name: value[0] for name, value in parse_qs(urlsplit(callback).query).items()}
        if "error" in answer:
            raise Refused(answer["error"], answer.get("error_description", ""))
        # RFC 9207 section 2.4, which Authlib leaves to the application.
        if answer["iss"] != self.metadata["issuer"]:
            raise Refused("iss", answer["iss"])
        tokens = self._asked(
            self._app.fetch_access_token,
            redirect_uri=self.application.redirect_uri,
            authorization_response=callback,
            state=self._begun["state"],
            code_verifier=self._begun["code_verifier"],
        )
        claims = self._app.parse_id_token(tokens, nonce=self._begun["nonce"])
        return {**tokens, "claims": dict(claims)}

    def refresh(self, refresh_token: str) -> dict[str, Any]:
        return dict(self._asked(self._session.refresh_token, refresh_token=refresh_token))

    def client_credentials(self) -> dict[str, Any]:
        return dict(self._asked(self._session.fetch_token, grant_type="client_credentials"))

    def device(self, scope: str) -> dict[str, Any]:
        answer = self._session.post(
            self.metadata["device_authorization_endpoint"],
            data={"scope": scope},
            auth=self._session.client_auth(self.application.method),
            withhold_token=True,
        )
        self._device = answer.json()
        return self._device

    def poll(self) -> dict[str, Any]:
        while True:
            try:
                tokens = self._asked(
                    self._session.fetch_token,
                    grant_type=DEVICE,
                    device_code=self._device["device_code"],
                )
            except Refused as exc:
                if exc.code != "authorization_pending":
                    raise
                time.sleep(self._device["interval"])
                continue
            claims = self._app.parse_id_token(tokens, nonce=None)
            return {**tokens, "claims": dict(claims)}

    def introspect(self, token: str) -> dict[str, Any]:
        answer = self._session.introspect_token(self.metadata["introspection_endpoint"], token)
        return dict(answer.json())

    def revoke(self, token: str) -> None:
        answer = self._session.revoke_token(self.metadata["revocation_endpoint"], token)
        answer.raise_for_status()

    def userinfo(self, access_token: str, subject: str) -> dict[str, Any]:
        found = self._app.userinfo(token={"access_token": access_token, "token_type": "Bearer"})
        # OpenID Connect Core section 5.3.2, which Authlib leaves to the application.
        if found["sub"] != subject:
            raise Refused("sub", found["sub"])
        return dict(found)

    def leave(self, id_token: str, redirect_uri: str, state: str) -> str:
        """Where to send the browser to sign out (OpenID Connect RP-Initiated Logout)."""
        made = self._app.create_logout_url(redirect_uri, id_token, state)
        return str(made["url"])

    def close(self) -> None:
        self._session.close()

    def _asked(self, ask: Any, **given: Any) -> Any:
        try:
            return ask(**given)
        except OAuthError as exc:
            raise Refused(exc.error, exc.description) from exc
