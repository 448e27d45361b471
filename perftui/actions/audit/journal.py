"""What is written to the audit log, and when: an intent before the first step, an outcome at the end."""

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from perftui.actions.audit.log import RESERVE, AuditLog, Record, is_full
from perftui.actions.audit.system_log import SYSTEM_LOG, send
from perftui.actions.audit.writer import DEADLINE, Writer
from perftui.actions.contract import Actor
from perftui.core.action import Outcome, Plan, Run
from perftui.core.aside import ask_aside
from perftui.core.clock import Clock
from perftui.core.errors import AuditError, DeadlineExceeded
from perftui.core.moment import boot_id
from perftui.core.text import clean
from perftui.core.units import size

LONGEST_TARGET = 200
INTERRUPTED = (
    "no outcome was recorded: its agent died while it ran, or its disk was full; what was done is not known, and it is "
    "not resumed"
)
NOT_BEGUN = "not begun: the audit log took it too late"


class Journal:
    """Writes the records of actions. All methods raise AuditError, at the latest after some seconds.

    What only the system's log took is owed to the audit log: it is written there as soon as that takes records again.
    """

    def __init__(self, log: AuditLog, clock: Clock, system_log: Path = SYSTEM_LOG) -> None:
        self.log = log
        self._clock = clock
        self._system_log = system_log
        self._writer = Writer(log)

    async def intent(self, run: Run, actor: Actor, cooldown: float, *, spill: bool = False) -> tuple[str, ...]:
        """Record who is about to do what; returns, once it is on disk, which checks were passed by break-glass.

        With `spill` the system's log may take it where the audit log does not; `audit` is among the passed ones then.
        """
        plan = run.plan
        record = self._record("intent", plan) | {
            "title": plan.title,
            "digest": plan.digest,
            "identity": plan.identity,
            "targets": [clean(target, LONGEST_TARGET) for target in plan.targets],
            "count": plan.count,
            "params": plan.params,
            "command": plan.command,
            "risk": plan.risk.value,
            "reason": run.reason,
            "passed": run.passed,
            "alert": plan.alert,
            "undoes": plan.undoes,
            "part_of": plan.part_of,
            "cooldown": cooldown,
            "who": msgspec.to_builtins(actor),
            "agent": process_mark(os.getpid()) or f"{os.getpid()}",
        }
        try:
            await self._writer.write(record, self._ended(record, Outcome.FAILED, NOT_BEGUN) | {"cooldown": 0.0})
        except AuditError as error:
            wanted = f"free {size(RESERVE)} at {self.log.path.parent}" if is_full(error) else ""
            if not spill:
                raise AuditError(": ".join(filter(None, [str(error), wanted]))) from error
            passed = (*run.passed, "audit")
            record = record | {"passed": passed}
            if not await self._send(record):
                both = f"neither {self.log.path} nor the system's log ({self._system_log}) takes a record"
                raise AuditError(f"{both}: {wanted or error}") from error
            self._writer.owe(record)
            return passed
        return run.passed

    async def cancel(self, run: Run, actor: Actor) -> None:
        """Record who cancels it."""
        await self._keep(self._record("cancel", run.plan) | {"who": msgspec.to_builtins(actor)})

    async def outcome(self, run: Run, cooldown: float) -> None:
        """Record how it ended, and for how many seconds its subject is left alone."""
        record = self._record("outcome", run.plan) | {
            "outcome": run.outcome.value,
            "message": run.message,
            "lines": msgspec.to_builtins(run.lines),
            "applied": run.applied,
            "left": run.left,
            "failed": run.failed,
            "undo": msgspec.to_builtins(run.undo),
            "undoes": run.plan.undoes,
            "cooldown": cooldown,
        }
        await self._keep(record)

    async def proof(self, run: Run) -> None:
        """Record what the readings after it showed."""
        lines = msgspec.to_builtins(run.proof_lines)
        record = self._record("proof", run.plan) | {"proof": run.proof.value, "lines": lines, "message": run.message}
        await self._keep(record)

    async def close_interrupted(self) -> None:
        """Record `interrupted` for each intent whose agent died before its outcome."""
        try:
            await ask_aside(str(self.log.path), self._close_interrupted, DEADLINE, key=self)
        except DeadlineExceeded as error:
            raise AuditError(str(error)) from error

    async def settle(self) -> None:
        """Write what is owed to the audit log."""
        await self._writer.settle()

    async def mend(self) -> str:
        """Write what is owed and restore the reserve; return what is still wrong then, empty when nothing is."""
        wrong = []
        try:
            await self.settle()
        except AuditError as error:
            owed = self._writer.owed
            wrong.append(f"{owed} {'record waits' if owed == 1 else 'records wait'}: {error}")
        try:
            left = await ask_aside(str(self.log.path), self.log.restore_reserve, DEADLINE, key=(self, "reserve"))
        except (AuditError, DeadlineExceeded, OSError) as error:
            wrong = wrong or [str(error)]
        else:
            if left < RESERVE:
                gone = (
                    f"the reserve of {size(RESERVE)} is gone" if not left else f"of the reserve {size(left)} are left"
                )
                wrong.append(f"{gone}: free {size(RESERVE)} at {self.log.path.parent}")
        return f"audit log: {'; '.join(wrong)}" if wrong else ""

    @property
    def spilled(self) -> str:
        """What there is to say of a run whose intent only the system's log took."""
        later = f"{self.log.path} gets it if that takes records again before this agent ends"
        return f"recorded in the system's log ({self._system_log}); {later}"

    def _close_interrupted(self) -> None:
        if self._interrupted():
            self.log.extend(self._interrupted)  # looked for again under the log's lock: another agent may close them

    def _interrupted(self) -> list[Record]:
        """Return an ending for each intent whose agent is dead."""
        dead = (intent for intent in open_intents(self.log) if not _is_alive(str(intent.get("agent", ""))))
        return [self._ended(intent, Outcome.INTERRUPTED, INTERRUPTED) for intent in dead]

    def _ended(self, intent: Record, outcome: Outcome, message: str) -> Record:
        """Return the ending of an intent that nobody saw to its end."""
        kept = {key: intent.get(key, "") for key in ("plan", "action", "target", "subject", "cooldown", "undoes")}
        return kept | {"event": "outcome", "outcome": outcome.value, "message": message, "at": self._now()}

    async def _keep(self, record: Record) -> None:
        """Append it, or leave it to the system's log for now: what is done can no longer be refused."""
        try:
            await self._writer.keep(record)
        except AuditError as error:
            if await self._send(record):
                raise AuditError(f"{error}; the system's log has it") from error
            raise

    async def _send(self, record: Record) -> bool:
        return await asyncio.to_thread(send, msgspec.json.encode(record), self._system_log)

    def _record(self, event: str, plan: Plan) -> Record:
        named = {"plan": plan.id, "action": plan.action, "target": plan.target, "subject": plan.subject}
        return {"event": event, "at": self._now(), **named}

    def _now(self) -> str:
        return datetime.fromtimestamp(self._clock.wall(), UTC).isoformat(timespec="milliseconds")


def open_intents(log: AuditLog) -> list[Record]:
    """Return the intents that no outcome follows, oldest first, among what is remembered of the log."""
    found: dict[str, Record] = {}
    for record in log.since(0)[0]:
        plan = str(record.get("plan", ""))
        if record.get("event") == "intent":
            found[plan] = record
        elif record.get("event") == "outcome":
            found.pop(plan, None)
    return list(found.values())


def process_mark(pid: int | str) -> str | None:
    """Return `BOOT/PID/START`, which no other process ever has; None when there is none, or it is dead (a zombie)."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else f"{boot_id()}/{pid}/{fields[19]}"


def _is_alive(mark: str) -> bool:
    _, _, rest = mark.partition("/")
    pid = rest.partition("/")[0]
    return pid.isdecimal() and process_mark(pid) == mark
