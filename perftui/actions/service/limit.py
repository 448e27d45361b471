"""`service.limit`: how much CPU and memory a unit may use, until the next boot; the old limits are the undo.

systemd.resource-control(5): CPUQuota is a share of one CPU and may exceed 100 %; above MemoryMax the kernel reclaims,
and kills in the unit where that is not enough. Needs the right to change units (polkit: manage-units).
"""

import asyncio
import math
import re
import shlex
from collections.abc import Sequence

import msgspec

from perftui.actions.contract import Action, Ask, Findings, Ground, Job, Receipt, Verdict
from perftui.actions.params import Params
from perftui.actions.service.evidence import evidence, oom_kills, state_words
from perftui.actions.service.identity import care, identity_of
from perftui.actions.service.manager import SystemdManager, manager_of
from perftui.actions.service.table import MOST_OFFERED, rows_for, watch_unit
from perftui.actions.service.verb import UNIT, refuse_missing
from perftui.config.settings import SourceSettings
from perftui.config.size import Size
from perftui.connect.systemctl import amount, length
from perftui.connect.units import Unit
from perftui.core.action import ActionInfo, Line, Offer, Param, Proof, Risk, Undo
from perftui.core.clock import Clock
from perftui.core.errors import DeadlineExceeded, Refused, SourceError, TargetChanged
from perftui.core.units import size

VERIFY_AFTER = 3.0
NONE = "none"
HEADROOM = 1.1
"""Times what it uses now: with less, a limit is reached at once."""
LEAST_MEMORY = 4096
MOST_CPU = 100_000.0
_PROPERTIES = ("Id", "CPUQuotaPerSecUSec", "MemoryMax")


class Limits(msgspec.Struct, frozen=True):
    """`cpu` is cores, `memory` bytes; None is no limit."""

    cpu: float | None
    memory: float | None


class _Work(msgspec.Struct, frozen=True):
    unit: Unit
    old: Limits
    new: Limits
    oom_kills: int


class ServiceLimit(Action):
    """Sets CPUQuota and MemoryMax of one unit at runtime."""

    info = ActionInfo(
        id="service.limit",
        title="Limit a service",
        key="s",
        risk=Risk.MEDIUM,
        reversible=True,
        kinds=("systemd",),
        params=(
            UNIT,
            Param(name="cpu", help="per cent of one CPU, such as 50% or 150%; none takes the limit away"),
            Param(name="memory", help="the most memory, such as 512MiB; none takes the limit away"),
        ),
    )

    def __init__(self, ground: Ground, clock: Clock, *, verify_after: float = VERIFY_AFTER) -> None:
        super().__init__(ground, clock)
        self._verify_after = verify_after

    def offers(self, target: SourceSettings, ask: Ask) -> Sequence[Offer]:
        """Return an offer for each unit that runs; which limit, who asks must say."""
        running = [row for row in rows_for(self.ground, target, ask) if row.is_up]
        return [self.offer(target, f"limit {row.unit}", unit=row.unit) for row in running[:MOST_OFFERED]]

    async def identity(self, target: SourceSettings, params: Params) -> dict[str, str]:
        """Return the unit's identity and the limits that it has."""
        manager = _manager(target)
        unit = await manager.one(params["unit"])
        return await self._identity(manager, unit, await _read(manager, unit.name))

    async def _identity(self, manager: SystemdManager, unit: Unit, old: Limits) -> dict[str, str]:
        known = identity_of(await manager.home(), unit, self.clock.wall())
        return known | {"cpu limit": str(old.cpu), "memory limit": str(old.memory)}

    async def plan(self, target: SourceSettings, params: Params) -> Findings:
        """Read the unit and its limits."""
        manager = _manager(target)
        unit = await manager.one(params["unit"])
        refuse_missing(target, unit)
        if not unit.is_up:
            raise Refused("unit", f"{unit.name} does not run", "start it first")
        old = await _read(manager, unit.name)
        new = _wanted(params, old)
        if new == old:
            raise Refused("parameters", f"{unit.name} has these limits already", "give other ones")
        warnings = _warnings(unit, new)
        return Findings(
            title=f"limit {unit.name}",
            command=shlex.join(
                manager.systemctl.words("set-property", "--runtime", unit.name, *_pairs(_changed(old, new)))
            ),
            identity=await self._identity(manager, unit, old),
            subject=unit.name,
            targets=(unit.name,),
            lines=(*_lines(old, new), *await evidence(manager, unit, self.clock.wall(), "active, the same process")),
            work=_Work(unit, old, new, oom_kills(unit.cgroup)),
            risk=Risk.HIGH if warnings else None,
            rests_on=(f"{unit.name} of {target.name}, just read",),
            unknown=() if unit.memory is not None else ("how much memory it uses: its accounting is off",),
            warnings=(*warnings, "it holds until the next boot: the unit's file is not changed"),
            watches=watch_unit(self.ground, target.name, unit.name, is_down=False),
        )

    async def apply(self, job: Job) -> Receipt:
        """Set them, and read them back."""
        manager, work = _manager(job.target), job.work
        name, old, new = work.unit.name, work.old, work.new
        unit = await manager.one(name)
        if await self._identity(manager, unit, await _read(manager, name)) != job.plan.identity:
            raise TargetChanged(f"{name} is not as it was previewed; preview it again")
        undo = self._undo(name, old, new)
        try:
            await manager.systemctl.set_runtime(name, _changed(old, new))
        except DeadlineExceeded as error:
            return Receipt(message="", problem=f"{error}; whether it was done is not known", failed=1, undo=undo)
        try:
            now = await _read(manager, name)
        except SourceError as error:
            return Receipt(message=f"limits of {name} set", problem=f"not read back: {error}", applied=1, undo=undo)
        if not _alike(now, new):
            problem = f"systemd shows other limits than were set: {_words(now)}"
            return Receipt(message="", problem=problem, failed=1, lines=_lines(old, now), undo=undo)
        message = f"{name}: {_words(new)}, until the next boot"
        return Receipt(message=message, applied=1, lines=_lines(old, now), undo=undo)

    def _undo(self, name: str, old: Limits, new: Limits) -> Undo:
        params = {"unit": name}
        if old.cpu != new.cpu:
            params["cpu"] = cpu_words(old.cpu)
        if old.memory != new.memory:
            params["memory"] = NONE if old.memory is None else f"{old.memory:.0f}"
        return Undo(action=self.info.id, params=params, title=f"the limits of before for {name}")

    async def verify(self, job: Job, receipt: Receipt) -> Verdict:
        """Look a little later whether they hold, and whether it still runs."""
        await asyncio.sleep(self._verify_after)
        manager, work = _manager(job.target), job.work
        unit, now = await manager.one(work.unit.name), await _read(manager, work.unit.name)
        wall, kills = self.clock.wall(), oom_kills(unit.cgroup)
        lines = (
            Line(f"{unit.name}, later", state_words(work.unit, wall), state_words(unit, wall)),
            *_lines(work.old, now),
        )
        same = unit.is_up and unit.pid == work.unit.pid and unit.restarts == work.unit.restarts
        if not same or kills > work.oom_kills:
            return Verdict(proof=Proof.WORSE, lines=lines)
        return Verdict(proof=Proof.HELD if _alike(now, work.new) else Proof.UNKNOWN, lines=lines)


