"""The guard: the one place that decides whether a planned action may run now.

In this order: read-only, role, the plan's age, a fresh look at the target, locks, limits, cooldown, freeze windows, a
reason, confirmation. A refusal names the check and how to change it. Break-glass passes limits, cooldown and freeze
windows, and an audit log that takes nothing (see the runner); it never passes the others. What takes a run back passes
cooldown and freeze windows by itself.
"""

import asyncio
from collections.abc import Iterable, Iterator

import msgspec

from perftui.actions.contract import Action, Actor, Ground, confirmation_for, digest_of
from perftui.actions.frame.limits import Objection, cooldown, freeze, frozen, limits, within_limits
from perftui.actions.frame.recent import Recent
from perftui.actions.params import Params
from perftui.config.settings import SourceSettings
from perftui.core.action import Plan
from perftui.core.clock import Clock
from perftui.core.errors import DeadlineExceeded, Refused, TargetChanged
from perftui.core.text import clean
from perftui.core.units import seconds

LOOK_DEADLINE = 5.0
FILE_READ_ONLY = "perftui.toml makes this agent read-only, by read_only = true or by a mistake in it"
FILE_REMEDY = "change it there and reload"
FLAG_READ_ONLY = "the agent was started with --read-only"
FLAG_REMEDY = "start it without"


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the checks look at; `others` are the sources that the plan touches beside its target."""

    action: Action
    plan: Plan
    target: SourceSettings
    others: tuple[SourceSettings, ...] = ()
    actor: Actor
    confirmation: str
    reason: str = ""
    break_glass: bool = False


class Admission(msgspec.Struct, frozen=True):
    """What was passed by break-glass, and what there is to warn of."""

    passed: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class Guard:
    """Admits an attempt, and then holds the locks of its plan until `release`.

    `read_only` is the agent's own flag. From the look at the target on, all is checked in one step of the event loop:
    of any number of attempts at once, one gets the lock.
    """

    def __init__(self, ground: Ground, clock: Clock, recent: Recent, *, read_only: bool = False) -> None:
        self._ground = ground
        self._clock = clock
        self._recent = recent
        self._read_only = read_only
        self._held: dict[str, Plan] = {}

    async def admit(self, attempt: Attempt) -> Admission:
        """Take the locks of the plan. Raises Refused or TargetChanged, and SourceError when it cannot be looked at."""
        attempt = await self._check_to_the_look(attempt)
        self._check_lock(attempt.plan)
        passed = self._check_breakable(attempt, len(self._held))
        self._check_reason(attempt)
        _check_confirmation(attempt)
        self._held[attempt.plan.id] = attempt.plan
        return Admission(passed, (*self.stale(attempt.plan), *self._thawed(attempt.plan)))

    async def admit_part(self, part: Attempt) -> tuple[str, ...]:
        """Check a part of a plan that was admitted; return the checks that break-glass passed. Raises as `admit`."""
        part = await self._check_to_the_look(part)
        _check_parts_confirmation(part)
        return self._check_breakable(part, running=0)

    def release(self, plan: Plan) -> None:
        """Give the locks back."""
        self._held.pop(plan.id, None)

    def outlook(self, plan: Plan) -> tuple[str, ...]:
        """Return what the guard will look at, and what it would object to now; looks at nothing outside."""
        sources = [self._ground.sources[name] for name in (plan.target, *plan.touches) if name in self._ground.sources]
        locked = next(iter(self._locked(sources)), None)
        holder = self._holder(plan)
        rules, now = self._ground.settings.actions, self._clock.wall()
        limit = limits(plan, rules, len(self._held), self._recent)
        rest, frozen_now = cooldown(plan, self._recent), freeze(plan, rules, now)
        lines = [
            f"read-only: {locked[0]}" if locked else "",
            f"lock: {holder.action} runs on {clean(_lock(holder), 80)}" if holder else "",
            limit.short if limit else within_limits(plan, rules),
            rest.short if rest else "cooldown: none",
            frozen_now.short if frozen_now else "",
            *self._thawed(plan),
        ]
        return tuple(line for line in lines if line)

    def outlook_of_parts(self, parts: Iterable[Plan]) -> tuple[str, ...]:
        """Return what the guard would object to now in the parts of a plan."""
        return tuple(
            f"part {part.action} on {clean(_lock(part), 80)}: {objection.short}"
            for part in parts
            for objection in self._objections(part, running=0)[:1]
        )

    @property
    def may_break(self) -> bool:
        """Whether limits, cooldown, freeze windows and a log that takes nothing may be passed by break-glass."""
        return self._ground.settings.actions.break_glass

    def needs_reason(self, plan: Plan) -> bool:
        """Return whether a reason must be given for a plan."""
        return plan.risk in self._ground.settings.actions.require_reason

    def stale(self, plan: Plan) -> tuple[str, ...]:
        """Return a warning for each source, read for the plan or for its proof, whose figures are old."""
        names = dict.fromkeys((plan.target, *plan.touches, *(watch.source for watch in plan.watches)))
        return tuple(self._age(name) for name in names if not self._ground.is_fresh(name))

    def why_read_only(self, source: SourceSettings) -> str:
        """Return why nothing may be changed on a source by anybody; empty when it may."""
        return next((reason for reason, _ in self._locked([source])), "")

    def check_preview(self, action: Action, source: SourceSettings, params: Params, *, read_only: bool) -> None:
        """Let a preview run a program only where something may be changed. Raises Refused.

        `read_only` tells that whoever asks attached with that flag.
        """
        if not action.runs_programs(params):
            return
        for reason, remedy in self._locked([source], read_only=read_only):
            raise Refused("read-only", f"its preview runs a program, and {reason}", remedy)

    def _thawed(self, plan: Plan) -> tuple[str, ...]:
        """Return which freeze window a plan passes because it takes something back."""
        objection = frozen(plan, self._ground.settings.actions, self._clock.wall()) if plan.undoes else None
        return () if objection is None else (f"freeze window: passed, since this takes back ({objection.short})",)

    def _age(self, name: str) -> str:
        reading = self._ground.readings.get(name)
        if reading is None:
            return f"{name} has not been read yet: what is shown of it proves nothing"
        age = seconds(max(0.0, self._clock.monotonic() - reading.monotonic))
        return f"{name} was last read {age} ago: what is shown of it is old"

    def _locked(self, sources: Iterable[SourceSettings], *, read_only: bool = False) -> Iterator[tuple[str, str]]:
        """Yield each reason why nothing may be changed on these sources by anybody, and its remedy.

        With `read_only` by whoever asks, too: he attached with that flag.
        """
        if self._read_only:
            yield FLAG_READ_ONLY, FLAG_REMEDY
        if self._ground.settings.read_only:
            yield FILE_READ_ONLY, FILE_REMEDY
        for source in sources:
            if source.read_only:
                yield f"[sources.{source.name}] says read_only = true", FILE_REMEDY
        if read_only:
            yield "you attached with --read-only", "attach without it"

    async def _check_to_the_look(self, attempt: Attempt) -> Attempt:
        """Check all up to the look at the target, and look; return the attempt on its sources as they are set now."""
        self._check_before(attempt)
        await _check_target(attempt)
        attempt = self._afresh(attempt)
        self._check_before(attempt)  # again: looking took time, in which the settings may have changed
        return attempt

    def _afresh(self, attempt: Attempt) -> Attempt:
        """Return the attempt on its sources as they are set now. Raises TargetChanged where one leads elsewhere."""
        target, *others = [self._again(source) for source in (attempt.target, *attempt.others)]
        return msgspec.structs.replace(attempt, target=target, others=tuple(others))

    def _again(self, before: SourceSettings) -> SourceSettings:
        now = self._ground.sources.get(before.name)
        if now is None or (now.kind, now.options, now.address) != (before.kind, before.options, before.address):
            raise TargetChanged(f"{before.name}: its settings have just changed; preview it again")
        return now

    def _check_before(self, attempt: Attempt) -> None:
        """Check who and whether at all: read-only, role, the plan's age."""
        for reason, remedy in self._locked((attempt.target, *attempt.others), read_only=attempt.actor.read_only):
            raise Refused("read-only", reason, remedy)
        if attempt.actor.role != "admin":
            reason = f"a {attempt.actor.role} may look and not act"
            raise Refused("role", reason, "ask root or the agent's owner to do it")
        if self._clock.monotonic() >= attempt.plan.expires:
            raise Refused("plan", "its preview is too old", "preview it again")

    def _holder(self, plan: Plan) -> Plan | None:
        return next((held for held in self._held.values() if _exclude(held.locks, plan.locks)), None)

    def _check_lock(self, plan: Plan) -> None:
        holder = self._holder(plan)
        if holder is not None:
            reason = f"{holder.action} runs on {clean(_lock(holder), 80)}"
            raise Refused("lock", reason, "wait for its end or cancel it")

    def _check_breakable(self, attempt: Attempt, running: int) -> tuple[str, ...]:
        """Return the checks that break-glass passed; without it, the first that objects refuses."""
        if attempt.break_glass:
            self._check_break_glass(attempt)
        objections = self._objections(attempt.plan, running)
        if objections and not attempt.break_glass:
            raise objections[0].refusal(breakable=self.may_break)
        return tuple(each.check for each in objections)

    def _objections(self, plan: Plan, running: int) -> list[Objection]:
        rules = self._ground.settings.actions
        found = (
            limits(plan, rules, running, self._recent),
            cooldown(plan, self._recent),
            freeze(plan, rules, self._clock.wall()),
        )
        return [each for each in found if each is not None]

    def _check_break_glass(self, attempt: Attempt) -> None:
        if not self.may_break:
            raise Refused("break-glass", "perftui.toml says break_glass = false in [actions]", FILE_REMEDY)
        if not attempt.reason:
            raise Refused("reason", "break-glass needs a reason", "say why")

    def _check_reason(self, attempt: Attempt) -> None:
        if self.needs_reason(attempt.plan) and not attempt.reason:
            reason = f"[actions] require_reason wants one for {attempt.plan.risk} risk"
            raise Refused("reason", reason, "say why")


