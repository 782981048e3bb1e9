"""An application that uses requests-oauthlib and the clients of oauthlib behind it, and python-jose
for the id_token, which both leave alone.

They know no discovery, introspection and device authorization request: these are plain requests of
the same session.
"""

import secrets
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

from jose import jwt
from oauthlib.oauth2 import (
    BackendApplicationClient,
    DeviceClient,
    OAuth2Error,
    WebApplicationClient,
)
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from tests.clients.applications import Application
from tests.clients.library import Refused

WELL_KNOWN = "/.well-known/openid-configuration"
TIMEOUT = 40


class RequestsOauthlib:
    """`Library` with requests-oauthlib."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self._session: Any = None
        with OAuth2Session(application.client_id) as plain:
            told = plain.get(application.issuer + WELL_KNOWN, withhold_token=True, timeout=TIMEOUT)
            self.metadata: dict[str, Any] = told.json()
            keys = plain.get(self.metadata["jwks_uri"], withhold_token=True, timeout=TIMEOUT)
            self._keys: dict[str, Any] = keys.json()
        # A public client names itself in the body, a confidential one proves itself in the header.
        public = application.method == "none"
        self._auth = (
            None if public else HTTPBasicAuth(application.client_id, application.client_secret)
        )
        self._named: dict[str, Any] = {"include_client_id": True} if public else {}
        self._nonce = ""
        self._device: dict[str, Any] = {}

    def discover(self) -> dict[str, Any]:
        return self.metadata

    def begin(self, scope: str) -> str:
        self.close()
        self._session = OAuth2Session(
            self.application.client_id,
            redirect_uri=self.application.redirect_uri,
            scope=scope.split(),
            pkce="S256",
        )
        self._nonce = secrets.token_urlsafe(16)
        address, _ = self._session.authorization_url(
            self.metadata["authorization_endpoint"], nonce=self._nonce
        )
        return str(address)

    def finish(self, callback: str) -> dict[str, Any]:
        answer = {name: value[0] for name, value in parse_qs(urlsplit(callback).query).items()}
        # RFC 9207 section 2.4, which oauthlib leaves to the application.
        if "code" in answer and answer["iss"] != self.metadata["issuer"]:
            raise Refused("iss", answer["iss"])
        tokens = self._asked(self._session, authorization_response=callback)
        return {**tokens, "claims": self._claims(tokens, self._nonce)}

    def refresh(self, refresh_token: str) -> dict[str, Any]:
        with OAuth2Session(self.application.client_id) as session:
            public = {"client_id": self.application.client_id} if not self._auth else {}
            try:
                return dict(
                    session.refresh_token(
                        self.metadata["token_endpoint"],
                        refresh_token=refresh_token,
                        auth=self._auth,
                        timeout=TIMEOUT,
                        **public,
                    )
                )
            except OAuth2Error as exc:
                raise Refused(exc.error, exc.description) from exc

    def client_credentials(self) -> dict[str, Any]:
        client = BackendApplicationClient(self.application.client_id)
        with OAuth2Session(client=client) as session:
            return dict(self._asked(session))

    def device(self, scope: str) -> dict[str, Any]:
        form = {"client_id": self.application.client_id, "scope": scope}
        self._device = self._posted("device_authorization_endpoint", form)
        return self._device

    def poll(self) -> dict[str, Any]:
        with OAuth2Session(client=DeviceClient(self.application.client_id)) as session:
            while True:
                try:
                    tokens = self._asked(session, device_code=self._device["device_code"])
                except Refused as exc:
                    if exc.code != "authorization_pending":
                        raise
                    time.sleep(self._device["interval"])
                    continue
                return {**tokens, "claims": self._claims(tokens, None)}

    def introspect(self, token: str) -> dict[str, Any]:
        return self._posted("introspection_endpoint", {"token": token})

    def revoke(self, token: str) -> None:
        client = WebApplicationClient(self.application.client_id)
        # A public client must name itself (RFC 7009 section 2.1).
        public = {"client_id": self.application.client_id} if not self._auth else {}
        address, headers, body = client.prepare_token_revocation_request(
            self.metadata["revocation_endpoint"], token, **public
        )
        with OAuth2Session(client=client) as session:
            answer = session.post(
                address,
                data=body,
                headers=headers,
                auth=self._auth,
                withhold_token=True,
                timeout=TIMEOUT,
            )
        answer.raise_for_status()

    def userinfo(self, access_token: str, subject: str) -> dict[str, Any]:
        token = {"access_token": access_token, "token_type": "Bearer"}
        with OAuth2Session(self.application.client_id, token=token) as session:
            answer = session.get(self.metadata["userinfo_endpoint"], timeout=TIMEOUT)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        # OpenID Connect Core section 5.3.2.
        if found["sub"] != subject:
            raise Refused("sub", found["sub"])
        return found

    def close(self) -> None:
        if self._session:
            self._session.close()

    def _posted(self, endpoint: str, form: dict[str, str]) -> dict[str, Any]:
        with OAuth2Session(self.application.client_id) as session:
            answer = session.post(
                self.metadata[endpoint],
                data=form,
                auth=self._auth,
                withhold_token=True,
                timeout=TIMEOUT,
            )
        answer.raise_for_status()
        return dict(answer.json())

    def _asked(self, session: Any, **given: Any) -> Any:
        try:
            return session.fetch_token(
                self.metadata["token_endpoint"],
                auth=self._auth,
                timeout=TIMEOUT,
                **self._named,
                **given,
            )
        except OAuth2Error as exc:
            raise Refused(exc.error, exc.description) from exc

    def _claims(self, tokens: dict[str, Any], nonce: str | None) -> dict[str, Any]:
        claims: dict[str, Any] = jwt.decode(
            tokens["id_token"],
            self._keys,
            algorithms=self.metadata["id_token_signing_alg_values_supported"],
            audience=self.application.client_id,
            issuer=self.metadata["issuer"],
            access_token=tokens["access_token"],
            options={"require_at_hash": True, "require_exp": True, "require_iat": True},
        )
        if claims.get("nonce") != nonce:
            raise Refused("nonce")
        return claims
