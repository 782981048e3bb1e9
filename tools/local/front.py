"""The loopback front as a process: the gateway and the function URLs, one port each.

`python -m tools.local.front .local/front.json`; ends with its parent. The file is written by the
supervisor after each deployment and read again when it changes.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tools.local.aws import client
from tools.local.control_plane import ControlPlane
from tools.local.function_urls import FunctionUrl
from tools.local.http_api import HttpApi
from tools.local.invoking import Invoker
from tools.local.lifetime import end_with_parent
from tools.local.serving import Answer, Server


def answers(config: dict[str, Any]) -> dict[int, Answer]:
    """What to serve, by port.

    `config`: {"aws": URL, "changes": file that tells of changes, "http_api": {"port", "id"},
    "function_urls": [{"port", "function", "id"}]}
    """
    invoker = Invoker(config["aws"])
    served: dict[int, Answer] = {}
    if gateway := config.get("http_api"):
        control = ControlPlane(
            client("apigatewayv2", config["aws"]), gateway["id"], lambda: _read(config["changes"])
        )
        served[gateway["port"]] = HttpApi(gateway["id"], control, invoker).answer
    for url in config.get("function_urls", []):
        served[url["port"]] = FunctionUrl(url["function"], url["id"], invoker).answer
    return served


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def main() -> None:
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s")
    end_with_parent()
    config = json.loads(Path(sys.argv[1]).read_text())
    for port, answer in answers(config).items():
        threading.Thread(target=Server(port, answer).serve_forever, daemon=True).start()
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    main()
