"""`perftui --plain`: the panes once, as text, for pipes, logs and screen readers."""

import asyncio
import shutil
from typing import TYPE_CHECKING

from perftui.cli.headless import session
from perftui.client.state import State
from perftui.core.status import SourceState
from perftui.tui.plain import render_plain

if TYPE_CHECKING:
    from perftui.cli.main import Options

PATIENCE = 5.0
RATES = "system.cpu.utilization"
"""A metric that needs two polls: when it is there, so are the rates."""


def run(options: "Options") -> int:
    """Print what the screen would show; returns 0 also when a source is broken, `perftui check` judges."""
    print(asyncio.run(_picture(options)), end="")
    return 0


async def _picture(options: "Options") -> str:
    async with session(options.config, socket=options.socket) as attached:
        state = attached.client.state
        await attached.until(lambda: _is_complete(state), PATIENCE)
        attached.client.tick()
        return render_plain(state, shutil.get_terminal_size((120, 40)).columns)


def _is_complete(state: State) -> bool:
    """Return whether every source has been polled, and this host twice."""
    hosts = state.sources_of("system")
    polled = all(status.state is not SourceState.WAITING for status in state.sources.values())
    return bool(hosts) and polled and all(state.value(host.name, RATES) is not None for host in hosts)
