"""Worker processes under a real supervisord, as on a server that has no systemd of its own."""

import asyncio
import contextlib
import getpass
import shlex
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from tests.staging.processes import ended
from tests.support.servers import eventually

MOST = 4
READY_DEADLINE = 20.0
CONFIG = """\
[unix_http_server]
file={socket}
[supervisord]
nodaemon=true
user={user}
directory={folder}
logfile={folder}/supervisord.log
pidfile={folder}/supervisord.pid
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{socket}
[program:{name}]
command={command}
process_name=worker_%(process_num)d
numprocs={most}
numprocs_start=1
autostart=false
autorestart=false
startsecs=1
stdout_logfile=NONE
stderr_logfile={folder}/%(program_name)s-%(process_num)d.log
"""


class Programs:
    """The workers `NAME:worker_1` to `NAME:worker_4`; `socket` is where their supervisord listens."""

    def __init__(self, folder: Path, name: str) -> None:
        self.socket = folder / "supervisor.sock"
        self._config = folder / "supervisord.conf"
        self._name = name

    async def start(self, count: int) -> None:
        """Start the first `count` that do not run yet."""
        await self.control("start", *(f"{self._name}:worker_{number}" for number in range(1, count + 1)))

    async def kill(self) -> None:
        """Let all of them die at once, as the kernel does when memory runs out."""
        await self.control("signal", "KILL", f"{self._name}:*")

    async def control(self, *words: str) -> bool:
        """Ask supervisorctl; return whether it succeeded."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "supervisor.supervisorctl", "-c", str(self._config), *words,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        return await process.wait() == 0


@contextlib.asynccontextmanager
async def supervised(
    folder: Path, name: str, command: Sequence[str], environment: Mapping[str, str]
) -> AsyncIterator[Programs]:
    """Run supervisord with two of four workers under it, and end all of them."""
    programs = Programs(folder, name)
    text = CONFIG.format(
        socket=programs.socket, folder=folder, name=name, command=shlex.join(command), most=MOST, user=getpass.getuser()
    )
    (folder / "supervisord.conf").write_text(text)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "ignore", "-m", "supervisor.supervisord", "-c", str(folder / "supervisord.conf"),
        env=dict(environment), start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await eventually(lambda: asyncio.sleep(0, programs.socket.exists()), deadline=READY_DEADLINE)
        await programs.start(2)
        yield programs
    finally:
        await asyncio.shield(ended(process))
