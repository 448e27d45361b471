"""The guard: the one place that decides whether a planned action may run now.

In this order: read-only, role, the plan's age, a fresh look at the target, its lock, limits, cooldown, confirmation.
A refusal names the check and how to change it.
"""

import asyncio

import msgspec

from perftui.actions.contract import Action, Actor, confirmation_for, digest_of
from perftui.actions.params import Params
from perftui.config.settings import Settings, SourceSettings
from perftui.core.action import Plan
from perftui.core.clock import Clock
from perftui.core.errors import DeadlineExceeded, Refused, TargetChanged
from perftui.core.text import clean

MOST_AT_ONCE = 4
LOOK_DEADLINE = 5.0


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the checks look at."""

    action: Action
    plan: Plan
    target: SourceSettings
    settings: Settings
    actor: Actor
    confirmation: str


class Guard:
    """Admits an attempt, and then holds the lock of its target until `release`.

    `read_only` is the agent's own flag. The caller admits one attempt at a time.
    """

    def __init__(self, clock: Clock, *, read_only: bool = False) -> None:
        self._clock = clock
        self._read_only = read_only
        self._locks: dict[str, Plan] = {}
        self._rest_until: dict[tuple[str, str], float] = {}

    async def admit(self, attempt: Attempt) -> None:
        """Take the lock of the target. Raises Refused or TargetChanged, and SourceError when it cannot be looked at."""
        self._check_read_only(attempt)
        _check_role(attempt.actor)
        self._check_age(attempt.plan)
        await _check_target(attempt)
        self._check_lock(attempt.plan)
        self._check_limits()
        self._check_cooldown(attempt.plan)
        _check_confirmation(attempt)
        self._locks[attempt.plan.target] = attempt.plan

    def release(self, plan: Plan, cooldown: float) -> None:
        """Give the lock back; the same action leaves the target alone for `cooldown` seconds."""
        self._locks.pop(plan.target, None)
        self._rest_until[plan.action, plan.target] = self._clock.monotonic() + cooldown

    def _check_read_only(self, attempt: Attempt) -> None:
        name = attempt.target.name
        for locked, reason, remedy in (
            (self._read_only, "the agent was started with --read-only", "start it without"),
            (attempt.settings.read_only, "perftui.toml says read_only = true", "change it there and reload"),
            (attempt.target.read_only, f"[sources.{name}] says read_only = true", "change it there and reload"),
            (attempt.actor.read_only, "you attached with --read-only", "attach without it"),
        ):
            if locked:
                raise Refused("read-only", reason, remedy)

    def _check_age(self, plan: Plan) -> None:
        if self._clock.monotonic() >= plan.expires:
            raise Refused("plan", "its preview is too old", "preview it again")

    def _check_lock(self, plan: Plan) -> None:
        holder = self._locks.get(plan.target)
        if holder is not None:
            raise Refused("lock", f"{holder.action} runs on {plan.target}", "wait for its end or cancel it")

    def _check_limits(self) -> None:
        if len(self._locks) >= MOST_AT_ONCE:
            raise Refused("limits", f"{MOST_AT_ONCE} actions run already", "wait for one to end or cancel it")

    def _check_cooldown(self, plan: Plan) -> None:
        left = self._rest_until.get((plan.action, plan.target), 0.0) - self._clock.monotonic()
        if left > 0:
            raise Refused("cooldown", f"{plan.action} has just run on {plan.target}", f"try again in {left:.0f} s")


def _check_role(actor: Actor) -> None:
    if actor.role != "admin":
        raise Refused("role", f"a {actor.role} may look and not act", "ask root or the agent's owner to do it")


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
    wanted = confirmation_for(attempt.plan.risk, attempt.target)
    if attempt.confirmation != wanted:
        reason = "nothing was confirmed" if not attempt.confirmation else "that does not confirm it"
        raise Refused("confirmation", reason, f"type {wanted}")
