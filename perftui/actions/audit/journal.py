"""What is written to the audit log, and when: an intent before the first step, an outcome at the end."""

import asyncio
import os
import threading
from collections import deque
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from perftui.actions.audit.log import AuditLog, Record
from perftui.actions.audit.system_log import SYSTEM_LOG, send
from perftui.actions.contract import Actor
from perftui.core.action import Outcome, Plan, Run
from perftui.core.clock import Clock
from perftui.core.errors import AuditError
from perftui.core.text import clean

MOST_OWED = 100
LONGEST_TARGET = 200
INTERRUPTED = "its agent died while it ran; what was done is not known, and it is not resumed"


class Journal:
    """Writes the records of actions. All methods raise AuditError.

    What only the system's log took is owed to the audit log: it is written there as soon as that takes records again.
    """

    def __init__(self, log: AuditLog, clock: Clock, system_log: Path = SYSTEM_LOG) -> None:
        self.log = log
        self._clock = clock
        self._system_log = system_log
        self._owed: deque[Record] = deque(maxlen=MOST_OWED)
        self._writing = threading.Lock()

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
            "cooldown": cooldown,
            "who": msgspec.to_builtins(actor),
            "agent": process_mark(os.getpid()) or f"{os.getpid()}",
        }
        return await asyncio.to_thread(self._append_intent, record, run.passed, spill)

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
        await asyncio.to_thread(self._append_ending, record)

    async def proof(self, run: Run) -> None:
        """Record what the readings after it showed."""
        lines = msgspec.to_builtins(run.proof_lines)
        record = self._record("proof", run.plan) | {"proof": run.proof.value, "lines": lines, "message": run.message}
        await asyncio.to_thread(self._append_ending, record)

    async def close_interrupted(self) -> None:
        """Record `interrupted` for each intent whose agent died before its outcome."""
        await asyncio.to_thread(self._close_interrupted)

    async def settle(self) -> None:
        """Write what is owed to the audit log."""
        await asyncio.to_thread(self._append)

    def _close_interrupted(self) -> None:
        for intent in open_intents(self.log):
            if _is_alive(str(intent.get("agent", ""))):
                continue
            kept = {key: intent.get(key, "") for key in ("plan", "action", "target", "subject", "cooldown", "undoes")}
            ending = {"event": "outcome", "outcome": Outcome.INTERRUPTED.value, "message": INTERRUPTED}
            self._append(kept | ending | {"at": self._now()})

    def _append(self, *records: Record) -> None:
        """Write what is owed, and then these."""
        with self._writing:
            while self._owed:
                self.log.append(self._owed[0])
                self._owed.popleft()
            for record in records:
                self.log.append(record)

    def _append_intent(self, record: Record, passed: tuple[str, ...], spill: bool) -> tuple[str, ...]:
        try:
            self._append(record)
        except AuditError:
            if not spill:
                raise
            passed = (*passed, "audit")
            record = record | {"passed": passed}
            if not send(msgspec.json.encode(record), self._system_log):
                raise
            self._owed.append(record)
        return passed

    def _append_ending(self, record: Record) -> None:
        """Append it, or leave it to the system's log for now: what is done can no longer be refused."""
        try:
            self._append(record)
        except AuditError as error:
            self._owed.append(record)
            if send(msgspec.json.encode(record), self._system_log):
                raise AuditError(f"{error}; the system's log has it") from error
            raise

    def _record(self, event: str, plan: Plan) -> Record:
        named = {"plan": plan.id, "action": plan.action, "target": plan.target, "subject": plan.subject}
        return {"event": event, "at": self._now(), **named}

    def _now(self) -> str:
        return datetime.fromtimestamp(self._clock.wall(), UTC).isoformat(timespec="milliseconds")


def open_intents(log: AuditLog) -> list[Record]:
    """Return the intents that no outcome follows, oldest first."""
    found: dict[str, Record] = {}
    for record in log.records():
        plan = str(record.get("plan", ""))
        if record.get("event") == "intent":
            found[plan] = record
        elif record.get("event") == "outcome":
            found.pop(plan, None)
    return list(found.values())


def process_mark(pid: int | str) -> str | None:
    """Return `BOOT/PID/START`, which no other process ever has; None when there is none, or it is dead (a zombie)."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            boot = file.read().strip()
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else f"{boot}/{pid}/{fields[19]}"


def _is_alive(mark: str) -> bool:
    _, _, rest = mark.partition("/")
    pid = rest.partition("/")[0]
    return pid.isdecimal() and process_mark(pid) == mark
