"""The embedded AWS as a process: the emulator with our corrections, on loopback only.

`python -m tools.local.embedded --port 4566 --state .local/aws`; ends with its parent.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
from pathlib import Path

from tools.local.lifetime import end_with_parent
from tools.local.site import HOST


def environment(port: int, state: Path) -> dict[str, str]:
    """What the emulator reads when it is imported; the rest of its environment is not ours."""
    return {
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "PERSIST_STATE": "1",
        "STATE_DIR": str(state / "services"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(state / "s3"),
        # IAM is enforced from each function's role, as in AWS.
        "AUTH": "true",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        # Listeners that nobody here needs.
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "DOCKER_HOST": "unix:///nonexistent",
        "LOG_LEVEL": "WARNING",
    }


async def serve(port: int, state: Path, log_file: Path) -> None:
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config
    from ministack import app as emulator
    from ministack.services import lambda_svc

    from tools.local import corrections, persistence

    corrections.correct_functions(state / "unpacked")
    corrections.correct_function_metrics()
    corrections.correct_function_logs(log_file)
    corrections.correct_kept_layers(state / "layers")
    corrections.correct_transform_parameters()
    corrections.correct_interrupted_deployments()
    corrections.correct_schedule_permissions()
    corrections.correct_mail_permissions()
    corrections.correct_transport()
    persistence.correct_table_state()
    # Loaded in any case, so that what it restores counts as loaded when the state is saved.
    emulator._loaded_modules["lambda_svc"] = lambda_svc

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stop.set)

    def stop_soon() -> None:
        loop.call_soon_threadsafe(stop.set)

    end_with_parent(stop_soon)
    saver = persistence.Saver(emulator.app, state / "services")
    config = Config()
    config.bind = [f"{HOST}:{port}"]
    config.keep_alive_timeout = 75
    config.loglevel = "WARNING"
    config.graceful_timeout = 1
    saving = asyncio.create_task(saver.run())
    await hypercorn_serve(saver, config, shutdown_trigger=stop.wait)  # type: ignore[arg-type]
    saving.cancel()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--log", type=Path, required=True)
    given = parser.parse_args()
    for name in [name for name in os.environ if name.startswith(("AWS_", "MINISTACK_", "LAMBDA_"))]:
        del os.environ[name]
    os.environ.update(environment(given.port, given.state))
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s")
    from tools.local import corrections

    corrections.check_version()
    asyncio.run(serve(given.port, given.state, given.log))


if __name__ == "__main__":
    main()
