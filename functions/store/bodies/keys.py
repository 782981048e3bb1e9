"""The schemas ApplicationKey, ApplicationKeyGenerateRequest, ApplicationTokenGenerateRequest and
ApplicationToken.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from functions.store.bodies.model import Body, ReadOnly
from portico.domain.application import KeyType
from portico.domain.errors import InvalidInput
from portico.services.clients import LONGEST_TOKEN
from portico.services.keys import Key, KeySettings, Token

KEY_MANAGER = "Resident Key Manager"
TOKEN_EXPIRY = "application_access_token_expiry_time"  # noqa: S105 - a field's name
REFRESH_EXPIRY = "refresh_token_expiry_time"
# What WSO2's portal sends beside these two; Portico has one validity for all access tokens and
# decides PKCE itself.
UNUSED = (
    "user_access_token_expiry_time",
    "id_token_expiry_time",
    "pkceMandatory",
    "pkceSupportPlain",
    "bypassClientCredentials",
)


class GenerateBody(Body):
    """The schema ApplicationKeyGenerateRequest."""

    key_type: Literal["PRODUCTION", "SANDBOX"]
    grant_types_to_be_supported: list[str]
    key_manager: Literal["Resident Key Manager"] | None = None
    callback_url: str | None = None
    scopes: list[str] | None = None
    validity_time: str | int | None = None
    additional_properties: dict[str, Any] | None = None
    client_id: None = None  # keys are made here; those of another server are not taken over
    client_secret: None = None

    def settings(self) -> KeySettings:
        """What the service takes."""
        more = _expiry(self.additional_properties)
        return KeySettings(
            grant_types=tuple(dict.fromkeys(self.grant_types_to_be_supported)),
            callback_url=self.callback_url,
            token_validity=more.get(TOKEN_EXPIRY) or _seconds("validityTime", self.validity_time),
            refresh_validity=more.get(REFRESH_EXPIRY),
        )


class KeyBody(Body):
    """The schema ApplicationKey, as a request: grants, callback URL and validities may change."""

    supported_grant_types: list[str] | None = None
    callback_url: str | None = None
    additional_properties: dict[str, Any] | None = None
    key_mapping_id: ReadOnly = None
    key_manager: ReadOnly = None
    consumer_key: ReadOnly = None
    consumer_secret: ReadOnly = None
    consumer_secrets: ReadOnly = None
    key_state: ReadOnly = None
    key_type: ReadOnly = None
    mode: ReadOnly = None
    group_id: ReadOnly = None
    token: ReadOnly = None

    def settings(self) -> KeySettings:
        """What the service takes."""
        more = _expiry(self.additional_properties)
        grants = self.supported_grant_types
        return KeySettings(
            grant_types=None if grants is None else tuple(dict.fromkeys(grants)),
            callback_url=self.callback_url,
            token_validity=more.get(TOKEN_EXPIRY),
            refresh_validity=more.get(REFRESH_EXPIRY),
        )


class TokenBody(Body):
    """The schema ApplicationTokenGenerateRequest."""

    consumer_secret: str | None = None
    validity_period: Annotated[int, Field(ge=1, le=LONGEST_TOKEN)] | None = None
    scopes: list[str] | None = None
    revoke_token: str | None = None
    grant_type: Literal["CLIENT_CREDENTIALS"] | None = None
    additional_properties: dict[str, Any] | None = None


def key_body(key: Key) -> dict[str, Any]:
    """The schema ApplicationKey; the secret is in it only when it has just been made."""
    body: dict[str, Any] = {
        "keyMappingId": key.mapping.id,
        "keyManager": key.mapping.key_manager,
        "consumerKey": key.client.client_id,
        "supportedGrantTypes": list(key.client.grant_types),
        "callbackUrl": key.client.redirect_uris[0] if key.client.redirect_uris else "",
        "keyState": "APPROVED",
        "keyType": key.mapping.key_type,
        "mode": key.mapping.mode,
        "additionalProperties": {
            TOKEN_EXPIRY: key.client.token_validity,
            REFRESH_EXPIRY: key.client.refresh_validity,
        },
    }
    if key.secret:
        body["consumerSecret"] = key.secret
    return body


def secret_body(key: Key) -> dict[str, Any]:
    """The schema ApplicationKeyReGenerateResponse."""
    return {"consumerKey": key.client.client_id, "consumerSecret": key.secret}


def token_body(token: Token) -> dict[str, Any]:
    """The schema ApplicationToken."""
    return {
        "accessToken": token.text,
        "tokenScopes": list(token.scopes),
        "validityTime": token.validity,
    }


def key_type(text: str) -> str:
    """The path parameter `keyType`."""
    if text not in tuple(KeyType):
        raise InvalidInput.of("keyType", f"must be one of {', '.join(KeyType)}")
    return text


def _expiry(properties: dict[str, Any] | None) -> dict[str, int | None]:
    found: dict[str, int | None] = {}
    for name, value in (properties or {}).items():
        if name in (TOKEN_EXPIRY, REFRESH_EXPIRY):
            found[name] = _seconds(f"additionalProperties.{name}", value)
        elif name not in UNUSED:
            raise InvalidInput.of(f"additionalProperties.{name}", "is not a known property")
    return found


def _seconds(field: str, value: Any) -> int | None:
    """A whole number as number or text; WSO2's portal writes "N/A" for none."""
    if value in (None, "", "N/A"):
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        return int(value)
    raise InvalidInput.of(field, "must be a whole number of seconds")
