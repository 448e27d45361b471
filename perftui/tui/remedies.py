"""From the key to the proof: pick an action for the selected source, preview it, confirm it, follow it."""

from typing import TYPE_CHECKING

from perftui.client.state import State
from perftui.core.action import ActionInfo, Plan, Run
from perftui.core.errors import PerftuiError
from perftui.tui.dialogs.menu import Item, Menu
from perftui.tui.dialogs.remedy import Preview, Progress
from perftui.tui.panes.content import Row
from perftui.tui.widgets.text import left

if TYPE_CHECKING:
    from perftui.tui.app import PerftuiApp


def choose(app: "PerftuiApp", row: Row | None) -> None:
    """Show what can be done with the source of a row, or else with any source that something can be done with."""
    state = app.client.state
    if app.is_read_only:
        app.say("read-only: nothing can be changed from here")
        return
    chosen = row.source if row is not None else ""
    offers = _offers(state, [chosen]) or _offers(state, sorted(state.sources))
    if not offers:
        app.say("there is no source here that an action works on")
        return
    title = f"Remedies for {chosen}" if offers[0][1] == chosen else "Remedies"
    menu = Menu(title, [_item(*offer) for offer in offers], lambda id: _plan(app, offers, id), verb="preview")
    app.open(menu)


def _offers(state: State, sources: list[str]) -> list[tuple[ActionInfo, str]]:
    """Return the actions that work on these sources, each with its source."""
    statuses = [state.sources[name] for name in sources if name in state.sources]
    return [(action, each.name) for each in statuses for action in state.actions if each.kind in action.kinds]


def _plan(app: "PerftuiApp", offers: list[tuple[ActionInfo, str]], id: str) -> None:
    action, source = next(offer for offer in offers if _item(*offer).id == id)
    app.start(_preview(app, action.id, source), "plan")


def _item(action: ActionInfo, source: str) -> Item:
    undo = "undo yes" if action.reversible else "undo no"
    line = [
        (left(action.title, 44), "text"),
        (left(source, 18), "dim"),
        (left(action.risk.value, 8), "text"),
        (undo, "dim"),
    ]
    return Item(f"{action.id} {source}", f"{action.id} {action.title} {source}", line)


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
