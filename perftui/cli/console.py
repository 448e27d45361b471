"""The start of the console: refuse, find or start the agent, draw the early frame, hand over to Textual."""

import os
import sys
from typing import TYPE_CHECKING

from perftui.cli.agent_start import AgentStart
from perftui.cli.first_frame import FirstFrame
from perftui.cli.frame_paint import Line, Painter
from perftui.cli.frame_processes import Process, Processes
from perftui.cli.frame_rows import overview
from perftui.cli.frame_sample import Host
from perftui.cli.refuse import refusal
from perftui.cli.startup import Startup
from perftui.core.errors import ConfigError
from perftui.core.text import clean
from perftui.tui.terminal import Terminal, Wakeup

if TYPE_CHECKING:
    from perftui.cli.main import Options


def run(options: "Options") -> int:
    """Show the console until the user quits; return the exit status."""
    reason = refusal()
    if reason:
        print(f"perftui: {reason}", file=sys.stderr)
        return 2
    if options.config is not None and not os.path.isfile(options.config):  # noqa: PTH113 - pathlib costs 5 ms here
        raise ConfigError(f"{clean(options.config)}: there is no such file")
    wakeup = Wakeup()
    agent = AgentStart(options.socket, options.config)
    agent.find()
    startup = Startup(agent, wakeup.wake)
    painter = Painter(sys.stdout.encoding, ascii_only=options.ascii)
    with Terminal() as terminal:
        frame = FirstFrame(terminal, wakeup, painter)
        screen = _Overview(startup)
        frame.draw(screen.draw)
        startup.begin()
        status = frame.run(screen.draw, startup.is_ready)
        if status is not None:
            if status == 0:
                startup.end()
            return status
        from perftui.cli.hand_over import hand_over

        return hand_over(options, agent, terminal, wakeup, frame.typed)


class _Overview:
    """What the early frame draws; processes only from the second time on, they would hold up the first."""

    def __init__(self, startup: Startup) -> None:
        self._startup = startup
        self._host = Host()
        self._processes: Processes | None = None

    def draw(self, columns: int, rows: int) -> list[Line]:
        """Return the host as it is now."""
        processes: list[Process] = [] if self._processes is None else self._processes.look()
        self._processes = self._processes or Processes()
        return overview(self._host.sample(), processes, self._startup.note, columns, rows)
