"""Where the embedded AWS differs from AWS in a way that matters here: one function a difference.

Patches private names of exactly this release of the emulator; a correction is dropped when a
later release has it. `tests/local/test_corrections.py` pins each one.
"""

from __future__ import annotations

import contextlib
import json
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tools.local.functions import Functions, stream_name
from tools.local.site import LocalError

MINISTACK = "1.5.33"
LOG_LINES_KEPT = 2000  # in one stream
LOG_FILE_BYTES = 20_000_000


def check_version() -> None:
    found = version("ministack")
    if found != MINISTACK:
        raise LocalError(
            f"ministack {found} is installed, but its corrections are written for {MINISTACK}: "
            "run `uv sync`, or look through tools/local/corrections.py and change the pin"
        )


def correct_functions(folder: Path) -> None:
    """Functions run in our own environments (see Functions.execute for what AWS does)."""
    from ministack.core import lambda_runtime
    from ministack.services import lambda_svc

    functions = Functions(folder)
    lambda_svc._execute_function_warm = functions.execute
    lambda_svc.invalidate_worker = functions.invalidate
    lambda_runtime.invalidate_worker = functions.invalidate


def correct_function_metrics() -> None:
    """Nobody reads Lambda's own metrics here, and the emulator keeps every one in its state."""
    from ministack.services import lambda_svc

    lambda_svc._emit_lambda_metrics = lambda *_args, **_named: None


def correct_function_logs(log_file: Path) -> None:
    """AWS has one log stream an environment; the emulator makes one a call and keeps all of them.

    One stream a function and day is kept, its last lines only. The same lines go to `log_file`,
    which `make logs` follows.
    """
    from ministack.core.responses import get_account_id
    from ministack.services import cloudwatch_logs, lambda_svc

    log_file.parent.mkdir(parents=True, exist_ok=True)
    if log_file.exists() and log_file.stat().st_size > LOG_FILE_BYTES:
        log_file.replace(log_file.with_suffix(".old"))
    out = log_file.open("a", buffering=1)
    streams: dict[tuple[str, str, str], str] = {}

    def emit(
        func: dict[str, Any],
        request_id: str,
        log_text: str,
        error: bool,
        duration_ms: int,
        *,
        log_source: str | None = None,
    ) -> None:
        config = func.get("config") or func
        name = config.get("FunctionName", "unknown")
        group_name = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{name}"
        now = int(time.time() * 1000)
        group = cloudwatch_logs._log_groups.get(group_name)
        if group is None:
            group = cloudwatch_logs._log_groups[group_name] = {
                "arn": cloudwatch_logs._make_group_arn(group_name),
                "creationTime": now,
                "retentionInDays": None,
                "tags": {},
                "subscriptionFilters": {},
                "streams": {},
            }
        day = datetime.now(UTC).strftime("%Y/%m/%d")
        name_today = streams.setdefault(
            (get_account_id(), group_name, f"{day}{config.get('Version')}"), stream_name(config)
        )
        stream = group["streams"].setdefault(
            name_today,
            {
                "events": [],
                "uploadSequenceToken": "1",
                "creationTime": now,
                "firstEventTimestamp": None,
                "lastEventTimestamp": None,
                "lastIngestionTime": None,
            },
        )
        lines = [
            f"START RequestId: {request_id} Version: {config.get('Version', '$LATEST')}",
            *log_text.splitlines(),
            f"END RequestId: {request_id}",
            f"REPORT RequestId: {request_id}\tDuration: {duration_ms} ms",
        ]
        events = [{"timestamp": now, "message": line, "ingestionTime": now} for line in lines]
        cloudwatch_logs._append_log_events(stream, events)
        del stream["events"][:-LOG_LINES_KEPT]
        cloudwatch_logs._fanout_to_subscription_filters(group_name, name_today, events)
        for line in log_text.splitlines():
            out.write(f"{name}\t{line}\n")

    lambda_svc._emit_lambda_logs = emit


