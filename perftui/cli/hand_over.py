"""From the early frame to the console: the slow half of the start, imported behind the frame."""

import msgspec

from perftui.cli.main import Options
from perftui.client.agent_client import AgentClient
from perftui.config.load import read
from perftui.config.paths import config_file
from perftui.tui.app import PerftuiApp
from perftui.tui.console_driver import driver_for
from perftui.tui.guard import guard
from perftui.tui.terminal import Terminal, Wakeup


def hand_over(options: Options, terminal: Terminal, wakeup: Wakeup, typed: bytes) -> int:
    """Run the console on the screen that stands, `typed` being its first keys; return the exit status.

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
        app.run(mouse=False)
    if app.failure is not None:
        raise app.failure
    return app.return_code or 0
