"""What the routes of the admin function may ask for."""

from dataclasses import dataclass

from portico.ports import Lifecycle
from portico.services.accounts import Accounts
from portico.services.activating import Activating
from portico.services.approving import Waiting
from portico.services.backend_jwt_rules import RulingBackendJwt
from portico.services.denying import DenyPolicies
from portico.services.ending import Ending
from portico.services.lifecycles import Lifecycles
from portico.services.policies import Policies
from portico.services.roles import Roles
from portico.services.tenant_config import TenantConfig, WholeConfig
from portico.services.token_rules import RulingTokens
from portico.settings import Settings


@dataclass(frozen=True)
class Wiring:
    """The services of the admin function."""

    settings: Settings
    policies: Policies
    denying: DenyPolicies
    accounts: Accounts
    lifecycles: Lifecycles
    activating: Activating
    lifecycle: Lifecycle
    waiting: Waiting
    ending: Ending
    config: TenantConfig
    whole_config: WholeConfig
    tokens: RulingTokens
    backend_jwt: RulingBackendJwt
    roles: Roles
