"""`process.signal`: a signal to a process, or to it and all that descend from it.

Through a pidfd (pidfd_open(2)): it is opened, then the start time is read again, then the signal sent; it cannot reach
another process that gets the pid meanwhile. Needs Linux 5.3.
"""

import asyncio
import contextlib
import os
import shlex
import signal
from collections.abc import Callable, Mapping, Sequence

import msgspec

from perftui.actions.contract import Ask, Findings, Ground, Job, Receipt, Verdict
from perftui.actions.params import Params
from perftui.actions.process import proc
from perftui.actions.process.holders import holders
from perftui.actions.process.proc import Process
from perftui.actions.process.process_action import PID, STARTED, ProcessAction, aside, name_of, target_of, words_of
from perftui.config.settings import SourceSettings
from perftui.core.action import SHOWN_TARGETS, ActionInfo, Line, Offer, Param, ParamKind, Proof, Risk, Undo
from perftui.core.clock import Clock
from perftui.core.errors import Refused
from perftui.core.reading import Table

SIGNALS = ("TERM", "HUP", "INT", "USR1", "USR2", "STOP", "CONT", "KILL")
_ENDING = ("TERM", "INT", "KILL")
_OPPOSITE = {"STOP": "CONT", "CONT": "STOP"}
_OFTEN_HANDLED = ("HUP", "USR1", "USR2")
_CRITICAL = ("sshd", "systemd", "init", "dbus-", "NetworkManager", "login")
PATIENCE = 5.0
LOOK_EVERY = 0.1
SHOWN = 12
_MEANING = {
    "TERM": "asks it to end",
    "HUP": "many services reload their configuration, others end",
    "STOP": "holds it until CONT",
    "CONT": "lets it go on",
    "KILL": "ends it at once, without cleaning up",
}


