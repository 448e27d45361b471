"""Closes the planned connections one after the other, each looked at again right before, and counts."""

import asyncio

from perftui.actions.cleanup.connection_words import number_of
from perftui.actions.cleanup.sleepers import Connection, Session, read_sessions
from perftui.actions.contract import Job, Receipt
from perftui.actions.pace import Pacer
from perftui.core.action import Line
from perftui.core.clock import Clock
from perftui.core.errors import BadAnswer, Denied, SourceError


class Closing:
    """Closes one connection after the other, and counts."""

    def __init__(self, link: Connection, job: Job, clock: Clock, grant: str) -> None:
        self._link = link
        self._job = job
        self._clock = clock
        self._grant = grant
        self._pacer = Pacer(0.0, 1)
        self.closed: list[Session] = []
        self.left: list[Session] = []
        self.failed = 0
        self.problem = ""
        self.complete = True

    async def run(self, planned: tuple[Session, ...]) -> None:
        """Close them until it is cancelled. Raises SourceError once `problem` says what broke off."""
        for number, session in enumerate(planned):
            if self._job.cancelled.is_set():
                self.complete = False
                return
            started = self._clock.monotonic()
            try:
                await self._close(session)
            except SourceError as error:
                self.problem = f"broke off after {len(self.closed)} of {len(planned)}: {error}"
                self.complete = False
                raise
            self._job.report((number + 1) / len(planned), f"{len(self.closed)} of {len(planned)} closed")
            took = self._clock.monotonic() - started
            await asyncio.sleep(self._pacer.pause(took, took))

    async def _close(self, session: Session) -> None:
        (now,) = await read_sessions(self._link, session.id) or (None,)
        if not session.is_still(now):
            self.left.append(session)
            return
        try:
            await self._link.rows(f"KILL CONNECTION {session.id:d}")
        except Denied as error:
            self.failed += 1
            self.problem = f"{error}; {self._grant}"
        except BadAnswer:
            # It went by itself in between: error 1094, no such thread.
            if await read_sessions(self._link, session.id):
                raise
            self.left.append(session)
        else:
            self.closed.append(session)

    def receipt(self, planned: int, before: int) -> Receipt:
        """Return what was done."""
        rolled = sum(each.transaction is not None for each in self.closed)
        lines = [Line("connections closed", f"{planned:,} planned", f"{len(self.closed):,}")]
        if self.left:
            words = ", ".join(f"#{each.id}" for each in self.left[:10]) + (" …" if len(self.left) > 10 else "")
            lines.append(Line("left alone: awake, gone or another by now", after=words))
        if rolled:
            lines.append(Line("transactions rolled back", after=f"{rolled:,}"))
        end = "" if self.complete or self.problem else "; cancelled before the end"
        return Receipt(
            message=f"{len(self.closed):,} of {number_of(planned)} closed{end}",
            lines=tuple(lines),
            facts={"connections": float(before)},
            complete=self.complete,
            applied=len(self.closed),
            left=len(self.left),
            failed=self.failed,
            problem=self.problem,
        )
