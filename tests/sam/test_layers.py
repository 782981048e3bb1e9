"""The built layers: pruned, but of nothing that is used; compiled, so that no cold start is."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.sam.stack import BUILT
from tools.build.interpreters import Interpreter
from tools.build.pruning import SERVICES

IMPORTS = {
    "AuthorizerLayer": ["aws_lambda_powertools.metrics", "botocore.session", "cryptography", "jwt"],
    "DependenciesLayer": [
        "argon2",
        "aws_lambda_powertools.event_handler",
        "boto3",
        "cryptography",
        "jinja2",
        "jwt",
        "lxml.html",
        "lxml.isoschematron",
        "openapi_spec_validator",
        "pydantic",
        "pynamodb.models",
        "urllib3",
        "yaml",
    ],
}


def run(interpreter: Interpreter, layer: str, script: str) -> str:
    """What a script prints that sees a layer's packages and no others."""
    ended = subprocess.run(
        [interpreter.python, "-S", "-c", script],
        env={"PYTHONPATH": str(BUILT / layer / "python"), "PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


@pytest.mark.parametrize("layer", sorted(IMPORTS))
def test_every_package_imports(interpreter: Interpreter, layer: str) -> None:
    run(interpreter, layer, f"import {', '.join(IMPORTS[layer])}")


@pytest.mark.parametrize("layer", sorted(SERVICES))
def test_every_kept_service_has_a_client_with_the_right_address(
    interpreter: Interpreter, layer: str
) -> None:
    script = f"""
import botocore.session
session = botocore.session.get_session()
for service in {sorted(SERVICES[layer])}:
    for region in ("eu-central-1", "cn-north-1"):
        client = session.create_client(
            service, region_name=region, aws_access_key_id="a", aws_secret_access_key="b"
        )
        print(client.meta.endpoint_url)
"""
    addresses = run(interpreter, layer, script).splitlines()

    assert len(addresses) == 2 * len(SERVICES[layer])
    for german, chinese in zip(addresses[::2], addresses[1::2], strict=True):
        assert german.endswith("eu-central-1.amazonaws.com")
        assert chinese.endswith("cn-north-1.amazonaws.com.cn")


def test_everything_is_compiled_and_never_compared_with_its_source() -> None:
    sources = [path for path in BUILT.rglob("*.py") if "lib2to3" not in path.parts]

    assert sources
    for source in sources:
        (compiled,) = (source.parent / "__pycache__").glob(f"{source.stem}.cpython-*.pyc")
        # PEP 552: bit 0 means by hash instead of time, bit 1 (unset) that the hash be checked.
        assert compiled.read_bytes()[4:8] == b"\x01\x00\x00\x00"


@pytest.mark.parametrize(("layer", "limit"), [("AuthorizerLayer", 36), ("DependenciesLayer", 80)])
def test_a_layer_stays_small(layer: str, limit: int) -> None:
    size = sum(path.stat().st_size for path in (BUILT / layer).rglob("*") if path.is_file())

    assert size < limit * 1_000_000


@pytest.mark.parametrize("name", ["TokenFunction", "AuthorizerFunction", "PublisherFunction"])
def test_a_functions_zip_holds_no_other_function(name: str) -> None:
    (only,) = (
        path for path in (BUILT / name / "functions").iterdir() if path.name != "__pycache__"
    )

    assert isinstance(only, Path)
    assert only.name == name.removesuffix("Function").lower()
