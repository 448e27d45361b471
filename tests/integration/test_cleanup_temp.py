"""`cleanup.temp` on folders of this host that the test makes: only what is old, ours and unused goes."""

import asyncio
import contextlib
import os
import shlex
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from perftui.actions.cleanup import file_cleanup, file_survey, folder_fd, remove
from perftui.actions.cleanup.open_inodes import OpenInodes
from perftui.actions.cleanup.remove import Removal
from perftui.actions.cleanup.temp import CleanupTemp
from perftui.actions.cleanup.walk import Pin
from perftui.core.action import Outcome, Proof, Run
from perftui.core.clock import SystemClock
from perftui.core.errors import Refused
from perftui.core.reading import Reading, Sample
from tests.support.servers import eventually, lacking
from tests.unit.actions.cleanup.old_files import LATER, everything, make
from tests.unit.actions.stage import ADMIN, Stage
from tests.unit.collectors.host.tree import descriptors

pytestmark = pytest.mark.integration


class LaterClock(SystemClock):
    """This machine's clock, a month on: what is made now is old."""

    @staticmethod
    def wall() -> float:
        return time.time() + LATER


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "temp"
    make(folder, "a", "build/cache/x", "build/cache/y", "mail/z", text="x" * 10_000)
    return folder


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path / "log", lambda ground, _: CleanupTemp(ground, LaterClock(), verify_after=0.0))


async def run(stage: Stage, root: Path, meanwhile: Callable[[], object] = lambda: None, **params: str) -> Run:
    plan = await stage.runner.plan("cleanup.temp", "host", {"paths": str(root), **params})
    meanwhile()
    await stage.runner.apply(plan.id, plan.confirm, ADMIN)
    return await stage.ended(plan)


async def test_the_preview_names_everything_and_deletes_nothing(stage: Stage, root: Path) -> None:
    before = everything(root)
    plan = await stage.runner.plan("cleanup.temp", "host", {"paths": str(root)})
    assert everything(root) == before
    assert {target.removeprefix(f"{root}/") for target in plan.targets} == before
    assert plan.count == 7
    lines = {line.label: line.before for line in plan.lines}
    assert lines["files"] == "4, 48 KiB"
    assert lines[f"{root}/build"] == "2 files, 24 KiB"
    assert plan.confirm == "y"


async def test_it_deletes_what_it_showed_and_proves_it(stage: Stage, root: Path) -> None:
    done = await run(stage, root)
    assert (done.outcome, done.proof) == (Outcome.SUCCEEDED, Proof.RECOVERED), done
    assert done.message == "4 files and 3 folders deleted, 48 KiB"
    assert (done.applied, done.left, done.failed) == (7, 0, 0)
    assert everything(root) == set()
    assert any(line.after == "all gone" for line in done.proof_lines)


async def test_the_command_beside_it_deletes_the_same_files(stage: Stage, root: Path, tmp_path: Path) -> None:
    plan = await stage.runner.plan("cleanup.temp", "host", {"paths": str(root)})
    words = shlex.split(plan.command)
    assert words[0] == "find" and words[-1] == "-delete"
    words = [word if not word.startswith("+") else "-1" for word in words[:-1]]  # nothing is 10 days old yet
    found = await asyncio.to_thread(subprocess.run, words, capture_output=True, text=True, timeout=30, check=True)
    assert set(found.stdout.split()) == {target for target in plan.targets if not target.endswith("/")}


async def test_what_somebody_touches_meanwhile_stays_and_is_told(stage: Stage, root: Path) -> None:
    held = []

    def meddle() -> None:
        (root / "mail/z").write_text("new")
        held.append(os.open(root / "a", os.O_RDONLY))

    done = await run(stage, root, meddle)
    os.close(held[0])
    assert everything(root) == {"a", "mail/", "mail/z"}
    assert done.left == 3, "the changed one, its folder, and the open one"
    assert {line.label for line in done.lines} >= {"left: changed", "left: in use"}


