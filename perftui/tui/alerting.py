"""What the keys do with alerts: acknowledge, silence, filter, unfold, look closer."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from perftui.core.alert import Alert, AlertState, Silence
from perftui.core.errors import PerftuiError
from perftui.tui.dialogs.ack import AckDialog, alert_lines
from perftui.tui.dialogs.alert_details import AlertDetails
from perftui.tui.dialogs.question import Question
from perftui.tui.dialogs.silence import SilenceDialog
from perftui.tui.panes.alert_filter import AlertFilter, sources_of
from perftui.tui.panes.alert_words import is_over
from perftui.tui.panes.content import Row
from perftui.tui.panes.silence_rows import words_of
from perftui.tui.panes.state_words import clock_time

if TYPE_CHECKING:
    from perftui.tui.app import PerftuiApp


def acknowledge(app: "PerftuiApp", row: Row | None) -> None:
    """Ask for a note and acknowledge the alerts of a row, or offer to take an acknowledgement back."""
    alerts = _chosen(app, row)
    if not alerts:
        return
    fire = [alert for alert in alerts if not is_over(alert) and alert.state is not AlertState.PENDING]
    if not fire:
        app.say("it is over" if is_over(alerts[0]) else "it does not fire yet")
    elif all(alert.ack is not None for alert in fire):
        _offer_unack(app, fire)
    else:
        open_ = [alert for alert in fire if alert.ack is None]
        app.open(AckDialog(open_, lambda note: _each(app, open_, "ack", lambda key: app.client.ack(key, note))))


def silence(app: "PerftuiApp", row: Row | None) -> None:
    """Ask how wide and how long to silence the alerts of a row; on a silence offer to end it."""
    if row is not None and row.silence is not None:
        end_silence(app, row.silence)
        return
    alerts = _chosen(app, row)
    if alerts:
        dialog = SilenceDialog(lambda: app.client.state, alerts, lambda *wanted: _silence(app, dialog, *wanted))
        app.open(dialog)


def end_silence(app: "PerftuiApp", silence: Silence) -> None:
    """Ask whether a silence is to end."""
    if _is_refused(app):
        return
    words = f"{words_of(silence.matchers)}  by {silence.author}{': ' if silence.comment else ''}{silence.comment}"

    def end() -> None:
        app.start(_answer(app, app.client.unsilence(silence.id), "the silence has ended"), f"silence {silence.id}")

    app.open(Question("End this silence?", [[(words, "text")]], "y", "end it", end))


def choose(app: "PerftuiApp", change: Callable[[AlertFilter], AlertFilter]) -> None:
    """Change the filter of the screen of alerts, which is opened for it: on no other screen may an alert be missing."""
    view = app.view
    if view.focus != "alerts":
        app.say("this filters the alerts: go there first")
        return
    view.screen, view.maximised = "alerts", False
    view.choice = change(view.choice)
    view.release()


def next_source(app: "PerftuiApp") -> None:
    """Filter by the next source that has alerts."""
    choose(app, lambda choice: choice.next_source(sources_of(app.shown)))


def unfold(app: "PerftuiApp", row: Row) -> None:
    """Give each alert of a folded row one of its own, or fold them again."""
    app.view.unfolded = (app.view.unfolded or frozenset()) ^ {row.id}
    app.view.release()


def details(app: "PerftuiApp", row: Row, alert: Alert) -> None:
    """Show everything about an alert; how it ended before is asked of the agent once."""
    app.view.series = row.series
    acts = {"ack": acknowledge, "silence": silence}

    def act(key: str, alert: Alert) -> bool:
        does = acts.get(app.keymap.find(key) or "")
        if does is not None:
            does(app, replace(row, alert=alert))
        return does is not None

    keys = () if app.read_only else tuple((app.keymap.key_of(id), id) for id in acts)
    dialog = AlertDetails(lambda: app.shown, row, alert, act, keys, ascii=app.palette.ascii)
    app.open(dialog)

    async def ask() -> None:
        try:
            dialog.past = await app.client.ended(alert)
        except PerftuiError as error:
            dialog.past_problem = str(error)
        app.draw()

    app.start(ask(), "history of an alert")


def _chosen(app: "PerftuiApp", row: Row | None) -> tuple[Alert, ...]:
    """Return the alerts of a row; none, with the reason in the key bar, where nothing can be done."""
    alerts = () if row is None else row.folded or ((row.alert,) if row.alert is not None else ())
    if not alerts:
        app.say("select an alert first")
        return ()
    return () if _is_refused(app) else alerts


def _is_refused(app: "PerftuiApp") -> bool:
    if app.read_only:
        app.say("read-only: nothing can be changed from here")
    return app.read_only


def _offer_unack(app: "PerftuiApp", alerts: Sequence[Alert]) -> None:
    ack = alerts[0].ack
    who = f"by {ack.author} at {clock_time(ack.at)} UTC{': ' if ack.note else ''}{ack.note}" if ack else ""
    lines = [*alert_lines(alerts), [("acknowledged ", "dim"), (who, "text")]]
    app.open(
        Question("Take it back?", lines, "y", "take it back", lambda: _each(app, alerts, "unack", app.client.unack))
    )


def _each(app: "PerftuiApp", alerts: Sequence[Alert], name: str, request: Callable[[str], Awaitable[None]]) -> None:
    """Send a request for each alert, one after the other."""

    async def send() -> None:
        for alert in alerts:
            await request(alert.key)

    done = {"ack": "acknowledged", "unack": "taken back"}[name]
    app.start(_answer(app, send(), done), f"{name} {alerts[0].key}")


def _silence(app: "PerftuiApp", dialog: SilenceDialog, matchers: dict[str, str], seconds: float, comment: str) -> None:
    """Make a silence; the dialog stays open with the reason where the agent refuses it."""

    async def send() -> None:
        try:
            made = await app.client.silence(matchers, seconds, comment)
        except PerftuiError as error:
            if dialog.closed:
                app.say(str(error))
            dialog.refuse(str(error))
            app.draw()
            return
        dialog.closed = True
        app.close_finished()
        app.say(f"silenced until {clock_time(made.until)} UTC: {words_of(made.matchers)}")

    app.start(send(), f"silence {words_of(matchers)}")


async def _answer(app: "PerftuiApp", request: Awaitable[None], done: str) -> None:
    try:
        await request
    except PerftuiError as error:
        app.say(str(error))
    else:
        app.say(done)
