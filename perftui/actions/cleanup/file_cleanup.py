"""What the cleanups of files have in common: walk, preview, delete a step at a time, look again.

All of it on threads of their own, of idle I/O priority: a filesystem that hangs holds up nothing else.
"""

import asyncio
import contextlib
import errno
import hashlib
import os
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import PurePosixPath
from typing import TypeVar

from perftui.actions.cleanup.folder_fd import opened
from perftui.actions.cleanup.open_inodes import OpenInodes, open_inodes
from perftui.actions.cleanup.patterns import Pattern
from perftui.actions.cleanup.remove import Removal, bytes_of, still_there
from perftui.actions.cleanup.space import free_bytes, mountpoints, watch_of
from perftui.actions.cleanup.walk import Criteria, Folder, Stop, Tree, Walk
from perftui.actions.contract import Action, Findings, Ground, Job, Receipt, Verdict
from perftui.actions.pace import Pacer
from perftui.actions.params import Params
from perftui.actions.process.ioprio import IoPriority, set_io_priority
from perftui.config.settings import SourceSettings
from perftui.core.action import SHOWN_TARGETS, Line, Proof
from perftui.core.aside import ask_aside
from perftui.core.clock import Clock
from perftui.core.errors import Refused, SourceError
from perftui.core.text import clean
from perftui.core.units import MISSING, count, seconds, size

T = TypeVar("T")
WALK_FOR = 15.0
"""Seconds after which a preview shows what was found until then."""
STEP = 200
STEP_DEADLINE = 30.0
SLOW_STEP = 0.1
LOOK_DEADLINE = 4.0
FILES_PER_SECOND = 10_000.0
_TOP = 8
_DAY = 86400.0


@dataclass(frozen=True)
class Place:
    """Where to look: a folder, with a pattern for what lies in it, or all of it."""

    path: str
    pattern: Pattern | None = None


@dataclass(frozen=True)
class Aim:
    """What is looked for: where, which files, and how many of the newest stay."""

    places: tuple[Place, ...]
    criteria: Criteria
    keep: int = 0


