"""An API, its resources, revisions and history."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from portico.domain.behaviour import Behaviour
from portico.domain.records import Record
from portico.domain.words import AuthType as AuthType
from portico.domain.words import State as State

VERBS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")
MAX_REVISIONS = 5
ENVIRONMENT = "Default"


class Delivery(StrEnum):
    """How a call reaches the back end: through the gateway function, or by a route of its own on
    the HTTP API.
    """

    MEDIATED = "mediated"
    PASS_THROUGH = "pass-through"  # noqa: S105 - a way of delivery, not a password


@dataclass(frozen=True)
class Resource:
    """One verb on one URI template of an API."""

    target: str  # URI template, starts with "/", may end in "/*"
    verb: str
    auth_type: str = AuthType.ANY
    scopes: tuple[str, ...] = ()
    throttling_policy: str = "Unlimited"
    every_scope: bool = False  # callers need all of the scopes; else one of them


@dataclass(frozen=True)
class Scope:
    """A scope that an API declares, and the roles whose users may have it (none: everybody)."""

    name: str
    display_name: str = ""
    description: str = ""
    roles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cors:
    """The CORS answer of an API; `None` in `Api.cors` means the gateway's default."""

    enabled: bool = False
    allow_origins: tuple[str, ...] = ("*",)
    allow_credentials: bool = False
    allow_headers: tuple[str, ...] = ("authorization", "content-type", "apikey", "internal-key")
    allow_methods: tuple[str, ...] = ("GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS")


@dataclass(frozen=True, kw_only=True)
class Api(Record):
    """An API as its publisher edits it. Times are epoch milliseconds."""

    id: str
    name: str
    version: str
    context: str  # as given, without version: "/pizza" or "/t/acme.com/pizza"
    provider: str
    state: str = State.CREATED
    description: str = ""
    resources: tuple[Resource, ...] = ()
    scopes: tuple[Scope, ...] = ()
    production_endpoint: str = ""
    sandbox_endpoint: str = ""
    policies: tuple[str, ...] = ()  # names of subscription policies
    api_throttling_policy: str = ""
    tags: tuple[str, ...] = ()
    visibility: str = "PUBLIC"  # PUBLIC, PRIVATE (tenant), RESTRICTED (roles)
    visible_roles: tuple[str, ...] = ()
    transports: tuple[str, ...] = ("http", "https")
    cors: Cors | None = None
    delivery: str = Delivery.MEDIATED
    pass_authorization: bool = False  # forward the client's access token to the back end
    authorization_header: str = "Authorization"
    is_default_version: bool = False
    definition_key: str = ""  # S3 key of the OpenAPI document
    definition_hash: str = ""  # SHA-256, hex
    created: int = 0
    updated: int = 0
    updated_by: str = ""
    revisions_made: int = 0  # numbers are never used twice
    revision_count: int = 0
    deployed_revision: str = ""  # id of the revision on the gateway, if any
    behaviour: Behaviour | None = None  # where the life cycle declares it for the state
    deprecated: int = 0  # epoch seconds since when, 0: it is not
    sunset: int = 0  # epoch seconds from when on it may be gone, 0: nobody said
    extra: dict[str, Any] = field(
        default_factory=dict
    )  # other fields of the contract, kept as given

    @property
    def full_context(self) -> str:
        """The path prefix at the gateway: context and version, or the context with its `{version}`
        filled in.
        """
        return full_context(self.context, self.version)


def full_context(context: str, version: str) -> str:
    """`/pizza`, `1.0.0` -> `/pizza/1.0.0`; `/{version}/pizza` -> `/1.0.0/pizza`."""
    if "{version}" in context:
        return context.replace("{version}", version)
    return f"{context}/{version}"


@dataclass(frozen=True, kw_only=True)
class ApiCard(Record):
    """What lists show of an API; written together with it."""

    id: str
    name: str
    version: str
    context: str
    provider: str
    state: str
    description: str = ""
    policies: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    visibility: str = "PUBLIC"
    visible_roles: tuple[str, ...] = ()
    transports: tuple[str, ...] = ()
    production_endpoint: str = ""
    delivery: str = Delivery.MEDIATED
    is_default_version: bool = False
    created: int = 0
    updated: int = 0
    updated_by: str = ""
    behaviour: Behaviour | None = None


def card_of(api: Api) -> ApiCard:
    """The card that belongs to an API; its stamp plays no part."""
    names = ApiCard.__dataclass_fields__.keys() - {"stamp"}
    return ApiCard(**{name: getattr(api, name) for name in names})


@dataclass(frozen=True, kw_only=True)
class NameClaim(Record):
    """Makes name + version unique in a tenant; `name` is lower case here."""

    name: str
    version: str
    api_id: str


@dataclass(frozen=True, kw_only=True)
class ContextClaim(Record):
    """Keeps a context for one API name; `count` versions of it use the context. `context` is lower
    case.
    """

    context: str
    name: str
    count: int


@dataclass(frozen=True, kw_only=True)
class Revision(Record):
    """An immutable snapshot of an API; `api` is the API as it was."""

    api_id: str
    id: str
    number: int
    description: str = ""
    created: int = 0  # epoch milliseconds
    created_by: str = ""
    api: Api
    deployed: int = 0  # epoch milliseconds, 0: not on the gateway
    vhost: str = ""
    display_on_devportal: bool = True


@dataclass(frozen=True, kw_only=True)
class HistoryEntry(Record):
    """One life-cycle transition of an API; `order` sorts (time and a random part)."""

    api_id: str
    order: str
    previous_state: str
    post_state: str
    event: str
    user: str
    updated: int  # epoch milliseconds
    checklist: dict[str, bool] = field(default_factory=dict)
    comment: str = ""
    approved_by: str = ""  # the second person, where the life cycle asks for one
    deployed_before: str = ""  # id of the revision on the gateway
    deployed_after: str = ""
    deprecated_before: int = 0  # epoch seconds, as `Api.deprecated`
    subscribers: int = 0  # subscriptions that there were
    undoes: str = ""  # `order` of the entry that this one takes back


@dataclass(frozen=True, kw_only=True)
class SubscriberCount(Record):
    """How many subscriptions an API has; subscribing and deleting the API both write it, so they
    cannot cross.
    """

    api_id: str
    count: int
