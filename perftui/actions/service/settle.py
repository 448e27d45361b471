"""Waiting until units are where an action wants them, or have ended elsewhere, or the time is up."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence

import msgspec

from perftui.actions.contract import Report
from perftui.actions.service.manager import POLL, Manager
from perftui.connect.units import Unit
from perftui.core.clock import Clock
from perftui.core.units import seconds

Ended = Callable[[Unit], str | None]
"""Says how a unit ended: None while it is under way, empty when it is where it should be, else why it is not."""


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """How it ended: each unit as it was last read, and `ends` as Ended says; late or cancelled, some are None."""

    units: tuple[Unit, ...]
    ends: tuple[str | None, ...]
    cancelled: bool = False

    @property
    def done(self) -> list[Unit]:
        """Those that are where they should be."""
        return [unit for unit, end in zip(self.units, self.ends, strict=True) if end == ""]

    @property
    def missed(self) -> list[tuple[Unit, str]]:
        """Those that ended elsewhere, and why."""
        return [(unit, end) for unit, end in zip(self.units, self.ends, strict=True) if end]

    @property
    def waiting(self) -> list[Unit]:
        """Those that are still under way."""
        return [unit for unit, end in zip(self.units, self.ends, strict=True) if end is None]


async def settle(
    manager: Manager,
    names: Sequence[str],
    ended: Ended,
    *,
    deadline: float,
    clock: Clock,
    report: Report,
    cancelled: asyncio.Event,
) -> Settled:
    """Read the units again and again until all have ended, at most `deadline` seconds. Raises SourceError."""
    start = clock.monotonic()
    while True:
        units = tuple(await manager.read(names))
        ends = tuple(ended(unit) for unit in units)
        passed = clock.monotonic() - start
        is_over = None not in ends or passed >= deadline
        if is_over or cancelled.is_set():
            return Settled(units=units, ends=ends, cancelled=not is_over)
        done = sum(end is not None for end in ends)
        first = next(unit for unit, end in zip(units, ends, strict=True) if end is None)
        report(done / len(units), f"{first.name} is {first.active} ({first.sub}), {seconds(passed)}")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(POLL):
                await cancelled.wait()


def ended_start(unit: Unit) -> str | None:
    """Say how a start ended."""
    if unit.job:  # queued: what failed before shows its old state until then
        return None
    if unit.is_waiting_to_restart:
        return f"it ended at once and is about to be restarted: {unit.exit or 'no reason given'}"
    if unit.active == "failed":
        return f"it failed: {unit.exit or unit.result or 'no reason given'}"
    if unit.active == "active" or (unit.is_oneshot and unit.active == "inactive" and unit.result == "success"):
        return ""
    if unit.active == "inactive":
        return f"it ended at once: {unit.exit or unit.result or 'no reason given'}"
    return None


def ended_restart(before: Unit) -> Ended:
    """Return what says how a restart of `before` ended: a run of the old invocation is none."""

    def ended(unit: Unit) -> str | None:
        is_old = before.is_up and unit.is_up and bool(unit.invocation) and unit.invocation == before.invocation
        return None if is_old else ended_start(unit)

    return ended


def ended_stop(unit: Unit) -> str | None:
    """Say how a stop ended."""
    return "" if unit.active in ("inactive", "failed") and not unit.job else None


def ended_reload(unit: Unit) -> str | None:
    """Say how a reload ended."""
    if unit.job or unit.active == "reloading":
        return None
    if unit.active != "active":
        return f"it is {unit.active} now: {unit.exit or unit.result}"
    return "its reload command failed" if unit.reload_failed else ""
