"""A private supervisord, for one test."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from perftui.config.kinds import SupervisorOptions
from perftui.config.secret import Secret
from tests.support.servers import wait_until

PASSWORD = "hunter2-secret"
_HEAD = """
[supervisord]
nodaemon=true
logfile={folder}/supervisord.log
pidfile={folder}/supervisord.pid
childlogdir={folder}
[unix_http_server]
file={folder}/s.sock
{credentials}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""
PROGRAMS = """
; stopwaitsecs: a TERM that comes between supervisord's fork and exec is lost
[program:sleeper]
command=/bin/sleep 600
startsecs=0
stopwaitsecs=1
[program:idle]
command=/bin/sleep 600
autostart=false
startsecs=0
stopwaitsecs=1
[program:fails]
command=/bin/sh -c 'echo "no such table: users" >&2; exit 3'
autostart=false
autorestart=false
startsecs=0
[program:loops]
command=/bin/sh -c 'exit 137'
autostart=false
startsecs=1
startretries=100
[program:stubborn]
command=/bin/sh -c "trap '' TERM; echo ready; while :; do sleep 0.1; done"
startsecs=0
stopwaitsecs=1
[program:deaf]
command=/bin/sh -c "trap '' TERM; while :; do sleep 0.1; done"
autostart=false
startsecs=0
stopwaitsecs=20
[program:missing]
command=/nonexistent/program
autostart=false
[program:unspawnable]
command=/bin/sleep 600
directory=/nonexistent
autostart=false
startretries=0
[program:worker]
command=/bin/sleep 600
process_name=%(program_name)s_%(process_num)d
numprocs=4
numprocs_start=1
autostart=false
startsecs=0
stopwaitsecs=1
"""


class SupervisorServer:
    """The server; it can be killed."""

    def __init__(self, folder: Path, *, password: str = "") -> None:
        self.socket = folder / "s.sock"
        self._folder = folder
        self._password = password
        self._process: subprocess.Popen[bytes] | None = None

    def options(self, password: str | None = None) -> SupervisorOptions:
        """Return the options of a source that polls it."""
        word = self._password if password is None else password
        secret = Secret.literal(word) if word else None
        return SupervisorOptions(url=f"unix://{self.socket}", username="ada" if word else "", password=secret)

    def start(self) -> None:
        """Start it and wait until it listens."""
        credentials = f"username=ada\npassword={self._password}" if self._password else ""
        config = self._folder / "supervisord.conf"
        text = _HEAD.format(folder=self._folder, credentials=credentials) + PROGRAMS
        config.write_text(text)
        words = [sys.executable, "-W", "ignore", "-m", "supervisor.supervisord", "-c", str(config)]
        self._process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self.socket.exists, deadline=20.0)

    def kill(self) -> None:
        """Kill it, as a crash would, and then the programs that it leaves behind."""
        if self._process is not None:
            programs = psutil.Process(self._process.pid).children(recursive=True)
            self._process.kill()
            for program in programs:
                with suppress(psutil.NoSuchProcess):
                    program.kill()
            self._process.wait(10)
            self._process = None

    def stop(self) -> None:
        """Stop it with all its programs."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
            self._process = None


@contextmanager
def supervisor_server(password: str = "") -> Iterator[SupervisorServer]:
    """Run a supervisord with PROGRAMS."""
    with tempfile.TemporaryDirectory(prefix="perftui-sv-", dir="/tmp") as folder:
        server = SupervisorServer(Path(folder), password=password)
        server.start()
        try:
            yield server
        finally:
            server.stop()
