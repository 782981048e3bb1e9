"""The schemas ApplicationKey, ApplicationKeyGenerateRequest, ApplicationTokenGenerateRequest and
ApplicationToken; those of secrets are in `secrets`, additional properties in `key_properties`.
"""

from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field

from functions.store.bodies.key_properties import (
    callback_text,
    callbacks,
    properties_of,
    seconds,
    settings_of,
)
from functions.store.bodies.model import Body, ReadOnly
from functions.store.bodies.secrets import secret_entry
from portico.domain.application import KeyType
from portico.domain.errors import InvalidInput
from portico.services.clients import LONGEST_TOKEN
from portico.services.keys import Key, KeySettings, Token

KEY_MANAGER = "Resident Key Manager"
# What WSO2's portal sends as scopes when a developer chose none.
ANY_SCOPE = ("am_application_scope", "default")


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
        scopes = tuple(one for one in self.scopes or () if one not in ANY_SCOPE)
        more = settings_of(self.additional_properties or {})
        return replace(
            more,
            grant_types=tuple(dict.fromkeys(self.grant_types_to_be_supported)),
            callback_urls=callbacks(self.callback_url or ""),
            token_validity=more.token_validity or seconds("validityTime", self.validity_time),
            scopes=tuple(dict.fromkeys(scopes)),
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
        grants, url = self.supported_grant_types, self.callback_url
        return replace(
            settings_of(self.additional_properties or {}),
            grant_types=None if grants is None else tuple(dict.fromkeys(grants)),
            callback_urls=None if url is None else callbacks(url),
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
        "callbackUrl": callback_text(key.client.redirect_uris),
        "keyState": "APPROVED",
        "keyType": key.mapping.key_type,
        "mode": key.mapping.mode,
        "consumerSecrets": [secret_entry(one) for one in key.live],
        "additionalProperties": properties_of(key.client),
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
