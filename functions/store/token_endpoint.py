"""The TokenEndpoint port over HTTP: the gateway's own `/oauth2/token` and `/oauth2/revoke`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

import urllib3

from portico.domain.errors import InvalidInput, Unauthenticated, Unavailable

TIMEOUT = urllib3.Timeout(connect=3, read=10)  # seconds
# An idle connection is dead after a thaw: once more on a fresh one. No grant is lost by asking
# twice.
RETRIES = urllib3.Retry(
    total=1, redirect=0, status=0, allowed_methods=None, raise_on_redirect=False
)


@dataclass(frozen=True)
class HttpTokenEndpoint:
    """Asks the deployment's own authorization server; `gateway_url` has no trailing slash."""

    gateway_url: str

    def client_credentials(
        self, client_id: str, secret: str, scopes: Sequence[str], validity: int | None
    ) -> tuple[str, tuple[str, ...], int]:
        fields = {"grant_type": "client_credentials"}
        if scopes:
            fields["scope"] = " ".join(scopes)
        if validity is not None:
            fields["validity_period"] = str(validity)
        answer = self._ask("token", client_id, secret, fields)
        try:
            granted = tuple(str(answer.get("scope", "")).split())
            return str(answer["access_token"]), granted, int(answer["expires_in"])
        except (KeyError, TypeError, ValueError) as exc:
            raise Unavailable("The token endpoint gave an answer without a token") from exc

    def revoke(self, client_id: str, secret: str, token: str) -> None:
        self._ask("revoke", client_id, secret, {"token": token})

    @cached_property
    def _http(self) -> urllib3.PoolManager:
        return urllib3.PoolManager(timeout=TIMEOUT, retries=RETRIES)

    def _ask(
        self, name: str, client_id: str, secret: str, fields: dict[str, str]
    ) -> dict[str, Any]:
        # RFC 6749 section 2.3.1: key and secret are form-encoded before they become Basic
        # credentials.
        basic = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
        headers = urllib3.make_headers(basic_auth=basic)
        try:
            answer = self._http.request_encode_body(
                "POST",
                f"{self.gateway_url}/oauth2/{name}",
                fields=fields,
                headers=headers,
                encode_multipart=False,
            )
        except urllib3.exceptions.HTTPError as exc:
            raise Unavailable("The token endpoint did not answer") from exc
        body = _json(answer.data)
        match answer.status:
            case 200:
                return body
            case 401:
                raise Unauthenticated("The consumer key or secret is wrong")
            case 400:
                text = str(body.get("error_description") or body.get("error") or "refused")
                field = "scopes" if body.get("error") == "invalid_scope" else "body"
                raise InvalidInput.of(field, f"the token endpoint says: {text[:200]}")
            case status:
                raise Unavailable(f"The token endpoint answered with {status}")


def _json(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content) if content.strip() else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
