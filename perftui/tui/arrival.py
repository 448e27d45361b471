"""What a console shows first when it arrives: the action that runs already, whoever started it."""

from typing import TYPE_CHECKING

from perftui.core.action import Outcome, Run
from perftui.tui import applying
from perftui.tui.panes.runs import is_open
from perftui.tui.view import HOLD

if TYPE_CHECKING:
    from perftui.tui.app import PerftuiApp

_NO_KEY = -HOLD
"""The moment of the last key where there was none."""


def show_running(app: "PerftuiApp") -> None:
    """Open the progress of what runs or is being proved, once, while no key was pressed.

    Whoever works here already must not find a dialog under their fingers: the header and the alerts tell them.
    """
    found = next((run for run in app.client.state.runs if is_open(run)), None)
    if found is None or app.started or app.dialogs or app.prompt is not None or app.view.last_key != _NO_KEY:
        return
    app.started.add(found.plan.id)
    applying.follow(app, found.plan.id, _note)


def _note(run: Run) -> str:
    """Return who started it, in the words for how it stands now."""
    who = run.who or "another console or a script"
    if run.outcome is Outcome.RUNNING:
        return f"This runs already, started by {who}."
    return (
        f"This was done a moment ago and is being proved, started by {who}." if is_open(run) else f"Started by {who}."
    )
