"""What the actions on processes have in common: pinned by boot, pid and start time, looked at again before each step.

/proc is read on a thread of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from perftui.actions.contract import Action, Ask, Ground
from perftui.actions.params import Params
from perftui.actions.process import proc
from perftui.actions.process.proc import Process
from perftui.config.settings import SourceSettings
from perftui.core.action import Offer, Param, ParamKind
from perftui.core.aside import ask_aside
from perftui.core.clock import Clock
from perftui.core.errors import Refused, SourceError, TargetChanged
from perftui.core.moment import boot_id
from perftui.core.reading import Table
from perftui.core.text import clean
from perftui.core.units import seconds, size

T = TypeVar("T")
DEADLINE = 4.0
PID = Param(name="pid", help="the process", kind=ParamKind.INTEGER, required=True, least=1, is_subject=True)
STARTED = Param(
    name="started", help="its start in ticks, so that no other with its pid is taken", kind=ParamKind.INTEGER
)


class ProcessAction(Action):
    """An action on one process. `find` reads a process, so that tests can put another one under a pid."""

    cooldown = 0.0

    def __init__(self, ground: Ground, clock: Clock, find: Callable[[int], Process | None] = proc.look) -> None:
        super().__init__(ground, clock)
        self.find = find

    def offers(self, target: SourceSettings, ask: Ask) -> Sequence[Offer]:
        """Return what can be done to the process that is selected; nothing when none is."""
        pin = {name: ask.params[name] for name in ("pid", "started") if ask.params.get(name, "").isdecimal()}
        return self.offers_for(target, pin, ask) if "pid" in pin else ()

    def offers_for(self, target: SourceSettings, pin: Mapping[str, str], ask: Ask) -> Sequence[Offer]:
        """Return what can be done to one process; `pin` is its pid and, where known, when it started."""
        return (self.offer(target, **pin),)

    async def identity(self, target: SourceSettings, params: Params) -> dict[str, str]:
        """Return the boot, and name and start of the process."""
        return await aside("the process", lambda: self._identity(params.integer("pid")))

    def _identity(self, pid: int) -> dict[str, str]:
        process = self.find(pid)
        found = "gone" if process is None or process.is_gone else f"{process.name}, started at tick {process.start}"
        return {"boot": boot_id(), f"process {pid}": found}

    def found(self, params: Params) -> Process:
        """Return the process that is meant. Raises Refused."""
        pid = params.integer("pid")
        process = self.find(pid)
        if process is None:
            raise Refused("target", f"there is no process {pid}", "choose another")
        if process.is_gone:
            remedy = f"its parent, process {process.parent}, must collect it"
            raise Refused("target", f"{process} has ended already: it is a zombie", remedy)
        if params["started"] and process.start != params.integer("started"):
            reason = f"the process that was chosen is gone; {process} has its pid now"
            raise Refused("target", reason, "choose again")
        if process.is_kernel:
            raise Refused("target", f"{process} is a thread of the kernel", "leave it alone")
        return process

    def same(self, pinned: Process) -> bool:
        """Return whether the process is the one that was planned for, and lives."""
        now = self.find(pinned.pid)
        return now is not None and now.start == pinned.start and not now.is_gone


def name_of(table: Table | None, pid: int) -> str:
    """Return the name of a process in the table of processes; empty when it is not in it."""
    if table is None:
        return ""
    known, name = table.columns.index("pid"), table.columns.index("name")
    return next((str(row[name]) for row in table.rows if row[known] == pid), "")


def words_of(process: Process) -> str:
    """Return a process in one line: whose it is, what it has used, its unit."""
    unit = proc.service_of(process.pid)
    parts = [f"of {proc.user_of(process.pid) or '?'}", f"{seconds(process.cpu)} CPU", str(size(process.memory))]
    return ", ".join([*parts, unit] if unit else parts)


def target_of(process: Process) -> str:
    """Return what names this process and no other since boot."""
    return f"{process} started at tick {process.start}"


def require_same(process: Process, *, is_same: bool) -> None:
    """Raise TargetChanged where the process is another one now, or gone."""
    if not is_same:
        raise TargetChanged(f"{process} has ended, or another process has its pid now; preview it again")


async def aside(what: str, job: Callable[[], T]) -> T:
    """Run a job on a thread of its own. Raises what it raises; an OSError as SourceError; DeadlineExceeded."""
    try:
        return await ask_aside(what, job, DEADLINE, key=object())
    except OSError as error:
        raise SourceError(f"{what}: {clean((error.strerror or 'unreadable').lower())}") from error
