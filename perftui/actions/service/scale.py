"""`service.scale`: more or fewer workers of a group, within its bounds, until the true count is there."""

import asyncio
from collections.abc import Sequence
from fnmatch import fnmatchcase

import msgspec

from perftui.actions.contract import Action, Ask, Findings, Ground, Job, Receipt, Verdict
from perftui.actions.params import Params
from perftui.actions.service.evidence import evidence
from perftui.actions.service.groups import group_named, home_of, members_on, queue_watches, queues_of, unmeasured
from perftui.actions.service.manager import manager_of
from perftui.actions.service.scaling import CommandScaler, Reached, Scaler, Standing, UnitScaler
from perftui.actions.service.table import rows
from perftui.config.kinds import SystemdOptions
from perftui.config.remedies import ScaleGroup
from perftui.config.settings import SourceSettings
from perftui.core import matcher
from perftui.core.action import ActionInfo, Line, Offer, Param, ParamKind, Proof, Risk, Undo
from perftui.core.clock import Clock
from perftui.core.errors import Refused, TargetChanged
from perftui.core.units import seconds

VERIFY_AFTER = 3.0
WINDOW = 60.0
SHOWN_LOGS = 2


class _Work(msgspec.Struct, frozen=True):
    """The group as it was previewed, and how many of it ran."""

    group: ScaleGroup
    standing: Standing


class ServiceScale(Action):
    """Scales the groups that perftui.toml declares."""

    info = ActionInfo(
        id="service.scale",
        title="Scale workers",
        key="s",
        risk=Risk.MEDIUM,
        reversible=True,
        kinds=("systemd", "supervisor", "system"),
        params=(
            Param(name="group", help="a group of perftui.toml: [scale.NAME]", required=True, is_subject=True),
            Param(name="count", help="how many shall run", kind=ParamKind.INTEGER, required=True, least=0, most=10_000),
        ),
    )

    def __init__(self, ground: Ground, clock: Clock, *, verify_after: float = VERIFY_AFTER) -> None:
        super().__init__(ground, clock)
        self._verify_after = verify_after

    def offers(self, target: SourceSettings, ask: Ask) -> Sequence[Offer]:
        """Return one step up for each group on this target."""
        wanted = ask.params.get("group", "")
        return [
            self._offer(target, name, group, ask)
            for name, group in self.ground.settings.scale.items()
            if wanted in ("", name) and home_of(group, self.ground.sources) == target.name
        ]

    def _offer(self, target: SourceSettings, name: str, group: ScaleGroup, ask: Ask) -> Offer:
        labels = dict(ask.alert.attributes) if ask.alert is not None else {}
        asked = [labels["queue"]] if _works_on(group, labels.get("queue", "")) else []
        serves = tuple(dict.fromkeys([*asked, *(queue for *_, queue in queues_of(group, self.ground)), *group.queues]))
        known = set(members_on(target, group)) if group.unit else set()
        there = [row for row in rows(self.ground, target.name) if row.unit in known]
        running = sum(row.is_up for row in there)
        is_known = self._is_shown(target, group)
        note = f"{running} of at most {group.max} run" if is_known else f"at most {group.max}"
        loop = next((f"{row.unit}: {row.loop}" for row in there if row.loop), "")
        full = f"{running} of {group.max} run: more is not allowed" if is_known and running >= group.max else ""
        params = {"group": name}
        if is_known and not full:
            params["count"] = str(max(group.min, min(group.max, running + group.step)))
        offer = self.offer(target, f"scale {name}", note, **params)
        return msgspec.structs.replace(offer, blocked=full or loop, serves=serves)

    def _is_shown(self, target: SourceSettings, group: ScaleGroup) -> bool:
        """Return whether the table tells how many run: systemd forgets inactive instances, so none may mean none."""
        reading = self.ground.readings.get(target.name)
        if not group.unit or reading is None or "units" not in reading.tables or "units" in reading.denied:
            return False
        first = members_on(target, group)[0]
        patterns = target.options.units if isinstance(target.options, SystemdOptions) else ("*",)
        return any(fnmatchcase(first, pattern) for pattern in patterns)

    def runs_programs(self, params: Params) -> bool:
        """Return whether a program of the user's counts how many run."""
        group = self.ground.settings.scale.get(params["group"])
        return group is not None and bool(group.command)

    async def identity(self, target: SourceSettings, params: Params) -> dict[str, str]:
        """Return what the group is, and which of it run."""
        name = params["group"]
        return await self._scaler(target, name, self._group(target, name)).identity()

    async def plan(self, target: SourceSettings, params: Params) -> Findings:
        """Read the whole group."""
        name, count = params["group"], params.integer("count")
        group = self._group(target, name)
        scaler = self._scaler(target, name, group)
        _refuse_bounds(name, group, count)
        standing = await scaler.standing()
        scaler.refuse(standing, count, self.clock.wall())
        _refuse_step(name, group, standing.count, count)
        is_up = count > standing.count
        targets = scaler.targets(standing, count)
        return Findings(
            title=f"scale {name} from {standing.count} to {count}",
            command=scaler.typed(standing, count),
            identity=await scaler.identity(),
            targets=targets,
            lines=(
                Line(name, f"{standing.count} of at most {group.max} run", f"{count} run"),
                *await self._evidence(target, standing, targets, "active" if is_up else "inactive"),
            ),
            locks=tuple(unit.name for unit in standing.units if unit.exists),
            work=_Work(group, standing),
            bound=f"{count} of at most {group.max} workers, at most {group.step} at a time",
            rests_on=(f"the true count of {name}, just read",),
            unknown=(*_unknown(group), *unmeasured(group, self.ground)),
            warnings=("none of them will run",) if count == 0 else (),
            watches=queue_watches(group, self.ground, is_up=is_up),
            window=WINDOW,
        )

    async def _evidence(
        self, target: SourceSettings, standing: Standing, targets: Sequence[str], after: str
    ) -> list[Line]:
        """Return how the first of those that are changed ended, with their logs."""
        chosen = [unit for unit in standing.units if unit.name in targets]
        lines: list[Line] = []
        for unit in chosen[:SHOWN_LOGS]:
            lines += await evidence(manager_of(target), unit, self.clock.wall(), after)
        return lines

    async def apply(self, job: Job) -> Receipt:
        """Change it, and count."""
        name, count = job.params["group"], job.params.integer("count")
        work: _Work = job.work
        before = work.standing
        scaler = self._scaler(job.target, name, work.group)
        if await scaler.identity() != job.plan.identity:
            raise TargetChanged(f"{name} does not run as it was previewed; preview it again")
        reached = await scaler.change(job, before, count)
        now = "not known" if reached.count is None else f"{reached.count} run"
        changed = reached.told if reached.count is None else abs(reached.count - before.count)
        undo = Undo(
            action=self.info.id,
            params={"group": name, "count": str(before.count)},
            title=f"{name} back to {before.count}",
        )
        return Receipt(
            message=_words(name, reached, before.count, count)
            + ("; cancelled before the end" if reached.cancelled else ""),
            lines=(Line(name, f"{before.count} ran", now), *reached.lines),
            facts={"before": float(before.count)} | ({} if reached.count is None else {"count": float(reached.count)}),
            complete=not reached.cancelled,
            applied=min(changed, job.plan.count) if work.group.unit else int(changed > 0),
            left=reached.left,
            failed=reached.failed,
            problem=reached.problem,
            undo=undo if changed or reached.failed or reached.cancelled else None,
        )

    async def verify(self, job: Job, receipt: Receipt) -> Verdict:
        """Count again a little later: what has just started may have ended."""
        await asyncio.sleep(self._verify_after)
        name, count = job.params["group"], job.params.integer("count")
        work: _Work = job.work
        standing = await self._scaler(job.target, name, work.group).standing()
        loops = _new_loops(standing, work.standing, self.clock.wall())
        first = f"{receipt.facts['count']:.0f} run" if "count" in receipt.facts else "not known"
        lines = [Line(f"{name}, later", first, f"{standing.count} run")]
        lines += [Line("crashes", loop) for loop in loops[:3]]
        is_up = count > receipt.facts["before"]
        if loops or standing.count < min(count, receipt.facts["before"]):
            return Verdict(proof=Proof.WORSE, lines=tuple(lines))
        is_there = standing.count >= count if is_up else standing.count == count
        return Verdict(proof=Proof.HELD if is_there else Proof.UNCHANGED, lines=tuple(lines))

    def _group(self, target: SourceSettings, name: str) -> ScaleGroup:
        """Return a group of this target, as the settings have it now. Raises Refused."""
        group = group_named(self.ground.settings.scale, name)
        home = home_of(group, self.ground.sources)
        if home != target.name:
            raise Refused("target", f"{name} is scaled on {home or 'no source that there is'}", "choose that target")
        return group

    def _scaler(self, target: SourceSettings, name: str, group: ScaleGroup) -> Scaler:
        if group.command:
            return CommandScaler(name, group, self.clock)
        return UnitScaler(group, manager_of(target), self.clock)


