"""Applications for the clients of these tests, made as developers make them: with the developer
portal's REST API, or by dynamic client registration (RFC 7591).
"""

import secrets
from dataclasses import dataclass, field
from typing import Any

from tests.deployed import Person, Stack

CALLBACK = "https://shop.example/callback"
SIGNED_OUT = "https://shop.example/signed-out"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
GRANTS = ["authorization_code", "refresh_token", "client_credentials", DEVICE]
MENU = "/pizza/1.0.0/menu"  # of the demo API, for which applications subscribe


@dataclass(frozen=True)
class Application:
    """What a client library is told about itself.

    `method` is one of OpenID Connect Core section 9, `key` the private JWK for private_key_jwt.
    """

    issuer: str
    client_id: str
    client_secret: str = ""
    method: str = "client_secret_basic"
    redirect_uri: str = CALLBACK
    key: dict[str, Any] = field(default_factory=dict)
    id: str = ""  # in the developer portal
    key_mapping: str = ""


def issuer_of(stack: Stack) -> str:
    return f"{stack.endpoints['gateway']}/oauth2/token"


def subscribed(
    stack: Stack,
    developer: Person,
    *,
    redirect_uri: str = CALLBACK,
    registered_uri: str = "",
    grants: list[str] | None = None,
    **properties: Any,
) -> Application:
    """A new application with keys and a subscription to the demo API."""
    body = {"name": f"Shop {secrets.token_hex(8)}", "throttlingPolicy": "Unlimited"}
    made = developer.send("POST", "/applications", 201, json=body).json()["applicationId"]
    wish = {
        "applicationId": made,
        "apiId": stack.endpoints["demo"]["api"]["id"],
        "throttlingPolicy": "Unlimited",
    }
    developer.send("POST", "/subscriptions", 201, json=wish)
    keys = developer.send(
        "POST",
        f"/applications/{made}/generate-keys",
        json={
            "keyType": "PRODUCTION",
            "grantTypesToBeSupported": grants or GRANTS,
            "callbackUrl": registered_uri or redirect_uri,
            "additionalProperties": properties,
        },
    ).json()
    return Application(
        issuer_of(stack),
        keys["consumerKey"],
        keys.get("consumerSecret", ""),
        "none" if properties.get("bypassClientCredentials") else "client_secret_basic",
        redirect_uri,
        id=made,
        key_mapping=keys["keyMappingId"],
    )


def registered(
    stack: Stack, developer: Person, *, key: dict[str, Any] | None = None, **metadata: Any
) -> Application:
    """A client that registers itself with the metadata of RFC 7591."""
    answer = stack.http.post(
        f"{stack.endpoints['gateway']}/oauth2/register",
        auth=(developer.name, developer.password),
        json={
            "client_name": f"Shop {secrets.token_hex(8)}",
            "redirect_uris": [CALLBACK],
            "grant_types": GRANTS,
            "response_types": ["code"],
            **metadata,
        },
    )
    assert answer.status_code == 201, answer.text
    told = answer.json()
    return Application(
        issuer_of(stack),
        told["client_id"],
        told.get("client_secret", ""),
        told["token_endpoint_auth_method"],
        key=key or {},
    )
