import fcntl
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perftui.actions.cleanup import folder_fd, remove, walk
from perftui.actions.cleanup.open_inodes import open_inodes
from perftui.actions.cleanup.protected import Protected
from perftui.core.errors import TargetChanged
from tests.unit.actions.cleanup.old_files import DAY, LATER, criteria, everything, make, names, removed, walked

pytestmark = pytest.mark.integration
is_root = os.geteuid() == 0


def test_old_files_and_the_folders_they_empty_go(tmp_path: Path) -> None:
    make(tmp_path, "a", "b/c", "b/d/e")
    tree = walked(tmp_path)
    assert names(tree) == {"a", "b/", "b/c", "b/d/", "b/d/e"}
    done = removed(tree)
    assert (done.done, done.folders, everything(tmp_path)) == (3, 2, set())
    assert tmp_path.is_dir(), "the root itself stays"


def test_an_empty_folder_stays(tmp_path: Path) -> None:
    (tmp_path / "spool").mkdir()
    assert names(walked(tmp_path)) == set()


@pytest.mark.parametrize("youngest", ["atime", "mtime", "ctime"])
def test_the_youngest_of_the_three_times_counts(tmp_path: Path, youngest: str) -> None:
    make(tmp_path, "file")
    now = time.time() + LATER
    recent, old = now - DAY, now - 20 * DAY
    os.utime(tmp_path / "file", (recent if youngest == "atime" else old, recent if youngest == "mtime" else old))
    wanted = criteria(now=time.time() + DAY) if youngest == "ctime" else criteria()
    tree = walked(tmp_path, wanted)
    assert (names(tree), tree.left["too young"]) == (set(), 1)


def test_nothing_but_plain_files_of_one_name_goes(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    make(outside, "precious")
    make(root, "twice")
    os.link(root / "twice", root / "thrice")
    (root / "link").symlink_to(outside / "precious")
    (root / "folder").symlink_to(outside)
    os.mkfifo(root / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "socket"))
    tree = walked(root)
    assert names(tree) == set()
    assert tree.left == {"a link, socket or device": 4, "has other names": 2}


@pytest.mark.skipif(not is_root, reason="only root can give files away")
def test_what_another_owns_stays_and_their_folders_are_not_entered(tmp_path: Path) -> None:
    make(tmp_path, "theirs", "home/ours", "ours")
    os.chown(tmp_path / "theirs", 12345, 12345)
    os.chown(tmp_path / "home", 12345, 12345)
    tree = walked(tmp_path)
    assert (names(tree), tree.left["another owner"]) == ({"ours"}, 2)


