"""`sam deploy` of what was built, with samconfig.toml's parameters and the sources' hash."""

import hashlib
import json
import subprocess
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.build.building import ROOT, SAM, environment
from tools.build.sources import source_hash


def deploy(stage: str, template: Path, parameters: Sequence[str] = ()) -> None:
    """Deploy to AWS; `parameters`, each Name=value, win over those of samconfig.toml."""
    subprocess.run(command(stage, template, parameters), cwd=ROOT, env=environment(), check=True)


def command(stage: str, template: Path, parameters: Sequence[str] = ()) -> list[str]:
    """The `sam deploy` of a built template."""
    given = overrides(stage, parameters)
    return [
        str(SAM),
        "deploy",
        # Else samconfig.toml is looked for beside the built template.
        "--config-file",
        str(ROOT / "samconfig.toml"),
        "--config-env",
        stage,
        "--template-file",
        str(template),
        "--parameter-overrides",
        *(f"{name}={value}" for name, value in given.items()),
    ]


def overrides(stage: str, parameters: Sequence[str] = ()) -> dict[str, str]:
    """All parameters: --parameter-overrides replaces samconfig's and does not add to them."""
    config = tomllib.loads((ROOT / "samconfig.toml").read_text())
    given = [*config[stage]["deploy"]["parameters"]["parameter_overrides"].split(), *parameters]
    merged = dict(parameter.split("=", 1) for parameter in given)
    return {**merged, "SourceHash": _hash(merged)}


def _hash(settings: Mapping[str, str]) -> str:
    """Of the sources and the settings: new settings need a new version of each function too, for an
    alias stays at the old one.

    The password is in no function's settings, and its hash would be for anybody to guess at.
    """
    shown = sorted((name, value) for name, value in settings.items() if name != "AdminPassword")
    return hashlib.sha256(f"{source_hash(ROOT)} {json.dumps(shown)}".encode()).hexdigest()
