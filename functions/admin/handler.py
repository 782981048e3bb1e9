"""The admin function: wiring only. Paths below `/scim2` are SCIM's, all others the REST API's."""

import os
from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver
from aws_lambda_powertools.utilities.typing import LambdaContext

from functions.admin.pages import PAGES
from functions.admin.pages import policies as policy_pages
from functions.admin.pages import users as user_pages
from functions.admin.routes import policies, settings
from functions.admin.scim.app import BASE, scim_app
from functions.admin.wiring import Wiring
from portico.clock import SystemClock
from portico.services.accounts import Accounts
from portico.services.passwords import Passwords
from portico.services.policies import Policies
from portico.settings import read
from portico.storage.records import DynamoRecords
from portico.web.callers import Callers
from portico.web.contract import contract
from portico.web.pages import sign_in_routes
from portico.web.rest import rest_app
from portico.web.session import Sessions


@cache
def rest() -> LambdaFunctionUrlResolver:
    pages = [
        user_pages.router,
        policy_pages.router,
        sign_in_routes(PAGES, sessions(), accounts().sign_in),
    ]
    return rest_app([contract("admin")], [policies.router, settings.router, *pages], PAGES.error)


@cache
def scim() -> LambdaFunctionUrlResolver:
    return scim_app()


@cache
def records() -> DynamoRecords:
    return DynamoRecords(read(os.environ), os.environ.get("AWS_REGION", "us-east-1"))


@cache
def accounts() -> Accounts:
    return Accounts(records(), SystemClock(), Passwords())


@cache
def sessions() -> Sessions:
    return Sessions(records(), SystemClock(), read(os.environ).secure_cookies)


@cache
def wiring() -> tuple[Wiring, Callers]:
    clock = SystemClock()
    services = Wiring(read(os.environ), Policies(records(), clock), accounts())
    return services, Callers(records(), clock, sessions(), basic=accounts().sign_in)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """An event of the function's URL (payload 2.0)."""
    services, callers = wiring()
    path = str(event.get("rawPath", ""))
    app = scim() if path == BASE or path.startswith(f"{BASE}/") else rest()
    app.append_context(services=services, callers=callers)
    return app.resolve(event, context)
