"""The inside of a fresh environment: loads a handler, answers one event, says what it cost.
 Runs with `-I -S` like a Lambda environment: nothing but the standard library, the function's code
and its layers. Imports nothing of this project. Reads JSON from standard input: {"paths",
"handler", "event", "further": [events]}; writes {"cpu": seconds of processor time from process
start to the end of the first answer, "answer", "warm": [seconds of each further call]}.
"""

import importlib
import json
import os
import sys
import time
from typing import Any


class Context:
    """As much of Lambda's context as handlers read."""

    aws_request_id = "00000000-0000-0000-0000-000000000000"
    function_name = "bench"
    function_version = "$LATEST"
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:bench"
    log_group_name = "/aws/lambda/bench"
    log_stream_name = "bench"

    def get_remaining_time_in_millis(self) -> int:
        return 29_000


def main() -> None:
    task: dict[str, Any] = json.load(sys.stdin)
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a function prints belongs to its log
    sys.path[:0] = task["paths"]
    module, _, name = task["handler"].rpartition(".")
    handler = getattr(importlib.import_module(module), name)
    answer = handler(task["event"], Context())
    cpu = time.process_time()
    warm = []
    for event in task["further"]:
        started = time.process_time()
        handler(event, Context())
        warm.append(time.process_time() - started)
    json.dump({"cpu": cpu, "answer": answer, "warm": warm}, out)
    out.flush()


main()