class ProcessSignal(ProcessAction):
    """Sends one signal to each planned process, parents first (CONT: children first)."""

    info = ActionInfo(
        id="process.signal",
        title="Send a signal",
        key="f9",
        risk=Risk.MEDIUM,
        reversible=False,
        kinds=("system",),
        params=(
            PID,
            Param(name="signal", help="which", default="TERM", choices=SIGNALS),
            Param(name="tree", help="and all that descend from it", kind=ParamKind.FLAG, default="no"),
            STARTED,
        ),
    )

    def __init__(
        self,
        ground: Ground,
        clock: Clock,
        find: Callable[[int], Process | None] = proc.look,
        patience: float = PATIENCE,
    ) -> None:
        super().__init__(ground, clock, find)
        self._patience = patience

    def offers(self, target: SourceSettings, ask: Ask) -> Sequence[Offer]:
        """Return what can be sent to the selected process; where none is, HUP to those that hold deleted files."""
        if "pid" in ask.params:
            return super().offers(target, ask)
        held = holders(self._table(target, "deleted_files"), ask.alert)
        return tuple(
            msgspec.structs.replace(
                self.offer(target, f"HUP {each.name} {each.pid}", each.note, **each.pin, signal="HUP"),
                serves=(target.name,),
            )
            for each in held
        )

    def offers_for(self, target: SourceSettings, pin: Mapping[str, str], ask: Ask) -> Sequence[Offer]:
        """Return the signals one would want, KILL last; or only that which is asked for."""
        name = name_of(self._table(target, "processes"), int(pin["pid"])) or "process"
        wanted = ask.params.get("signal")
        return tuple(
            self.offer(target, f"{each} {name} {pin['pid']}", _MEANING[each], **pin, signal=each)
            for each in ("TERM", "HUP", "STOP", "CONT", "KILL")
            if wanted in (None, "", each)
        )

    def _table(self, target: SourceSettings, name: str) -> Table | None:
        reading = self.ground.readings.get(target.name)
        return None if reading is None else reading.tables.get(name)

    async def plan(self, target: SourceSettings, params: Params) -> Findings:
        """Read the tree. Refuses what would end this host, or us, and what we have no right to."""
        return await aside("the processes", lambda: self._plan(target, params))

    def _plan(self, target: SourceSettings, params: Params) -> Findings:
        process = self.found(params)
        name, known = params["signal"], proc.everyone() | {process.pid: process}
        tree = [each for each in proc.family(process.pid, known) if not each.is_gone and not each.is_kernel]
        chosen = tree if params.flag("tree") else tree[:1]
        _refuse_protected(chosen, known)
        for each in chosen:
            _refuse_without_right(each)
        if name == "CONT":
            chosen = chosen[::-1]
        critical = [str(each) for each in chosen if each.name.startswith(_CRITICAL)]
        others = f" and {len(chosen) - 1} below it" if len(chosen) > 1 else ""
        return Findings(
            title=f"send {name} to {process}{others}",
            command=shlex.join(["kill", f"-{name}", *(str(each.pid) for each in chosen)]),
            identity=self._identity(process.pid),
            subject=str(process.pid),
            locks=tuple(str(each.pid) for each in chosen),
            targets=tuple(target_of(each) for each in chosen),
            work=chosen,
            lines=_preview(chosen, tree, name),
            risk=Risk.HIGH if critical or name == "KILL" else None,
            reversible=name == "STOP" or (name == "CONT" and process.state in "Tt"),
            rests_on=("/proc, just read",),
            unknown=_unknown(chosen, name),
            warnings=_warnings(chosen, tree, critical, name),
            estimate=self._patience if name in _ENDING else 0.5,
        )

    async def apply(self, job: Job) -> Receipt:
        """Send it to each that is still the one that was planned for."""
        params, planned = job.params, list[Process](job.work)[:]
        was_stopped = any(each.state in "Tt" for each in planned)
        number = signal.Signals[f"SIG{params['signal']}"]
        left, sent = 0, 0
        failed: list[tuple[str, str]] = []
        for each in planned:
            if job.cancelled.is_set():
                break
            try:
                if self._send(each, number):
                    sent += 1
                else:
                    left += 1
            except OSError as error:  # no right, or a kernel before 5.3: never by the bare pid
                failed.append((str(each), (error.strerror or "it failed").lower()))
        can_undo = sent and (params["signal"] == "STOP" or (params["signal"] == "CONT" and was_stopped))
        return Receipt(
            message=f"{params['signal']} sent to {sent} of {len(planned)}",
            lines=(
                *(Line(each, why, "not sent") for each, why in failed[:SHOWN]),
                *((Line("ended, or another has the pid", after=f"{left} left alone"),) if left else ()),
            ),
            complete=sent + left + len(failed) == len(planned),
            applied=sent,
            left=left,
            failed=len(failed),
            undo=_undo(params, planned) if can_undo else None,
        )

    def _send(self, process: Process, number: signal.Signals) -> bool:
        """Return whether it was sent; not where the process is another one now. Raises OSError."""
        try:
            descriptor = os.pidfd_open(process.pid)
        except ProcessLookupError:
            return False
        try:
            if not self.same(process):
                return False
            signal.pidfd_send_signal(descriptor, number)
        except ProcessLookupError:
            return False
        finally:
            os.close(descriptor)
        return True

    async def verify(self, job: Job, receipt: Receipt) -> Verdict:
        """Look whether they are gone, or held, for at most five seconds."""
        name, planned = job.params["signal"], list[Process](job.work)
        if not receipt.applied:
            return Verdict(proof=Proof.UNCHANGED, lines=(Line("nothing was sent"),))
        if name not in (*_ENDING, *_OPPOSITE):
            there = sum(map(self.same, planned))
            lines = (Line("still there", after=f"{there} of {len(planned)}; what it makes of {name} cannot be seen"),)
            return Verdict(proof=Proof.UNKNOWN, lines=lines)
        until = asyncio.get_running_loop().time() + self._patience
        while left := await aside("the processes", lambda: [each for each in planned if not self._is_done(each, name)]):
            if asyncio.get_running_loop().time() >= until:
                return Verdict(proof=Proof.UNCHANGED, lines=self._remaining(left, name))
            await asyncio.sleep(LOOK_EVERY)
        done = {"STOP": "held", "CONT": "going on"}.get(name, "gone")
        return Verdict(proof=Proof.HELD, lines=tuple(Line(str(each), "there", done) for each in planned[:SHOWN]))

    def _is_done(self, process: Process, name: str) -> bool:
        now = self.find(process.pid)
        if now is None or now.start != process.start or now.is_gone:
            return True
        if name == "STOP":
            return now.state in "Tt"
        return name == "CONT" and now.state not in "Tt"

    def _remaining(self, left: list[Process], name: str) -> tuple[Line, ...]:
        hint = "preview KILL" if name in ("TERM", "INT") else "it may wait within the kernel"
        return tuple(
            Line(str(each), "there", f"still there after {self._patience:g} s: {hint}") for each in left[:SHOWN]
        )


