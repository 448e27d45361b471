"""The console: one screen, drawn once a second from the client's state, and after each key."""

import asyncio
import locale
import os
from collections.abc import Callable, Mapping
from typing import Any

from textual import events
from textual.app import ComposeResult
from textual.driver import Driver
from textual.worker import Worker, WorkerState

from perftui.client.contract import Client
from perftui.client.state import Link, State
from perftui.config.load import Loaded
from perftui.config.settings import Settings
from perftui.core.action import Outcome
from perftui.core.clock import Clock, SystemClock
from perftui.core.errors import ConfigError
from perftui.core.text import clean
from perftui.tui import arrival, commands
from perftui.tui.attention import Attention
from perftui.tui.console_screen import ConsoleScreen
from perftui.tui.dialogs.base import Dialog
from perftui.tui.guard import GuardedApp
from perftui.tui.keys import Keymap
from perftui.tui.layout import PANES, Box, Boxes, arrange, is_narrow, is_tiny, tabs
from perftui.tui.palette import Palette
from perftui.tui.panes import compose, header, keybar
from perftui.tui.panes.content import Content
from perftui.tui.panes.state_words import says_read_only
from perftui.tui.preferences import usable_keys, usable_theme
from perftui.tui.theme import load
from perftui.tui.view import View
from perftui.tui.widgets import chart
from perftui.tui.widgets.lines import LinesWidget
from perftui.tui.widgets.paint import paint
from perftui.tui.widgets.prompt import Prompt
from perftui.tui.widgets.text import Line, fit

FAREWELL = 1.0
"""Seconds that the agent has to take our goodbye before we leave without: one that missed it would stay for long."""
RESTART = 2.0
"""Seconds until the client is started again that ended by a defect."""
CLIENT = "client"


