import os
from pathlib import Path

import pytest

from perftui.collectors.host.files import numbers, read_all
from tests.unit.collectors.host.tree import Tree, descriptors


def test_a_kept_descriptor_sees_what_is_new(tree: Tree) -> None:
    tree.write("proc/uptime", "1.0 2.0")
    assert tree.host.files.read("proc/uptime") == "1.0 2.0"
    tree.write("proc/uptime", "3.5 4.0")
    assert tree.host.files.read("proc/uptime") == "3.5 4.0"


def test_missing_is_none_and_no_complaint(tree: Tree) -> None:
    assert tree.host.files.read("proc/pressure/cpu") is None
    assert tree.host.files.refused == {}


def test_refused_is_remembered_with_the_reason_until_it_is_allowed(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    tree.write("proc/stat", "cpu 1\n")
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        assert tree.host.files.read("proc/stat") is None
    assert tree.host.files.refused == {"proc/stat": "permission denied"}
    assert tree.host.files.read("proc/stat") == "cpu 1\n"
    assert tree.host.files.refused == {}


def refuse(*_args: object) -> int:
    raise PermissionError(13, "Permission denied")


def test_closing_gives_every_descriptor_back(tree: Tree) -> None:
    before = descriptors()
    for name in "abc":
        tree.write(name, name)
        tree.host.files.read(name)
    assert descriptors() == before + 3
    tree.host.files.close()
    assert descriptors() == before


def test_files_that_come_in_pieces_are_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "long"
    file.write_bytes(b"x" * 200_000)
    with file.open("rb") as opened:
        assert len(read_all(opened.fileno())) == 200_000


def test_bytes_that_are_no_text_survive(tree: Tree) -> None:
    tree.write("proc/self/mountinfo", b"/mnt/\xff")
    assert os.fsencode(tree.host.files.read("proc/self/mountinfo") or "") == b"/mnt/\xff"


def test_numbers_ignore_units_and_bare_words() -> None:
    assert numbers("MemTotal:  4 kB\nlonely\nnr_periods 7\n") == {"MemTotal": 4, "nr_periods": 7}
    assert numbers(None) == {}
