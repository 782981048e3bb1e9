"""The schemas of API keys: APIKeyGenerateRequest, APIKeyRevokeRequest, APIKey and others."""

from typing import Any

from pydantic import Field

from functions.store.bodies.model import Body
from portico.domain.application import ApiKey
from portico.domain.errors import InvalidInput, Problem
from portico.services.api_keys import FOREVER, Wish

RESTRICTIONS = ("permittedIP", "permittedReferer")


class NewApiKeyBody(Body):
    """The schema APIKeyGenerateRequest; the restrictions are WSO2's additional properties."""

    key_name: str | None = None
    validity_period: int | None = None
    additional_properties: dict[str, Any] | None = None

    def wish(self) -> Wish:
        """What the service takes. A validity of -1, or none, is for ever."""
        given = {
            name: value
            for name, value in (self.additional_properties or {}).items()
            if value is not None
        }
        problems = [
            Problem(f"additionalProperties.{name}", "is a text or not known")
            for name, value in given.items()
            if name not in RESTRICTIONS or not isinstance(value, str)
        ]
        if problems:
            raise InvalidInput("The API key cannot be made", problems)
        return Wish(
            name=self.key_name or "",
            validity=FOREVER if self.validity_period is None else self.validity_period,
            addresses=given.get("permittedIP", ""),
            referrers=given.get("permittedReferer", ""),
        )


class RenewApiKeyBody(Body):
    """The schema APIKeyRenewRequest."""

    key_id: str = Field(alias="keyUUID")


class RevokeApiKeyBody(Body):
    """The schema APIKeyRevokeRequest: the key itself or its id."""

    apikey: str | None = None
    key_id: str | None = Field(default=None, alias="keyUUID")

    def named(self) -> tuple[str, str]:
        """The key's text and its id, one of which is ''."""
        if bool(self.apikey) == bool(self.key_id):
            raise InvalidInput.of("apikey", "or keyUUID is needed, and not both")
        return self.apikey or "", self.key_id or ""


def api_key_body(made: ApiKey, text: str) -> dict[str, Any]:
    """The schema APIKey, with the text that is told once; `keyUUID` is more than it has."""
    told = {"keyName": made.name, "apikey": text, "validityPeriod": made.validity}
    return {**told, "keyUUID": made.id}


def api_key_entry(made: ApiKey) -> dict[str, Any]:
    """The schema APIKeyInfo; times are in epoch milliseconds."""
    return {
        "keyUUID": made.id,
        "keyName": made.name,
        "issuedOn": made.created * 1000,
        "validityPeriod": made.validity,
    }
