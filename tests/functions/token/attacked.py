"""What attackers are after in these tests: clients, codes, tokens and people of two tenants."""

import itertools
import time
import uuid
from dataclasses import dataclass, field, replace
from typing import Any

import jwt

from functions.token import handler as function
from portico.domain.application import NO_SECRET, Client
from portico.domain.authorization import Code, SignIn
from portico.domain.records import Put, Replace
from portico.domain.tenant import Tenant
from portico.domain.token_rules import LoginProvider, TokenRules, TrustedIssuer
from portico.domain.user import ADMIN, CREATOR, PUBLISHER, SUBSCRIBER, Caller
from portico.services.browser_sessions import BrowserSessions
from portico.services.clients import digest
from portico.services.exchanging_codes import challenge_of
from portico.tokens.jwt import sign
from tests.functions.token.attacking import Call, token
from tests.functions.token.conftest import JANE_PASSWORD, TENANT, Server
from tests.functions.token.saml import ISSUER as SAML_ISSUER
from tests.functions.token.saml import identity
from tests.functions.token.signing import Pair, in_time, pair

Credentials = tuple[str, str]
URL = "http://127.0.0.1:8280"
ENDPOINT = f"{URL}/oauth2/token"
CALLBACK = "https://app.example/callback"
VERIFIER = "v" * 43
ACME = "acme.example"
IDP = "https://idp.example"
KEYS = pair("RS256")
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
GRANT = "urn:ietf:params:oauth:grant-type:"
DEVICE, JWT_BEARER = f"{GRANT}device_code", f"{GRANT}jwt-bearer"
SAML_BEARER, EXCHANGE = f"{GRANT}saml2-bearer", f"{GRANT}token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
ALL = (
    *("client_credentials", "password", "refresh_token", "authorization_code"),
    *(DEVICE, JWT_BEARER, SAML_BEARER, EXCHANGE),
)
SCOPES = "openid email apim:api_view"
PROVIDER = LoginProvider("acme", "Acme", "https://idp.example", "portico")


