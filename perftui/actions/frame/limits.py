"""The checks that break-glass passes: limits, cooldown, freeze windows. Pure: each says what it objects to, or None."""

from typing import NamedTuple

from perftui.actions.contract import lock_of
from perftui.actions.frame.recent import Recent
from perftui.config.freeze import covers, holds, words
from perftui.config.remedies import ActionRules, Freeze
from perftui.core.action import Plan
from perftui.core.errors import Refused
from perftui.core.text import clean
from perftui.core.units import percent, seconds


class Objection(NamedTuple):
    """What a check has against a plan; `short` is how a preview says it."""

    check: str
    reason: str
    remedy: str
    short: str

    def refusal(self, *, breakable: bool) -> Refused:
        """Return the error for whom it refuses; that of a freeze says who may pass it."""
        remedy = self.remedy
        if self.check == "freeze":
            who = "an admin may pass it by break-glass" if breakable else "nobody may pass it by break-glass"
            remedy = f"{remedy}; {who}"
        return Refused(self.check, self.reason, remedy, breakable=breakable)


def limits(plan: Plan, rules: ActionRules, running: int, recent: Recent) -> Objection | None:
    """Object to too many at once, too many targets, too great a share, or too many within an hour."""
    table = "in [actions]"
    within = recent.within_hour(plan.target)
    if running >= rules.max_running:
        return _limit(f"{running} actions run already", "wait for one to end or cancel it")
    if plan.count > rules.max_targets:
        words = f"{plan.count:,} targets, and at most {rules.max_targets:,} are allowed"
        return _limit(words, f"narrow it, or raise max_targets {table}")
    if plan.share is not None and plan.share > rules.max_share:
        words = f"{percent(plan.share)} of all there is, and at most {percent(rules.max_share)} are allowed"
        return _limit(words, f"narrow it, or raise max_share {table}")
    if within >= rules.per_hour:
        words = f"{within} actions ran on {plan.target} within the hour, and at most {rules.per_hour} are allowed"
        return _limit(words, f"wait, or raise per_hour {table}")
    return None


def within_limits(plan: Plan, rules: ActionRules) -> str:
    """Return how much of its limits a plan takes, for its preview: of the one that binds."""
    if plan.bound:
        return f"limits: {plan.bound}"
    of_all = "" if plan.share is None else f", {percent(plan.share)} of at most {percent(rules.max_share)}"
    return f"limits: {plan.count:,} of at most {rules.max_targets:,} targets{of_all}"


def cooldown(plan: Plan, recent: Recent) -> Objection | None:
    """Object while the same action has just run on the same subject; never to what takes it back."""
    lock = lock_of(plan.target, plan.subject)
    left = recent.resting(plan.action, lock)
    if plan.undoes or left <= 0:
        return None
    said = str(seconds(max(1.0, round(left))))
    return Objection(
        "cooldown", f"{plan.action} has just run on {clean(lock, 80)}", f"try again in {said}", f"cooldown: {said} left"
    )


def freeze(plan: Plan, rules: ActionRules, wall: float) -> Objection | None:
    """Object while a freeze window holds for the target or for what else is touched; never to what takes it back."""
    return None if plan.undoes else frozen(plan, rules, wall)


def frozen(plan: Plan, rules: ActionRules, wall: float) -> Objection | None:
    """Return what a freeze window would have against it, whatever it is."""
    for each in rules.freeze:
        touched = next((name for name in (plan.target, *plan.touches) if covers(each, name)), None)
        end = _end(each, wall) if touched is not None else None
        if touched is not None and end is not None:
            why = f": {clean(each.reason)}" if each.reason else ""
            until = words(end, wall)
            reason = f"no action runs on {touched} until {until} UTC{why}"
            return Objection("freeze", reason, "wait, or change [[actions.freeze]]", f"frozen until {until}{why}")
    return None


def _end(window: Freeze, wall: float) -> float | None:
    """Return until when it holds; one that cannot be read, which the configuration refuses, never does."""
    try:
        return holds(window, wall)
    except ValueError:
        return None


def _limit(reason: str, remedy: str) -> Objection:
    return Objection("limits", reason, remedy, f"limits: {reason}")
