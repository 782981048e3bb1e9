"""A call to judge, what is learnt about it on the way, and its refusal."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from portico.domain.faults import FAULTS, Fault

if TYPE_CHECKING:
    from portico.domain.gateway import (
        Deployment,
        GatewayApplication,
        GatewayClient,
        Grant,
        Revocation,
    )
    from portico.storage.readmodel import Key, View


class Refused(Exception):
    """The call may not pass; `until` is when a throttled one may try again (epoch seconds)."""

    def __init__(self, fault: Fault | str, *, until: float = 0, allow: str = "") -> None:
        self.fault = FAULTS[fault] if isinstance(fault, str) else fault
        self.until = until
        self.allow = allow
        super().__init__(self.fault.code)


class Resource(NamedTuple):
    """One verb on one URI template of a deployment."""

    template: str
    verb: str
    auth_type: str
    scopes: list[str]
    policy: str
    every: bool = False  # all of the scopes are needed, not one of them


class Kind(StrEnum):
    """Kinds of credentials, in the words of WSO2's `securityScheme` where it has one."""

    TOKEN = "oauth2"  # noqa: S105 - a kind of token, not a password
    API_KEY = "api_key"
    BASIC = "basic_auth"
    INTERNAL = "internal_key"


@dataclass(frozen=True)
class Identity:
    """Who a verified credential speaks for; `user` has no tenant. Times in epoch seconds."""

    digest: bytes  # of the credential, to cache by
    kid: str  # of the key that signed it
    tenant: str
    client_id: str
    application_id: str  # "" for clients of the REST APIs
    key_type: str
    user: str
    is_user: bool  # False: the application itself
    scopes: frozenset[str]
    issued: float
    expires: float
    # Where to look it up; made once, for the same token comes many times.
    revocations: "tuple[Key[Revocation], ...]"
    client: "Key[GatewayClient] | None"  # None: no consumer key stands behind it
    application: "Key[GatewayApplication] | None"
    records: "tuple[Key[Any], ...]"  # all of these
    kind: str = Kind.TOKEN
    audience: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()  # of a user who gave a password
    api_id: str = ""  # the only one that an internal key is for
    permitted: "Callable[[str, str], bool] | None" = None  # by address and referrer; None: from all


class Guess(NamedTuple):
    """What a credential that is not verified yet will need: records, and whose subscription."""

    records: "tuple[Key[Any], ...]"
    application_id: str
    user: str = ""  # without tenant


@dataclass
class Call:
    """A request on its way through the pipeline; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    source_ip: str
    view: "View"
    now: float
    query: str = ""  # as it came, undecoded
    tenant: str = ""
    deployment: "Deployment | None" = None
    resource: Resource | None = None
    verbs: Sequence[str] = ()  # that the path may be called with
    preflight: bool = False
    open: bool = False  # needs no credential
    # Text, type and identity of a token that was verified when the call was looked at first.
    verified: "tuple[str, str, Identity] | None" = None
    identity: Identity | None = None
    application: "GatewayApplication | None" = None
    grant: "Grant | None" = None
    limits: str = ""  # what is left of each, for headers
    usage: str = ""  # limits of bytes that the delivery counts for; JSON
    added: Mapping[str, Any] | None = None  # claims of an extension that sees every call
    decision: dict[str, Any] = field(default_factory=dict)

    @property
    def api(self) -> "Deployment":
        """The deployment, once it is found."""
        assert self.deployment is not None  # noqa: S101 - the order of the steps
        return self.deployment

    @property
    def rest(self) -> str:
        """The path below the API's context; "" when the call ends there."""
        return self.path[len(self.api.prefix) :]