def _manager(target: SourceSettings) -> SystemdManager:
    manager = manager_of(target)
    if not isinstance(manager, SystemdManager):
        raise Refused("target", f"{target.name} sets no limits", "choose a systemd source")
    return manager


async def _read(manager: SystemdManager, unit: str) -> Limits:
    blocks = await manager.systemctl.show([unit], _PROPERTIES)
    block = blocks[0] if blocks else {}
    return Limits(length(block.get("CPUQuotaPerSecUSec", "")), amount(block.get("MemoryMax", "")))


def _wanted(params: Params, old: Limits) -> Limits:
    """Return the limits that are wanted. Raises Refused for what cannot be read."""
    if not (params["cpu"] or params["memory"]):
        raise Refused("parameters", "no limit was given", "give cpu=… or memory=…")
    return Limits(_cpu(params["cpu"], old.cpu), _memory(params["memory"], old.memory))


def _cpu(text: str, old: float | None) -> float | None:
    if not text:
        return old
    if text == NONE:
        return None
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,2})?)\s*%?", text)
    if match is None or not 1.0 <= float(match[1]) <= MOST_CPU:
        raise Refused("parameters", f"cpu is {text}", f"give 1% to {MOST_CPU:.0f}%, or none")
    return float(match[1]) / 100.0


def _memory(text: str, old: float | None) -> float | None:
    if not text:
        return old
    if text == NONE:
        return None
    try:
        wanted = float(Size.parse(text))
    except ValueError:
        wanted = math.nan
    if not LEAST_MEMORY <= wanted < 2**63:
        raise Refused("parameters", f"memory is {text}", "give a size such as 512MiB, at least 4096 bytes, or none")
    return float(int(wanted))


def _warnings(unit: Unit, new: Limits) -> tuple[str, ...]:
    """Return what makes it dangerous."""
    found = []
    if new.memory is not None and unit.memory is not None and new.memory < unit.memory * HEADROOM:
        used, most = size(unit.memory), size(new.memory)
        found.append(f"it uses {used} now: with at most {most} the kernel takes pages from it, and kills in it")
    if why := care(unit):
        found.append(why)
    return tuple(found)


def _changed(old: Limits, new: Limits) -> dict[str, str]:
    """Return the assignments of systemctl for what changes; an empty CPUQuota takes it away."""
    pairs = {}
    if old.cpu != new.cpu:
        pairs["CPUQuota"] = "" if new.cpu is None else cpu_words(new.cpu)
    if old.memory != new.memory:
        pairs["MemoryMax"] = "infinity" if new.memory is None else f"{new.memory:.0f}"
    return pairs


def _pairs(assignments: dict[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in assignments.items()]


def _lines(old: Limits, new: Limits) -> tuple[Line, ...]:
    both = (
        Line("CPU at most", cpu_words(old.cpu), cpu_words(new.cpu)),
        Line("memory at most", memory_words(old.memory), memory_words(new.memory)),
    )
    return tuple(line for line in both if line.before != line.after) or both


def _words(limits: Limits) -> str:
    return f"CPU at most {cpu_words(limits.cpu)}, memory at most {memory_words(limits.memory)}"


def cpu_words(cores: float | None) -> str:
    """Return a CPU limit as systemctl takes it: `50%`, or none."""
    return NONE if cores is None else f"{cores * 100:.2f}".rstrip("0").rstrip(".") + "%"


def memory_words(most: float | None) -> str:
    """Return a memory limit as people read it, or none."""
    return NONE if most is None else str(size(most))


def _alike(one: Limits, other: Limits) -> bool:
    """Return whether they are the same but for rounding: memory is kept in pages, CPU in microseconds."""
    return _near(one.cpu, other.cpu, 1e-4) and _near(one.memory, other.memory, 65536.0)


def _near(one: float | None, other: float | None, most: float) -> bool:
    return one == other if one is None or other is None else abs(one - other) <= most
