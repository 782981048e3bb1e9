"""The device authorization endpoint (RFC 8628 section 3.1): two codes for a device."""

from typing import Any
from urllib.parse import urlencode

from functions.token.answers import answer
from functions.token.endpoints.credentials import authenticated_client
from functions.token.errors import OAuthError
from functions.token.requests import Request
from functions.token.scopes import scopes_of
from functions.token.wiring import Wiring
from portico.domain.tenant import SUPER_TENANT
from portico.services.devices import GRANT_TYPE, LIFETIME, shown


def serve(request: Request, wiring: Wiring) -> dict[str, Any]:
    """The codes, where the user goes with them, and how often to ask (section 3.2)."""
    parameters = request.parameters()
    client = authenticated_client(request, parameters, wiring)
    allowed = wiring.rules(client.tenant).grants
    if GRANT_TYPE not in client.grant_types or (allowed is not None and GRANT_TYPE not in allowed):
        raise OAuthError("unauthorized_client", "The client may not use the device grant")
    code, device = wiring.devices.begin(client, scopes_of(parameters.get("scope", "")))
    tenant = "" if client.tenant == SUPER_TENANT else f"/t/{client.tenant}"
    page = f"{wiring.url}{tenant}/oauth2/device"
    body = {
        "device_code": code,
        "user_code": shown(device.user_code),
        "verification_uri": page,
        "verification_uri_complete": f"{page}?{urlencode({'user_code': shown(device.user_code)})}",
        "expires_in": LIFETIME,
        "interval": device.interval,
    }
    return answer(200, body)
