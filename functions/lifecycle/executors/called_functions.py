"""Class `Lambda`: a transition handed to a function of the AWS account."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from functions.lifecycle.executors.execution import Job
from portico.domain.errors import Unavailable

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient


@dataclass(frozen=True)
class Function:
    """A call of the Lambda function `function` (an ARN), which must return without an error."""

    client: Callable[[], "LambdaClient"]

    def __call__(self, job: Job) -> None:
        answer = self.client().invoke(
            FunctionName=job.parameters["function"], Payload=json.dumps(job.message).encode()
        )
        if answer.get("FunctionError"):
            raise Unavailable(f"The function failed: {answer['FunctionError']}")
