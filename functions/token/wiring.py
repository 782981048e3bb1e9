"""What the endpoints work with; `handler.py` makes it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from functions.token.extensions import Functions, extender
from portico.domain.application import Client
from portico.domain.token_rules import TokenRules
from portico.services.ahead import Ahead
from portico.services.clients import Clients
from portico.services.issuing import Issuing

# Only what issues a token of a client is loaded with the function; every other service is loaded
# by the property that gives it, for each module makes every start longer.
if TYPE_CHECKING:
    from portico.domain.records import Record, Wanted
    from portico.gateway.outbound import Outbound
    from portico.ports import Clock, Mailer, Records, Sealer
    from portico.services.accounts import Accounts, Hasher
    from portico.services.assertions import Assertions
    from portico.services.authorizing import Authorizing
    from portico.services.devices import Devices
    from portico.services.exchanging_codes import ExchangingCodes
    from portico.services.granting import Memory
    from portico.services.remote_keys import RemoteKeys
    from portico.services.replays import Replays
    from portico.services.revoking import Revoking
    from portico.settings import Settings
    from portico.tokens.keys import Keys, SigningKey


@dataclass(frozen=True)
class GrantRequest:
    """A token request of an authenticated client that may use the grant type."""

    client: Client
    parameters: Mapping[str, str]
    scopes: tuple[str, ...]
    tenant: str  # of the path; where user names without a tenant belong
    address: str


@dataclass(frozen=True)
class Wiring:
    """The adapters, and the services over them; one for each request, so that what is read ahead
    for it is read once.
    """

    records: Records
    clock: Clock
    hasher: Hasher
    signing: Callable[[], SigningKey]
    verifying: Callable[[], Keys]
    settings: Settings
    sealer: Sealer
    functions: Functions
    outbounds: Callable[[], Outbound]
    remote_key_sets: Callable[[], RemoteKeys]
    memory: Memory
    mailer: Mailer

    @property
    def url(self) -> str:
        """The deployment's public address, without a slash at its end."""
        return self.settings.gateway_url

    @property
    def issuer(self) -> str:
        """`iss` of every token, as WSO2 has it."""
        return f"{self.url}/oauth2/token"

    def names(self, tenant: str) -> set[str]:
        """Who we are to those who write assertions for us: the issuer, which is the token endpoint,
        and the endpoint's other addresses.
        """
        prefixes, paths = ("", f"/t/{tenant}"), ("/oauth2/token", "/token")
        return {f"{self.url}{prefix}{path}" for prefix in prefixes for path in paths}

    def for_request(self) -> Wiring:
        """The same with records that can be read ahead."""
        return replace(self, records=Ahead(self.records))

    def load(self, *wanted: Wanted) -> list[Record | None]:
        """Read records of any kinds at once; services over this wiring do not read them again."""
        return self.records.gather(*wanted)

    def rules(self, tenant: str) -> TokenRules:
        """The tenant's rules about tokens; the defaults where nobody has set any."""
        return self.records.get(TokenRules, tenant=tenant) or TokenRules(tenant=tenant)

    @property
    def outbound(self) -> Outbound:
        """The way out, behind the address guard; one for all requests."""
        return self.outbounds()

    @property
    def remote_keys(self) -> RemoteKeys:
        """Others' public keys, kept across requests."""
        return self.remote_key_sets()

    @cached_property
    def accounts(self) -> Accounts:
        from portico.services.accounts import Accounts

        return Accounts(self.records, self.clock, self.hasher)

    @cached_property
    def clients(self) -> Clients:
        return Clients(self.records, self.clock)

    @cached_property
    def issuing(self) -> Issuing:
        return Issuing(
            self.records, self.clock, self.signing, self.issuer, extender(self), self.memory
        )

    @cached_property
    def revoking(self) -> Revoking:
        from portico.services.revoking import Revoking

        return Revoking(self.records, self.clock, self.verifying, self.issuer)

    def verified_by(
        self,
        jwks: Sequence[Mapping[str, Any]],
        jwks_uri: str,
        token: str,
        types: Collection[str] = (),
    ) -> dict[str, Any]:
        """The claims of a JWT that one of these keys signed; a key that is not among those at an
        address is looked for there again. InvalidToken; Unavailable when there are no keys.
        `types` are those of `typ`, by default an assertion's.
        """
        from portico.tokens.foreign import ASSERTION_TYPES, verified
        from portico.tokens.jwt import UnknownKey

        types = types or ASSERTION_TYPES
        try:
            return verified(token, self.remote_keys.of(jwks, jwks_uri), types=types)
        except UnknownKey:
            if not jwks_uri or jwks:
                raise
        return verified(token, self.remote_keys.of(jwks, jwks_uri, fresh=True), types=types)

    @cached_property
    def assertions(self) -> Assertions:
        from portico.services.assertions import Assertions

        return Assertions(self.records, self.accounts)

    @cached_property
    def replays(self) -> Replays:
        from portico.services.replays import Replays

        return Replays(self.records)

    @cached_property
    def exchanging_codes(self) -> ExchangingCodes:
        from portico.services.exchanging_codes import ExchangingCodes

        return ExchangingCodes(self.records, self.clock, self.issuing)

    @cached_property
    def authorizing(self) -> Authorizing:
        from portico.services.authorizing import Authorizing

        return Authorizing(
            self.records, self.clock, self.issuer, self.issuing.grantable, self._hinted
        )

    def _hinted(self, token: str) -> str:
        """`sub` of an id_token of ours, be it over (OpenID Connect Core 3.1.2.1); else ''."""
        from portico.domain.errors import Unauthenticated
        from portico.tokens.jwt import PLAIN, verify

        try:
            claims = verify(token, self.verifying(), now=0, typ=PLAIN)
        except Unauthenticated:
            return ""
        return str(claims.get("sub", "")) if claims.get("iss") == self.issuer else ""

    @cached_property
    def devices(self) -> Devices:
        from portico.services.devices import Devices

        return Devices(self.records, self.clock, lambda: self.issuing)