def test_it_never_enters_another_mount(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a number that stands in for the kernel's; a real mount is in the integration tests."""
    make(tmp_path, "other/file", "file")
    other, real = (tmp_path / "other").stat().st_ino, folder_fd.mount_id
    monkeypatch.setattr(walk, "mount_id", lambda fd: -1 if os.fstat(fd).st_ino == other else real(fd))
    tree = walked(tmp_path)
    assert (names(tree), tree.left["another filesystem"]) == ({"file"}, 1)


def test_a_file_of_another_device_is_never_deleted(tmp_path: Path) -> None:
    make(tmp_path, "file")
    status = (tmp_path / "file").stat()
    assert walk.refusal(status, status.st_uid, status.st_dev) == ""
    assert walk.refusal(status, status.st_uid, status.st_dev + 1) == "another filesystem"


def test_protected_names_stay_with_all_that_is_in_them(tmp_path: Path) -> None:
    make(tmp_path, "systemd-private-1/tmp/x", ".X0-lock", "free")
    tree = walked(tmp_path, criteria(is_protected=Protected()))
    assert (names(tree), tree.left["protected"]) == ({"free"}, 2)


def test_larger_than_and_what_is_read_only_lately(tmp_path: Path) -> None:
    make(tmp_path, "small", text="x" * 100)
    make(tmp_path, "large", text="x" * 101)
    assert names(walked(tmp_path, criteria(larger_than=100))) == {"large"}


def test_what_is_open_or_mapped_or_worked_in_stays(tmp_path: Path) -> None:
    make(tmp_path, "open", "mapped", "cwd/file", "free", text="x" * 5000)
    code = (
        "import mmap, os, sys\n"
        "file = open('open'); other = open('mapped', 'rb')\n"
        "view = mmap.mmap(other.fileno(), 0, prot=mmap.PROT_READ); other.close()\n"
        "os.chdir('cwd'); print('ready', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"ready\n"
        tree = walked(tmp_path, used=open_inodes(lambda: False))
        assert names(tree) == {"free", "cwd/file"}
        blind = walked(tmp_path)  # nobody told it what is open: the kernel does, as each file goes
        done = removed(blind)
        assert (done.done, done.left["in use"]) == (2, 2)
        assert everything(tmp_path) == {"open", "mapped", "cwd/"}
        holder.communicate(b"")


def test_an_own_descriptor_counts_too_and_a_lock_keeps_a_folder(tmp_path: Path) -> None:
    make(tmp_path, "held", "locked/file", "free")
    folder = os.open(tmp_path / "locked", os.O_RDONLY)
    with open(tmp_path / "held"):
        fcntl.flock(folder, fcntl.LOCK_SH)
        done = removed(walked(tmp_path))
    os.close(folder)
    assert everything(tmp_path) == {"held", "locked/", "locked/file"}
    assert done.left == {"in use": 1, "in a locked folder": 1, "folder not empty or gone": 1}


def test_what_changed_since_the_preview_stays(tmp_path: Path) -> None:
    make(tmp_path, "touched", "rewritten", "replaced", "read", "linked", "folder/file")
    tree = walked(tmp_path)
    os.utime(tmp_path / "touched", (1, 1))
    make(tmp_path, "rewritten", text="new")
    (tmp_path / "replaced").unlink()
    (tmp_path / "replaced").symlink_to("/etc/passwd")
    os.link(tmp_path / "linked", tmp_path / "other name")
    make(tmp_path, "folder/new")
    done = removed(tree)
    assert everything(tmp_path) == {
        "touched", "rewritten", "replaced", "linked", "other name", "folder/", "folder/new",
    }  # fmt: skip
    assert done.left == {"changed": 4}


def test_a_root_that_was_swapped_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "root"
    make(root, "file")
    tree = walked(root)
    root.rename(tmp_path / "gone")
    make(root, "file")
    with pytest.raises(TargetChanged, match="another folder"):
        removed(tree)
    assert everything(tmp_path) == {"gone/", "gone/file", "root/", "root/file"}


_NAMES = st.sampled_from(["a", "b", "c", "d"])
_PATHS = st.lists(st.lists(_NAMES, min_size=1, max_size=4).map("/".join), max_size=12)
_KINDS = st.sampled_from(["file", "file", "file", "large", "link", "empty folder", "fifo", "young", "second name"])


@pytest.fixture
def looked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What processes hold open, read once for all trees: nobody else knows of them, and it takes most of the time."""
    used = open_inodes(lambda: False)
    monkeypatch.setattr(remove, "open_inodes", lambda is_stopped: used)


@pytest.mark.usefixtures("looked_once")
@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(paths=_PATHS, kinds=st.lists(_KINDS, min_size=12, max_size=12), meddled=st.sets(st.integers(0, 11), max_size=3))
def test_the_effect_is_within_the_preview_and_equal_when_nobody_meddles(
    paths: list[str], kinds: list[str], meddled: set[int]
) -> None:
    root = Path(tempfile.mkdtemp(prefix="old-tree-"))
    try:
        for path, kind in zip(paths, kinds, strict=False):
            grow(root / path, kind)
        tree = walked(root)
        planned = names(tree)
        before = everything(root)
        for index in meddled & set(range(len(paths))):
            if (root / paths[index]).is_file() and not (root / paths[index]).is_symlink():
                (root / paths[index]).write_text("meddled with")
        done = removed(tree)
        gone = before - everything(root)
        assert gone <= planned
        assert done.done + done.folders == len(gone)
        if not meddled:
            assert gone == planned
    finally:
        shutil.rmtree(root)


def grow(path: Path, kind: str) -> None:
    """Make one thing, unless something stands in the way already."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind == "link":
            path.symlink_to("/etc")
        elif kind == "fifo":
            os.mkfifo(path)
        elif kind == "empty folder":
            path.mkdir()
        elif not path.exists():
            path.write_text("x" * (5000 if kind == "large" else 1))
            if kind == "young":
                os.utime(path, (time.time() + LATER, 1))
            if kind == "second name":
                os.link(path, path.with_name("other"))
    except (FileExistsError, NotADirectoryError):
        pass
