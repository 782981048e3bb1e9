"""What a tenant's administrator decides about the backend JWT and about the gateway's extension,
and the users' claims that the gateway knows; every rule has a safe default.
"""

from dataclasses import dataclass, field

from portico.domain.records import Record

DIALECT = "http://wso2.org/claims"
ES256, RS256 = "ES256", "RS256"
ALGORITHMS = (ES256, RS256)
URL_SAFE, PLAIN = "base64url", "base64"  # RFC 7515's, and padded standard Base64 as WSO2's default
ENCODINGS = (URL_SAFE, PLAIN)
CURRENT, OLD = "", "1.x"
COMPATIBILITIES = (CURRENT, OLD)
EXTENSION_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class BackendJwtRules(Record):
    """The rules of one tenant, in the authorizer's read model; without any, the defaults hold."""

    dialect: str = DIALECT  # what the names of the gateway's and the users' claims begin with
    claims: tuple[str, ...] = ()  # local claim URIs of the end user, the dearest first
    algorithm: str = ES256
    encoding: str = URL_SAFE
    # OLD: `exp` in milliseconds and padded standard Base64, as WSO2 1.x.
    compatibility: str = CURRENT
    # Gateway extension: a class of the plug-in layer, or a function's name or ARN.
    extension: str = ""
    extension_every_call: bool = False  # a step of the pipeline; otherwise once for an assertion
    extension_seconds: float = EXTENSION_SECONDS  # how long it may take
    extension_open: bool = False  # calls pass without it when it fails

    @property
    def old(self) -> bool:
        """Whether back ends expect what WSO2 1.x sent."""
        return self.compatibility == OLD

    @property
    def padded(self) -> bool:
        """Whether the three parts are padded standard Base64."""
        return self.old or self.encoding == PLAIN


@dataclass(frozen=True, kw_only=True)
class GatewayUser(Record):
    """The claims of a user by local claim URI, as the authorizer reads them; `name` is in lower
    case and has no tenant.
    """

    name: str
    claims: dict[str, str] = field(default_factory=dict)
