"""Our tokens, verified by libraries of others with the keys of `/oauth2/jwks` alone: python-jose,
joserfc (Authlib's), and npm's jose and oauth4webapi.
"""

import base64
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
from authlib.oidc.core import CodeIDToken
from jose import jwt as python_jose
from joserfc import jwt as joserfc
from joserfc.jwk import KeySet

from tests.clients.applications import Application, issuer_of, subscribed
from tests.clients.browsing import Browser
from tests.clients.with_node import Oauth4webapi, Script
from tests.deployed import Person, Stack


@dataclass(frozen=True)
class Verifier:
    """Who got the tokens, and where the keys are."""

    issuer: str
    jwks_uri: str
    audience: str
    script: Script
    strict: Oauth4webapi

    def keys(self) -> dict[str, Any]:
        return dict(httpx.get(self.jwks_uri).json())

    def with_python_jose(self, token: str, access_token: str | None = None) -> dict[str, Any]:
        return dict(
            python_jose.decode(
                token,
                self.keys(),
                algorithms=["RS256"],
                audience=self.audience,
                issuer=self.issuer,
                access_token=access_token,
                options={"require_exp": True, "require_iat": True, "require_sub": True},
            )
        )

    def with_joserfc(self, token: str, access_token: str | None = None) -> dict[str, Any]:
        keys = KeySet.import_key_set(self.keys())  # type: ignore[arg-type]
        decoded = joserfc.decode(token, keys, algorithms=["RS256"])
        asked: Any = {"iss": {"value": self.issuer}, "aud": {"value": self.audience}}
        registry = joserfc.JWTClaimsRegistry(
            exp={"essential": True}, sub={"essential": True}, **asked
        )
        registry.validate(decoded.claims)
        if access_token:
            known = {"client_id": self.audience, "access_token": access_token}
            CodeIDToken(decoded.claims, decoded.header, asked, known).validate()
        return dict(decoded.claims)

    def with_jose(self, token: str, access_token: str | None = None) -> dict[str, Any]:
        return dict(
            self.script.do(
                "verify",
                token=token,
                jwks_uri=self.jwks_uri,
                issuer=self.issuer,
                audience=self.audience,
                algorithms=["RS256"],
                requiredClaims=["exp", "iat", "sub"],
                **({} if access_token else {"typ": "at+jwt"}),
            )
        )

    def with_oauth4webapi(self, token: str, access_token: str | None = None) -> dict[str, Any]:
        return dict(self.strict.do("verify_access_token", token=token, audience=self.audience))


Verify = Callable[..., dict[str, Any]]
ALL: dict[str, Verify] = {
    "python-jose": Verifier.with_python_jose,
    "joserfc": Verifier.with_joserfc,
    "jose": Verifier.with_jose,
    "oauth4webapi": Verifier.with_oauth4webapi,
}
ACCESS = pytest.mark.parametrize("verify", ALL.values(), ids=ALL)
# What oauth4webapi does with an id_token is part of its journeys.
ID = pytest.mark.parametrize("verify", list(ALL.values())[:3], ids=list(ALL)[:3])

# python-jose tries all keys, and tells how the last one failed, which is of another kind.
FORGED = r"(?i)signature|Incorrect key type"


@pytest.fixture(scope="module")
def application(stack: Stack, developer: Person) -> Application:
    return subscribed(stack, developer)


@pytest.fixture(scope="module")
def strict(application: Application) -> Iterator[Oauth4webapi]:
    found = Oauth4webapi(application)
    yield found
    found.close()


@pytest.fixture(scope="module")
def verifier(stack: Stack, application: Application, strict: Oauth4webapi) -> Iterator[Verifier]:
    uri = f"{stack.endpoints['gateway']}/oauth2/jwks"
    script = Script("jose.mjs")
    yield Verifier(issuer_of(stack), uri, application.client_id, script, strict)
    script.close()


@pytest.fixture(scope="module")
def tokens(application: Application, strict: Oauth4webapi, developer: Person) -> dict[str, Any]:
    with Browser(developer.name, developer.password) as browser:
        callback = browser.authorize(strict.begin("openid email"), application.redirect_uri)
    return strict.finish(callback)


def tampered(token: str, **claims: Any) -> str:
    """The token with other claims under the same signature."""
    head, body, signature = token.split(".")
    known = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    text = json.dumps({**known, **claims}).encode()
    return f"{head}.{base64.urlsafe_b64encode(text).decode().rstrip('=')}.{signature}"


@ACCESS
def test_an_access_token_holds_rfc_9068(
    verify: Verify, verifier: Verifier, tokens: dict[str, Any]
) -> None:
    claims = verify(verifier, tokens["access_token"])
    assert claims["client_id"] == verifier.audience
    assert claims["sub"] == "developer@carbon.super"
    assert set(claims["scope"].split()) == {"openid", "email"}


@ID
def test_an_id_token_holds_and_belongs_to_its_access_token(
    verify: Verify, verifier: Verifier, tokens: dict[str, Any]
) -> None:
    """OpenID Connect Core sections 3.1.3.6 to 3.1.3.8, `at_hash` where the library knows it."""
    claims = verify(verifier, tokens["id_token"], tokens["access_token"])
    assert claims["sub"] == "developer@carbon.super"
    assert claims["email"] == "developer@example.com"


@pytest.mark.parametrize(
    "verify",
    [Verifier.with_python_jose, Verifier.with_joserfc],
    ids=["python-jose", "joserfc"],
)
def test_an_id_token_does_not_fit_another_access_token(
    verify: Verify, verifier: Verifier, tokens: dict[str, Any]
) -> None:
    with pytest.raises(Exception, match="at_hash"):
        verify(verifier, tokens["id_token"], "another")


@ACCESS
def test_an_access_token_with_other_claims_fails(
    verify: Verify, verifier: Verifier, tokens: dict[str, Any]
) -> None:
    assert verify(verifier, tokens["access_token"])
    with pytest.raises(Exception, match=FORGED):
        verify(verifier, tampered(tokens["access_token"], sub="admin@carbon.super"))


@ID
def test_an_id_token_with_other_claims_fails(
    verify: Verify, verifier: Verifier, tokens: dict[str, Any]
) -> None:
    assert verify(verifier, tokens["id_token"], tokens["access_token"])
    with pytest.raises(Exception, match=FORGED):
        verify(verifier, tampered(tokens["id_token"], email="a@b.example"), tokens["access_token"])


@pytest.fixture(scope="module")
def expired(application: Application, developer: Person) -> str:
    """A token that was valid for one second."""
    path = f"/applications/{application.id}/oauth-keys/{application.key_mapping}/generate-token"
    body = {"consumerSecret": application.client_secret, "validityPeriod": 1}
    token = developer.send("POST", path, json=body).json()["accessToken"]
    time.sleep(2)
    return str(token)


@ACCESS
def test_an_expired_access_token_fails(verify: Verify, verifier: Verifier, expired: str) -> None:
    with pytest.raises(Exception, match=r"(?i)expired|\bexp\b|OAUTH_JWT_TIMESTAMP"):
        verify(verifier, expired)


@ACCESS
def test_a_token_for_another_client_fails(
    verify: Verify, verifier: Verifier, tokens: dict[str, Any]
) -> None:
    other = replace(verifier, audience="another")
    with pytest.raises(Exception, match=r"(?i)aud"):
        verify(other, tokens["access_token"])
