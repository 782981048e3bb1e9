"""The Lifecycle port: asks the lifecycle function, and makes domain errors of its refusals."""

import json
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from portico.domain import errors
from portico.domain.errors import InvalidInput, PorticoError, Problem, Unavailable

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

log = logging.getLogger(__name__)
DENIED = ("AccessDeniedException", "AccessDenied")


class LifecycleFunction:
    """The lifecycle function by its name and alias.

    The client must not retry by itself: a transition that was taken would be asked for twice.
    """

    def __init__(self, client: "LambdaClient", function: str) -> None:
        self._client = client
        self._function = function

    def transition(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The state after a transition. Raises what it raised, or Unavailable."""
        return self.ask({"request": "transition", **request})

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """What the function answers to a request. Raises what it raised, or Unavailable."""
        payload = json.dumps(request).encode()
        try:
            answer = self._client.invoke(FunctionName=self._function, Payload=payload)
            content = json.loads(answer["Payload"].read())
        except ClientError as exc:
            if exc.response["Error"].get("Code") in DENIED:
                log.exception("no permission to invoke the lifecycle function")
                raise Unavailable(
                    "This function may not ask for life-cycle changes; nothing was changed"
                ) from exc
            raise Unavailable("The life cycle did not answer; look at the API's state") from exc
        except (BotoCoreError, ValueError) as exc:
            raise Unavailable("The life cycle did not answer; look at the API's state") from exc
        if answer.get("FunctionError") or not isinstance(content, dict):
            log.error("the lifecycle function failed")
            raise Unavailable("The life cycle failed; look at the API's state before trying again")
        if "error" in content:
            raise revived(content["error"])
        state: dict[str, Any] = content["ok"]
        return state

    def work_outbox(self) -> None:
        """Ask without waiting; when that fails the schedule does it within a minute."""
        try:
            self._client.invoke(
                FunctionName=self._function,
                InvocationType="Event",
                Payload=b'{"request": "outbox"}',
            )
        except (ClientError, BotoCoreError):
            log.warning("the outbox was not asked for; the schedule will", exc_info=True)


def revived(error: Mapping[str, Any]) -> PorticoError:
    """The domain error that `{"type", "message", "problems"}` describes."""
    message = str(error.get("message", ""))
    kind = getattr(errors, str(error.get("type", "")), None)
    if not (isinstance(kind, type) and issubclass(kind, PorticoError)):
        return Unavailable(message or "The life cycle failed")
    if issubclass(kind, InvalidInput):
        return kind(
            message, [Problem(str(field), str(text)) for field, text in error.get("problems", ())]
        )
    # Some errors are made of their parts; here only the finished text is known.
    made = kind.__new__(kind)
    Exception.__init__(made, message)
    return made