class PerftuiApp(GuardedApp, inherit_bindings=False):
    """The console as a Textual app; a theme or keys that cannot be used are told on the screen, and no obstacle."""

    ENABLE_COMMAND_PALETTE = False
    TITLE = "perftui"

    def __init__(
        self,
        client: Client,
        settings: Settings,
        *,
        read_only: bool = False,
        reread: Callable[[], Loaded] | None = None,
        clock: Clock | None = None,
        environ: Mapping[str, str] = os.environ,
        driver_class: type[Driver] | None = None,
    ) -> None:
        """`reread` reads the user's file again; it blocks."""
        super().__init__(driver_class=driver_class, ansi_color=True)
        self.client = client
        self.settings = settings
        self.clock = clock or SystemClock()
        self.environ = environ
        self.reread = reread
        self.view = View()
        self.keymap = usable_keys(settings, self.view.notes)
        theme = usable_theme(settings, environ, self.view.notes)
        self.palette = Palette(theme, ascii=settings.ascii or _is_poor(environ))
        self.dialogs: list[Dialog] = []
        self.prompt: Prompt | None = None
        self.attention = Attention()
        self.canvas = LinesWidget(self.palette, id="canvas")
        self.console_screen = ConsoleScreen(id="console")
        self.boxes: Boxes = {}
        self.read_only = read_only
        self.started: set[str] = set()
        self._seen: tuple[object, ...] = ()
        self._moment = 0
        self._watched: frozenset[str] = frozenset()
        self._tables: frozenset[str] = frozenset()
        self._contents: dict[str, tuple[tuple[object, ...], Content]] = {}
        self._panes: dict[str, tuple[Content, tuple[object, ...], list[Line]]] = {}

    # Life ----------------------------------------------------------------------------------------------------------

    def get_default_screen(self) -> ConsoleScreen:
        """Return the one screen."""
        return self.console_screen

    def compose(self) -> ComposeResult:
        """Yield the one widget that everything is drawn on: it knows best which cells changed."""
        yield self.canvas

    def on_mount(self) -> None:
        """Follow the client, and draw."""
        self.client.on_change = self._changed
        self._watch()
        self._follow()
        self.start(self._load_chart(), "chart")
        self._second()

    def _follow(self) -> None:
        self.start(self.client.run(), CLIENT)

    async def _load_chart(self) -> None:
        """Import plotext in a thread, once the first picture stands and keys answer; the console does without, too."""
        await asyncio.sleep(0.2)
        try:
            await asyncio.to_thread(chart.load)
        except (OSError, ImportError) as error:
            self.view.notes["chart"] = f"the chart cannot be drawn: {clean(str(error))}"
        self.draw()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Tell what a worker died of; the one that follows the agent begins anew, its figures are no longer live."""
        error, name = event.worker.error, event.worker.name
        if event.state is WorkerState.SUCCESS:
            self.view.notes.pop(f"{name} ended", None)
        if event.state is not WorkerState.ERROR or error is None:
            return
        words = f"a defect of perftui ended its {name}: {type(error).__name__}: {clean(str(error))}"
        self.view.notes[f"{name} ended"] = words
        if name == CLIENT:
            self.client.state.link = Link.LOST
            self.client.state.link_note = f"the client failed; starting it again in {RESTART:.0f} s"
            self.set_timer(RESTART, self._follow)
        self.refresh_state()

    def _second(self) -> None:
        """Draw, and again when the next second of the shown clock begins."""
        self.refresh_state()
        self.set_timer(1.02 - self.client.state.wall % 1.0, self._second)

    def _changed(self) -> None:
        """Draw at once what must not wait for the second: the link, a first reading, an action, what fires."""
        state = self.client.state
        seen = (
            state.link,
            frozenset(state.readings),
            state.runs,
            frozenset((each.key, each.severity, each.state, each.ack, each.mutes) for each in state.alerts.firing),
            state.alerts.silences,
            state.agent and (state.agent.notes, state.agent.read_only),
        )
        if seen != self._seen:
            self._seen = seen
            arrival.show_running(self)
            self.refresh_state()

    def refresh_state(self) -> None:
        """Draw the state as it is now; while the picture is held still, only what is not part of it."""
        self.client.tick()
        if self.attention.observe(self.client.state, self.clock.monotonic()) and self.settings.bell:
            self.to_terminal("\a")
        if self.view.frozen is None:
            self._moment += 1
        self.draw()

    def to_terminal(self, sequence: str) -> None:
        """Send what draws nothing: the bell, or text for the clipboard."""
        if self._driver is not None:
            self._driver.write(sequence)
            self._driver.flush()

    def _watch(self) -> None:
        """Ask the client for the past of what the screen shows: the sparklines, and the chart."""
        charted = compose.charted(self.shown, self.view)
        wanted = compose.WATCHED | {charted.metric} if charted else compose.WATCHED
        if wanted != self._watched:
            self._watched = wanted
            self.client.watch(wanted)

    def _ask_tables(self) -> None:
        """Ask the client for the tables that the screen shows, and no others."""
        wanted = frozenset().union(
            *(compose.tables(pane, self.shown, self.view) for pane in self.boxes),
            *(dialog.tables for dialog in self.dialogs),
        )
        if wanted != self._tables:
            self._tables = wanted
            self.client.show_tables(wanted)

    async def leave(self) -> None:
        """Say goodbye to the agent, briefly, and end."""
        try:
            async with asyncio.timeout(FAREWELL):
                await self.client.bye()
        except TimeoutError:
            pass
        self.exit()

    @property
    def is_read_only(self) -> bool:
        """Whether no action is bound: by our own flag, or by what the agent says now."""
        return self.read_only or says_read_only(self.client.state)

    @property
    def is_acting(self) -> bool:
        """Whether an action runs."""
        return any(run.outcome is Outcome.RUNNING for run in self.client.state.runs)

    # Drawing -------------------------------------------------------------------------------------------------------

    @property
    def shown(self) -> State:
        """The state that is drawn: the present, or the moment at which the picture was paused."""
        return self.view.frozen or self.client.state

    def draw(self) -> None:
        """Bring the screen up to date; only the cells that changed are repainted."""
        if not self.is_running:
            return
        width, height = self.size
        state, view = self.shown, self.view
        self.boxes = arrange(width, height, view.screen, view.focus, view.maximised, compose.needs(state))
        self._watch()
        self._ask_tables()
        parts = [(box, self._part(name, box)) for name, box in self.boxes.items()]
        if (news := self.attention.draw(width, self.clock.monotonic())) and not is_tiny(width, height):
            parts.append(news)
        if self.dialogs and not is_tiny(width, height):
            parts.append(self.dialogs[-1].draw(width, height))
            self.dialogs[-1].drawn()
        if pieces := self.canvas.show(paint(parts, width, height), self.palette):
            self.console_screen.write(self.canvas, pieces)

    def _part(self, name: str, box: Box) -> list[Line]:
        """Return the lines of one box of the layout."""
        match name:
            case "header":
                return self._header(box)
            case "tabs":
                panes = tabs(compose.needs(self.shown))
                return [keybar.tabs(self.shown, panes, self.view.focus, box.width, self.keymap)]
            case "keys":
                return [self._keys(box.width)]
        return self._pane(name, box)

    def _pane(self, name: str, box: Box) -> list[Line]:
        """Return the lines of a pane; drawn anew only when its content or its part of the view changed."""
        content = self.content(name, box)
        known = self._panes.get(name)
        if known is not None and known[0] is content and known[1] == compose.looks(name, self.view):
            return known[2]
        lines = compose.draw(name, content, self.view, box, self.clock.monotonic())
        self._panes[name] = (content, compose.looks(name, self.view), lines)
        return lines

    def content(self, name: str, box: Box) -> Content:
        """Return what a pane has to say; gathered anew only when the state changed, or what it is asked."""
        key = (self._moment, box, compose.asks(name, self.view))
        known = self._contents.get(name)
        if known is None or known[0] != key:
            content = compose.content(name, self.shown, self.view, box, ascii=self.palette.ascii)
            known = self._contents[name] = (key, content)
        return known[1]

    def panes(self) -> list[str]:
        """Return the panes that Tab goes through."""
        width, height = self.size
        if self.view.screen == "overview" and is_narrow(width, height) and not self.view.maximised:
            return [*tabs(compose.needs(self.shown)), "alerts"]
        return [pane for pane in PANES if pane in self.boxes]

    def _header(self, box: Box) -> list[Line]:
        frozen = self.view.frozen
        paused = None if frozen is None else self.client.state.wall - frozen.wall
        line = header.draw(self.client.state, box.width, paused_for=paused, read_only=self.is_read_only)
        return [line, *[fit([], box.width)] * (box.height - 1)]

    def _keys(self, width: int) -> Line:
        if self.prompt is not None:
            return fit([*self.prompt.draw(), ("   enter keep   esc clear", "dim")], width)
        pane = None if self.dialogs else self.view.focus
        return keybar.draw(self.keymap, pane, width, self.view.message, read_only=self.is_read_only)

    def on_resize(self, event: events.Resize) -> None:
        """Draw for the new size."""
        self.call_after_refresh(self.draw)

    # Keys ----------------------------------------------------------------------------------------------------------

    async def on_event(self, event: events.Event) -> None:
        """Take keys at once: Textual would hand them to its screen first, and get them back two queues later."""
        if isinstance(event, events.Key):
            await self.on_key(event)
        else:
            await super().on_event(event)

    async def on_key(self, event: events.Key) -> None:
        """Give a key to the dialog on top, to the text being typed, or to the keymap."""
        event.stop()
        self.view.last_key = self.clock.monotonic()
        self.view.message = ""
        self.attention.dismiss()
        if event.key == "ctrl+c":
            await commands.interrupt(self)
        elif event.key == "ctrl+z":
            self.action_suspend_process()
        elif self.dialogs:
            self._press_dialog(event.key, event.character)
        elif self.prompt is not None:
            commands.type_filter(self, event.key, event.character)
        elif (id := self.keymap.find(event.key)) is not None:
            await commands.run(self, id)
        self.draw()

    def on_paste(self, event: events.Paste) -> None:
        """Take pasted text as text, where text is asked for; it never is keys."""
        event.stop()
        if self.dialogs:
            self.dialogs[-1].paste(event.text)
        elif self.prompt is not None:
            self.prompt.paste(event.text)
            commands.filter_by(self, self.prompt.text)
        self.draw()

    def _press_dialog(self, key: str, character: str | None) -> None:
        self.dialogs[-1].press(key, character)
        self._drop_finished()

    def _drop_finished(self) -> None:
        self.dialogs = [dialog for dialog in self.dialogs if not dialog.closed]

    def close_finished(self) -> None:
        """Take away the dialogs that are closed."""
        self._drop_finished()
        self.draw()

    def open(self, dialog: Dialog) -> None:
        """Put a dialog on top."""
        self.dialogs.append(dialog)
        self.draw()

    def say(self, message: str) -> None:
        """Show a line in the key bar until the next key."""
        self.view.message = message
        self.draw()

    def later(self, seconds: float, call: Callable[[], None]) -> object:
        """Call something after some seconds, then draw."""

        def ring() -> None:
            call()
            self.close_finished()

        return self.set_timer(seconds, ring)

    def use_theme(self, name: str) -> None:
        """Switch to a theme; one that cannot be used leaves the old one and says why."""
        try:
            theme = load(name, self.environ)
        except ConfigError as error:
            self.say(str(error))
            return
        self.palette = Palette(theme, ascii=self.palette.ascii)
        self.draw()

    def use(self, settings: Settings) -> None:
        """Take the keys and the theme of a file that was read again, both or none. Raises ConfigError."""
        keymap, theme = Keymap(settings.keys), load(settings.theme, self.environ)
        for topic in ("keys", "theme"):
            self.view.notes.pop(topic, None)
        self.keymap = keymap
        self.palette = Palette(theme, ascii=settings.ascii or _is_poor(self.environ))
        self.settings = settings
        self.draw()

    def start(self, work: Any, name: str) -> None:
        """Run something beside the drawing; what it may die of is told on the screen."""
        self.run_worker(work, name=name, group=name, exclusive=True, exit_on_error=False)


def _is_poor(environ: Mapping[str, str]) -> bool:
    """Return whether the terminal has no more than ASCII: its locale says so, or it is the Linux console."""
    return environ.get("TERM") == "linux" or locale.getpreferredencoding(False).lower().replace("-", "") != "utf8"