def _words(name: str, reached: Reached, before: int, count: int) -> str:
    if reached.count is not None:
        return f"{name}: {reached.count} of {count} run"
    told = f"; {reached.told} were told to {'start' if count > before else 'stop'}" if reached.told else ""
    return f"{name}: how many run now is not known{told}"


def _works_on(group: ScaleGroup, queue: str) -> bool:
    return bool(queue) and any(matcher.fits(pattern, queue) for pattern in group.queues)


def _new_loops(standing: Standing, before: Standing, now: float) -> list[str]:
    """Return what crashes again and again now and did not before."""
    old = {unit.name for unit in before.units if unit.crash_loop(now)}
    found = ((unit.name, unit.crash_loop(now)) for unit in standing.units if unit.name not in old)
    return [f"{name}: {loop}" for name, loop in found if loop]


def _refuse_bounds(name: str, group: ScaleGroup, count: int) -> None:
    if not group.min <= count <= group.max:
        remedy = "choose another, or change min and max in perftui.toml"
        raise Refused("limits", f"{name} runs {group.min} to {group.max}, not {count}", remedy)


def _refuse_step(name: str, group: ScaleGroup, now: int, count: int) -> None:
    if count == now:
        raise Refused("parameters", f"{count} of {name} run already", "choose another count")
    if abs(count - now) > group.step:
        remedy = f"choose {now + group.step if count > now else now - group.step}, or raise step in perftui.toml"
        raise Refused("limits", f"{name} changes by at most {group.step} at a time, and {now} run", remedy)


def _unknown(group: ScaleGroup) -> tuple[str, ...]:
    late = f"how long it takes; after {seconds(group.deadline)} it is left as it is then"
    return (late, "what the command does, and whether what it starts crashes") if group.command else (late,)
