"""One version of each package: pyproject.toml, uv.lock and the layers name the same."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.template.reading import ROOT

LAYERS = ["dependencies", "authorizer"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = tomllib.loads((ROOT / "uv.lock").read_text())
PIN = re.compile(r"(?P<name>[a-z0-9-]+)(\[[a-z,]+\])?==(?P<version>[^ ;]+)")


def pins(lines: list[str]) -> dict[str, str]:
    """Versions by package; a line that pins nothing is an error."""
    found = {}
    for line in lines:
        if line and not line.startswith("#"):
            match = PIN.match(line)
            assert match, line
            found[match["name"]] = match["version"]
    return found


def required(layer: str) -> dict[str, str]:
    return pins((ROOT / "layers" / layer / "requirements.txt").read_text().splitlines())


def test_the_dependencies_layer_has_what_the_project_needs() -> None:
    declared = pins(PROJECT["project"]["dependencies"])

    assert declared.items() <= required("dependencies").items()


def test_the_authorizers_layer_has_its_group_and_little_else() -> None:
    declared = pins(PROJECT["dependency-groups"]["authorizer"])

    assert declared.items() <= required("authorizer").items()
    assert required("authorizer").items() <= required("dependencies").items()
    assert not {"lxml", "jinja2", "pydantic", "boto3", "pynamodb"} & required("authorizer").keys()


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_has_the_locked_versions(layer: str) -> None:
    locked = {(package["name"], package["version"]) for package in LOCK["package"]}

    assert set(required(layer).items()) <= locked


def test_the_lock_names_public_addresses_only() -> None:
    hosts = re.findall(r"https?://([^/\"]+)", (ROOT / "uv.lock").read_text())

    assert set(hosts) == {"pypi.org", "files.pythonhosted.org"}


def test_the_authorizer_imports_nothing_that_its_layer_lacks() -> None:
    """Lambda would find out at its first cold start."""
    script = (
        "import importlib, sys; importlib.import_module('functions.authorizer.handler');"
        "print('\\n'.join(getattr(m, '__file__', None) or '' for m in list(sys.modules.values())))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'layers/common'}"},
        capture_output=True,
        text=True,
        check=True,
    )
    packages = {
        Path(line).parts[Path(line).parts.index("site-packages") + 1]
        for line in run.stdout.splitlines()
        if "site-packages" in line
    }
    # Import names that are not their packages'.
    distributions = {"jwt": "pyjwt", "dateutil": "python-dateutil", "_cffi_backend": "cffi"}
    names = {
        distributions.get(name, name).replace("_", "-")
        for name in (package.split(".")[0] for package in packages)
    }
    # Development's own: botocore uses certifi where it is, the others are loaded by .pth files.
    names -= {"certifi", "-virtualenv", "-distutils-hack", "distutils-precedence"}

    assert names <= required("authorizer").keys()
