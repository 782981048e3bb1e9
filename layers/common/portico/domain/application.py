"""Applications, their keys, and subscriptions."""

from dataclasses import dataclass, field
from typing import Any

from portico.domain.records import Record
from portico.domain.words import KeyType as KeyType
from portico.domain.words import SubscriptionStatus as SubscriptionStatus

NO_SECRET = "none"  # noqa: S105 - the authentication method of public clients
ID_TOKEN = "id_token"  # noqa: S105 - in `Client.validities`, beside grant types


@dataclass(frozen=True, kw_only=True)
class Application(Record):
    """A developer's application."""

    owner: str
    id: str
    number: int  # WSO2's integer id, shown in the backend JWT
    name: str
    policy: str  # application throttling policy
    description: str = ""
    token_type: str = "JWT"  # noqa: S105 - a kind of token, not a password
    attributes: dict[str, str] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    created: int = 0  # epoch milliseconds
    updated: int = 0
    status: str = "APPROVED"
    since: int = 0  # tokens issued up to this moment are revoked; epoch seconds


@dataclass(frozen=True, kw_only=True)
class ApplicationName(Record):
    """Makes an application's name unique for its owner; `name` is lower case here."""

    owner: str
    name: str
    application_id: str


@dataclass(frozen=True, kw_only=True)
class ApplicationNumbers(Record):
    """The last integer id given to an application of the tenant."""

    last: int = 0


@dataclass(frozen=True, kw_only=True)
class Developer(Record):
    """Somebody who has been here before: the default application is made once, and stays away when
    deleted.
    """

    owner: str
    created: int = 0  # epoch milliseconds


@dataclass(frozen=True)
class Secret:
    """A consumer secret at rest: a SHA-256 digest (hex); random secrets need no slow hash."""

    id: str
    digest: str
    created: int = 0  # epoch seconds
    expires: int = 0  # 0: never
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class Client(Record):
    """An OAuth client: an application's keys of one type, or a client of the REST APIs (no
    application).
    """

    client_id: str
    name: str
    owner: str
    secrets: tuple[Secret, ...]
    grant_types: tuple[str, ...]
    redirect_uris: tuple[str, ...] = ()
    application_id: str = ""
    application_owner: str = ""
    key_type: str = KeyType.PRODUCTION
    key_mapping_id: str = ""
    token_validity: int = 3600  # seconds
    refresh_validity: int = 86400
    created: int = 0  # epoch seconds
    validities: dict[str, int] = field(default_factory=dict)  # grant type or ID_TOKEN -> seconds
    opaque: bool = False  # its access tokens are random texts; else self-contained JWTs
    auth_method: str = ""  # `token_endpoint_auth_method` (RFC 7591 section 2); '': with a secret
    jwks: list[dict[str, Any]] = field(default_factory=list)  # public keys, for private_key_jwt
    jwks_uri: str = ""
    scopes: tuple[str, ...] | None = None  # the only ones it may ask for; None: any
    logout_uris: tuple[str, ...] = ()  # `post_logout_redirect_uris`
    require_par: bool = False  # RFC 9126 section 6
    require_pkce: bool = False  # also where it proves itself by a secret; public clients always
    max_tokens: int = 0  # live access tokens; 0: as many as the tenant's rules allow
    management: str = ""  # SHA-256 (hex) of the registration access token (RFC 7592)
    metadata: dict[str, Any] = field(default_factory=dict)  # further RFC 7591 metadata, told back

    @property
    def public(self) -> bool:
        """Whether it cannot keep a secret and so has none (RFC 6749 section 2.1)."""
        return self.auth_method == NO_SECRET

    def validity(self, grant_type: str) -> int:
        """How long its access tokens of this grant type are valid, in seconds."""
        return self.validities.get(grant_type, self.token_validity)


@dataclass(frozen=True, kw_only=True)
class ClientHome(Record):
    """Tells whose a client is when only its consumer key is known; `tenant` is `*`.

    Clients of the super tenant have none: they are looked for there first.
    """

    client_id: str
    home: str


@dataclass(frozen=True, kw_only=True)
class ClientName(Record):
    """Finds the REST client of an owner by its name: registering twice gives the same client."""

    owner: str
    name: str
    client_id: str


@dataclass(frozen=True, kw_only=True)
class KeyMapping(Record):
    """Ties an application and a key type to a consumer key."""

    application_id: str
    key_type: str
    id: str
    client_id: str
    key_manager: str = "Resident Key Manager"
    mode: str = "CREATED"


@dataclass(frozen=True, kw_only=True)
class ApiKey(Record):
    """An API key of an application, without its text: `digest` is the SHA-256 (hex) of that."""

    application_id: str
    key_type: str
    id: str  # also the `jti` of a self-contained one
    name: str
    digest: str
    opaque: bool  # a random text that the gateway looks up; else self-contained
    created: int  # epoch seconds
    expires: int  # epoch seconds
    validity: int  # seconds, -1: for ever
    addresses: str = ""  # from which it may be used, with commas; '': any
    referrers: str = ""


@dataclass(frozen=True, kw_only=True)
class Subscription(Record):
    """An application's use of an API under a policy."""

    application_id: str
    api_id: str
    id: str
    application_owner: str
    application_name: str
    api_name: str
    api_version: str
    api_context: str  # full context, with the version
    api_provider: str
    policy: str
    status: str = SubscriptionStatus.UNBLOCKED
    created: int = 0  # epoch milliseconds
    subscriber: str = ""
    since: int = 0  # tokens issued up to this moment are revoked for this API; epoch seconds
