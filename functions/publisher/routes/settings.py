"""`/settings`: what clients of the publisher need to know of this deployment."""

from urllib.parse import urlsplit

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.publisher.wiring import Wiring
from portico.domain.api import ENVIRONMENT
from portico.domain.policy import UNLIMITED
from portico.web.contract import contract
from portico.web.rest import answer, operations, wired

router = Router()
PUBLISHER = contract("publisher")
operation = operations(router, PUBLISHER)


@operation("GET", "/settings")
def show() -> Response[str]:
    settings = wired(router, Wiring).settings
    return answer(
        {
            "devportalUrl": settings.store_url,
            "environment": [_environment(settings.gateway_url)],
            "gatewayTypes": ["Regular"],
            "scopes": sorted({scope for one in PUBLISHER.operations for scope in one.scopes}),
            "monetizationAttributes": [],
            "externalStoresEnabled": False,
            "docVisibilityEnabled": False,
            "portalConfigurationOnlyModeEnabled": False,
            "retryCallWithNewOAuthTokenEnabled": True,
            "crossTenantSubscriptionEnabled": False,
            "defaultAdvancePolicy": UNLIMITED,
            "defaultSubscriptionPolicy": UNLIMITED,
            "authorizationHeader": "Authorization",
            "IsJWTEnabledForLoginTokens": True,
            "orgAccessControlEnabled": False,
            "allowSubscriptionValidationDisabling": False,
            "designAssistantEnabled": False,
            "aiAuthTokenProvided": False,
            "isGatewayNotificationEnabled": False,
            "isMCPSupportEnabled": False,
            "customProperties": [],
        }
    )


def _environment(gateway_url: str) -> dict[str, object]:
    parts = urlsplit(gateway_url)
    port = parts.port or (80 if parts.scheme == "http" else 443)
    host: dict[str, object] = {"host": parts.hostname or "localhost", "httpContext": ""}
    host["httpPort" if parts.scheme == "http" else "httpsPort"] = port
    return {
        "id": ENVIRONMENT,
        "name": ENVIRONMENT,
        "displayName": ENVIRONMENT,
        "type": "hybrid",
        "gatewayType": "Regular",
        "mode": "READ_WRITE",
        "serverUrl": gateway_url,
        "provider": "portico",
        "showInApiConsole": True,
        "vhosts": [host],
        "endpointURIs": [],
        "additionalProperties": [],
    }
