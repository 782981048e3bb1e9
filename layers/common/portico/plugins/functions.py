"""Asking a Lambda function of the operator's own."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from portico.domain.errors import Unavailable

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

MAX_ANSWER = 65_536  # bytes of a function's answer that are read


def called(client: "LambdaClient", name: str, payload: Mapping[str, Any]) -> Any:
    """What the function answers to the payload, as JSON. Unavailable when it failed or said too
    much; what the client raises comes through.
    """
    answer = client.invoke(FunctionName=name, Payload=json.dumps(payload).encode())
    content = answer["Payload"].read(MAX_ANSWER + 1)
    if answer.get("FunctionError"):
        raise Unavailable(f"The function failed: {answer['FunctionError']}")
    if len(content) > MAX_ANSWER:
        raise Unavailable(f"The function answered more than {MAX_ANSWER} bytes")
    return json.loads(content)
