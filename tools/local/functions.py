"""Lambda's part of the embedded AWS: runs functions as AWS does, in environments of our own.

Reached through `corrections.correct_functions`; knows the emulator's records of functions.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tools.local.environments import (
    Environment,
    EnvironmentEnded,
    Launch,
    Pool,
    Unpacked,
    default_width,
)

# AWS Lambda quotas: invocation payload (request and response), synchronous.
PAYLOAD_LIMIT = 6 * 1024 * 1024


class Functions:
    """Runs Python functions in environments of our own."""

    def __init__(self, folder: Path) -> None:
        self._unpacked = Unpacked(folder)
        self._unpacked.forget_unused()
        self._pool = Pool(default_width())

    def execute(self, func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        """Replaces `_execute_function_warm`: same arguments, same answer.

        AWS reports a function's exception by its own class name, so that a Step Functions `Retry`
        matches it (the emulator: always Runtime.HandlerError); it keeps the environment after an
        exception; code and layers see no packages but their own; code comes before layers.
        """
        from ministack.services import lambda_svc

        config = func.get("config") or func
        name, qualifier = config["FunctionName"], config.get("Version", "$LATEST")
        if len(json.dumps(event)) > PAYLOAD_LIMIT:
            return _too_large("Request", "RequestEntityTooLargeException")
        account, region = lambda_svc._account_region_from_function_config(config)
        key = ":".join((account, region, name, qualifier, config.get("CodeSha256", "")))
        environment = self._pool.lease(key, lambda: self._make(func, config, region))
        log = ""
        try:
            if not environment.alive:
                environment.start()
            answer = environment.call(
                {
                    "event": event,
                    "request_id": request_id,
                    "arn": config.get("FunctionArn", ""),
                    "timeout_ms": int(float(config.get("Timeout", 3)) * 1000),
                    "trace_id": lambda_svc._xray_trace_id_for_invocation(config),
                    "depth": lambda_svc._invoke_depth.get(),
                }
            )
            log = environment.log_of(request_id)
        except EnvironmentEnded as error:
            log = environment.log_of(request_id) or str(error)
            body = {"errorType": error.error_type, "errorMessage": str(error)}
            return {"body": body, "error": True, "log": log}
        finally:
            self._pool.give_back(key, environment)
        if not answer["ok"]:
            body = {k: answer[k] for k in ("errorMessage", "errorType", "stackTrace")}
            return {"body": {**body, "requestId": request_id}, "error": True, "log": log}
        if len(answer["result"]) > PAYLOAD_LIMIT:
            return {**_too_large("Response", "Function.ResponseSizeTooLarge"), "log": log}
        return {"body": answer["result"].encode(), "log": log}

    def invalidate(
        self,
        func_name: str,
        qualifier: str | None = None,
        account: str | None = None,
        region: str | None = None,
    ) -> None:
        """Replaces `invalidate_worker`: same arguments."""

        def matches(key: str) -> bool:
            of = key.split(":")
            wanted = (account, region, func_name, qualifier)
            return all(want in (None, have) for want, have in zip(wanted, of, strict=False))

        self._pool.drop(matches)

    def _make(self, func: dict[str, Any], config: dict[str, Any], region: str) -> Environment:
        from ministack.services import lambda_svc

        layers = [lambda_svc._resolve_layer_zip(layer) for layer in config.get("Layers", [])]
        name = config["FunctionName"]
        group = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{name}"
        given = (config.get("Environment") or {}).get("Variables") or {}
        environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}",
            **given,
            # Lambda sets these itself; a function's configuration cannot (Developer Guide, "Using
            # environment variables", reserved).
            **lambda_svc.execution_credentials(config),
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{config.get('Runtime', 'python3.13')}",
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_VERSION": config.get("Version", "$LATEST"),
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.get("MemorySize", 128)),
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": group,
            "AWS_LAMBDA_LOG_STREAM_NAME": stream_name(config),
            "_HANDLER": config["Handler"],
        }
        launch = Launch(
            name=name,
            code=func["code_zip"],
            layers=tuple(layer for layer in layers if layer),
            handler=config["Handler"],
            environment=environment,
        )
        return Environment(launch, self._unpacked)


def _too_large(what: str, error_type: str) -> dict[str, Any]:
    text = f"{what} payload size exceeded maximum allowed payload size ({PAYLOAD_LIMIT} bytes)."
    return {"body": {"errorType": error_type, "errorMessage": text}, "error": True, "log": text}


def stream_name(config: dict[str, Any]) -> str:
    """A new name of a log stream, in the form that Lambda gives it."""
    from ministack.core.responses import new_uuid

    today = datetime.now(UTC)
    return f"{today:%Y/%m/%d}/[{config.get('Version', '$LATEST')}]{new_uuid().replace('-', '')}"
