"""The tree that every test of a subject starts from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.collectors.host.tree import Tree


@pytest.fixture
def tree(tmp_path: Path) -> Iterator[Tree]:
    """An empty root; its descriptors are given back."""
    tree = Tree(tmp_path)
    yield tree
    tree.host.files.close()
