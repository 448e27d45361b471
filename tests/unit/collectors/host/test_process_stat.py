import errno
import os

import pytest

from perftui.collectors.host.process_stat import PAGE, Stat, StatFiles, parse_stat
from tests.unit.collectors.host.tree import Tree, descriptors

LINE = b"42 (%s) D 1 42 42 0 -1 4194304 102 0 0 0 7 5 0 0 20 0 3 0 9000 3133440 425 18446744073709551615 1 1 0\n"


@pytest.mark.parametrize("name", [b"worker", b"a) S 1 (b", b"\x1b[2J\xff", b"", b"new\nline"])
def test_a_name_may_hold_anything(name: bytes) -> None:
    assert parse_stat(LINE % name) == Stat(name, "blocked", 12, 0, 3, 9000, 425 * PAGE)


def test_an_unknown_state_is_other() -> None:
    assert parse_stat(LINE.replace(b") D", b") K") % b"x").state == "other"


def test_keeps_no_more_descriptors_than_it_may(tree: Tree) -> None:
    for pid in range(1, 6):
        tree.process(pid)
    before = descriptors()
    files = StatFiles(f"{tree.root}/proc", limit=2)
    lines = [files.read(str(pid)) for pid in range(1, 6)]
    assert all(lines)
    assert descriptors() == before + 2
    files.forget("1")
    assert descriptors() == before + 1
    files.close()
    assert descriptors() == before


def test_without_a_free_descriptor_it_gives_its_own_back_and_goes_on(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pid in (1, 2, 3):
        tree.process(pid)
    files = StatFiles(f"{tree.root}/proc", limit=100)
    files.read("1")
    files.read("2")
    before = descriptors()
    opener = os.open

    def exhausted(path: str, flags: int) -> int:
        if descriptors() >= before:
            raise OSError(errno.EMFILE, "Too many open files")
        return opener(path, flags)

    monkeypatch.setattr(os, "open", exhausted)
    assert files.read("3").startswith(b"3 ")
    assert files.read("1").startswith(b"1 ")
    assert descriptors() == before - 2


def test_a_process_that_is_gone_is_said_to_be(tree: Tree) -> None:
    with pytest.raises(FileNotFoundError):
        StatFiles(f"{tree.root}/proc").read("77")
