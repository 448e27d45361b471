"""`o`: the health report, and its recommendations as one action."""

from functools import partial
from typing import TYPE_CHECKING

from perftui.core.action import Offer
from perftui.core.errors import PerftuiError
from perftui.tui import applying, remedies
from perftui.tui.dialogs.health import HealthDialog
from perftui.tui.panes.content import Row

if TYPE_CHECKING:
    from perftui.tui.app import PerftuiApp

OPTIMISE = "optimise.run"


def choose(app: "PerftuiApp", row: Row | None) -> None:
    """Open the health report; where nothing may be changed, it can be read. What else tunes the row is a key away."""
    if app.is_read_only:
        dialog = HealthDialog(None)
    else:
        more = partial(remedies.choose, app, "o", row)
        dialog = HealthDialog(lambda ids: _preview(app, dialog, ids), more)
    app.open(dialog)
    app.start(_ask(app, dialog), "health")


async def _ask(app: "PerftuiApp", dialog: HealthDialog) -> None:
    try:
        dialog.show(await app.client.health())
    except PerftuiError as error:
        dialog.tell(remedies.refusal_of(app, error), "warning")
    app.draw()


def _preview(app: "PerftuiApp", dialog: HealthDialog, ids: tuple[str, ...]) -> None:
    """Preview the chosen ones as one action on the host."""
    state = app.client.state
    info = next((each for each in state.actions if each.id == OPTIMISE), None)
    kinds = info.kinds if info is not None else ("system",)
    host = next((each.name for each in state.sources_of(*kinds)), "")
    if not host:
        dialog.tell("the host itself is not among the sources: nothing can be started on it", "warning")
        return
    offer = Offer(action=OPTIMISE, target=host, title="what was chosen", params={"choose": ",".join(ids)})
    applying.begin(app, offer, info, "", dialog)
