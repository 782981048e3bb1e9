"""Builds the zips of functions and layers as `sam build` does, for this machine's Python.

Nothing of SAM CLI is needed. Dependencies are installed for the interpreter that runs the embedded
AWS, because it runs functions with that one whatever `Runtime` says. Zips are equal when their
contents are, so their hash tells whether anything changed.
"""

from __future__ import annotations

import hashlib
import io
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.local.site import LocalError

FUNCTION = "AWS::Serverless::Function"
LAYER = "AWS::Serverless::LayerVersion"
_SKIPPED = {"__pycache__", ".DS_Store", ".mypy_cache", ".pytest_cache", ".ruff_cache"}
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Package:
    """One zip: of the resource `name`, which the template's `field` refers to."""

    name: str
    field: str
    content: bytes

    @property
    def key(self) -> str:
        """Where it lies in the bucket; equal contents have equal keys."""
        return f"{self.name}/{hashlib.sha256(self.content).hexdigest()}.zip"


def build(template: Mapping[str, Any], root: Path, cache: Path) -> list[Package]:
    """The packages of all functions and layers of `template`; its paths are relative to `root`."""
    packages = []
    for name, resource in template["Resources"].items():
        if resource["Type"] == FUNCTION and isinstance(resource["Properties"]["CodeUri"], str):
            packages.append(Package(name, "CodeUri", _function(resource, root)))
        elif resource["Type"] == LAYER and isinstance(resource["Properties"]["ContentUri"], str):
            packages.append(Package(name, "ContentUri", _layer(resource, root, cache)))
    return packages


def _function(resource: Mapping[str, Any], root: Path) -> bytes:
    source = root / resource["Properties"]["CodeUri"]
    if not source.is_dir():
        raise LocalError(f"{source} does not exist, but the template names it")
    build_properties = resource.get("Metadata", {}).get("BuildProperties", {})
    parent = build_properties.get("ParentPackages", "").replace(".", "/")
    files = {f"{parent}/{name}" if parent else name: path for name, path in _files(source)}
    # The packages above it, so that they import as in the repository.
    for above in Path(parent).parents if parent else ():
        init = root / above / "__init__.py"
        if above != Path() and init.is_file():
            files[str(above / "__init__.py")] = init
    return _zip(files)


def _layer(resource: Mapping[str, Any], root: Path, cache: Path) -> bytes:
    source = root / resource["Properties"]["ContentUri"]
    if not source.is_dir():
        raise LocalError(f"{source} does not exist, but the template names it")
    built = str(resource.get("Metadata", {}).get("BuildMethod", "")).startswith("python")
    prefix = "python/" if built else ""
    files = {f"{prefix}{name}": path for name, path in _files(source) if name != "requirements.txt"}
    requirements = source / "requirements.txt"
    if not (built and requirements.is_file() and requirements.read_text().strip()):
        return _zip(files)
    kind = f"{sys.implementation.cache_tag}-{platform.machine()}-{sys.platform}-2"
    digest = hashlib.sha256(requirements.read_bytes() + kind.encode())
    for name, path in sorted(files.items()):
        digest.update(name.encode() + path.read_bytes())
    kept = cache / "layers" / f"{source.name}-{digest.hexdigest()[:32]}.zip"
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
            target = Path(folder) / "installed"
            _install(requirements, target)
            files |= {f"python/{name}": path for name, path in _files(target, keep_compiled=True)}
            beside = Path(folder) / "layer.zip"
            beside.write_bytes(_zip(files))
            beside.replace(kept)
    return kept.read_bytes()


def find_uv() -> str:
    """uv as `uv run` tells it, else beside this Python, else on PATH."""
    beside = Path(sys.executable).with_name("uv")
    found = os.environ.get("UV") or (str(beside) if beside.exists() else shutil.which("uv"))
    if not found:
        raise LocalError("uv is missing; `make up` puts it into .venv (or: pip install uv)")
    return found


def _install(requirements: Path, target: Path) -> None:
    command = [find_uv(), "pip", "install", "--quiet", "--python", sys.executable]
    command += ["--target", str(target), "--requirement", str(requirements)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LocalError(f"Installing {requirements} failed:\n{done.stderr.strip()}")
    # Compiled once here instead of in each new environment; "unchecked", for zips keep no times.
    compiling = [sys.executable, "-m", "compileall", "-q", "-j", "0"]
    compiling += ["--invalidation-mode", "unchecked-hash", "-s", str(target), str(target)]
    subprocess.run(compiling, capture_output=True, check=False)


def _files(folder: Path, *, keep_compiled: bool = False) -> Iterator[tuple[str, Path]]:
    skipped = _SKIPPED - {"__pycache__"} if keep_compiled else _SKIPPED
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if (
            path.is_file()
            and not skipped.intersection(relative.parts)
            and relative.parts[0] != "bin"
        ):
            yield relative.as_posix(), path


def _zip(files: Mapping[str, Path]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, path in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = (0o755 if os.access(path, os.X_OK) else 0o644) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    return out.getvalue()
