"""What the store's operations have in common about a request: which tenant it means."""

from aws_lambda_powertools.event_handler.api_gateway import Router

from portico.domain.errors import Forbidden
from portico.domain.user import Caller
from portico.web.rest import caller, header

HEADER = "X-WSO2-Tenant"


def tenant_of(router: Router) -> str:
    """The tenant whose store is looked at: the one that the request names, or the caller's own."""
    return header(router, HEADER) or caller(router).tenant


def member(router: Router) -> Caller:
    """The caller, for what is done in the caller's own tenant only: Forbidden when another one is
    named.
    """
    found = caller(router)
    named = header(router, HEADER)
    if named and named != found.tenant:
        raise Forbidden(f"Users of '{found.tenant}' have no applications in the tenant '{named}'")
    return found
