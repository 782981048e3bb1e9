"""Clients that are written in JavaScript, each a process of its own that answers line by line."""

import json
import os
import select
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.clients.applications import Application
from tests.clients.library import Refused

FOLDER = Path(__file__).parent
PATIENCE = 60  # seconds that one action may take
# Where the machine's own Node.js is too old, `make` puts another one here.
OWN_NODE = FOLDER / "node_modules" / ".bin" / "node"


class Script:
    """A script of this folder that serves actions (`lines.mjs`)."""

    def __init__(self, name: str) -> None:
        assert (FOLDER / "node_modules" / "openid-client").exists(), (
            "the packages are missing: make tests/clients/node_modules/.installed"
        )
        self._process = subprocess.Popen(
            [str(OWN_NODE) if OWN_NODE.exists() else "node", name],
            cwd=FOLDER,
            env={"PATH": os.environ["PATH"]},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def do(self, action: str, **given: Any) -> Any:
        """The answer to an action; Refused with what the library says."""
        sent, answers = self._process.stdin, self._process.stdout
        assert sent
        assert answers
        sent.write(json.dumps({"action": action, **given}).encode() + b"\n")
        sent.flush()
        ready, _, _ = select.select([answers], [], [], PATIENCE)
        assert ready, f"no answer to {action}"
        line = answers.readline()
        assert line, f"the script ended at {action}"
        answer = json.loads(line)
        if "ok" in answer:
            return answer["ok"]
        raise Refused(answer["code"], answer["text"])

    def close(self) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait(10)
        if self._process.stdout:
            self._process.stdout.close()


class _Node:
    """A library behind a script whose actions have the names of `Library`'s methods."""

    script = ""

    def __init__(self, application: Application) -> None:
        self.application = application
        self._script = Script(self.script)
        self.metadata: dict[str, Any] = self.do("discover", **asdict(application))

    def do(self, action: str, **given: Any) -> Any:
        """Also what only this library can."""
        return self._script.do(action, **given)

    def discover(self) -> dict[str, Any]:
        return self.metadata

    def begin(self, scope: str) -> str:
        return str(self.do("begin", scope=scope))

    def push(self, scope: str) -> str:
        """`begin` with the request pushed to the server before (RFC 9126)."""
        return str(self.do("push", scope=scope))

    def finish(self, callback: str) -> dict[str, Any]:
        return dict(self.do("finish", callback=callback))

    def refresh(self, refresh_token: str) -> dict[str, Any]:
        return dict(self.do("refresh", refresh_token=refresh_token))

    def client_credentials(self) -> dict[str, Any]:
        return dict(self.do("client_credentials"))

    def device(self, scope: str) -> dict[str, Any]:
        return dict(self.do("device", scope=scope))

    def poll(self) -> dict[str, Any]:
        return dict(self.do("poll"))

    def introspect(self, token: str) -> dict[str, Any]:
        return dict(self.do("introspect", token=token))

    def revoke(self, token: str) -> None:
        self.do("revoke", token=token)

    def userinfo(self, access_token: str, subject: str) -> dict[str, Any]:
        return dict(self.do("userinfo", access_token=access_token, subject=subject))

    def close(self) -> None:
        self._script.close()


class OpenidClient(_Node):
    """The npm package openid-client."""

    script = "openid_client.mjs"

    def leave(self, id_token: str, redirect_uri: str, state: str) -> str:
        """Where to send the browser to sign out (OpenID Connect RP-Initiated Logout)."""
        return str(self.do("leave", id_token=id_token, redirect_uri=redirect_uri, state=state))


class Oauth4webapi(_Node):
    """The npm package oauth4webapi."""

    script = "oauth4webapi.mjs"
