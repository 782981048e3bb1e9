"""What leaves a process over HTTP, where faults are injected: in the tests' own processes only.

All of AWS's clients and the webhook's connection meet in urllib3's connection and botocore's
session, so no product code knows of this.
"""

import io
import json
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlsplit

import urllib3
from botocore.awsrequest import AWSResponse
from botocore.httpsession import URLLib3Session
from urllib3.connection import HTTPConnection

from portico.clock import SystemClock

BEFORE = "before"  # the call never leaves
SENT = "sent"  # it leaves, and nobody is there for the answer


@dataclass(frozen=True)
class Answer:
    """What a call is answered with instead of being sent: the first `times` calls, after `skip`
    others, whose name contains `call`.
    """

    call: str
    status: int
    body: dict[str, Any]
    times: int = 1_000_000
    skip: int = 0
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Faults:
    """`kill_at` counts calls from 1; 0: never. The process's clock goes `later` seconds ahead, and
    further by what is left out of sleeps longer than `longest_sleep`.
    """

    kill_at: int = 0
    moment: str = BEFORE
    answers: tuple[Answer, ...] = ()
    later: float = 0.0
    longest_sleep: float = 3600.0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def faults_of(given: dict[str, Any]) -> Faults:
    """The faults that `Faults.as_json` wrote."""
    answers = tuple(Answer(**answer) for answer in given["answers"])
    return Faults(**{**given, "answers": answers})


def install(faults: Faults, tell: Callable[[str], None]) -> None:
    """Put the faults into this process; `tell` hears the name of each call before it is made."""
    _count(faults, tell)
    _answer(faults.answers, tell)
    ahead, real_time, real_sleep = faults.later, time.time, time.sleep

    def sleep(seconds: float) -> None:
        nonlocal ahead
        slept = min(seconds, faults.longest_sleep)
        ahead += seconds - slept
        real_sleep(slept)

    time.sleep = sleep  # type: ignore[assignment]
    SystemClock.now = lambda self: real_time() + ahead  # type: ignore[method-assign]


def _count(faults: Faults, tell: Callable[[str], None]) -> None:
    made = 0
    request = HTTPConnection.request

    def counted(self: HTTPConnection, method: str, url: str, *rest: Any, **more: Any) -> None:
        nonlocal made
        made += 1
        headers = more.get("headers") or (rest[1] if len(rest) > 1 else None) or {}
        tell(named(method, url, headers))
        if made == faults.kill_at and faults.moment == BEFORE:
            _end()
        request(self, method, url, *rest, **more)
        if made == faults.kill_at:
            _end()

    HTTPConnection.request = counted  # type: ignore[method-assign]


def _answer(answers: Sequence[Answer], tell: Callable[[str], None]) -> None:
    met = [0] * len(answers)
    send = URLLib3Session.send

    def answered(self: Any, prepared: Any) -> Any:
        name = named(prepared.method, prepared.url, prepared.headers)
        for index, answer in enumerate(answers):
            if answer.call not in name:
                continue
            met[index] += 1
            if answer.skip < met[index] <= answer.skip + answer.times:
                tell(f"{name} -> {answer.status}")
                body = json.dumps(answer.body).encode()
                raw = urllib3.HTTPResponse(io.BytesIO(body), preload_content=False)
                headers: Any = {"Content-Type": "application/x-amz-json-1.0", **answer.headers}
                return AWSResponse(prepared.url, answer.status, headers, raw)
        return send(self, prepared)

    URLLib3Session.send = answered  # type: ignore[assignment, method-assign]


def named(method: str, url: str, headers: Any) -> str:
    """`TransactWriteItems`, `POST /v2/apis/x/routes`."""
    target = headers.get("X-Amz-Target") or ""
    text = target.decode() if isinstance(target, bytes) else str(target)
    return text.rpartition(".")[2] or f"{method} {urlsplit(url).path}"


def _end() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
