"""`sam build`, then the step after it: prune the layers, compile everything for the runtime."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tools.build.interpreters import RUNTIME, Interpreter
from tools.build.pruning import Saving, prune

ROOT = Path(__file__).resolve().parents[2]
SAM = ROOT / ".local" / "sam-venv" / "bin" / "sam"


@dataclass(frozen=True)
class Built:
    """What a build left behind, and what the step after it saved in each layer."""

    template: Path
    savings: dict[str, Saving]


def environment(interpreter: Interpreter | None = None) -> dict[str, str]:
    """The environment in which the SAM CLI runs; it wants a region even to build."""
    added = {
        "SAM_CLI_TELEMETRY": "0",
        "AWS_DEFAULT_REGION": os.environ.get("AWS_DEFAULT_REGION", "us-east-1"),
    }
    if interpreter is not None:
        added["PATH"] = interpreter.path()
    return {**os.environ, **added}


def build(interpreter: Interpreter, folder: Path, architecture: str | None = None) -> Built:
    """Build template.yaml into `folder`. Architecture None: the template's default."""
    command = [SAM, "build", "--template-file", _template(interpreter), "--base-dir", ROOT]
    # A cache of its own: a build clears one of what it did not put there itself.
    command += ["--build-dir", folder, "--cache-dir", folder.parent / "cache"]
    if architecture:
        command += ["--parameter-overrides", f"Architecture={architecture}"]
    subprocess.run(
        [str(part) for part in command], cwd=ROOT, env=environment(interpreter), check=True
    )
    savings = {}
    for made in sorted(path for path in folder.iterdir() if path.is_dir()):
        if (made / "python").is_dir():
            savings[made.name] = prune(made)
            _compile(interpreter, made, "/opt")
        else:
            _compile(interpreter, made, "/var/task")
    return Built(folder / "template.yaml", savings)


def _template(interpreter: Interpreter) -> Path:
    """template.yaml itself, or a copy for another runtime, that of the interpreter at hand."""
    template = ROOT / "template.yaml"
    if interpreter.is_runtime:
        return template
    copy = ROOT / ".aws-sam" / f"template-python{interpreter.version}.yaml"
    copy.parent.mkdir(exist_ok=True)
    copy.write_text(
        template.read_text().replace(f"python{RUNTIME}", f"python{interpreter.version}")
    )
    return copy


def _compile(interpreter: Interpreter, folder: Path, deployed: str) -> None:
    """Lambda's file system is read-only, so a missing .pyc is compiled on every cold start.

    Unchecked: a zip does not keep the time stamps that Python would compare. Tracebacks name
    `deployed`, the folder where Lambda unpacks it.
    """
    compiler = [str(interpreter.python), "-m", "compileall", "-q"]
    how = ["--invalidation-mode", "unchecked-hash", "-s", str(folder), "-p", deployed]
    subprocess.run([*compiler, *how, str(folder)], check=True)
