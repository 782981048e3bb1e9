"""Answers with the event it got; does what `X-Do` asks for, so that tests see each case."""

import base64
import json
import os
import sys
import time
from typing import Any

from shared import words  # type: ignore[import-not-found]


def handler(event: dict[str, Any], context: Any) -> Any:
    do = (event.get("headers") or {}).get("x-do", event.get("do", ""))
    if do == "fail":
        raise KeyError("a secret of the function")
    if do == "exit":
        os._exit(3)
    if do == "sleep":
        time.sleep(30)
    if do == "print":
        print("printed", words.WORD)  # noqa: T201 - what a function prints is its log
        sys.stderr.write("without a newline")
    if do == "cookies":
        return {"statusCode": 200, "cookies": ["a=1; Path=/", "b=2"], "body": "two"}
    if do == "binary":
        return {
            "statusCode": 200,
            "isBase64Encoded": True,
            "body": base64.b64encode(bytes(range(256))).decode(),
            "headers": {"content-type": "application/octet-stream"},
        }
    if do == "plain":
        return "just text"
    if do == "large":
        return {"statusCode": 200, "body": "x" * (7 * 1024 * 1024)}
    if do == "path":
        return {"path": sys.path, "environment": dict(os.environ)}
    if do in ("put", "delete-table"):
        import boto3

        dynamodb = boto3.client("dynamodb")
        if do == "put":
            dynamodb.put_item(
                TableName=os.environ["TABLE"], Item={"pk": {"S": event.get("rawQueryString", "x")}}
            )
        else:
            dynamodb.delete_table(TableName=os.environ["TABLE"])
        return {"done": do}
    if do == "put-object":
        import boto3

        boto3.client("s3").put_object(Bucket=os.environ["BUCKET"], Key="key", Body=b"body")
        return {"done": do}
    if do == "import-emulator":
        import ministack  # noqa: F401
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json", "X-Shown": "yes"},
        "body": json.dumps(
            {
                "event": event,
                "function": context.function_name,
                "arn": context.invoked_function_arn,
                "left": context.get_remaining_time_in_millis(),
            }
        ),
    }
