"""The packages that are measured: built as for a deployment, for the Python that runs here."""

import compileall
import io
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Any

from tools.build.pruning import prune
from tools.local.deploying import read_template
from tools.local.packaging import build

LAYER, FUNCTION = "AWS::Serverless::LayerVersion", "AWS::Serverless::Function"


@dataclass(frozen=True)
class Package:
    """One function's code or one layer, unpacked; sizes in bytes."""

    path: Path
    zipped: int
    unpacked: int


@dataclass(frozen=True)
class Packages:
    """All packages, by logical id, and the template that names them."""

    template: dict[str, Any]
    by_name: dict[str, Package]

    def paths(self, function: str) -> list[str]:
        """What is first on `sys.path` in an environment: the code, then the layers, last first."""
        layers = self.template["Resources"][function]["Properties"].get("Layers", [])
        # A plug-in layer, which a condition adds, is none of ours.
        refs = [layer.get("Ref") if isinstance(layer, dict) else layer for layer in layers]
        names = [name for name in refs if name]
        code = self.by_name[function].path
        return [str(code), *(str(self.by_name[name].path / "python") for name in reversed(names))]

    def handler(self, function: str) -> str:
        """The dotted name of the function's handler."""
        return str(self.template["Resources"][function]["Properties"]["Handler"])


def packages(root: Path, folder: Path) -> Packages:
    """Build, prune and compile everything into `folder`, with the steps of a deployment's build."""
    template = read_template(root / "template.yaml")
    found = {}
    for package in build(template, root, root / ".local" / "cache"):
        path = folder / package.name
        shutil.rmtree(path, ignore_errors=True)
        with zipfile.ZipFile(io.BytesIO(package.content)) as archive:
            archive.extractall(path)
        prune(path)
        # The files' times are not those of the sources.
        compileall.compile_dir(
            path, quiet=2, invalidation_mode=PycInvalidationMode.UNCHECKED_HASH, force=True
        )
        found[package.name] = Package(path, _zipped(path), _size(path))
    return Packages(template, found)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _zipped(folder: Path) -> int:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in folder.rglob("*"):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    return packed.tell()
