"""`process.renice` and `process.ionice`: what a process gets of CPU and disk when there is too little.

Linux keeps both for each thread (setpriority(2), ioprio_set(2)): those that have what the first thread has are changed,
others keep theirs. More than others get is for root (CAP_SYS_NICE), or as far as RLIMIT_NICE lets (getrlimit(2)); so
what others may set they may not always take back.
"""

import os
import resource
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

import msgspec

from perftui.actions.contract import Ask, Findings, Job, Receipt, Verdict
from perftui.actions.params import Params
from perftui.actions.process import proc
from perftui.actions.process.ioprio import IoPriority, get_io_priority, set_io_priority
from perftui.actions.process.proc import Process
from perftui.actions.process.process_action import (
    PID,
    STARTED,
    ProcessAction,
    aside,
    require_same,
    target_of,
    words_of,
)
from perftui.config.settings import SourceSettings
from perftui.core.action import ActionInfo, Line, Offer, Param, ParamKind, Proof, Risk, Undo
from perftui.core.errors import Refused

V = TypeVar("V")
CAP_SYS_NICE = 23


class _Priority(ProcessAction, Generic[V]):
    """Sets one value for the threads of a process."""

    noun: str

    @abstractmethod
    def wanted(self, params: Params) -> V:
        """Return the value that is asked for."""

    @abstractmethod
    def get(self, thread: int) -> V:
        """Read it. Raises OSError."""

    @abstractmethod
    def set(self, thread: int, value: V) -> None:
        """Set it. Raises OSError."""

    @abstractmethod
    def needs_right(self, pid: int, before: V, after: V) -> bool:
        """Return whether only root may."""

    @abstractmethod
    def command(self, pid: int, value: V) -> str:
        """Return what one would type."""

    @abstractmethod
    def params_of(self, value: V) -> dict[str, str]:
        """Return the parameters that ask for it."""

    async def plan(self, target: SourceSettings, params: Params) -> Findings:
        """Read what it is now."""
        return await aside("the process", lambda: self._plan(target, params))

    def _plan(self, target: SourceSettings, params: Params) -> Findings:
        process, after = self.found(params), self.wanted(params)
        before = self.get(process.pid)
        if before == after:
            raise Refused("target", f"{process} has {self.noun} {after} already", "choose another")
        self._refuse_without_right(process, before, after)
        threads = [(thread, self.get(thread)) for thread in proc.threads_of(process.pid)]
        own = sum(value != before for _, value in threads)
        can_go_back = proc.may(CAP_SYS_NICE) or not self.needs_right(process.pid, after, before)
        return Findings(
            title=f"set {self.noun} of {process} to {after}",
            command=self.command(process.pid, after),
            identity=self._identity(process.pid),
            subject=str(process.pid),
            targets=(target_of(process),),
            work=(process, before),
            reversible=can_go_back,
            lines=(
                Line(self.noun, str(before), str(after)),
                Line("process", words_of(process)),
                Line("threads", f"{len(threads)}", f"{len(threads) - own} changed"),
            ),
            rests_on=("/proc, just read",),
            warnings=(
                *((f"threads that keep a {self.noun} of their own: {own}",) if own else ()),
                *(() if can_go_back else (f"back to {before} is for root alone (CAP_SYS_NICE)",)),
            ),
            estimate=0.1,
        )

    def _refuse_without_right(self, process: Process, before: V, after: V) -> None:
        if proc.may(CAP_SYS_NICE):
            return
        if os.stat(f"/proc/{process.pid}").st_uid != os.geteuid():  # noqa: PTH116
            whose = proc.user_of(process.pid)
            raise Refused("rights", f"{process} is of {whose}", "run the agent as root (CAP_SYS_NICE)")
        if self.needs_right(process.pid, before, after):
            reason = f"{self.noun} {after} is more than others get"
            raise Refused("rights", reason, "run the agent as root (CAP_SYS_NICE)")

    async def apply(self, job: Job) -> Receipt:
        """Set it for each thread that had what the first one had."""
        return await aside("the process", lambda: self._apply(job))

    def _apply(self, job: Job) -> Receipt:
        process, before = job.work
        after = self.wanted(job.params)
        require_same(process, is_same=self.same(process))
        changed, problem = 0, ""
        for thread in proc.threads_of(process.pid):
            try:
                if self.get(thread) == before:
                    self.set(thread, after)
                    changed += 1
            except ProcessLookupError:
                continue  # the thread has ended
            except PermissionError:
                problem = "no right to it: run the agent as root (CAP_SYS_NICE)"
                break
        if not changed:
            if problem:
                raise Refused("rights", f"{process} may not be changed", problem)
            return Receipt(message=f"{process} has another {self.noun} by now", left=1)
        back = {"pid": str(process.pid), "started": str(process.start), **self.params_of(before)}
        undo = Undo(action=self.info.id, params=back, title=f"set {self.noun} of {process} back to {before}")
        return Receipt(
            message=f"{self.noun} of {process}: {before} → {after}",
            lines=(Line("threads changed", after=str(changed)),),
            applied=1,
            problem=problem,
            undo=undo if job.plan.reversible else None,
        )

    async def verify(self, job: Job, receipt: Receipt) -> Verdict:
        """Read it back."""
        process, before = job.work
        return await aside("the process", lambda: self._verify(process, before, self.wanted(job.params)))

    def _verify(self, process: Process, before: V, wanted: V) -> Verdict:
        if not self.same(process):
            return Verdict(proof=Proof.UNKNOWN, lines=(Line(str(process), after="has ended meanwhile"),))
        now = self.get(process.pid)
        line = Line(f"{self.noun}, read back", str(before), str(now))
        return Verdict(proof=Proof.HELD if now == wanted else Proof.UNCHANGED, lines=(line,))


