"""The hash of all that a deployed version is made of: the template's parameter SourceHash."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

SOURCES = ("functions", "layers", "template.yaml")
# What running or checking the code leaves beside it is no source.
IGNORED_PARTS = frozenset({"__pycache__", ".mypy_cache", ".ruff_cache"})
IGNORED_SUFFIXES = frozenset({".pyc", ".pyo"})


def source_hash(root: Path) -> str:
    """SHA-256, in hex, of the paths and contents of `SOURCES` below `root`.

    AutoPublishCodeSha256 looks at its first ten characters only, so it must be a digest and not,
    for one, a version number.
    """
    digest = hashlib.sha256()
    for path in sorted(_files(root)):
        name, content = path.relative_to(root).as_posix().encode(), path.read_bytes()
        # Lengths first, so that moving a byte from a name to a content is another hash.
        digest.update(f"{len(name)} {len(content)} ".encode() + name + content)
    return digest.hexdigest()


def _files(root: Path) -> Iterator[Path]:
    for source in SOURCES:
        top = root / source
        for path in [top] if top.is_file() else top.rglob("*"):
            if (
                path.is_file()
                and not IGNORED_PARTS & set(path.parts)
                and path.suffix not in IGNORED_SUFFIXES
            ):
                yield path
