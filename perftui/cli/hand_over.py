"""From the early frame to the console: the slow half of the start, imported behind the frame."""

import asyncio
import os
import sys
from typing import NoReturn

import msgspec

from perftui.cli.agent_start import AgentStart
from perftui.cli.main import Options
from perftui.client.agent_client import AgentClient
from perftui.client.state import Link
from perftui.config.load import read
from perftui.config.paths import config_file
from perftui.tui.app import PerftuiApp
from perftui.tui.console_driver import driver_for
from perftui.tui.guard import guard
from perftui.tui.terminal import Terminal, Wakeup


def hand_over(options: Options, agent: AgentStart, terminal: Terminal, wakeup: Wakeup, typed: bytes) -> NoReturn:
    """Run the console on the screen that stands, `typed` being its first keys, and end the process.

    A configuration with mistakes is read as far as it goes. Raises ConfigError for a theme or keys that cannot be used.
    """
    loaded = read(config_file(options.config))
    settings = msgspec.structs.replace(
        loaded.settings, theme=options.theme or loaded.settings.theme, ascii=options.ascii or loaded.settings.ascii
    )
    client = AgentClient(options.socket, options.config, read_only=options.read_only)
    app = PerftuiApp(client, settings, read_only=options.read_only, driver_class=driver_for(terminal, typed))
    if loaded.problems:
        app.view.message = loaded.problems[0]
    with guard(app, terminal, wakeup):
        # Not asyncio.run, which would wait at its end for tasks and threads that the app has already said goodbye to.
        app.run(mouse=False, loop=asyncio.new_event_loop())
    if app.failure is not None:
        raise app.failure
    if app.return_code == 0 and client.state.link is not Link.LIVE:  # Quit before the client could say goodbye.
        agent.dismiss()
    sys.stderr.flush()
    os._exit(app.return_code or 0)  # The interpreter would take 0.1 s to tidy up what is gone with the process.