def _lock(plan: Plan) -> str:
    return f"{plan.target}/{plan.subject}" if plan.subject else plan.target


def _exclude(some: Iterable[str], others: Iterable[str]) -> bool:
    """Return whether two sets of locks exclude each other: the same subject, or a whole target and anything of it."""
    mine, theirs = [lock.partition("/") for lock in some], [lock.partition("/") for lock in others]
    return any(
        source == other and (subject == another or not subject or not another)
        for source, _, subject in mine
        for other, _, another in theirs
    )


async def _check_target(attempt: Attempt) -> None:
    """Look at the target again: it must be the very one that was planned for."""
    try:
        async with asyncio.timeout(LOOK_DEADLINE):
            now = await attempt.action.identity(attempt.target, Params(attempt.plan.params))
    except TimeoutError as error:
        raise DeadlineExceeded(f"{attempt.target.name} did not answer within {LOOK_DEADLINE:.0f} s") from error
    if digest_of(attempt.plan, now) == attempt.plan.digest:
        return
    planned, name = attempt.plan.identity, attempt.target.name
    for each in {**planned, **now}:
        was, found = clean(planned.get(each, "nothing"), 60), clean(now.get(each, "nothing"), 60)
        if was != found:
            raise TargetChanged(f"{name}: {each} was {was} and is {found} now; preview it again")
    raise TargetChanged(f"{name}: it is not what was previewed; preview it again")


def _check_confirmation(attempt: Attempt) -> None:
    wanted = confirmation_for(attempt.plan.risk, attempt.target, *attempt.others)
    if attempt.break_glass:
        wanted = attempt.target.name
    if attempt.confirmation != wanted:
        reason = "nothing was confirmed" if not attempt.confirmation else "that does not confirm it"
        raise Refused("confirmation", reason, f"type {wanted}")


def _check_parts_confirmation(part: Attempt) -> None:
    """Refuse a part whose whole was confirmed by `y` where more has been wanted since, as on a new production."""
    if part.confirmation == "y" and confirmation_for(part.plan.risk, part.target, *part.others) != "y":
        raise Refused("confirmation", f"{part.target.name} wants its name typed by now", "preview it again")
