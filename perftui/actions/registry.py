"""The explicit table of actions, and the runner that offers them."""

from collections.abc import Callable

from perftui.actions.audit import AuditLog
from perftui.actions.cleanup.expired import CleanupExpired
from perftui.actions.contract import Action, Ground
from perftui.actions.journal import Journal
from perftui.actions.runner import ActionRunner
from perftui.config.paths import state_dir
from perftui.core.action import Run
from perftui.core.clock import Clock


def action_runner(
    ground: Ground, clock: Clock, on_runs: Callable[[tuple[Run, ...]], None], *, read_only: bool = False
) -> ActionRunner:
    """Return a runner of every action, which audits to the user's state folder; `start` it in the running loop."""
    actions: tuple[Action, ...] = (CleanupExpired(ground, clock),)
    journal = Journal(AuditLog(state_dir()), clock)
    table = {action.info.id: action for action in actions}
    return ActionRunner(table, ground, clock, journal, on_runs, read_only=read_only)
