"""From an offer to its proof: parameters, preview, confirmation, progress; what is refused is told on the way."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Protocol

from perftui.core.action import ActionInfo, Offer, Plan, Run
from perftui.core.errors import AgentUnavailable, PerftuiError, Refused
from perftui.core.series import SeriesId
from perftui.tui.dialogs.break_glass import BreakGlass
from perftui.tui.dialogs.form import Form
from perftui.tui.dialogs.notice import Notice
from perftui.tui.dialogs.params import missing, param_form
from perftui.tui.dialogs.progress import Does, Progress
from perftui.tui.dialogs.receipt import Receipt
from perftui.tui.dialogs.remedy import Preview, Targets
from perftui.tui.panes.deeds import deed_of, title_of

if TYPE_CHECKING:
    from perftui.tui.app import PerftuiApp


class Origin(Protocol):
    """The dialog from which a preview was asked for: it stays below, and closes with what is applied."""

    closed: bool

    def tell(self, words: str, role: str = "dim") -> None:
        """Say what goes on, or what went wrong."""


def begin(app: "PerftuiApp", offer: Offer, info: ActionInfo | None, alert: str, origin: Origin | None) -> None:
    """Preview an offer; ask for its parameters first where some that it needs are not known."""
    _Remedy(app, offer, info, alert, origin).begin()


def undo(app: "PerftuiApp", plan: str, origin: Origin | None = None) -> None:
    """Preview what takes a run back."""
    remedy = _Remedy(app, None, None, "", origin)
    app.start(remedy.ask(app.client.undo(plan), "undo"), "plan")


def show(app: "PerftuiApp", plan: str) -> None:
    """Open what is known of an action, by the id of its plan: its progress while it is under way, else its receipt."""
    first = deed_of(app.client.state, plan)
    if first is None:
        return
    if first.is_open:
        follow(app, plan)
        return
    can = None if app.is_read_only else lambda: undo(app, plan)
    app.open(
        Receipt(lambda: deed_of(app.client.state, plan) or first, lambda other: title_of(app.client.state, other), can)
    )


def follow(app: "PerftuiApp", plan: str, note: Callable[[Run], str] | None = None) -> Progress:
    """Open the progress of a run, by the id of its plan; `note` says what stands above it, as the run is then."""

    def run() -> Run | None:
        return next((each for each in app.client.state.runs if each.plan.id == plan), None)

    does = Does(
        cancel=lambda: app.start(_cancel(app, plan), "cancel"),
        undo=lambda: undo(app, plan),
        chart=lambda run: _chart(app, run),
    )
    progress = Progress(run, lambda: app.client.state.wall, app.clock, does, note)
    app.open(progress)
    return progress


class _Remedy:
    """One way from an offer to its proof; without an offer it is an undo, whose parameters are not ours to change."""

    def __init__(
        self, app: "PerftuiApp", offer: Offer | None, info: ActionInfo | None, alert: str, origin: Origin | None
    ) -> None:
        self._app = app
        self._offer = offer
        self._info = info
        self._alert = alert
        self._origin = origin
        self._form: Form | None = None
        self._shown: Preview | None = None

    def begin(self) -> None:
        """Ask for what is not known, or preview at once."""
        offer = self._offer
        if offer is None:
            return
        if self._info is not None and missing(self._info, offer.params):
            self._open_form(self._info, offer.params)
        else:
            self._app.start(self._plan(offer, offer.params), "plan")

    def _open_form(self, info: ActionInfo, given: Mapping[str, str]) -> None:
        offer = self._offer
        if offer is None:
            return

        def save(texts: dict[str, str]) -> None:
            self._app.start(self._plan(offer, texts), "plan")

        self._form = param_form(info, offer.target, given, save)
        self._app.open(self._form)

    async def _plan(self, offer: Offer, params: Mapping[str, str]) -> None:
        given = {name: text for name, text in params.items() if text}
        await self.ask(self._app.client.plan(offer.action, offer.target, given, self._alert), offer.title, given)

    async def ask(self, asking: Awaitable[Plan], title: str, given: Mapping[str, str] | None = None) -> None:
        """Ask for a plan and preview it; what is refused is told where it was asked for, what was typed stays."""
        app = self._app
        form = self._form = None if self._form is None or self._form.closed else self._form
        depth = len(app.dialogs)
        self._tell(f"planning: {title}", "dim")
        try:
            plan = await asking
        except PerftuiError as error:
            self._failed(error, None if self._was_left(depth) else given)
            return
        if self._was_left(depth):
            return
        self._tell("", "dim")
        for each in (form, self._shown):
            if each is not None:
                each.closed = True
        self._form = None
        app.close_finished()
        self._preview(plan)

    def _was_left(self, depth: int) -> bool:
        """Return whether a preview is no longer waited for: it was left, or something else was opened meanwhile."""
        closed = any(each is not None and each.closed for each in (self._form, self._origin))
        return closed or len(self._app.dialogs) != depth

    def _failed(self, error: PerftuiError, given: Mapping[str, str] | None) -> None:
        """Tell why there is no preview where it was asked for; where a parameter is to blame, ask for all of them.

        `given` are those that it was asked with, None where nobody waits for it any more.
        """
        why, info = str(error), self._info
        is_asked = isinstance(error, Refused) and error.check == "parameters" and self._has_params
        if is_asked and self._form is None and info is not None and given is not None:
            self._tell("", "dim")
            self._open_form(info, given)
        if self._form is not None:
            self._form.refuse(why)
            self._app.draw()
        elif self._origin is not None:
            self._tell(why, "warning")
        else:
            self._app.view.message = ""
            self._app.open(Notice("Not possible", [(why, "warning")]))

    def _tell(self, words: str, role: str) -> None:
        if self._form is not None:
            return
        if self._origin is not None:
            self._origin.tell(words, role)
            self._app.draw()
        else:
            self._app.say(words)

    def _preview(self, plan: Plan) -> None:
        app, status = self._app, self._app.client.state.sources.get(plan.target)
        preview = Preview(
            plan,
            app.clock,
            app.later,
            partial(self._start, plan, False),
            production=status is not None and status.production,
            edit=(lambda: self._edit(plan)) if self._offer is not None and self._has_params else None,
            targets=lambda: app.open(Targets(plan)),
            undone=title_of(app.client.state, plan.undoes) if plan.undoes else "",
        )
        self._shown = preview
        app.open(preview)

    @property
    def _has_params(self) -> bool:
        return self._info is not None and bool(self._info.params)

    def _edit(self, plan: Plan) -> None:
        """Change the parameters and preview anew; what was previewed before stays until then."""
        if self._info is not None:
            self._open_form(self._info, plan.params)

    def _start(self, plan: Plan, break_glass: bool, typed: str, reason: str) -> None:
        self._app.start(self._apply(plan, typed, reason, break_glass=break_glass), f"apply {plan.id}")

    async def _apply(self, plan: Plan, typed: str, reason: str, *, break_glass: bool = False) -> None:
        app = self._app
        if self._origin is not None:
            self._origin.closed = True
        app.started.add(plan.id)
        app.close_finished()
        progress = follow(app, plan.id)
        try:
            run = await app.client.apply(plan, typed, reason, break_glass=break_glass)
        except PerftuiError as error:
            progress.closed = True
            app.close_finished()
            self._refused(plan, error, reason)
        else:
            progress.begin(run)
            app.draw()

    def _refused(self, plan: Plan, error: PerftuiError, reason: str) -> None:
        """Say why nothing was done, and what can be done about it."""
        app = self._app
        if isinstance(error, Refused) and error.breakable:
            app.open(BreakGlass(plan, error, app.clock, app.later, partial(self._start, plan, True), reason=reason))
            return
        lost = isinstance(error, AgentUnavailable)
        doubt = "Whether it was begun is not known: the actions show it once the agent answers. It runs once at most."
        words = [(plan.title, "title"), (str(error), "warning"), *([(doubt, "text")] if lost else [])]
        again = None if lost else self._again(plan)
        app.open(Notice("No answer" if lost else "Not applied", words, "preview again", again))

    def _again(self, plan: Plan) -> Callable[[], None] | None:
        offer = self._offer
        if offer is None:
            return None
        self._origin = None
        return lambda: self._app.start(self._plan(offer, plan.params), "plan")


async def _cancel(app: "PerftuiApp", plan: str) -> None:
    try:
        await app.client.cancel(plan)
        app.say("cancelling: it stops before its next step")
    except PerftuiError as error:
        app.say(str(error))


def _chart(app: "PerftuiApp", run: Run) -> None:
    """Show the curve of what proves a run."""
    watch = run.plan.watches[0]
    app.view.series = SeriesId(watch.source, watch.metric, watch.attributes)
