"""`Webhook`: the transition as signed JSON to an address that the document names."""

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass

from functions.lifecycle.executors.execution import Job
from portico.ports import Clock, Poster


@dataclass(frozen=True)
class Webhook:
    """`key` gives the secret that receivers check `X-Portico-Signature` with."""

    poster: Poster
    key: Callable[[], bytes]
    clock: Clock

    def __call__(self, job: Job) -> None:
        body = json.dumps(job.message, ensure_ascii=False, separators=(",", ":")).encode()
        timestamp = str(int(self.clock.now()))
        headers = {
            "Content-Type": "application/json",
            "X-Portico-Execution": job.id,
            "X-Portico-Timestamp": timestamp,
            "X-Portico-Signature": f"sha256={signature(self.key(), timestamp, body)}",
        }
        self.poster.post(job.parameters["url"], headers, body)


def signature(key: bytes, timestamp: str, body: bytes) -> str:
    """HMAC-SHA256 (RFC 2104) of the timestamp, a dot and the body, in hex."""
    return hmac.new(key, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
