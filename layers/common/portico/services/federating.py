"""Signing in with the account of a company's own OpenID provider: we are its client
(OpenID Connect Core section 3.1, RFC 7636, RFC 9207).

Who of ours that is then, is `external_users`' business.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote_plus, urlencode, urlsplit

from portico.domain.authorization import Flow
from portico.domain.errors import InvalidInput, LostRace, NotFound, PorticoError, Unauthenticated
from portico.domain.redirects import acceptable
from portico.domain.token_rules import LoginProvider, sealed_for
from portico.ports import Clock, Records, Sealer
from portico.services.flows import Flows
from portico.services.remote_keys import RemoteKeys
from portico.tokens.foreign_ids import Expected, id_claims
from portico.tokens.jwt import UnknownKey

KIND = "provider"  # of the flow whose text is our `state`
LIFETIME = 900  # seconds that somebody may take at the provider
MAX_BYTES = 262_144
MAX_CODE = 4096  # characters
CALLBACK = "/oauth2/federated/callback"
_DISCOVERY = "/.well-known/openid-configuration"
_BASIC, _POST, _PUBLIC = "client_secret_basic", "client_secret_post", "none"


class ProviderFailed(PorticoError):
    """The provider did not answer, or not as it must; the text is for people."""

    error = "provider_failed"


class ProviderRefused(PorticoError):
    """The provider did not sign anybody in, or somebody turned back there."""

    error = "provider_refused"


class Reply(Protocol):
    """What a server answered."""

    @property
    def status(self) -> int: ...

    @property
    def content(self) -> bytes: ...


class Exchange(Protocol):
    """HTTP behind the address guard; raises domain errors."""

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        *,
        max_bytes: int = 0,
        encrypted: bool = False,
    ) -> Reply: ...


@dataclass(frozen=True)
class Proved:
    """What the provider says about who signed in; `flow` is what our browser goes on with."""

    provider: LoginProvider
    tenant: str
    claims: Mapping[str, Any]


@dataclass(frozen=True)
class Federating:
    """Sign-ins at other providers; `url` is where our pages are, without a slash at its end."""

    records: Records
    clock: Clock
    sealer: Sealer
    http: Exchange
    keys: RemoteKeys
    url: str

    @property
    def redirect_uri(self) -> str:
        """What the provider must have registered for us."""
        return f"{self.url}{CALLBACK}"

    def start(self, tenant: str, provider: LoginProvider, flow: str, browser: str) -> str:
        """The provider's address to send this browser to; ProviderFailed when it does not tell.

        What comes back is bound to the browser and to the `flow` that it is for.
        """
        known = self._discovered(provider)
        verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(32)
        kept = {
            "flow": flow,
            "verifier": verifier,
            "nonce": nonce,
            # As discovered now: what comes back is judged by what it was sent to.
            "issuer": provider.issuer,
            "client_id": provider.client_id,
            "token_endpoint": known["token_endpoint"],
            "jwks_uri": known["jwks_uri"],
            "userinfo_endpoint": known["userinfo_endpoint"],
            "method": known["method"],
            "tells_issuer": known["tells_issuer"],
        }
        flows = Flows(self.records, self.clock)
        state = flows.begin(tenant, KIND, provider.id, kept, browser, seconds=LIFETIME)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
        query = urlencode(
            {
                "response_type": "code",
                "client_id": provider.client_id,
                "redirect_uri": self.redirect_uri,
                "scope": " ".join(dict.fromkeys(("openid", *provider.scopes))),
                "state": state,
                "nonce": nonce,
                "code_challenge": challenge.decode().rstrip("="),
                "code_challenge_method": "S256",
            }
        )
        endpoint = known["authorization_endpoint"]
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{query}"

    def finish(self, flow: Flow, provider: LoginProvider, given: Mapping[str, str]) -> Proved:
        """What the provider says about who signed in.

        `flow` is that of the `state` that came back, `given` all parameters that did. It is over
        with this, whatever comes of it. Raises NotFound when it was used before, ProviderRefused,
        ProviderFailed, or Unauthenticated when what came back does not hold.
        """
        try:
            self.records.commit(Flows.finish(flow))
        except LostRace as exc:
            raise NotFound("Flow", flow.client_id) from exc
        kept = flow.parameters
        _check_issuer(kept, given.get("iss"))
        if (provider.issuer, provider.client_id) != (kept["issuer"], kept["client_id"]):
            raise Unauthenticated("The provider was changed meanwhile")
        if "error" in given:
            raise ProviderRefused(f"{provider.name} did not sign you in")
        code = given.get("code", "")
        if not 0 < len(code) <= MAX_CODE:
            raise ProviderFailed(f"{provider.name} sent you back without an answer")
        tokens = self._tokens(flow, provider, code)
        access_token = str(tokens.get("access_token") or "")
        claims = self._id_claims(kept, str(tokens.get("id_token") or ""), access_token)
        wanted = [name for name in (provider.user_claim, provider.role_claim) if name]
        if any(name not in claims for name in wanted) and kept["userinfo_endpoint"]:
            claims = {**self._userinfo(kept, claims["sub"], access_token), **claims}
        return Proved(provider, flow.tenant, claims)

    def _discovered(self, provider: LoginProvider) -> dict[str, str]:
        """The provider's metadata (OpenID Connect Discovery section 4), as far as we need it."""
        # Terminating slashes are removed before the path is put behind (section 4.1).
        told = self._asked("GET", provider.issuer.rstrip("/") + _DISCOVERY)
        if told.get("issuer") != provider.issuer:
            raise ProviderFailed(f"{provider.name} calls itself by another name than is set here")
        known = {}
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"):
            value = told.get(name, "")
            if not isinstance(value, str) or (not value and name != "userinfo_endpoint"):
                raise ProviderFailed(f"{provider.name} does not tell its {name}")
            known[name] = value
        schemes = {"https", urlsplit(provider.issuer).scheme}
        there = known["authorization_endpoint"]
        if not acceptable(there) or urlsplit(there).scheme not in schemes:
            raise ProviderFailed(f"{provider.name} has its sign-in page at no https address")
        methods = told.get("token_endpoint_auth_methods_supported") or [_BASIC]
        known["method"] = _PUBLIC
        if provider.sealed_secret:
            known["method"] = _POST if _BASIC not in methods and _POST in methods else _BASIC
        tells = told.get("authorization_response_iss_parameter_supported")
        known["tells_issuer"] = "true" if tells is True else ""
        return known

    def _tokens(self, flow: Flow, provider: LoginProvider, code: str) -> dict[str, Any]:
        """The token endpoint's answer to the code (OpenID Connect Core section 3.1.3)."""
        kept = flow.parameters
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": kept["verifier"],
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if kept["method"] == _PUBLIC:
            form["client_id"] = provider.client_id
        else:
            context = sealed_for(flow.tenant, provider.id)
            try:
                secret = self.sealer.open(provider.sealed_secret, context)
            except InvalidInput as exc:
                raise ProviderFailed(f"The secret set for {provider.name} cannot be read") from exc
            if kept["method"] == _POST:
                form |= {"client_id": provider.client_id, "client_secret": secret}
            else:
                pair = f"{quote_plus(provider.client_id)}:{quote_plus(secret)}"
                headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return self._asked("POST", kept["token_endpoint"], headers, urlencode(form).encode())

    def _id_claims(
        self, kept: Mapping[str, str], id_token: str, access_token: str
    ) -> dict[str, Any]:
        expected = Expected(kept["issuer"], kept["client_id"], kept["nonce"])
        now = self.clock.now()
        try:
            keys = self.keys.of([], kept["jwks_uri"])
            return id_claims(id_token, keys, expected, access_token, now)
        except UnknownKey:
            # The provider may have turned to another key since we looked.
            keys = self.keys.of([], kept["jwks_uri"], fresh=True)
            return id_claims(id_token, keys, expected, access_token, now)

    def _userinfo(
        self, kept: Mapping[str, str], subject: str, access_token: str
    ) -> Mapping[str, Any]:
        """More about the same person (OpenID Connect Core section 5.3)."""
        headers = {"Authorization": f"Bearer {access_token}"}
        told = self._asked("GET", kept["userinfo_endpoint"], headers)
        # Section 5.3.2: another `sub` means somebody else.
        if told.get("sub") != subject:
            raise Unauthenticated("The provider told about somebody else")
        return told

    def _asked(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> dict[str, Any]:
        """The JSON object that the provider answers; Unauthenticated when it refuses the code that
        the browser came with (RFC 6749 section 5.2), ProviderFailed for all else.
        """
        sent = {"Accept": "application/json", **(headers or {})}
        try:
            reply = self.http.send(method, url, sent, body, max_bytes=MAX_BYTES, encrypted=True)
        except PorticoError as exc:
            raise ProviderFailed("The provider cannot be reached at the moment") from exc
        if reply.status not in (200, 400):
            raise ProviderFailed(f"The provider answered {reply.status}")
        try:
            told = json.loads(reply.content)
        except (ValueError, RecursionError) as exc:
            raise ProviderFailed("The provider did not answer in JSON") from exc
        if not isinstance(told, dict):
            raise ProviderFailed("The provider did not answer with what we asked for")
        if reply.status == 400 and told.get("error") == "invalid_grant":
            raise Unauthenticated("The provider does not know this sign-in")
        if reply.status == 400:
            raise ProviderFailed("The provider answered 400")
        return told


def _check_issuer(kept: Mapping[str, str], told: str | None) -> None:
    """Whether the answer is the one of the provider that was asked (RFC 9207 section 2.4)."""
    if told is None and not kept["tells_issuer"]:
        return
    if told != kept["issuer"]:
        raise Unauthenticated("The answer came from another provider than the one that was asked")
