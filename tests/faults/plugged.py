"""A plug-in class that life-cycle documents of the tests name: a line of a file for each call."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Appending:
    """Parameter `path` is the file. A line: `{"by", "id", "at"}`, `at` in milliseconds."""

    def execute(self, transition: Mapping[str, Any], parameters: Mapping[str, str]) -> None:
        line = {"by": "plug-in", "id": transition["id"], "at": time.time_ns() // 1_000_000}
        with Path(parameters["path"]).open("a") as kept:
            kept.write(json.dumps(line) + "\n")
