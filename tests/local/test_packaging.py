"""Zips of functions and layers."""

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tools.local import packaging
from tools.local.site import LocalError


def names(package: packaging.Package) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(package.content)) as archive:
        return archive.namelist()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in (
        "functions/__init__.py",
        "functions/token/__init__.py",
        "functions/token/handler.py",
        "functions/token/__pycache__/handler.cpython-311.pyc",
        "functions/other/handler.py",
        "layers/common/shared/words.py",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {name}\n")
    return tmp_path


TEMPLATE: dict[str, Any] = {
    "Resources": {
        "TokenFunction": {
            "Type": "AWS::Serverless::Function",
            "Metadata": {"BuildProperties": {"ParentPackages": "functions.token"}},
            "Properties": {"CodeUri": "functions/token"},
        },
        "CommonLayer": {
            "Type": "AWS::Serverless::LayerVersion",
            "Metadata": {"BuildMethod": "python3.13"},
            "Properties": {"ContentUri": "layers/common"},
        },
    }
}


def test_a_function_holds_its_own_package_under_its_full_name(tree: Path) -> None:
    function = packaging.build(TEMPLATE, tree, tree / "cache")[0]
    assert names(function) == [
        "functions/__init__.py",
        "functions/token/__init__.py",
        "functions/token/handler.py",
    ]


def test_a_layers_content_lies_below_python(tree: Path) -> None:
    layer = packaging.build(TEMPLATE, tree, tree / "cache")[1]
    assert names(layer) == ["python/shared/words.py"]


def test_equal_content_gives_equal_keys_and_changed_content_another(tree: Path) -> None:
    before = [package.key for package in packaging.build(TEMPLATE, tree, tree / "cache")]
    (tree / "functions/token/handler.py").touch()
    assert [p.key for p in packaging.build(TEMPLATE, tree, tree / "cache")] == before
    (tree / "functions/token/handler.py").write_text("# changed\n")
    after = [package.key for package in packaging.build(TEMPLATE, tree, tree / "cache")]
    assert after[0] != before[0]
    assert after[1] == before[1]


def test_a_folder_that_the_template_names_but_is_not_there_is_said(tree: Path) -> None:
    template = {
        "Resources": {
            "AFunction": {
                "Type": "AWS::Serverless::Function",
                "Properties": {"CodeUri": "functions/none"},
            }
        }
    }
    with pytest.raises(LocalError, match="functions/none does not exist"):
        packaging.build(template, tree, tree / "cache")
