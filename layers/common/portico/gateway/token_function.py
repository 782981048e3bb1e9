"""Has the token function sign API keys and internal keys: it alone may read the signing keys."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from portico.domain.errors import Unavailable

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient


class TokenFunctionSigner:
    """The KeySigner on AWS: the token function by its name and alias, invoked directly."""

    def __init__(self, client: "LambdaClient", function: str) -> None:
        self._client = client
        self._function = function

    def sign(self, kind: str, claims: Mapping[str, Any]) -> str:
        """A JWT of this kind (`api_key`, `internal_key`) with the claims. Raises Unavailable."""
        request = {"request": "sign", "kind": kind, "claims": dict(claims)}
        try:
            answer = self._client.invoke(
                FunctionName=self._function, Payload=json.dumps(request).encode()
            )
            told = json.loads(answer["Payload"].read())
        except (ClientError, BotoCoreError, ValueError) as exc:
            raise Unavailable("The token function did not answer; no key was made") from exc
        if answer.get("FunctionError") or not isinstance(told, dict) or "token" not in told:
            raise Unavailable("The token function could not sign; no key was made")
        return str(told["token"])
