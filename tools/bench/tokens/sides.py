"""The servers that are compared: each a process of its own on loopback, asked by this one.

All get the same task: one client, one RSA key of 2048 bits, RS256, JWTs that last an hour.
"""

import base64
import http.client
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tools.bench.stand import CLIENT_ID, CLIENT_SECRET, HOST, URL, Stand

HERE = Path(__file__).parent
CONNECTIONS = 4  # kept alive, each with one request at a time
PATH = "/oauth2/token"
FORM = urlencode({"grant_type": "client_credentials"})
HEADERS = {
    "Authorization": "Basic " + base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode(),
    "Content-Type": "application/x-www-form-urlencoded",
}


@dataclass(frozen=True)
class Side:
    """A server: how it is started, with which environment."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]


def sides(stand: Stand, modules: Path) -> list[Side]:
    """Portico with its records in memory, the others, and Portico with the embedded DynamoDB;
    `modules` is the folder of npm's packages.
    """
    pem = stand.key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    task = {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "issuer": URL,
        "kid": stand.key.kid,
        "private": pem.decode(),
    }
    # As the template has it: the line about each call is a part of the work.
    ours = {**stand.environment, "POWERTOOLS_LOG_LEVEL": "INFO"}
    plain = {"PATH": stand.environment["PATH"], "LANG": "C.UTF-8"}
    node = modules / "node" / "bin" / "node"

    def python(name: str, storage: str = "memory") -> list[str]:
        told = json.dumps({**task, "storage": storage})
        return [sys.executable, str(HERE / name), told]

    return [
        Side("portico", python("portico_server.py"), ours),
        Side("authlib", python("authlib_server.py"), {**plain, "AUTHLIB_INSECURE_TRANSPORT": "1"}),
        Side(
            "oidc_provider",
            [
                str(node) if node.exists() else "node",
                str(HERE / "oidc_provider.mjs"),
                str(modules),
                json.dumps(task),
            ],
            {**plain, "NODE_ENV": "production"},
        ),
        Side("portico_dynamodb", python("portico_server.py", "dynamodb"), ours),
    ]


@dataclass(frozen=True)
class Server:
    """A side that runs."""

    process: "subprocess.Popen[str]"
    port: int

    def cpu(self) -> float:
        """Processor seconds that the process has used, all its threads together."""
        stdin, stdout = self.process.stdin, self.process.stdout
        if stdin is None or stdout is None:
            raise ValueError("The process has no pipes")
        stdin.write("\n")
        stdin.flush()
        return float(stdout.readline())

    def tokens(self, count: int) -> list[str]:
        """The answers to so many token requests over kept connections."""
        shares = [count // CONNECTIONS + (n < count % CONNECTIONS) for n in range(CONNECTIONS)]
        found: list[list[str]] = [[] for _ in shares]
        threads = [
            threading.Thread(target=_ask, args=(self.port, share, found[n]))
            for n, share in enumerate(shares)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        answers = [one for each in found for one in each]
        if len(answers) != count:
            raise RuntimeError(f"{len(answers)} of {count} requests were answered with a token")
        return answers


@contextmanager
def running(side: Side) -> Iterator[Server]:
    """The side's process for the time of the block."""
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            side.command,
            env=side.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        with process:
            port = process.stdout.readline() if process.stdout else ""
            if not port:
                log.seek(0)
                raise RuntimeError(f"{side.name} did not start:\n{log.read()[-2000:]}")
            try:
                yield Server(process, int(port))
            finally:
                process.terminate()


def check(stand: Stand, answer: str) -> None:
    """That an answer has a JWT for the client that the key signed: RS256, for an hour."""
    told: dict[str, Any] = json.loads(answer)
    claims = jwt.decode(
        told["access_token"],
        stand.key.private.public_key(),
        algorithms=["RS256"],
        options={"verify_aud": False},
    )
    if claims["client_id"] != CLIENT_ID or claims["exp"] - claims["iat"] != 3600:
        raise RuntimeError(f"Not the token that was asked for: {claims}")


def _ask(port: int, count: int, found: list[str]) -> None:
    connection = http.client.HTTPConnection(HOST, port, timeout=30)
    try:
        for _ in range(count):
            connection.request("POST", PATH, FORM, HEADERS)
            response = connection.getresponse()
            text = response.read().decode()
            if response.status != 200:
                raise RuntimeError(f"{response.status}: {text[:300]}")
            found.append(text)
    finally:
        connection.close()
