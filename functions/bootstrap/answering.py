"""The answer to CloudFormation: a custom resource waits for it, so one is always given, in time.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/crpg-ref-responses.html
"""

import json
import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

import urllib3

log = logging.getLogger(__name__)

MARGIN = 10.0  # seconds before the function's end at which it gives up and says so
MAX_REASON = 1024  # characters; the whole answer may have 4096 bytes
RETRIES = urllib3.Retry(
    total=4, backoff_factor=0.5, status_forcelist=(500, 502, 503, 504), allowed_methods=None
)
TIMEOUT = urllib3.Timeout(connect=5, read=10)


def answered(
    event: Mapping[str, Any], physical_id: str, seconds: float, work: Callable[[], dict[str, Any]]
) -> None:
    """Do the work and tell CloudFormation how it went; `seconds` are left to do both.

    Work that has not ended `MARGIN` seconds before the end counts as failed: its thread cannot be
    stopped, but everything that it does is harmless to repeat.
    """
    outcome: list[tuple[str, str, dict[str, Any]]] = []

    def run() -> None:
        try:
            outcome.append(("SUCCESS", "", work()))
        except Exception as exc:
            log.exception("bootstrap failed")
            outcome.append(("FAILED", f"{type(exc).__name__}: {exc}", {}))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(max(0.0, seconds - MARGIN))
    limit = (
        f"The work was not done within {seconds - MARGIN:.0f} seconds; the function's log has more"
    )
    status, reason, data = outcome[0] if outcome else ("FAILED", limit, {})
    _send(event, physical_id, status, reason[:MAX_REASON], data)


def _send(
    event: Mapping[str, Any], physical_id: str, status: str, reason: str, data: dict[str, Any]
) -> None:
    content = {
        "Status": status,
        "PhysicalResourceId": physical_id,
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "Data": data,
    }
    if reason:
        content["Reason"] = reason
    # The URL is a presigned S3 request, signed for an empty content type.
    with urllib3.PoolManager(retries=RETRIES, timeout=TIMEOUT) as http:
        response = http.request(
            "PUT",
            event["ResponseURL"],
            body=json.dumps(content).encode(),
            headers={"Content-Type": ""},
        )
    if response.status >= 300:
        # Lambda repeats an asynchronous call that failed, and so the answer.
        raise ConnectionError(f"CloudFormation did not take the answer: HTTP {response.status}")
    log.info("answered CloudFormation", extra={"status": status, "request": event["RequestType"]})