@dataclass
class Survey:
    """What a walk of all places found; `missing` says which could not be walked and why."""

    trees: list[Tree] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    points: set[str] = field(default_factory=set)
    warnings: list[str] = field(default_factory=list)
    free: int = 0
    used: OpenInodes | None = None
    removed: list[tuple[Tree, Folder, int]] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many files and folders."""
        return sum(tree.count + tree.removed_folders for tree in self.trees)

    @property
    def bytes(self) -> int:
        """What they hold, by allocated blocks."""
        return bytes_of(sum(tree.blocks for tree in self.trees))

    @property
    def left(self) -> Counter[str]:
        """Why others stay."""
        return sum((tree.left for tree in self.trees), Counter[str]())

    def paths(self) -> Iterator[str]:
        """Yield every path that goes."""
        return chain.from_iterable(tree.paths() for tree in self.trees)


class FileCleanup(Action):
    """A cleanup of files on this host; not reversible."""

    plan_deadline = WALK_FOR + 5.0

    def __init__(self, ground: Ground, clock: Clock, verify_after: float = 1.0) -> None:
        super().__init__(ground, clock)
        self._verify_after = verify_after

    @abstractmethod
    def aim(self, params: Params) -> Aim:
        """Return what is looked for; may block. Raises Refused."""

    @abstractmethod
    def words(self, params: Params, aim: Aim) -> tuple[str, str]:
        """Return the title, and the command that one would type."""

    def pins(self, params: Params) -> dict[str, str]:
        """Return what else must be as it was: nothing, as it stands. Raises Refused."""
        return {}

    async def identity(self, target: SourceSettings, params: Params) -> dict[str, str]:
        """Return the boot of this host, and device and inode of each folder that is walked."""
        found = await _aside(f"the folders of {target.name}", lambda: _identity(self.aim(params)), LOOK_DEADLINE)
        return found | self.pins(params)

    async def plan(self, target: SourceSettings, params: Params) -> Findings:
        """Walk every place, for at most 15 seconds."""
        stop = Stop(WALK_FOR)
        with _stopped_at_end(stop):
            aim, survey, identity = await _aside(
                "a walk of the folders", lambda: _survey_of(self.aim(params), stop), self.plan_deadline
            )
        if not survey.trees:
            reasons = "; ".join(f"{path}: {why}" for path, why in survey.missing.items())
            raise Refused("target", f"none of the folders can be walked: {reasons}", "name others")
        title, command = self.words(params, aim)
        watch = watch_of(self.ground.readings.get(target.name), survey.points, survey.bytes, target.name)
        found = Findings(
            title=title,
            command=command,
            identity=identity | self.pins(params),
            targets=tuple(clean(path) for path in islice(survey.paths(), SHOWN_TARGETS)),
            count=survey.count,
            pin=_digest(survey),
            work=survey,
            lines=_preview(survey, self.clock.wall()),
            rests_on=(f"a walk of {', '.join(clean(tree.path) for tree in survey.trees)}, just made",),
            unknown=_unknown(survey),
            warnings=(*survey.warnings, *_warnings(survey)),
            estimate=survey.count / FILES_PER_SECOND,
            watches=() if watch is None else (watch,),
        )
        survey.used = None  # apply looks afresh
        return found

    async def apply(self, job: Job) -> Receipt:
        """Delete what was found, some hundred files at a time; look at each again first."""
        survey: Survey = job.work
        stop = Stop(float("inf"))
        removal = Removal(survey.trees, stop)
        with _stopped_at_end(stop), contextlib.closing(removal):
            await _aside("the folders", removal.open, STEP_DEADLINE)
            complete, problem = await _remove_all(removal, survey, job)
        survey.removed = removal.removed
        after = None
        with contextlib.suppress(SourceError):  # what was done is told all the same
            after = await _aside("free space", lambda: free_bytes(survey.trees[0].path), LOOK_DEADLINE)
        return _receipt(removal, survey, after, complete=complete, problem=problem)

    async def verify(self, job: Job, receipt: Receipt) -> Verdict:
        """Look for what was deleted, and at the space, again."""
        await asyncio.sleep(self._verify_after)
        survey: Survey = job.work
        stop = Stop(LOOK_DEADLINE)
        with _stopped_at_end(stop):
            looked, found = await _aside("the files", lambda: still_there(survey.removed, stop), LOOK_DEADLINE + 1)
            free = await _aside("free space", lambda: free_bytes(survey.trees[0].path), LOOK_DEADLINE)
        freed = receipt.facts.get("freed", 0.0)
        lines = (
            Line("files looked for again", f"{looked:,}", f"{found:,} are there" if found else "all gone"),
            Line("free space, later", str(size(survey.free)), str(size(free))),
        )
        is_done = bool(receipt.applied) and not found and freed > 0
        return Verdict(proof=Proof.RECOVERED if is_done else Proof.UNCHANGED, lines=lines)


async def _aside(what: str, job: Callable[[], T], deadline: float) -> T:
    """Run a job on a thread of its own. Raises what it raises; an OSError as SourceError; DeadlineExceeded."""
    try:
        return await ask_aside(what, job, deadline, key=object())
    except OSError as error:
        raise SourceError(f"{what}: {clean((error.strerror or 'unreadable').lower())}") from error


@contextlib.contextmanager
def _stopped_at_end(stop: Stop) -> Iterator[None]:
    """End what still runs on a thread when nobody waits for it any more."""
    try:
        yield
    finally:
        stop.set()


def _identity(aim: Aim) -> dict[str, str]:
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        found = {"boot": file.read().strip()}
    for place in aim.places:
        with contextlib.suppress(OSError), opened(place.path) as root:
            status = os.fstat(root)
            found[clean(place.path)] = f"device {status.st_dev} inode {status.st_ino}"
    return found


def _survey_of(aim: Aim, stop: Stop) -> tuple[Aim, Survey, dict[str, str]]:
    """Walk every place. Runs on a thread."""
    with contextlib.suppress(OSError):
        set_io_priority(0, IoPriority("idle", 0))
    survey = Survey(used=open_inodes(stop))
    for place in aim.places:
        try:
            with opened(place.path) as root:
                _walk(place, root, aim, survey, stop)
        except OSError as error:
            is_link = error.errno in (errno.ENOTDIR, errno.ELOOP)  # O_NOFOLLOW found something else
            survey.missing[clean(place.path)] = "no folder, or a link" if is_link else (error.strerror or "?").lower()
    return aim, survey, _identity(aim)


def _walk(place: Place, root: int, aim: Aim, survey: Survey, stop: Stop) -> None:
    assert survey.used is not None
    tree = Walk(place.path, root, aim.criteria, survey.used, stop, place.pattern, aim.keep).run()
    survey.trees.append(tree)
    if len(survey.trees) == 1:
        survey.free = free_bytes(root)
        survey.points |= mountpoints(root)
    flags = os.statvfs(root).f_flag
    name = clean(place.path)
    if flags & os.ST_NOATIME:
        survey.warnings.append(f"{name} is mounted noatime: that a file was only read lately cannot be seen")
    elif flags & os.ST_RELATIME and aim.criteria.older_than < _DAY:
        survey.warnings.append(f"{name} is mounted relatime: reading shows only after a day")


async def _remove_all(removal: Removal, survey: Survey, job: Job) -> tuple[bool, str]:
    """Return whether it came to the end, and what broke it off."""
    pacer, total, more = Pacer(0.0, STEP, SLOW_STEP), max(survey.count, 1), True
    loop = asyncio.get_running_loop()
    while more:
        if job.cancelled.is_set():
            return False, ""
        started = loop.time()
        try:
            batch = pacer.batch
            more = await _aside("a step of the cleanup", lambda: _step(removal, batch), STEP_DEADLINE)  # noqa: B023
        except SourceError as error:
            return False, f"broke off: {error}"
        done = removal.done + removal.folders
        job.report(min(0.99, done / total), f"{done:,} of {total:,} deleted, {size(bytes_of(removal.blocks))}")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(pacer.pause(loop.time() - started, 0.0)):
                await job.cancelled.wait()
    return True, ""


def _step(removal: Removal, batch: int) -> bool:
    with contextlib.suppress(OSError):
        set_io_priority(0, IoPriority("idle", 0))
    return removal.step(batch)


def _receipt(removal: Removal, survey: Survey, after: int | None, *, complete: bool, problem: str) -> Receipt:
    freed = bytes_of(removal.blocks)
    folders = f" and {removal.folders:,} folders" if removal.folders else ""
    left = sum(removal.left.values())
    lines = [
        Line("files deleted", f"{sum(tree.count for tree in survey.trees):,} planned", f"{removal.done:,}"),
        Line("free space", str(size(survey.free)), MISSING if after is None else str(size(after))),
    ]
    lines += [Line(f"left: {reason}", after=f"{number:,}") for reason, number in removal.left.most_common(_TOP)]
    lines += [Line(f"failed: {reason}", after=f"{number:,}") for reason, number in removal.failed.most_common(_TOP)]
    return Receipt(
        message=f"{removal.done:,} files{folders} deleted, {size(freed)}"
        + (f"; {left:,} left alone" if left else "")
        + ("" if complete or problem else "; cancelled before the end"),
        lines=tuple(lines),
        facts={"freed": float(freed)},
        complete=complete,
        applied=removal.done + removal.folders,
        left=left,
        failed=sum(removal.failed.values()),
        problem=problem,
    )


def _digest(survey: Survey) -> str:
    """Return a SHA-256 over every path and what pins it."""
    digest = hashlib.sha256()
    for tree in survey.trees:
        digest.update(os.fsencode(tree.path) + b"\0")
        for folder in tree.folders:
            for part in (*folder.parts, *folder.names):
                digest.update(os.fsencode(part) + b"\0")
            digest.update(folder.numbers.tobytes() + bytes([folder.gone]))
    return digest.hexdigest()


def _preview(survey: Survey, now: float) -> tuple[Line, ...]:
    files = sum(tree.count for tree in survey.trees)
    folders = sum(tree.removed_folders for tree in survey.trees)
    lines = [Line("files", f"{files:,}, {size(survey.bytes)}", "deleted")]
    if folders:
        lines.append(Line("folders that are emptied by it", f"{folders:,}", "deleted"))
    lines += [
        Line(clean(name), f"{count(number)} files, {size(bytes_of(blocks))}", "deleted")
        for name, (blocks, number) in _by_top_folder(survey)
    ]
    oldest = min((tree.oldest for tree in survey.trees if tree.oldest is not None), default=None)
    if oldest is not None:
        lines.append(Line("the oldest was last touched", f"{seconds(max(0.0, now - oldest))} ago"))
    lines.append(Line("free space", str(size(survey.free)), f"about {size(survey.free + survey.bytes)}"))
    lines += [Line(f"left: {reason}", f"{number:,}", "stays") for reason, number in survey.left.most_common(_TOP)]
    return tuple(lines)


def _by_top_folder(survey: Survey) -> list[tuple[str, tuple[int, int]]]:
    """Return blocks and files by the first folder below each root, the largest first."""
    found: dict[str, tuple[int, int]] = {}
    for tree in survey.trees:
        for folder in tree.folders:
            if folder.names:
                name = str(PurePosixPath(tree.path, *folder.parts[:1]))
                blocks, number = found.get(name, (0, 0))
                found[name] = blocks + sum(folder.numbers[4::5]), number + len(folder.names)
    return sorted(found.items(), key=lambda each: -each[1][0])[:_TOP]


def _unknown(survey: Survey) -> tuple[str, ...]:
    found = ["whether a program expects a file that it does not hold open"]
    if survey.used is not None and survey.used.denied:
        found.append(
            f"what {survey.used.denied} of {survey.used.processes} processes hold open: they may not be looked at; "
            "each file is checked again as it is deleted, and stays where it is in use"
        )
    found.append("the command beside it looks neither whether a file is in use nor for protected names")
    return tuple(found)


def _warnings(survey: Survey) -> list[str]:
    found = [f"{path} is left out: {why}" for path, why in survey.missing.items()]
    if not survey.count:
        found.append("nothing is old enough: there is nothing to delete")
    if not all(tree.is_whole for tree in survey.trees):
        found.append("there is more than could be looked at: this is a part of it, do it again afterwards")
    if len(survey.trees) > 1:
        found.append(f"free space is that of {clean(survey.trees[0].path)}")
    return found
