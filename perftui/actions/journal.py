"""What is written to the audit log, and when: an intent before the first step, an outcome at the end."""

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from perftui.actions.audit import AuditLog, Record
from perftui.actions.contract import Actor
from perftui.actions.system_log import SYSTEM_LOG, send
from perftui.core.action import Outcome, Plan, Run
from perftui.core.clock import Clock
from perftui.core.errors import AuditError


class Journal:
    """Writes the records of actions. All methods raise AuditError."""

    def __init__(self, log: AuditLog, clock: Clock, system_log: Path = SYSTEM_LOG) -> None:
        self._log = log
        self._clock = clock
        self._system_log = system_log

    async def intent(self, plan: Plan, actor: Actor) -> None:
        """Record who is about to do what; returns once it is on disk."""
        record = self._record("intent", plan) | {
            "digest": plan.digest,
            "identity": plan.identity,
            "targets": plan.targets,
            "params": plan.params,
            "command": plan.command,
            "risk": plan.risk.value,
            "who": msgspec.to_builtins(actor),
            "agent": process_mark(os.getpid()) or f"{os.getpid()}",
        }
        await asyncio.to_thread(self._log.append, record)

    async def outcome(self, run: Run) -> None:
        """Record how it ended."""
        record = self._record("outcome", run.plan) | {
            "outcome": run.outcome.value,
            "message": run.message,
            "lines": msgspec.to_builtins(run.lines),
        }
        await asyncio.to_thread(self._append_ending, record)

    async def proof(self, run: Run) -> None:
        """Record what the second reading showed."""
        record = self._record("proof", run.plan) | {"proof": run.proof.value, "lines": msgspec.to_builtins(run.lines)}
        await asyncio.to_thread(self._append_ending, record)

    async def close_interrupted(self) -> list[Record]:
        """Record `interrupted` for each intent whose agent died before its outcome, and return those intents."""
        return await asyncio.to_thread(self._close_interrupted)

    def _close_interrupted(self) -> list[Record]:
        dead = [intent for intent in open_intents(self._log) if not _is_alive(str(intent.get("agent", "")))]
        for intent in dead:
            record = {key: intent.get(key, "") for key in ("plan", "action", "target")}
            self._log.append(record | {"event": "outcome", "outcome": Outcome.INTERRUPTED.value, "at": self._now()})
        return dead

    def _append_ending(self, record: Record) -> None:
        """Append it, or leave it to the system's log: what is done can no longer be refused."""
        try:
            self._log.append(record)
        except AuditError as error:
            if send(msgspec.json.encode(record), self._system_log):
                raise AuditError(f"{error}; the system's log has it") from error
            raise

    def _record(self, event: str, plan: Plan) -> Record:
        return {"event": event, "at": self._now(), "plan": plan.id, "action": plan.action, "target": plan.target}

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


def wall_of(record: Record) -> float | None:
    """Return when a record was written (wall seconds), None when it does not say."""
    try:
        return datetime.fromisoformat(str(record.get("at"))).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def process_mark(pid: int | str) -> str | None:
    """Return `BOOT/PID/START`, which no other process ever has; None when there is no such process."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            boot = file.read().strip()
        with open(f"/proc/{pid}/stat") as file:
            started = file.read().rpartition(")")[2].split()[19]
    except OSError:
        return None
    return f"{boot}/{pid}/{started}"


def _is_alive(mark: str) -> bool:
    _, _, rest = mark.partition("/")
    pid = rest.partition("/")[0]
    return pid.isdecimal() and process_mark(pid) == mark
