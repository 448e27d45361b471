"""Private agents for tests: started like a console does, found by their lock, always ended."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from perftui.client import launch
from perftui.client.agent_client import AgentClient
from perftui.client.state import Link
from tests.support.servers import eventually, wait_until

QUIET = "discover = false\n"


def write_config(folder: Path, text: str = QUIET) -> str:
    """Write a configuration that names only what the test has started; return its path."""
    path = folder / "perftui.toml"
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


def agent_pids(runtime: str | None = None) -> list[int]:
    """Return the processes whose environment has this test's runtime folder and that run as an agent."""
    wanted = f"PERFTUI_RUNTIME_DIR={runtime or os.environ['PERFTUI_RUNTIME_DIR']}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                environment = (entry / "environ").read_bytes().split(b"\0")
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if wanted in environment and b"agent" in words:
                found.append(int(entry.name))
    return found


def end_agents() -> None:
    """End every agent of this test and wait until it is gone."""
    for pid in agent_pids():
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: _reaped() and not agent_pids())


def _reaped() -> bool:
    """Collect the agents that this process itself started."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
    return True


@asynccontextmanager
async def attached(config: str, *, read_only: bool = False, socket: str | None = None) -> AsyncIterator[AgentClient]:
    """Yield a client that follows the private agent (started if there is none) and has its first update."""
    client = AgentClient(socket, config, read_only=read_only)
    task = asyncio.create_task(client.run())

    async def ready() -> bool:
        return client.state.link is Link.LIVE and bool(client.state.sources)

    try:
        await eventually(ready)
        yield client
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def start_and_wait(config: str) -> int:
    """Start a private agent and return its pid once it answers."""
    pid = launch.start_agent(config)

    def answers() -> bool:
        link = launch.connect()
        if link is not None:
            link.close()
        return link is not None

    wait_until(answers)
    return pid
