"""Saves the embedded AWS's state every two seconds when something changed.

The emulator saves on a graceful stop only; so a `kill -9` loses no more than the last seconds.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import time
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)

SECONDS = 2.0
CHANGES = "api-changes"
# Logs grow with every call and matter least.
RARELY = {"cloudwatch_logs": 10.0, "cloudwatch": 10.0}
READS = ("Get", "List", "Describe", "Query", "Scan", "BatchGet", "TransactGet", "Filter")

type_scope = MutableMapping[str, Any]
App = Callable[[Any, Any, Any], Awaitable[None]]


def is_read(scope: type_scope) -> bool:
    """Whether a request to the emulator changes nothing, told by its method or target."""
    if scope["method"] in ("GET", "HEAD"):
        return True
    for name, value in scope["headers"]:
        if name.lower() == b"x-amz-target":
            operation = value.decode("latin-1").rpartition(".")[2]
            return bool(operation.startswith(READS))
    return False


class Saver:
    """Wraps the emulator's ASGI application to see what changes, and saves from its own loop.

    Handlers and saving share one thread, so what is saved is one moment of each service:
    a transaction is in it or not.
    """

    def __init__(self, app: App, state_dir: Path) -> None:
        self._app = app
        self._dir = state_dir
        self._changed = False
        self._deployed = True
        self._changes = 0  # of HTTP APIs, since the start
        self._changes_file = state_dir.parent / CHANGES
        self._changes_file.parent.mkdir(parents=True, exist_ok=True)
        self._blocked = 0.0  # seconds that the last save kept handlers waiting
        self._saved: dict[str, str] = {}
        self._saved_at: dict[str, float] = {}

    async def __call__(self, scope: type_scope, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and not is_read(scope):
            self._changed = True
            path = scope["path"]
            # Functions change by deployments, not by being called; their state is large.
            if not path.endswith("/invocations") and not self._is_data(scope):
                self._deployed = True
        await self._app(scope, receive, self._telling(scope, send))
        if scope["type"] == "http" and not is_read(scope):
            self._changed = True

    def _telling(self, scope: type_scope, send: Any) -> Any:
        """`send`, but the front learns of a changed API before the one who changed it does."""
        changes_api = scope["type"] == "http" and scope["path"].startswith("/v2/apis")
        if not changes_api or is_read(scope):
            return send

        async def tell(message: Any) -> None:
            if message["type"] == "http.response.start":
                self._changes += 1
                self._changes_file.write_text(f"{os.getpid()} {self._changes}")
            await send(message)

        return tell

    @staticmethod
    def _is_data(scope: type_scope) -> bool:
        return any(
            name.lower() == b"x-amz-target" and value.startswith(b"DynamoDB_")
            for name, value in scope["headers"]
        )

    async def run(self) -> None:
        while True:
            if self._changed:
                try:
                    await self.save()
                except Exception:
                    # One failed save must not be the last one.
                    logger.exception("state not saved")
                    self._changed = self._deployed = True
            # Large states are saved less often, but never seldom.
            await asyncio.sleep(min(max(SECONDS, 10 * self._blocked), 2 * SECONDS))

    async def save(self) -> None:
        from ministack import app as emulator
        from ministack.core import persistence

        self._changed = False
        deployed, self._deployed = self._deployed, False
        now = time.monotonic()
        self._blocked = 0.0
        for service, get_state in emulator._build_persistence_save_dict().items():
            if service == "lambda" and not deployed:
                continue
            if now - self._saved_at.get(service, 0.0) < RARELY.get(service, 0.0):
                self._changed = True
                continue
            self._saved_at[service] = now
            started = time.monotonic()
            try:
                state = get_state()
                if state is None:
                    continue
                document = {
                    "__ministack_format__": persistence._state_format_version(service),
                    "payload": state,
                }
                text = json.dumps(document, default=persistence._json_default)
            except RuntimeError as error:
                # Another thread of the emulator changed it meanwhile: next time.
                logger.info("state of %s not saved: %s", service, error)
                self._changed = True
                self._deployed = self._deployed or service == "lambda"
                continue
            finally:
                self._blocked += time.monotonic() - started
            await asyncio.to_thread(self._write, service, text)

    def _write(self, service: str, text: str) -> None:
        digest = hashlib.sha256(text.encode()).hexdigest()
        if self._saved.get(service) == digest:
            return
        self._dir.mkdir(parents=True, exist_ok=True)
        beside = self._dir / f"{service}.json.saving"
        beside.write_text(text)
        beside.replace(self._dir / f"{service}.json")
        self._saved[service] = digest


def correct_table_state() -> None:
    """DynamoDB's state without a deep copy of every item: it is serialised before anything changes.

    Not a difference from AWS; it keeps saving short.
    """
    from ministack.services import dynamodb

    get_state = dynamodb.get_state

    def state() -> dict[str, Any]:
        tables = dynamodb._tables
        dynamodb._tables = type(tables)()
        try:
            rest: dict[str, Any] = get_state()
        finally:
            dynamodb._tables = tables
        bare = type(tables)()
        for (account, region, name), table in tables.all_items():
            kept = {k: v for k, v in table.items() if k != dynamodb._INDEX_MEMBERS}
            bare.set_scoped(account, region, name, kept)
        return {**rest, "tables": bare}

    dynamodb.get_state = state
