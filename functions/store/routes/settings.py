"""What the portal must know of the deployment: grants, scopes, gateway, key manager, categories."""

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.store.bodies.keys import KEY_MANAGER
from functions.store.routes.asked import tenant_of
from functions.store.wiring import Wiring
from portico.web.contract import contract
from portico.web.rest import answer, operations, wired

router = Router()
devportal = contract("devportal")
operation = operations(router, devportal)


@operation("GET", "/settings")
def settings() -> Response[str]:
    scopes = sorted({scope for one in devportal.operations for scope in one.scopes})
    return answer(
        {
            "grantTypes": list(wired(router, Wiring).keys.offered(tenant_of(router))),
            "scopes": [*scopes, "openid"],
            "applicationSharingEnabled": False,
            "IsLegacyApiKeysEnabled": False,
            "mapExistingAuthApps": False,
            "apiGatewayEndpoint": wired(router, Wiring).gateway_url,
            "monetizationEnabled": False,
            "recommendationEnabled": False,
            "IsUnlimitedTierPaid": False,
            "identityProvider": {"external": False},
            "IsAnonymousModeEnabled": True,
            "IsPasswordChangeEnabled": False,
            "IsJWTEnabledForLoginTokens": True,
            "orgAccessControlEnabled": False,
            "apiChatEnabled": False,
            "aiAuthTokenProvided": False,
            "marketplaceAssistantEnabled": False,
            "orgWideAppUpdateEnabled": False,
            "devportalMode": "API_ONLY",
        }
    )


@operation("GET", "/settings/application-attributes")
def application_attributes() -> Response[str]:
    """No deployment asks for attributes; applications may have any."""
    return answer({"count": 0, "list": []})


@operation("GET", "/api-categories")
def categories() -> Response[str]:
    """There are no categories."""
    return answer({"count": 0, "list": []})


@operation("GET", "/key-managers")
def key_managers() -> Response[str]:
    """The one that is built in."""
    gateway = wired(router, Wiring).gateway_url
    resident = {
        "id": KEY_MANAGER,
        "name": KEY_MANAGER,
        "type": "default",
        "displayName": KEY_MANAGER,
        "description": "Portico's own authorization server",
        "enabled": True,
        "availableGrantTypes": list(wired(router, Wiring).keys.offered(tenant_of(router))),
        "tokenEndpoint": f"{gateway}/oauth2/token",
        "revokeEndpoint": f"{gateway}/oauth2/revoke",
        "userInfoEndpoint": f"{gateway}/oauth2/userinfo",
        "enableTokenGeneration": True,
        "enableTokenEncryption": False,
        "enableTokenHashing": False,
        "enableOAuthAppCreation": True,
        "enableMapOAuthConsumerApps": False,
        "applicationConfiguration": [],
        "alias": f"{gateway}/oauth2/token",
        "tokenType": "DIRECT",
    }
    return answer({"count": 1, "list": [resident]})