def correct_kept_layers(folder: Path) -> None:
    """The emulator keeps layers as base64 inside one JSON file; ours keeps them as files.

    Not a difference from AWS: with layers of 60 MB, saving often would take seconds each time.
    """
    from ministack.services import lambda_svc

    get_state, restore = lambda_svc.get_state, lambda_svc._restore_state
    folder.mkdir(parents=True, exist_ok=True)

    def without_content() -> dict[str, Any]:
        kept: dict[int, bytes] = {}
        versions = [v for layer in _values(lambda_svc._layers) for v in layer["versions"]]
        for layer_version in versions:
            data = layer_version.get("_zip_data")
            if isinstance(data, bytes):
                name = layer_version["Content"]["CodeSha256"].replace("/", "_")
                path = folder / f"{name}.zip"
                if not path.exists():
                    beside = path.with_suffix(".tmp")
                    beside.write_bytes(data)
                    beside.replace(path)
                kept[id(layer_version)] = data
        try:
            # Nothing else runs meanwhile: saving and handlers share one thread.
            for layer_version in versions:
                if id(layer_version) in kept:
                    layer_version["_zip_data"] = None
            state: dict[str, Any] = get_state()
        finally:
            for layer_version in versions:
                if id(layer_version) in kept:
                    layer_version["_zip_data"] = kept[id(layer_version)]
        return state

    def with_content(data: dict[str, Any]) -> None:
        restore(data)
        for layer in _values(lambda_svc._layers):
            for layer_version in layer["versions"]:
                if layer_version.get("_zip_data") is None:
                    name = layer_version["Content"]["CodeSha256"].replace("/", "_")
                    with contextlib.suppress(FileNotFoundError):
                        layer_version["_zip_data"] = (folder / f"{name}.zip").read_bytes()

    lambda_svc.get_state = without_content
    lambda_svc._restore_state = with_content


def _values(scoped: Any) -> list[Any]:
    return list(scoped._data.values())


def correct_transform_parameters() -> None:
    """AWS's SAM transform sees the parameters of a deployment, the emulator's only defaults.

    `AutoPublishCodeSha256: !Ref SourceHash` decides by it whether a new version is published.
    """
    from ministack.services.cloudformation import engine

    declared = engine._apply_transforms

    def apply(template: dict[str, Any], provided: Any = None, previous: Any = None) -> Any:
        values = engine._transform_parameters(template, provided, previous)
        parameters = template.get("Parameters") or {}
        with_values = {
            name: {**entry, "Default": values[name]} if name in values else entry
            for name, entry in parameters.items()
        }
        result = declared({**template, "Parameters": with_values}, provided, previous)
        if isinstance(result, dict) and parameters:
            result["Parameters"] = {**result.get("Parameters", {}), **parameters}
        return result

    import sys

    for module in [m for n, m in sys.modules.items() if n.startswith("ministack.")]:
        if getattr(module, "_apply_transforms", None) is declared:
            module._apply_transforms = apply  # type: ignore[attr-defined]


def correct_interrupted_deployments() -> None:
    """AWS carries a deployment to its end; the emulator, started again, has forgotten it.

    A stack that stays "in progress" takes no other deployment. What was being created counts as
    failed, what was being updated keeps what it has; both can then be deployed again.
    """
    from ministack.services import cloudformation

    restore = cloudformation.load_persisted_state

    def load(data: Any) -> None:
        restore(data)
        for stack in _values(cloudformation._stacks):
            operation, _, rest = stack.get("StackStatus", "").partition("_")
            if rest.endswith("IN_PROGRESS"):
                updated = operation == "UPDATE"
                stack["StackStatus"] = "UPDATE_ROLLBACK_COMPLETE" if updated else "CREATE_FAILED"

    cloudformation.load_persisted_state = load


def correct_schedule_permissions() -> None:
    """AWS names a schedule with its group when it asks IAM; the emulator takes all groups for
    `default`.
    """
    from ministack.core import iam_actions

    named = iam_actions.extract_resource_arn

    def with_group(
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query: dict[str, Any],
        region: str,
        account: str,
    ) -> str:
        resource = str(named(service, method, path, headers, body, query, region, account))
        if service != "scheduler" or ":schedule/default/" not in resource:
            return resource
        # In the body when it is made or changed, else in the query.
        asked = query.get("groupName") or (json.loads(body).get("GroupName") if body else "")
        group = asked[0] if isinstance(asked, list) else asked
        return resource.replace(":schedule/default/", f":schedule/{group or 'default'}/")

    iam_actions.extract_resource_arn = with_group


def correct_mail_permissions() -> None:
    """AWS asks IAM about the identity that a mail is from; the emulator names none when it is
    sent.
    """
    from ministack.core import iam_actions

    named = iam_actions.extract_resource_arn

    def with_sender(
        service: str,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query: dict[str, Any],
        region: str,
        account: str,
    ) -> str:
        resource = str(named(service, method, path, headers, body, query, region, account))
        source = query.get("Source", "") if service == "ses" and resource == "*" else ""
        sender = source[0] if isinstance(source, list) else source
        return f"arn:aws:ses:{region}:{account}:identity/{sender}" if sender else resource

    iam_actions.extract_resource_arn = with_sender


def correct_transport() -> None:
    """AWS is called over TLS, so a policy that denies `aws:SecureTransport: false` lets calls pass.

    Here loopback stands for TLS.
    """
    from ministack import app as emulator

    pin = emulator.pin_request_origin
    emulator.pin_request_origin = lambda address, _secure: pin(address, True)
