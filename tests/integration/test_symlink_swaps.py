"""Folders that turn into links while they are cleaned: nothing outside of the root is ever deleted."""

import os
import threading
import time
from pathlib import Path

import pytest

from tests.unit.actions.cleanup.old_files import make, removed, walked

pytestmark = pytest.mark.integration
SWAPS = 10_000
FOLDERS = 4


def test_ten_thousand_swaps_delete_nothing_outside(tmp_path: Path) -> None:
    decoy, root = tmp_path / "decoy", tmp_path / "root"
    files = [f"sub/{number}" for number in range(20)]
    make(decoy, *files)
    for number in range(FOLDERS):
        make(root, *(f"d{number}/{name}" for name in files))
        (root / f"d{number}" / "stays").symlink_to("nowhere")  # so that the folder itself is never removed
    before = snapshot(decoy)
    swapper = Swapper(root, decoy)
    swapper.start()
    deleted = 0
    while swapper.is_alive():
        tree = walked(root)
        deleted += removed(tree).done
        for number in range(FOLDERS):  # so that there is always something to delete
            refill(root / f"d{number}", files)
    swapper.join()
    assert swapper.swaps >= SWAPS
    assert snapshot(decoy) == before
    assert deleted > 0, "it did nothing at all, which proves nothing"


class Swapper(threading.Thread):
    """Puts links to the decoy where the folders are, and the folders back."""

    def __init__(self, root: Path, decoy: Path) -> None:
        super().__init__(daemon=True)
        self.swaps = 0
        self._root, self._decoy = root, decoy

    def run(self) -> None:
        while self.swaps < SWAPS:
            for number in range(FOLDERS):
                folder, aside = self._root / f"d{number}", self._root.parent / f"aside{number}"
                folder.rename(aside)
                folder.symlink_to(self._decoy)
                time.sleep(0)  # the cleaning may see the link
                folder.unlink()
                aside.rename(folder)
                self.swaps += 1


def refill(folder: Path, files: list[str]) -> None:
    """Write through the folder's own descriptor, lest the test itself writes into the decoy."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:  # it is a link just now
        return
    try:
        try:
            os.mkdir("sub", dir_fd=descriptor)
        except FileExistsError:
            pass
        sub = os.open("sub", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=descriptor)
        for name in files:
            os.close(os.open(name.removeprefix("sub/"), os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW, dir_fd=sub))
        os.close(sub)
    finally:
        os.close(descriptor)


def snapshot(folder: Path) -> list[tuple[str, int, int, int]]:
    found = []
    for each in sorted(folder.rglob("*")):
        status = each.lstat()
        found.append((str(each), status.st_ino, status.st_size, status.st_ctime_ns))
    return found
