"""The Passwords of basic auth on AWS: the token function, invoked directly."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from functions.authorizer.credentials.basic import Known
from portico.domain.errors import Unavailable

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient


class TokenFunctionPasswords:
    """Asks the token function; `client` makes boto3's client of Lambda when it is first needed."""

    def __init__(self, client: "Callable[[], LambdaClient]", function: str) -> None:
        self._client = client
        self._function = function  # name:alias

    def check(self, tenant: str, name: str, password: str, address: str) -> Known | None:
        """The user, None when name or password is wrong or there were too many attempts."""
        request = {
            "request": "password",
            "tenant": tenant,
            "name": name,
            "password": password,
            "address": address,
        }
        try:
            answer = self._client().invoke(
                FunctionName=self._function, Payload=json.dumps(request).encode()
            )
            told = json.loads(answer["Payload"].read())
        except (ClientError, BotoCoreError, ValueError) as exc:
            raise Unavailable("The token function did not check a password") from exc
        if answer.get("FunctionError") or not isinstance(told, dict):
            raise Unavailable("The token function failed to check a password")
        if "user" not in told:
            return None
        return Known(str(told["tenant"]), str(told["user"]), frozenset(map(str, told["roles"])))
