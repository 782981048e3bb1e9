"""The deployment's two sets of keys: the backend JWT's is looked after here, that of access tokens
in the token function, which alone may read it.
"""

import json
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from portico.domain.errors import Unavailable
from portico.services.rotating import KeySet

OURS = ("UnreadableSecret", "Unavailable", "LostRace")


@dataclass(frozen=True)
class TokenFunction:
    """The token function, invoked directly; `client` is boto3's of Lambda."""

    client: Any
    name: str  # function:alias

    def keys(self, *, at_once: bool) -> list[str]:
        """Have it look after its keys: the ids of keys made now. Raises Unavailable."""
        request = {"request": "keys", "at_once": at_once}
        try:
            answer = self.client.invoke(FunctionName=self.name, Payload=json.dumps(request))
        except (ClientError, BotoCoreError) as exc:
            raise Unavailable(f"The token function cannot be asked ({type(exc).__name__})") from exc
        told = json.loads(answer["Payload"].read() or b"null")
        if answer.get("FunctionError") or not isinstance(told, dict) or "made" not in told:
            kind = str(told.get("errorType", "")) if isinstance(told, dict) else ""
            # Only texts of our own: another's could quote what it was working with.
            why = f"{kind}: {told.get('errorMessage', '')}" if kind in OURS else kind
            raise Unavailable(f"The token function could not look after its keys ({why})")
        return [str(kid) for kid in told["made"]]


@dataclass(frozen=True)
class SigningKeys:
    """Both sets; the backend JWT's keys are changed after every `seconds` (0: never)."""

    backend: KeySet
    token: TokenFunction
    seconds: float = 0

    def ensure(self, *, at_once: bool = False) -> list[str]:
        """Make what is missing, rotate what is old (or `at_once`), retire what is outlived; the ids
        of keys made now. Harmless to repeat.
        """
        made = self.token.keys(at_once=at_once)
        return [*made, *self.backend.ensure(self.seconds, at_once=at_once)]