class ProcessRenice(_Priority[int]):
    """Sets the nice value: −20 gets the most CPU, 19 the least."""

    noun = "nice value"
    info = ActionInfo(
        id="process.renice",
        title="Set the nice value",
        key="f7",
        risk=Risk.LOW,
        reversible=True,
        kinds=("system",),
        params=(
            PID,
            Param(
                name="nice",
                help="-20 gets the most CPU, 19 the least",
                kind=ParamKind.INTEGER,
                default="10",
                least=-20,
                most=19,
            ),
            STARTED,
        ),
    )

    def offers_for(self, target: SourceSettings, pin: Mapping[str, str], ask: Ask) -> Sequence[Offer]:
        """Return the value that is asked for, or those one would want."""
        values = (ask.params["nice"],) if ask.params.get("nice") else ("10", "19", "0", "-5")
        offers = (self.offer(target, f"Nice {each} for process {pin['pid']}", **pin, nice=each) for each in values)
        can_go_back = proc.may(CAP_SYS_NICE)  # asks the kernel of ourselves, which never waits
        return tuple(msgspec.structs.replace(each, reversible=can_go_back) for each in offers)

    def wanted(self, params: Params) -> int:
        """Return the nice value that is asked for."""
        return params.integer("nice")

    def get(self, thread: int) -> int:
        """Read it. Raises OSError."""
        return os.getpriority(os.PRIO_PROCESS, thread)

    def set(self, thread: int, value: int) -> None:
        """Set it. Raises OSError."""
        os.setpriority(os.PRIO_PROCESS, thread, value)

    def needs_right(self, pid: int, before: int, after: int) -> bool:
        """Say that less nice than now, and than the limit of the process allows, is for root."""
        if after >= before:
            return False
        try:
            limit, _ = resource.prlimit(pid, resource.RLIMIT_NICE)
        except PermissionError:  # it runs with rights of its own: the kernel does not tell
            return True
        return limit != resource.RLIM_INFINITY and 20 - after > limit

    def command(self, pid: int, value: int) -> str:
        """Return the call of renice."""
        return f"renice -n {value} -p {pid}"

    def params_of(self, value: int) -> dict[str, str]:
        """Return the parameter that asks for it."""
        return {"nice": str(value)}


class ProcessIonice(_Priority[IoPriority]):
    """Sets the I/O class and level."""

    noun = "I/O priority"
    info = ActionInfo(
        id="process.ionice",
        title="Set the I/O priority",
        key="f7",
        risk=Risk.LOW,
        reversible=True,
        kinds=("system",),
        params=(
            PID,
            Param(
                name="class",
                help="idle waits for all others, realtime starves them, none follows the nice value",
                default="idle",
                choices=("idle", "best-effort", "realtime", "none"),
            ),
            Param(name="level", help="0 is first, 7 last", kind=ParamKind.INTEGER, default="4", least=0, most=7),
            STARTED,
        ),
    )

    def offers_for(self, target: SourceSettings, pin: Mapping[str, str], ask: Ask) -> Sequence[Offer]:
        """Return the class that is asked for, or idle and best-effort; none where a nice value is asked for."""
        if ask.params.get("nice"):
            return ()
        classes = (ask.params["class"],) if ask.params.get("class") else ("idle", "best-effort")
        return tuple(
            self.offer(target, f"I/O {each} for process {pin['pid']}", **pin, **{"class": each}) for each in classes
        )

    def wanted(self, params: Params) -> IoPriority:
        """Return the class and level that are asked for."""
        name = params["class"]
        return IoPriority(name, 0 if name in ("idle", "none") else params.integer("level"))

    def get(self, thread: int) -> IoPriority:
        """Read it; a level where the class has none is 0. Raises OSError."""
        found = get_io_priority(thread)
        return IoPriority(found.name, 0) if found.name in ("idle", "none") else found

    def set(self, thread: int, value: IoPriority) -> None:
        """Set it. Raises OSError."""
        set_io_priority(thread, value)

    def needs_right(self, pid: int, before: IoPriority, after: IoPriority) -> bool:
        """Say that realtime is for root."""
        return after.name == "realtime"

    def command(self, pid: int, value: IoPriority) -> str:
        """Return the call of ionice."""
        number = {"none": 0, "realtime": 1, "best-effort": 2, "idle": 3}[value.name]
        level = f" -n {value.level}" if number in (1, 2) else ""
        return f"ionice -c {number}{level} -p {pid}"

    def params_of(self, value: IoPriority) -> dict[str, str]:
        """Return the parameters that ask for it."""
        return {"class": value.name, "level": str(value.level)}
