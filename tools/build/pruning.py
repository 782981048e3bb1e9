"""Makes a built layer smaller and quicker to start: nothing that no function reads at run time."""

import gzip
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# botocore's data folders, which are boto3's client names, that a layer keeps. A client of another
# service fails with UnknownServiceError: add it here.
SERVICES = {
    "AuthorizerLayer": frozenset({"dynamodb", "lambda", "secretsmanager"}),
    "DependenciesLayer": frozenset(
        {
            "apigatewayv2",
            "cloudwatch",
            "dynamodb",
            "events",
            "kms",
            "lambda",
            "logs",
            "s3",
            "scheduler",
            "secretsmanager",
            "ses",
            "sesv2",
            "sns",
            "sqs",
            "stepfunctions",
            "sts",
        }
    ),
}
# endpoints.json names services by their host name's prefix.
ENDPOINT_PREFIXES = {
    "apigatewayv2": "apigateway",
    "cloudwatch": "monitoring",
    "ses": "email",
    "sesv2": "email",
    "stepfunctions": "states",
}
# Type stubs, C sources and headers; pip's notes of an installation. Licences and METADATA stay.
USELESS_SUFFIXES = frozenset({".pyi", ".pyx", ".pxd", ".pxi", ".c", ".h", ".hpp", ".cpp", ".a"})
USELESS_NAMES = frozenset(
    {
        "RECORD",
        "INSTALLER",
        "REQUESTED",
        "WHEEL",
        "direct_url.json",
        "examples-1.json",
        "examples-1.json.gz",
    }
)
USELESS_FOLDERS = frozenset({"tests", "test", "examples", "includes", "__pycache__"})


@dataclass(frozen=True)
class Saving:
    """Bytes of a folder before and after."""

    before: int
    after: int


def prune(layer: Path) -> Saving:
    """Prune a built layer in place; a layer that is not in `SERVICES` is left as it is."""
    before = _size(layer)
    packages = layer / "python"
    if layer.name in SERVICES and packages.is_dir():
        _drop_services(packages / "botocore" / "data", SERVICES[layer.name])
        _drop_useless(packages)
    return Saving(before, _size(layer))


def _drop_services(data: Path, kept: frozenset[str]) -> None:
    for folder in data.iterdir():
        if folder.is_dir() and folder.name not in kept:
            shutil.rmtree(folder)
    for name in kept:
        # One service may keep data of many API versions; a client uses the newest.
        for old in sorted(path for path in (data / name).iterdir() if path.is_dir())[:-1]:
            shutil.rmtree(old)
    _cut_endpoints(data, {ENDPOINT_PREFIXES.get(name, name) for name in kept})


def _cut_endpoints(data: Path, prefixes: set[str]) -> None:
    """Every first client of a process reads this file, a megabyte of services that are not used."""
    packed = data / "endpoints.json.gz"
    path = packed if packed.exists() else data / "endpoints.json"
    endpoints: dict[str, Any] = json.loads(
        gzip.decompress(path.read_bytes()) if path == packed else path.read_bytes()
    )
    for partition in endpoints["partitions"]:
        partition["services"] = {
            name: value for name, value in partition["services"].items() if name in prefixes
        }
    path.unlink()
    (data / "endpoints.json").write_text(
        json.dumps(endpoints, separators=(",", ":"), sort_keys=True)
    )


def _drop_useless(packages: Path) -> None:
    for path in sorted(packages.rglob("*"), reverse=True):
        if path.is_dir() and path.name in USELESS_FOLDERS:
            shutil.rmtree(path)
        elif path.is_file() and (path.suffix in USELESS_SUFFIXES or path.name in USELESS_NAMES):
            path.unlink()


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
