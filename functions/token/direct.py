"""What the deployment itself may ask by invoking the function directly, for which IAM must allow
it: to look after the keys of access tokens. Nothing that arrives over HTTP looks like this.
"""

from collections.abc import Mapping
from typing import Any

from portico.domain.errors import InvalidInput
from portico.ports import Clock, Records
from portico.services.rotating import KeySet, Vault
from portico.settings import Settings
from portico.tokens.keys import RS256

DAY = 86_400  # seconds


def check(event: Mapping[str, Any]) -> None:
    """InvalidInput unless it is such a request: exactly `{"request": "keys"}`, perhaps `at_once`.

    An event of the HTTP API has members of its own, whatever a caller sends in it.
    """
    if event.get("request") != "keys" or event.keys() - {"request", "at_once"}:
        raise InvalidInput.of("request", "must be 'keys', with nothing but 'at_once' beside it")


def look_after_keys(
    event: Mapping[str, Any], settings: Settings, vault: Vault, records: Records, clock: Clock
) -> dict[str, Any]:
    """Make, rotate (`at_once`, or because the time has come), publish and retire keys; tells the
    ids of new ones. The keys themselves stay here and in the secret.
    """
    keys = KeySet(vault, records, clock, settings.access_token_secret, RS256, access=True)
    every = settings.key_rotation_days * DAY
    return {"made": keys.ensure(every, at_once=event.get("at_once") is True)}