async def test_a_cancel_stops_between_two_steps(stage: Stage, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(root, *(f"many/{number}" for number in range(1000)))
    step = Removal.step

    plan = await stage.runner.plan("cleanup.temp", "host", {"paths": str(root)})
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(Removal, "step", lambda removal, most: _on(loop, stage, plan.id, step, removal, most))
    await stage.runner.apply(plan.id, "y", ADMIN)
    done = await stage.ended(plan)
    assert done.outcome is Outcome.CANCELLED
    assert 0 < done.applied < plan.count
    assert len(everything(root)) == plan.count - done.applied
    assert done.proof is not Proof.RECOVERED


def _on(
    loop: asyncio.AbstractEventLoop,
    stage: Stage,
    plan: str,
    step: Callable[[Removal, int], bool],
    removal: Removal,
    most: int,
) -> bool:
    """Take a step, and let the loop know of a cancel before it ends."""

    async def cancel() -> None:
        stage.runner.cancel(plan, ADMIN)

    asyncio.run_coroutine_threadsafe(cancel(), loop).result(5)
    return step(removal, most)


async def test_a_filesystem_that_breaks_in_the_middle_is_told_with_what_was_done(
    stage: Stage, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_cleanup, "STEP", 2)
    unlink, calls = os.unlink, [0]

    def broken(path: str, *, dir_fd: int | None = None) -> None:
        calls[0] += 1
        if calls[0] == 3:
            raise OSError(5, "Input/output error")
        unlink(path, dir_fd=dir_fd)

    with monkeypatch.context() as patch:
        patch.setattr("perftui.actions.cleanup.remove.os.unlink", broken)
        done = await run(stage, root)
    assert done.outcome is Outcome.PARTIAL
    assert 2 <= done.applied == done.plan.count - len(everything(root))
    assert "input/output error" in done.message


async def test_a_step_that_hangs_and_ends_late_touches_nothing_by_descriptors_that_others_have_by_then(
    stage: Stage, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The root's descriptor is given up while the step hangs before it removes a folder through it."""
    decoy = tmp_path / "decoy"
    (root / "a").unlink()
    for name in ("build", "mail"):
        (decoy / name).mkdir(parents=True)
    hung, awake = threading.Event(), threading.Event()
    inside = folder_fd.inside

    def hanging(folder: int, parts: Sequence[str]) -> contextlib.AbstractContextManager[int]:
        if not hung.is_set() and not parts:
            hung.set()
            awake.wait(20)
        return inside(folder, parts)

    monkeypatch.setattr(remove, "inside", hanging)
    monkeypatch.setattr(file_cleanup, "STEP_DEADLINE", 1.0)
    before = descriptors()
    done = await run(stage, root)
    assert hung.is_set()
    assert (done.outcome, done.failed) == (Outcome.PARTIAL, 0)
    assert "a step of the cleanup has not answered" in done.message
    held = [os.open(decoy, os.O_RDONLY | os.O_DIRECTORY) for _ in range(20)]
    left = everything(root)
    awake.set()
    await eventually(nobody_is_aside)
    for descriptor in held:
        os.close(descriptor)
    assert everything(decoy) == {"build/", "mail/"}
    assert descriptors() == before, "it gave its own back in the end"
    assert everything(root) == left


async def test_a_file_whose_look_hangs_is_not_deleted_late(
    stage: Stage, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hung, awake = threading.Event(), threading.Event()
    held = Removal._held

    def hanging(removal: Removal, descriptor: int, pin: Pin) -> str:
        if not hung.is_set():
            hung.set()
            awake.wait(20)
        return held(removal, descriptor, pin)

    monkeypatch.setattr(Removal, "_held", hanging)
    monkeypatch.setattr(file_cleanup, "STEP_DEADLINE", 1.0)
    before = everything(root)
    done = await run(stage, root)
    assert (hung.is_set(), done.outcome, done.applied) == (True, Outcome.FAILED, 0), done
    awake.set()
    await eventually(nobody_is_aside)
    assert everything(root) == before


async def nobody_is_aside() -> bool:
    return not any(thread.name == "perftui-aside" for thread in threading.enumerate())


async def test_one_file_is_called_one_file(stage: Stage, tmp_path: Path) -> None:
    make(tmp_path / "one", "build/x")
    plan = await stage.runner.plan("cleanup.temp", "host", {"paths": str(tmp_path / "one")})
    assert {line.before for line in plan.lines if line.label.endswith("/build")} == {"1 file, 4 KiB"}
    await stage.runner.apply(plan.id, plan.confirm, ADMIN)
    assert (await stage.ended(plan)).message == "1 file and 1 folder deleted, 4 KiB"


async def test_what_is_unknown_is_said_in_short_lines(
    stage: Stage, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    denied = OpenInodes(frozenset(), frozenset(), denied=12_345, processes=67_890)
    monkeypatch.setattr(file_survey, "open_inodes", lambda is_stopped: denied)
    plan = await stage.runner.plan("cleanup.temp", "host", {"paths": str(root)})
    assert len(plan.unknown) == 3
    assert "what 12345 of 67890 processes hold open" in str(plan.unknown)
    assert max(map(len, plan.unknown)) <= 110


@pytest.mark.parametrize(
    ("paths", "why"),
    [
        ("/", "no place for temporary files"),
        ("/home", "no place for temporary files"),
        ("/tmp/../etc", "not an absolute path"),
        ("tmp", "not an absolute path"),
        ("/tmpfoo", "no place for temporary files"),
        ("/var", "no place for temporary files"),
        (",", "names no folder"),
    ],
)
async def test_other_folders_are_refused(stage: Stage, paths: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        await stage.runner.plan("cleanup.temp", "host", {"paths": paths})


async def test_a_link_is_no_folder_and_less_than_an_hour_no_age(stage: Stage, root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    for path in (tmp_path / "link", tmp_path / "link/build", tmp_path / "missing"):
        with pytest.raises(Refused, match="none of the folders can be walked"):
            await stage.runner.plan("cleanup.temp", "host", {"paths": str(path)})
    with pytest.raises(Refused, match="older_than"):
        await stage.runner.plan("cleanup.temp", "host", {"paths": str(root), "older_than": "30m"})


async def test_the_disk_is_watched_by_its_own_series(stage: Stage, root: Path) -> None:
    words = ["df", "--output=target", str(root)]
    shown = await asyncio.to_thread(subprocess.run, words, capture_output=True, text=True, check=True)
    mountpoint = shown.stdout.split("\n")[1]
    where = (("device", "disk"), ("mountpoint", mountpoint))
    samples = (
        Sample("system.filesystem.utilization", 0.9, where),
        Sample("system.filesystem.limit", 100_000.0, where),
        Sample("system.filesystem.utilization", 0.1, (("device", "other"), ("mountpoint", "/elsewhere"))),
    )
    stage.readings = {"host": Reading(source="host", monotonic=0, wall=0, duration=0, samples=samples)}
    plan = await stage.runner.plan("cleanup.temp", "host", {"paths": str(root)})
    (watch,) = plan.watches
    assert (watch.metric, watch.attributes, watch.must) == ("system.filesystem.utilization", where, "improve")


@pytest.fixture
def mounted(root: Path) -> Iterator[Path]:
    """A tmpfs, and a folder of the same device bound, below the root."""
    make(root.parent / "bound from", "precious")
    made = []
    try:
        for name, words in (("other", ["-t", "tmpfs", "none"]), ("bound", ["--bind", str(root.parent / "bound from")])):
            (root / name).mkdir()
            answer = subprocess.run(["mount", *words, str(root / name)], capture_output=True, text=True)
            if answer.returncode:
                lacking(f"no right to mount: {answer.stderr.strip()}")
            made.append(root / name)
        make(root, "other/file")
        yield root
    finally:
        for folder in made:
            subprocess.run(["umount", str(folder)], check=True)


async def test_it_enters_neither_another_filesystem_nor_a_bind_mount(stage: Stage, mounted: Path) -> None:
    done = await run(stage, mounted)
    assert done.applied == 7
    assert everything(mounted) == {"other/", "other/file", "bound/", "bound/precious"}
