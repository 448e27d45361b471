"""From the key to the proof: pick an action for the selected source, preview it, confirm it, follow it."""

from typing import TYPE_CHECKING

from perftui.core.action import ActionInfo, Plan, Run
from perftui.core.errors import PerftuiError
from perftui.tui.dialogs.menu import Item, Menu
from perftui.tui.dialogs.remedy import Preview, Progress
from perftui.tui.panes.content import Row
from perftui.tui.widgets.text import left

if TYPE_CHECKING:
    from perftui.tui.app import PerftuiApp


def choose(app: "PerftuiApp", row: Row | None) -> None:
    """Show what can be done with the source of a row; say why where nothing can."""
    status = app.client.state.sources.get(row.source) if row is not None else None
    welcome = app.client.state.welcome
    if app.view.read_only or (welcome is not None and welcome.read_only):
        app.say("read-only: actions are not bound")
        return
    if status is None or row is None:
        app.say("select a cache first (tab to its pane, then the arrows)")
        return
    offered = [action for action in app.client.state.actions if status.kind in action.kinds]
    if not offered:
        app.say(f"there is no action for {row.source} ({status.kind})")
        return
    source = row.source
    items = [_item(action, source) for action in offered]
    app.open(
        Menu(f"Remedies for {source}", items, lambda id: app.start(_preview(app, id, source), "plan"), verb="preview")
    )


def _item(action: ActionInfo, source: str) -> Item:
    undo = "undo yes" if action.reversible else "undo no"
    line = [
        (left(action.title, 44), "text"),
        (left(source, 18), "dim"),
        (left(action.risk.value, 8), "text"),
        (undo, "dim"),
    ]
    return Item(action.id, f"{action.id} {action.title}", line)


async def _preview(app: "PerftuiApp", action: str, source: str) -> None:
    app.say(f"planning {action} on {source}")
    try:
        plan = await app.client.plan(action, source, {})
    except PerftuiError as error:
        app.say(str(error))
        return
    app.view.message = ""
    status = app.client.state.sources.get(source)
    app.open(
        Preview(
            plan,
            app.clock,
            app.later,
            lambda typed: app.start(_apply(app, plan, typed), "apply"),
            production=status is not None and status.production,
        )
    )


async def _apply(app: "PerftuiApp", plan: Plan, typed: str) -> None:
    def run() -> Run | None:
        return next((each for each in app.client.state.runs if each.plan.id == plan.id), None)

    progress = Progress(run, lambda: app.client.state.wall, lambda: app.start(_cancel(app, plan), "cancel"))
    app.open(progress)
    try:
        await app.client.apply(plan, typed)
    except PerftuiError as error:
        progress.closed = True
        app.close_finished()
        app.say(str(error))


async def _cancel(app: "PerftuiApp", plan: Plan) -> None:
    try:
        await app.client.cancel(plan.id)
        app.say("cancelling: it stops before its next step")
    except PerftuiError as error:
        app.say(str(error))
