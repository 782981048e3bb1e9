"""What the endpoints work with; `handler.py` makes it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from portico.domain.application import Client
from portico.ports import Clock, Records
from portico.services.accounts import Accounts
from portico.services.clients import Clients
from portico.services.issuing import Issued, Issuing
from portico.services.revoking import Revoking


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
    """The services, the grants by grant type, and the deployment's public address."""

    records: Records
    clock: Clock
    accounts: Accounts
    clients: Clients
    issuing: Issuing
    revoking: Revoking
    grants: "Mapping[str, Callable[[GrantRequest, Wiring], Issued]]"
    url: str
