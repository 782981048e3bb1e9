"""The lifecycle function in processes that may be ended, with tables of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.world import World, world


@pytest.fixture(scope="module")
def shared_world(_environment: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("faults")) as made:
        yield made


@pytest.fixture
def there(shared_world: World) -> World:
    """An empty world."""
    shared_world.clear()
    return shared_world


@pytest.fixture
def log_folder(tmp_path: Path) -> Path:
    return tmp_path
