"""Calls Lambda functions through the embedded AWS's Invoke API, as API Gateway does."""

from __future__ import annotations

import json
import re
from typing import Any

import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tools.local import aws

# AWS Lambda quotas: invocation payload, synchronous. A base64 body counts as it is sent.
PAYLOAD_LIMIT = 6 * 1024 * 1024
# A function's ARN, alone or within an API Gateway integration URI, with its qualifier.
_FUNCTION = re.compile(
    r"(?P<arn>arn:[^:]+:lambda:[^:]+:\d+:function:(?P<name>[A-Za-z0-9_-]+))(:(?P<qualifier>[^/]+))?"
)


class FunctionFailed(Exception):
    """The function raised, ran out of time or answered too much; told as Lambda tells it."""

    def __init__(self, error_type: str, text: str) -> None:
        super().__init__(text)
        self.error_type = error_type
        self.text = text


class PayloadTooLarge(Exception):
    """More than Lambda takes."""


class NotInvokable(Exception):
    """No such function or qualifier, or Lambda refuses."""


class Invoker:
    """One for all threads: keeps connections to the embedded AWS open."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._pool = urllib3.PoolManager(
            num_pools=2, maxsize=64, block=False, retries=urllib3.Retry(1, redirect=False)
        )
        credentials = Credentials(aws.KEY, aws.SECRET)
        self._signer = SigV4Auth(credentials, "lambda", aws.REGION)

    def invoke(self, function: str, event: dict[str, Any], seconds: float) -> Any:
        """The function's answer. `function`: its ARN with qualifier, or an integration URI."""
        found = _FUNCTION.search(function)
        if not found:
            raise NotInvokable(f"{function} names no function")
        payload = json.dumps(event, separators=(",", ":")).encode()
        if len(payload) > PAYLOAD_LIMIT:
            raise PayloadTooLarge
        url = f"{self._endpoint}/2015-03-31/functions/{found['name']}/invocations"
        if found["qualifier"]:
            url += f"?Qualifier={found['qualifier']}"
        request = AWSRequest("POST", url, {"Content-Type": "application/json"}, payload)
        self._signer.add_auth(request)
        try:
            answer = self._pool.request(
                "POST",
                url,
                body=payload,
                headers=dict(request.headers.items()),
                timeout=urllib3.Timeout(connect=2, read=seconds),
            )
        except urllib3.exceptions.TimeoutError as error:
            raise FunctionFailed("Sandbox.Timedout", "no answer in time") from error
        except urllib3.exceptions.HTTPError as error:
            raise NotInvokable(str(error)) from error
        if answer.status != 200:
            raise NotInvokable(f"{answer.status} {answer.data[:300]!r}")
        content = json.loads(answer.data or b"null")
        if "X-Amz-Function-Error" in answer.headers:
            failed = content if isinstance(content, dict) else {}
            raise FunctionFailed(failed.get("errorType", ""), failed.get("errorMessage", ""))
        return content
