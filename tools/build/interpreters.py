"""Finds the interpreter of the functions' runtime, which `sam build` wants first on PATH.

A version manager's shim will not do. Where a machine has only an older interpreter that the code
supports too, the build can be checked with that, but not deployed.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

RUNTIME = "3.13"
# Tried in this order: the runtime's own, then what the code supports (`requires-python`).
VERSIONS = (RUNTIME, "3.12", "3.11")


class NoInterpreterError(RuntimeError):
    """This machine has none of `VERSIONS`."""


@dataclass(frozen=True)
class Interpreter:
    """A Python of one of `VERSIONS`, in an environment of its own that has pip."""

    version: str
    python: Path

    @property
    def is_runtime(self) -> bool:
        """True when what it builds may be deployed."""
        return self.version == RUNTIME

    def path(self) -> str:
        """A PATH on which this interpreter comes first."""
        return os.pathsep.join([str(self.python.parent), os.environ.get("PATH", os.defpath)])


def find(root: Path) -> Interpreter:
    """The best interpreter of this machine, with an environment for it below `root`/.local."""
    for version in VERSIONS:
        for candidate in _candidates(version):
            if (real := _real(candidate, version)) is not None:
                return Interpreter(
                    version, _environment(real, root / ".local" / f"build-{version}")
                )
    raise NoInterpreterError(f"Python {RUNTIME} is needed to build; neither PATH nor pyenv has one")


def _candidates(version: str) -> Iterator[Path]:
    name = f"python{version}"
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        yield Path(folder) / name
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(pyenv.glob(f"versions/{version}*/bin/{name}"), reverse=True)
    if sys.version_info[:2] == tuple(int(part) for part in version.split(".")):
        yield Path(sys.executable)


def _real(candidate: Path, version: str) -> Path | None:
    """The program behind a name; None when it does not run or is another version."""
    if not candidate.is_file():
        return None
    script = (
        "import os, sys; major, minor = sys.version_info[:2];"
        "print(f'{major}.{minor}', os.path.realpath(sys.executable))"
    )
    run = subprocess.run([candidate, "-c", script], capture_output=True, text=True, check=False)
    found, _, real = run.stdout.strip().partition(" ")
    return Path(real) if run.returncode == 0 and found == version else None


def _environment(real: Path, folder: Path) -> Path:
    """A virtual environment with pip: Debian's own Python, for one, has none."""
    python = folder / "bin" / real.name
    if not python.exists():
        subprocess.run([real, "-m", "venv", "--clear", folder], check=True)
    return python if python.exists() else folder / "bin" / "python"