def _undo(params: Params, planned: list[Process]) -> Undo:
    root = next(each for each in planned if each.pid == params.integer("pid"))
    opposite = _OPPOSITE[params["signal"]]
    again = {"pid": str(root.pid), "signal": opposite, "tree": params["tree"], "started": str(root.start)}
    return Undo(action="process.signal", params=again, title=f"send {opposite} to {root}")


def _refuse_protected(chosen: list[Process], known: dict[int, Process]) -> None:
    own = os.getpid()
    above = proc.ancestors(own, known)
    for each in chosen:
        if each.pid == 1:
            raise Refused("target", "process 1 is the whole host", "use systemctl for what it should do")
        if each.pid == own:
            raise Refused(
                "target", f"{each} is the agent of perftui itself", "end it with q, or systemctl stop perftui"
            )
        if each.pid in above:
            raise Refused("target", f"{each} holds the agent of perftui", "do it from another session")


def _refuse_without_right(process: Process) -> None:
    """Ask the kernel, by signal 0, which does nothing."""
    try:
        os.kill(process.pid, 0)
    except PermissionError:
        whose = proc.user_of(process.pid) or "somebody else"
        who = whose if whose == "root" else f"{whose} or root"
        raise Refused("rights", f"{process} is of {whose}", f"run the agent as {who}") from None
    except ProcessLookupError:
        pass  # it has ended meanwhile: apply leaves it out


def _preview(chosen: list[Process], tree: list[Process], name: str) -> tuple[Line, ...]:
    after = {"STOP": "held", "CONT": "going on"}.get(name, f"gets {name}")
    lines = [Line(str(each), words_of(each), after) for each in chosen[:SHOWN]]
    if len(chosen) > SHOWN:
        rest = "" if len(chosen) <= SHOWN_TARGETS else f", the first {SHOWN_TARGETS} are named"
        lines.append(Line("and more", f"{len(chosen) - SHOWN} processes{rest}", after))
    spared = [each for each in tree if each not in chosen]
    lines += [Line(str(each), words_of(each), "not sent to it: below the other") for each in spared[:SHOWN]]
    return tuple(lines)


def _unknown(chosen: list[Process], name: str) -> tuple[str, ...]:
    """Return what only the process itself and its unit know; systemd's Restart= is not read."""
    units = sorted({unit for each in chosen if (unit := proc.service_of(each.pid)).endswith(".service")})
    again = [f"its unit {unit} may start it again" for unit in units[:4]] if name in _ENDING else []
    return (*(("what it makes of the signal",) if name != "KILL" else ()), *again)


def _warnings(chosen: list[Process], tree: list[Process], critical: list[str], name: str) -> tuple[str, ...]:
    found = [f"{each}: this host, or your way to it, may hang on it" for each in critical]
    if len(tree) > len(chosen):
        below = len(tree) - len(chosen)
        found.append(
            f"{'1 process descends' if below == 1 else f'{below} processes descend'} from it, without a signal"
        )
    if name in _OFTEN_HANDLED:
        found += [
            f"{each} does not handle {name}, which then ends it" for each in chosen[:SHOWN] if _is_deaf(each, name)
        ]
    if name == "KILL":
        found.append("it cannot clean up: what it has not written is lost")
    if name in _ENDING and any(each.state in "Tt" for each in chosen):
        found.append("one of them is stopped: only KILL reaches it before CONT does")
    return tuple(found)


def _is_deaf(process: Process, name: str) -> bool:
    """Return whether it is known to have no handler of a signal."""
    with contextlib.suppress(OSError):
        return not proc.handles(process.pid, signal.Signals[f"SIG{name}"])
    return False
