"""The schemas ConsumerSecret, ConsumerSecretCreationRequest, ConsumerSecretDeletionRequest and
ConsumerSecretList.
"""

from typing import Any

from functions.store.bodies.model import Body
from portico.domain.application import Secret
from portico.domain.errors import InvalidInput

FIELD = "additionalProperties"
EXPIRES_IN, DESCRIPTION = "expiresIn", "description"


class NewSecretBody(Body):
    """The schema ConsumerSecretCreationRequest."""

    additional_properties: dict[str, Any] | None = None

    def wish(self) -> tuple[int, str]:
        """Seconds until its end, 0 for never, and a description."""
        properties = self.additional_properties or {}
        for name in properties:
            if name not in (EXPIRES_IN, DESCRIPTION):
                raise InvalidInput.of(f"{FIELD}.{name[:100]}", "is not a known property")
        seconds, text = properties.get(EXPIRES_IN), properties.get(DESCRIPTION)
        if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, int)):
            raise InvalidInput.of(f"{FIELD}.{EXPIRES_IN}", "must be a whole number of seconds")
        if text is not None and not isinstance(text, str):
            raise InvalidInput.of(f"{FIELD}.{DESCRIPTION}", "must be a text")
        if seconds is not None and seconds < 1:
            raise InvalidInput.of(f"{FIELD}.{EXPIRES_IN}", "must be at least 1 second")
        return seconds or 0, text or ""


class RevokeSecretBody(Body):
    """The schema ConsumerSecretDeletionRequest."""

    secret_id: str
    additional_properties: dict[str, Any] | None = None


def secret_entry(secret: Secret, text: str = "") -> dict[str, Any]:
    """The schema ConsumerSecret; `text` is there only when it has just been made. Times are in
    epoch seconds; an `expiresAt` of 0 is never.
    """
    return {
        "secretId": secret.id,
        **({"secretValue": text} if text else {}),
        FIELD: {
            "createdAt": secret.created,
            "expiresAt": secret.expires,
            DESCRIPTION: secret.description,
        },
    }
