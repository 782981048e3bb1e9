"""The admin function: wiring only. Paths below `/scim2` are SCIM's, all others the REST API's."""

import os
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.config import Config

from functions.admin.pages import PAGES
from functions.admin.pages import backend_jwt as backend_jwt_pages
from functions.admin.pages import denying as deny_pages
from functions.admin.pages import lifecycles as lifecycle_pages
from functions.admin.pages import policies as policy_pages
from functions.admin.pages import tokens as token_pages
from functions.admin.pages import trust as trust_pages
from functions.admin.pages import users as user_pages
from functions.admin.routes import (
    denying,
    lifecycles,
    policies,
    settings,
    tenant_config,
    users,
    workflows,
)
from functions.admin.wiring import Wiring
from portico.clock import SystemClock
from portico.gateway.lifecycle_function import LifecycleFunction
from portico.services.accounts import Accounts
from portico.services.activating import Activating
from portico.services.approving import Waiting
from portico.services.backend_jwt_rules import RulingBackendJwt
from portico.services.denying import DenyPolicies
from portico.services.ending import Ending
from portico.services.executing import standard
from portico.services.lifecycles import Lifecycles
from portico.services.passwords import Passwords
from portico.services.policies import Policies
from portico.services.roles import Roles
from portico.services.tenant_config import TenantConfig, WholeConfig
from portico.services.token_rules import RulingTokens
from portico.settings import read
from portico.storage.records import DynamoRecords
from portico.storage.sealing import KmsSealer
from portico.web.callers import Callers
from portico.web.contract import contract
from portico.web.pages import own_account, sign_in_routes
from portico.web.rest import rest_app
from portico.web.session import Sessions

if TYPE_CHECKING:
    from types_boto3_kms import KMSClient

SCIM = "/scim2"


@cache
def rest() -> LambdaFunctionUrlResolver:
    pages = [
        user_pages.router,
        policy_pages.router,
        deny_pages.router,
        lifecycle_pages.router,
        token_pages.router,
        trust_pages.router,
        backend_jwt_pages.router,
        sign_in_routes(PAGES, sessions(), accounts().sign_in, _ways),
    ]
    routes = [
        policies.router,
        denying.router,
        settings.router,
        lifecycles.router,
        tenant_config.router,
        workflows.router,
        users.router,
    ]
    return rest_app([contract("admin")], [*routes, *pages], PAGES.error)


@cache
def scim() -> LambdaFunctionUrlResolver:
    # The schemas and their filters take half a second to load: only who asks for SCIM waits.
    from functions.admin.scim.app import scim_app

    return scim_app()


@cache
def records() -> DynamoRecords:
    return DynamoRecords(read(os.environ), _region())


@cache
def accounts() -> Accounts:
    return Accounts(records(), SystemClock(), Passwords())


@cache
def sessions() -> Sessions:
    return Sessions(records(), SystemClock(), read(os.environ).secure_cookies)


@cache
def kms() -> "KMSClient":
    # Only who changes a login provider's secret waits for it.
    return boto3.client("kms", region_name=_region())


@cache
def wiring() -> tuple[Wiring, Callers]:
    clock, settings, region = SystemClock(), read(os.environ), _region()
    # One try, and an answer before this function's own time is up.
    patience = Config(read_timeout=25, connect_timeout=3, retries={"total_max_attempts": 1})
    functions = boto3.client("lambda", region_name=region, config=patience)
    lifecycle = LifecycleFunction(functions, settings.lifecycle_function)

    def resolves(name: str) -> bool:
        # Only the lifecycle function imports plug-ins, and only of these packages.
        return standard(name) or (
            name.partition(".")[0] in settings.plugin_packages
            and bool(lifecycle.ask({"request": "resolves", "name": name})["resolves"])
        )

    lifecycles = Lifecycles(records(), clock, resolves)
    config = TenantConfig(records(), clock)
    sealer = KmsSealer(kms, settings.kms_key)
    tokens = RulingTokens(records(), clock, sealer, settings.plugin_packages)
    backend_jwt = RulingBackendJwt(records(), clock, settings.plugin_packages)
    services = Wiring(
        settings=settings,
        policies=Policies(records(), clock),
        denying=DenyPolicies(records(), clock),
        accounts=accounts(),
        lifecycles=lifecycles,
        activating=Activating(lifecycles),
        lifecycle=lifecycle,
        waiting=Waiting(records()),
        ending=Ending(records(), clock),
        config=config,
        whole_config=WholeConfig(config, tokens, backend_jwt),
        tokens=tokens,
        backend_jwt=backend_jwt,
        roles=Roles(records(), clock),
    )
    return services, Callers(records(), clock, sessions(), basic=accounts().sign_in)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """An event of the function's URL (payload 2.0)."""
    services, callers = wiring()
    path = str(event.get("rawPath", ""))
    app = scim() if path == SCIM or path.startswith(f"{SCIM}/") else rest()
    app.append_context(services=services, callers=callers)
    return app.resolve(event, context)


def _ways() -> dict[str, str]:
    return own_account(read(os.environ).gateway_url)


def _region() -> str:
    return os.environ.get("AWS_REGION", "us-east-1")
