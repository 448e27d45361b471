"""`perftui rescue`: the early frame and nothing else, for a host that has no process, disk or memory left to give."""

import sys

from perftui.cli.first_frame import FirstFrame
from perftui.cli.frame_paint import Line, Painter
from perftui.cli.frame_processes import Processes
from perftui.cli.frame_rows import rescue
from perftui.cli.frame_sample import Host
from perftui.cli.refuse import refusal
from perftui.tui.terminal import Terminal, Wakeup


class Rescue:
    """The screen of `perftui rescue`: the host sampled anew for each drawing."""

    def __init__(self) -> None:
        self._host = Host()
        self._processes = Processes()
        self._by_memory = False

    def draw(self, columns: int, rows: int) -> list[Line]:
        """Return the host as it is now."""
        return rescue(self._host.sample(), self._processes.look(), columns, rows, by_memory=self._by_memory)

    def by_memory(self) -> None:
        """Sort the processes by memory."""
        self._by_memory = True

    def by_cpu(self) -> None:
        """Sort the processes by CPU."""
        self._by_memory = False


def run(argv: list[str]) -> int:
    """Show this host until `q`; starts no process, writes no file, needs no library. Returns the exit status."""
    unknown = [word for word in argv if word != "--ascii"]
    reason = f"perftui rescue takes no {unknown[0]}" if unknown else refusal()
    if reason:
        print(f"perftui: {reason}", file=sys.stderr)
        return 2
    screen = Rescue()
    wakeup = Wakeup()
    with Terminal() as terminal:
        frame = FirstFrame(terminal, wakeup, Painter(sys.stdout.encoding, ascii_only="--ascii" in argv))
        frame.draw(screen.draw)
        keys = {b"P": screen.by_cpu, b"M": screen.by_memory, b"p": screen.by_cpu, b"m": screen.by_memory}
        status = frame.run(screen.draw, lambda: False, keys)
    return status or 0
