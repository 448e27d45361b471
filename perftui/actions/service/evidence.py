"""What stands in the preview of a service: how it is, why it ended, its last log lines, whether memory ran out."""

import time
from collections.abc import Iterable
from pathlib import Path

from perftui.actions.service.manager import Manager
from perftui.connect.units import Unit
from perftui.core.action import Line
from perftui.core.errors import SourceError
from perftui.core.units import seconds, size

CGROUPS = Path("/sys/fs/cgroup")


async def evidence(manager: Manager, unit: Unit, now: float, after: str) -> tuple[Line, ...]:
    """Return the lines of a preview; `now` in wall seconds, `after` the state that it will be in."""
    lines = [Line(unit.name, state_words(unit, now), after)]
    lines += [Line("ended", unit.exit)] if unit.exit else []
    lines += [Line("restarts", f"{unit.restarts} by its manager")] if unit.restarts else []
    lines += [Line("memory", str(size(unit.memory)))] if unit.memory is not None else []
    lines += [Line("out of memory", words)] if (words := out_of_memory(unit)) else []
    return (*lines, *await _log(manager, unit))


def state_words(unit: Unit, now: float) -> str:
    """Return its state and since when: `failed since 02:11:58 UTC (3m09s)`."""
    words = unit.active if unit.sub in ("", unit.active) else f"{unit.active} ({unit.sub})"
    if unit.since is None:
        return words
    at = time.gmtime(unit.since)
    ago = seconds(max(0.0, now - unit.since))
    day = "" if now - unit.since < 86400 else time.strftime("%Y-%m-%d ", at)
    return f"{words} since {day}{time.strftime('%H:%M:%S', at)} UTC ({ago})"


def out_of_memory(unit: Unit) -> str:
    """Return what speaks for the memory having run out in it; empty when nothing does."""
    if unit.result == "oom-kill":
        return "the kernel killed it, or a process of it"
    kills = oom_kills(unit.cgroup)
    return f"the kernel killed {kills} of its processes since it started" if kills else ""


def oom_kills(cgroup: str) -> int:
    """Return how often the kernel killed in a control group (v2, memory.events); 0 where that cannot be read."""
    if not cgroup.startswith("/") or ".." in cgroup.split("/"):
        return 0
    try:
        text = Path(f"{CGROUPS}{cgroup}/memory.events").read_text()
    except (OSError, ValueError):
        return 0
    pairs = dict(line.split(" ", 1) for line in text.splitlines() if " " in line)
    kills = pairs.get("oom_kill", "0").strip()
    return int(kills) if kills.isdecimal() else 0


async def _log(manager: Manager, unit: Unit) -> Iterable[Line]:
    try:
        lines = await manager.log(unit)
    except SourceError as error:
        return [Line("log", f"cannot be read: {error}")]
    return [Line("log", line) for line in lines] or [Line("log", "no line that this account may read")]
