"""From the early frame to the console: the slow half of the start, imported behind the frame."""

import asyncio
import os
import sys
from functools import partial
from typing import NoReturn

import msgspec

from perftui.cli.agent_start import AgentStart
from perftui.cli.main import Options
from perftui.client.agent_client import AgentClient
from perftui.client.state import Link
from perftui.config.load import Loaded, read
from perftui.config.paths import config_file
from perftui.tui import theme
from perftui.tui.app import PerftuiApp
from perftui.tui.console_driver import TerminalDriver, driver_for
from perftui.tui.guard import guard
from perftui.tui.terminal import Terminal, Wakeup


def hand_over(options: Options, agent: AgentStart, terminal: Terminal, wakeup: Wakeup, typed: bytes) -> NoReturn:
    """Run the console on the screen that stands, `typed` being its first keys, and end the process."""
    client = AgentClient(options.socket, options.config, read_only=options.read_only, child=agent.child)
    app = _app(options, client, driver_for(terminal, typed))
    with guard(app, terminal, wakeup):
        # Not asyncio.run, which would wait at its end for tasks and threads that the app has already said goodbye to.
        app.run(mouse=False, loop=asyncio.new_event_loop())
    if app.failure is not None:
        raise app.failure
    if app.return_code == 0 and client.state.link is not Link.LIVE:  # Quit before the client could say goodbye.
        agent.dismiss()
    sys.stderr.flush()
    os._exit(app.return_code or 0)  # The interpreter would take 0.1 s to tidy up what is gone with the process.


def _app(options: Options, client: AgentClient, driver: type[TerminalDriver]) -> PerftuiApp:
    """Return the app on what is right in the configuration; what is not is told on the screen.

    Raises ConfigError for a theme on the command line that cannot be used.
    """
    if options.theme:
        theme.load(options.theme, os.environ)
    reread = partial(_read, options)
    return PerftuiApp(client, reread().settings, read_only=options.read_only, reread=reread, driver_class=driver)


def _read(options: Options) -> Loaded:
    """Return what the configuration says, the command line over it."""
    loaded = read(config_file(options.config))
    settings = loaded.settings
    settings = msgspec.structs.replace(
        settings, ascii=options.ascii or settings.ascii, theme=options.theme or settings.theme
    )
    return msgspec.structs.replace(loaded, settings=settings)
