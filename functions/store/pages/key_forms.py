"""The form about an application's keys: what is in it, what comes back, and examples of use."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from functions.store.bodies.key_properties import callbacks, seconds
from portico.domain.application import Client
from portico.domain.grant_types import (
    CLIENT_CREDENTIALS,
    CODE,
    DEVICE,
    EXCHANGE,
    JWT_BEARER,
    PASSWORD,
    REFRESH,
    SAML_BEARER,
)
from portico.services.key_settings import KeySettings
from portico.services.keys import Key

GRANT = "grant:"  # a checkbox each
BLANK = {
    f"{GRANT}{CLIENT_CREDENTIALS}": "on",
    f"{GRANT}{PASSWORD}": "on",
    f"{GRANT}{REFRESH}": "on",
    "client": "confidential",
    "application_validity": "3600",
    "user_validity": "3600",
    "refresh_validity": "86400",
}
# Grant type -> what people call it, and when it is the right one.
WORDS = {
    CLIENT_CREDENTIALS: ("Client credentials", "The application calls in its own name."),
    CODE: ("Authorization code", "Users sign in on our page; the best way for web and mobile."),
    REFRESH: ("Refresh token", "New tokens without the user, until the refresh token ends."),
    DEVICE: ("Device code", "Televisions and command lines: users sign in on another device."),
    PASSWORD: ("Password", "Users tell the application their password. For old clients only."),
    JWT_BEARER: ("JWT bearer", "A JWT of an issuer that the tenant trusts becomes a token."),
    SAML_BEARER: ("SAML 2.0 bearer", "A SAML assertion of a trusted issuer becomes a token."),
    EXCHANGE: ("Token exchange", "A token of a trusted issuer becomes one of ours."),
}


@dataclass(frozen=True)
class GrantKind:
    """A grant type on the page."""

    name: str
    label: str
    text: str


@dataclass(frozen=True)
class Examples:
    """Commands to try out; '' where the keys may not do it."""

    own: str = ""
    authorize: str = ""
    exchange: str = ""


def kinds(names: Sequence[str]) -> list[GrantKind]:
    """The grant types in the page's order, those of plug-ins by their names at the end."""
    known = [name for name in WORDS if name in names]
    others = [name for name in dict.fromkeys(names) if name not in WORDS]
    return [
        *(GrantKind(name, *WORDS[name]) for name in known),
        *(GrantKind(name, name, "An extension of this deployment.") for name in others),
    ]


def form_of(client: Client) -> dict[str, str]:
    """The form filled with what is true of the client."""
    return {
        **{f"{GRANT}{name}": "on" for name in client.grant_types},
        "callbacks": "\n".join(client.redirect_uris),
        "client": "public" if client.public else "confidential",
        **({"pkce": "on"} if client.require_pkce else {}),
        "scopes": " ".join(client.scopes or ()),
        "application_validity": str(client.validity(CLIENT_CREDENTIALS)),
        "user_validity": str(client.token_validity),
        "refresh_validity": str(client.refresh_validity),
    }


def chosen(fields: Mapping[str, str]) -> KeySettings:
    """What the form chooses; InvalidInput for validities that are no numbers."""
    own = seconds("Tokens of the application", fields.get("application_validity", "").strip())
    return KeySettings(
        grant_types=tuple(name.removeprefix(GRANT) for name in fields if name.startswith(GRANT)),
        callback_urls=callbacks(fields.get("callbacks", "")),
        token_validity=seconds("Tokens of users", fields.get("user_validity", "").strip()),
        refresh_validity=seconds("Refresh tokens", fields.get("refresh_validity", "").strip()),
        validities={CLIENT_CREDENTIALS: own} if own is not None else None,
        public=fields.get("client") == "public",
        require_pkce="pkce" in fields,
        scopes=tuple(one for one in re.split(r"[\s,]+", fields.get("scopes", "")) if one),
    )


def examples(key: Key, gateway: str) -> Examples:
    """Commands with the consumer key in them; the secret only right after it was made."""
    client = key.client
    secret = key.secret or "<consumer secret>"
    who = (
        f"-d client_id={client.client_id}" if client.public else f"-u '{client.client_id}:{secret}'"
    )
    own = f"curl {who} \\\n  -d grant_type=client_credentials \\\n  {gateway}/oauth2/token"
    if CODE not in client.grant_types or not client.redirect_uris:
        return Examples(own if CLIENT_CREDENTIALS in client.grant_types else "")
    back = client.redirect_uris[0]
    query = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": back,
        "scope": "openid",
        "state": "<random>",
        "code_challenge": "<challenge>",
        "code_challenge_method": "S256",
    }
    return Examples(
        own if CLIENT_CREDENTIALS in client.grant_types else "",
        # A browser's address bar leaves line breaks out.
        f"{gateway}/oauth2/authorize?" + urlencode(query, safe="<>").replace("&", "\n&"),
        f"curl {who} \\\n  -d grant_type=authorization_code \\\n  -d code=<code> \\\n"
        f"  -d code_verifier=<verifier> \\\n"
        f"  --data-urlencode 'redirect_uri={back}' \\\n  {gateway}/oauth2/token",
    )