@dataclass(repr=False)
class World:
    """The targets; what a method makes is new each time."""

    server: Server
    client: Client
    mine: Credentials
    theirs: Credentials  # of a second client, the attacker's
    public: Client
    signing: Client
    opaque: Credentials
    acme: Credentials  # a client of the other tenant
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    def code(self, client: Client | None = None, **more: Any) -> str:
        """An authorization code of Jane's."""
        text, client = uuid.uuid4().hex, client or self.client
        fields: dict[str, Any] = {
            "tenant": client.tenant,
            "client_id": client.client_id,
            "user": "jane",
            "user_id": self.server.accounts.get(TENANT, "jane").id,
            "scopes": ("openid", "email"),
            "redirect_uri": CALLBACK,
            "stated": True,
            "family": uuid.uuid4().hex,
            "sign_in": SignIn(at=int(time.time()) - 5, methods=("pwd",), sid="s"),
            "expires": int(time.time()) + 300,
            "challenge": challenge_of(VERIFIER),
        }
        self.server.aws.records.commit(Put(Code(digest=digest(text), **{**fields, **more})))
        return text

    def exchange(self, code: str, by: Credentials | None = None, **more: str) -> Call:
        """The use of a code."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
            **more,
        }
        form = {name: value for name, value in form.items() if value}
        return token(form, basic=by or self.mine)

    def tokens(
        self, by: Credentials | None = None, user: str = "jane", password: str = JANE_PASSWORD
    ) -> dict[str, Any]:
        """Tokens of a user's for a client."""
        form = {"grant_type": "password", "username": user, "password": password, "scope": SCOPES}
        told = token(form, basic=by or self.mine).send()
        assert told.status == 200, told
        got: dict[str, Any] = told.json
        return got

    def device(self, client: Client | None = None) -> dict[str, Any]:
        """A waiting device of the public client."""
        form = {"client_id": (client or self.public).client_id, "scope": "openid"}
        told = Call("POST", "/oauth2/device_authorize", form).send()
        assert told.status == 200, told
        got: dict[str, Any] = told.json
        return got

    def assertion(self, by: Pair = KEYS, headers: Any = None, **more: Any) -> str:
        """A client assertion of the client that signs (RFC 7523 section 2.2)."""
        return by.sign(self.claims(**more), headers)

    def claims(self, **more: Any) -> dict[str, Any]:
        """Claims of one."""
        mine = self.signing.client_id
        told = {"iss": mine, "sub": mine, "aud": ENDPOINT, "jti": str(uuid.uuid4())}
        return in_time(**{**told, **more})

    def bearer(self, **more: Any) -> dict[str, Any]:
        """Claims of an assertion of the trusted issuer (RFC 7523 section 2.1)."""
        told = {"iss": IDP, "sub": "jane", "aud": ENDPOINT, "jti": str(uuid.uuid4())}
        return in_time(**{**told, **more})

    def access(self, **more: Any) -> str:
        """An access token that our own key signed, with these claims changed."""
        real = self.tokens()["access_token"]
        claims = jwt.decode(real, options={"verify_signature": False})
        told = {name: value for name, value in {**claims, **more}.items() if value is not None}
        return sign(told, function.wiring().signing(), "at+jwt")

    def person(self) -> tuple[str, str]:
        """A new user, and the password."""
        name = f"person{next(self.numbers)}"
        self.server.accounts.create(
            self.server.caller, name, JANE_PASSWORD, [CREATOR, PUBLISHER, SUBSCRIBER]
        )
        return name, JANE_PASSWORD

    def gone(self, name: str, *, deleted: bool) -> None:
        """The user is removed, or may no longer sign in."""
        accounts = self.server.accounts
        user = accounts.get(TENANT, name)
        if deleted:
            accounts.delete(self.server.caller, user)
        else:
            accounts.update(self.server.caller, user, active=False)

    def session(self, user: str = "jane") -> str:
        """The value of the session cookie of a browser of the user's."""
        wiring = function.wiring()
        found = self.server.accounts.get(TENANT, user)
        value, _ = BrowserSessions(wiring.records, wiring.clock).begin(found, ["pwd"])
        return value


def world_of(server: Server) -> World:
    """The targets, made new."""
    records = server.aws.records
    issuers = (
        TrustedIssuer(IDP, jwks=[KEYS.jwk]),
        TrustedIssuer(SAML_ISSUER, kind="saml", certificates=(identity().certificate,)),
    )
    records.commit(
        Put(Tenant(tenant=ACME)),
        Put(TokenRules(tenant=TENANT, issuers=issuers, providers=(PROVIDER,), sign_up=True)),
    )
    root = Caller(ACME, "root", (ADMIN,))
    server.accounts.create(root, "root", "root-of-tests", [ADMIN])
    server.accounts.create(root, "joe", "joe-of-tests", [SUBSCRIBER])
    addresses = {"redirect_uris": (CALLBACK,)}
    client, mine = server.client("target", grant_types=ALL, **addresses)
    _, theirs = server.client("attacker", grant_types=ALL, **addresses)
    public, _ = server.client("public", grant_types=ALL, **addresses)
    signing, _ = server.client("signing", grant_types=ALL, **addresses)
    opaque, by_opaque = server.client("opaque", grant_types=ALL, **addresses)
    public = replace(public, auth_method=NO_SECRET, secrets=())
    signing = replace(signing, auth_method="private_key_jwt", jwks=[KEYS.jwk], secrets=())
    for one in (public, signing, replace(opaque, opaque=True)):
        records.commit(Replace(one))
    foreign, secret = server.clients.create(root, "acme", ALL, redirect_uris=(CALLBACK,))
    return World(
        server,
        client,
        mine,
        theirs,
        public,
        signing,
        by_opaque,
        (foreign.client_id, secret),
    )
