"""The inside of one Lambda execution environment: runs a handler, one call at a time.

Runs in a process of its own, started with `-I -S`: nothing but the standard library, the function's
code and its layers can be imported, as on AWS. Imports nothing of this project.
"""

from __future__ import annotations

import importlib
import json
import os
import struct
import sys
import threading
import time
import traceback
from typing import Any, BinaryIO

# Follows the last line of a call's log. Begins with a byte that no text log holds.
END_OF_LOG = "\x00end "
DEPTH_HEADER = "X-Ministack-Invoke-Depth"


class Context:
    """The second argument of a handler.

    AWS Lambda Developer Guide, "Using the Lambda context object to retrieve Python function
    information".
    """

    identity = None
    client_context = None

    def __init__(self, call: dict[str, Any]) -> None:
        self.aws_request_id: str = call["request_id"]
        self.invoked_function_arn: str = call["arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self._deadline = time.monotonic() + call["timeout_ms"] / 1000

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._deadline - time.monotonic()) * 1000))


def read_message(stream: BinaryIO) -> Any:
    """One length-prefixed JSON message; None at the end of the stream."""
    head = stream.read(4)
    if len(head) < 4:
        return None
    body = stream.read(struct.unpack(">I", head)[0])
    return json.loads(body)


def write_message(stream: BinaryIO, message: Any) -> None:
    body = json.dumps(message).encode()
    stream.write(struct.pack(">I", len(body)) + body)
    stream.flush()


def failure(error: BaseException) -> dict[str, Any]:
    """An exception as Lambda reports it: the class's own name, text and stack.

    Step Functions matches a Retry by `errorType`.
    """
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "stackTrace": traceback.format_tb(error.__traceback__)[1:],
    }


def watch_parent(parent: int) -> None:
    """Ends this process when the one that started it is gone, even in the middle of a call."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(0)


def announce_depth() -> None:
    """Lets calls to AWS tell how deep a chain of functions they are.

    Lambda stops a function that calls itself after about 16 turns; the emulator counts by this
    header. Done after the handler was imported, so that botocore is not loaded for its sake.
    """
    handlers = sys.modules.get("botocore.handlers")
    if handlers is None or getattr(handlers, "_depth_announced", False):
        return

    def add_depth(params: dict[str, Any], **_: Any) -> None:
        params["headers"].setdefault(DEPTH_HEADER, os.environ.get("_INVOKE_DEPTH", "0"))

    handlers.BUILTIN_HANDLERS.append(("before-call", add_depth))
    handlers._depth_announced = True  # type: ignore[attr-defined]


def serve(calls: BinaryIO, answers: BinaryIO) -> None:
    init = read_message(calls)
    threading.Thread(target=watch_parent, args=(os.getppid(),), daemon=True).start()
    # /var/task comes before /opt/python, as in Lambda; of two layers the later one wins.
    sys.path[:0] = init["paths"]
    module, _, name = os.environ["_HANDLER"].replace("/", ".").rpartition(".")
    try:
        handler = getattr(importlib.import_module(module), name)
    except BaseException as error:
        traceback.print_exc()
        sys.stderr.flush()
        write_message(answers, {"ready": False, **failure(error)})
        return
    write_message(answers, {"ready": True})
    while (call := read_message(calls)) is not None:
        announce_depth()
        os.environ["_INVOKE_DEPTH"] = str(call["depth"])
        if call["trace_id"]:
            os.environ["_X_AMZN_TRACE_ID"] = call["trace_id"]
        answer: dict[str, Any]
        try:
            answer = {"ok": True, "result": json.dumps(handler(call["event"], Context(call)))}
        except BaseException as error:
            traceback.print_exc()
            answer = {"ok": False, "ends": isinstance(error, SystemExit), **failure(error)}
        sys.stdout.flush()
        sys.stderr.write(f"{END_OF_LOG}{call['request_id']}\n")
        sys.stderr.flush()
        write_message(answers, answer)


def main() -> None:
    calls, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    # What a function prints belongs to its log.
    os.dup2(2, 1)
    serve(calls, answers)


if __name__ == "__main__":
    main()
