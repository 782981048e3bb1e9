"""The server's metadata (OpenID Connect Discovery 1.0, RFC 8414): what works, and nothing else."""

from typing import Any

from functions.token.answers import answer
from functions.token.endpoints.credentials import METHODS
from functions.token.grants import GRANTS
from functions.token.paths import ENDPOINTS
from functions.token.requests import Request
from functions.token.wiring import Wiring
from portico.domain.application import NO_SECRET
from portico.domain.claims import NAMES, OIDC_SCOPES
from portico.domain.grant_types import offered
from portico.domain.tenant import SUPER_TENANT
from portico.domain.token_rules import TokenRules
from portico.tokens.foreign import ALGORITHMS, EDDSA

# Member -> path; told where the path is served.
_ADDRESSES = {
    "authorization_endpoint": "/oauth2/authorize",
    "token_endpoint": "/oauth2/token",
    "userinfo_endpoint": "/oauth2/userinfo",
    "jwks_uri": "/oauth2/jwks",
    "revocation_endpoint": "/oauth2/revoke",
    "introspection_endpoint": "/oauth2/introspect",
    "device_authorization_endpoint": "/oauth2/device_authorize",
    "pushed_authorization_request_endpoint": "/oauth2/par",
}
# Those that are the same for all tenants.
_SHARED = {
    "end_session_endpoint": "/oidc/logout",
    "registration_endpoint": "/oauth2/register",
}
# Which ways of client authentication the endpoints take; public clients only where they may go.
_CONFIDENTIAL = [name for name in METHODS if name != NO_SECRET]
_AUTHENTICATION = {
    "token": list(METHODS),
    "revocation": list(METHODS),
    "introspection": _CONFIDENTIAL,
}
_OF_ID_TOKENS = ("sub", "iss", "aud", "azp", "exp", "iat", "auth_time", "nonce", "amr", "sid")
_AUTHORIZATION = {
    "response_types_supported": ["code"],
    "response_modes_supported": ["query", "form_post"],
    "code_challenge_methods_supported": ["S256"],
    "prompt_values_supported": ["none", "login", "consent", "select_account"],
    "authorization_response_iss_parameter_supported": True,
    "claims_parameter_supported": True,
    "request_parameter_supported": False,
    "request_uri_parameter_supported": False,
    "require_pushed_authorization_requests": False,
    "ui_locales_supported": ["en"],
}


def serve(request: Request, wiring: Wiring) -> dict[str, Any]:
    """Endpoints, and what they understand.

    A tenant's document has the tenant's endpoints; the issuer is the one of all tokens.
    """
    tenant = "" if request.tenant == SUPER_TENANT else f"/t/{request.tenant}"
    body = {
        "issuer": wiring.issuer,
        **{name: wiring.url + tenant + path for name, path in _served(_ADDRESSES)},
        **{name: wiring.url + path for name, path in _served(_SHARED)},
        "grant_types_supported": _grants(wiring.rules(request.tenant)),
        "scopes_supported": sorted(OIDC_SCOPES),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claim_types_supported": ["normal"],
        "claims_supported": [*_OF_ID_TOKENS, *sorted(NAMES)],
        **(
            _AUTHORIZATION if "/oauth2/authorize" in ENDPOINTS else {"response_types_supported": []}
        ),
    }
    for which, methods in _AUTHENTICATION.items():
        body[f"{which}_endpoint_auth_methods_supported"] = methods
        body[f"{which}_endpoint_auth_signing_alg_values_supported"] = [*ALGORITHMS, EDDSA]
    if wiring.settings.store_url:
        # Where an application's owner reads about its keys and APIs.
        body["service_documentation"] = wiring.settings.store_url
    return answer(200, body, {"Cache-Control": "public, max-age=300", "Pragma": ""})


def _grants(rules: TokenRules) -> list[str]:
    """What the tenant allows of the grant types, and its own."""
    return sorted(one for one in offered(rules) if one in GRANTS or one in rules.plugins)


def _served(addresses: dict[str, str]) -> list[tuple[str, str]]:
    return [(name, path) for name, path in addresses.items() if path in ENDPOINTS]
