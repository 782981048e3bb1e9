"""The command behind `make build` and `make deploy`."""

import argparse
import os
import platform
import subprocess
import sys
from pathlib import Path

from tools.build.building import ROOT, SAM, build
from tools.build.deploying import deploy, overrides
from tools.build.interpreters import RUNTIME, NoInterpreterError, find


def main() -> int:
    """Build, and deploy when asked to; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.build", description=__doc__)
    parser.add_argument(
        "--architecture", choices=["arm64", "x86_64"], help="default: the template's"
    )
    parser.add_argument("--build-dir", type=Path, default=ROOT / ".aws-sam" / "build")
    parser.add_argument(
        "--deploy", choices=["dev", "prod"], metavar="ENV", help="dev or prod of samconfig.toml"
    )
    parser.add_argument(
        "parameters", nargs="*", metavar="Name=value", help="template parameters of the deployment"
    )
    options = parser.parse_args()
    if not SAM.exists():
        return _fail("The SAM CLI is missing: use `make build`")
    try:
        interpreter = find(ROOT)
    except NoInterpreterError as exc:
        return _fail(str(exc))
    architecture = options.architecture
    if options.deploy:
        # What is built is what the functions are said to run on.
        known = overrides(options.deploy, options.parameters)
        architecture = architecture or known.get("Architecture")
        if architecture:
            options.parameters.append(f"Architecture={architecture}")
    if not interpreter.is_runtime:
        # Wheels for another processor are sought for the oldest system that this version runs on
        # in Lambda, and not every package has one.
        architecture = architecture or _own_architecture()
        print(
            f"NOTE: this machine has no Python {RUNTIME}, so this is built with "
            f"{interpreter.version} and for {architecture}: to check the build, not to deploy it.",
            flush=True,
        )
        if options.deploy:
            return _fail(f"To deploy, install Python {RUNTIME}")
    try:
        built = build(interpreter, options.build_dir.resolve(), architecture)
        for name, saving in built.savings.items():
            print(
                f"{name}: {saving.before / 1e6:.1f} MB, "
                f"pruned to {saving.after / 1e6:.1f} MB, then compiled"
            )
        if options.deploy:
            deploy(options.deploy, built.template, options.parameters)
    except subprocess.CalledProcessError as exc:
        return _fail(
            f"{Path(str(exc.cmd[0])).name} {exc.cmd[1]} failed with status {exc.returncode}"
        )
    print(f"Built: {os.path.relpath(built.template, ROOT)}")
    return 0


def _own_architecture() -> str:
    return "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"


def _fail(message: str) -> int:
    print(message, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
