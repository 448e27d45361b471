"""What the audit log remembers of earlier runs, of this agent and of others that share the log."""

import asyncio
from collections.abc import Mapping

import msgspec

from perftui.actions.audit.log import AuditLog, Record
from perftui.actions.audit.rows import folded, seconds_of, text, wall_of
from perftui.actions.audit.writer import DEADLINE
from perftui.actions.contract import Action, lock_of
from perftui.actions.frame.recent import Recent
from perftui.core.action import AuditRow, Outcome
from perftui.core.aside import ask_aside
from perftui.core.clock import Clock
from perftui.core.errors import AuditError, DeadlineExceeded

MOST_ROWS = 500


class Past:
    """Follows the audit log: a row an action, the newest 500, and from each record what `recent` must know.

    No record makes a cooldown longer than that of its action among `actions`.
    """

    def __init__(self, log: AuditLog, clock: Clock, recent: Recent, actions: Mapping[str, Action]) -> None:
        self.rows: dict[str, AuditRow] = {}
        self._log = log
        self._clock = clock
        self._recent = recent
        self._actions = actions
        self._place = 0
        self._reading = asyncio.Lock()

    async def refresh(self) -> None:
        """Take in what was written since the last time. Raises AuditError."""
        async with self._reading:
            try:
                looked = ask_aside(str(self._log.path), lambda: self._log.since(self._place), DEADLINE, key=self)
                records, self._place = await looked
            except DeadlineExceeded as error:
                raise AuditError(str(error)) from error
            for record in records:
                self._take_in(record)

    def is_undone(self, plan: str) -> bool:
        """Return whether a run was taken back, as far as the log tells."""
        row = self.rows.get(plan)
        return row is not None and row.undone

    def _take_in(self, record: Record) -> None:
        plan = text(record, "plan", "?")
        row = folded(self.rows.get(plan), record)
        if row is None:
            return
        self.rows[plan] = row
        while len(self.rows) > MOST_ROWS:
            del self.rows[next(iter(self.rows))]
        ago = max(0.0, self._clock.wall() - (wall_of(record) or 0.0))
        if record.get("event") == "intent":
            self._recent.began(plan, row.target, ago)
        elif record.get("event") == "outcome":
            action = self._actions.get(row.action)
            cooldown = min(seconds_of(record, "cooldown"), action.cooldown if action is not None else 0.0)
            self._recent.rest(row.action, lock_of(row.target, row.subject), cooldown - ago)
            self._mark_undone(row)

    def _mark_undone(self, row: AuditRow) -> None:
        undone = self.rows.get(row.undoes)
        if undone is not None and row.outcome == Outcome.SUCCEEDED:
            self.rows[row.undoes] = msgspec.structs.replace(undone, undone=True)
