"""The admin function: wiring only. Paths below `/scim2` are SCIM's, all others the REST API's."""

import os
from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver
from aws_lambda_powertools.utilities.typing import LambdaContext

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
from portico.web.rest import rest_app
from portico.web.session import Sessions


@cache
def rest() -> LambdaFunctionUrlResolver:
    return rest_app([contract("admin")], [policies.router, settings.router])


@cache
def scim() -> LambdaFunctionUrlResolver:
    return scim_app()


@cache
def wiring() -> tuple[Wiring, Callers]:
    known = read(os.environ)
    records, clock = DynamoRecords(known, os.environ.get("AWS_REGION", "us-east-1")), SystemClock()
    accounts = Accounts(records, clock, Passwords())
    sessions = Sessions(records, clock, known.secure_cookies)
    services = Wiring(settings=known, policies=Policies(records, clock), accounts=accounts)
    return services, Callers(records, clock, sessions, basic=accounts.sign_in)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """An event of the function's URL (payload 2.0)."""
    services, callers = wiring()
    path = str(event.get("rawPath", ""))
    app = scim() if path == BASE or path.startswith(f"{BASE}/") else rest()
    app.append_context(services=services, callers=callers)
    return app.resolve(event, context)
