"""Function URLs on loopback: one function a port, as `https://<id>.lambda-url...` in AWS.

"Invoking Lambda function URLs", Lambda Developer Guide. Only AuthType NONE and buffered answers.
"""

from __future__ import annotations

import logging

from tools.local import exchange
from tools.local.exchange import Request, Response
from tools.local.invoking import FunctionFailed, Invoker, NotInvokable, PayloadTooLarge

logger = logging.getLogger(__name__)

BODY_LIMIT = 6 * 1024 * 1024
# Lambda allows 15 minutes; our functions have less, and end themselves.
SECONDS = 900.0


def _message(status: int, text: str) -> Response:
    body = f'{{"Message":"{text}"}}'.encode()
    return Response(status, [("Content-Type", "application/json")], body)


class FunctionUrl:
    """Answers calls as the URL of one function (its ARN, with qualifier)."""

    def __init__(self, function: str, url_id: str, invoker: Invoker) -> None:
        self._function = function
        self._id = url_id
        self._invoker = invoker

    def answer(self, request: Request) -> Response:
        if len(request.body) > BODY_LIMIT:
            return _message(413, "Request Too Long")
        # Unlike an HTTP API, a function URL hands the path over as it was sent.
        event = exchange.event(request, "$default", request.path, {"apiId": self._id})
        exchange.add_body(event, request)
        try:
            answer = self._invoker.invoke(self._function, event, SECONDS)
            return exchange.response_of(answer, "application/json")
        except PayloadTooLarge:
            return _message(413, "Request Too Long")
        except (FunctionFailed, exchange.MalformedAnswer) as error:
            logger.warning("%s: %s", self._function, error)
            return Response(502, [("Content-Type", "application/json")], b"Internal Server Error")
        except NotInvokable as error:
            logger.warning("%s: %s", self._function, error)
            return _message(500, "Internal Server Error")
