"""A private MariaDB on a free port and a socket of its own, in a folder that is thrown away."""

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pymysql
import pytest

from perftui.config.kinds import MySQLOptions
from perftui.config.secret import Secret
from tests.support.servers import free_port, require

START_DEADLINE = 30.0
_FAST = (
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-buffer-pool-size=16M",
    "--innodb-log-file-size=8M",
    "--innodb-doublewrite=0",
    "--skip-log-bin",
    "--skip-name-resolve",
    "--loose-query-response-time-range-base=2",
)


class MariaDBServer:
    """One server; `start` and `stop` may alternate, the data stay."""

    def __init__(self, folder: Path, data: Path) -> None:
        self.port = free_port()
        self.socket = str(folder / "db.sock")
        self._folder = folder
        self._data = data
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *options: str) -> None:
        """Start it and wait until it answers."""
        command = [
            require("mariadbd", "mariadb-server"),
            "--no-defaults",
            f"--datadir={self._data}",
            f"--socket={self.socket}",
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
            f"--pid-file={self._folder / 'db.pid'}",
            *_as_root(),
            *_FAST,
            *options,
        ]
        with (self._folder / "db.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        self._wait()

    def stop(self) -> None:
        """Stop it at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def freeze(self) -> None:
        """Let it hang: it keeps its connections and answers nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    @contextmanager
    def client(self, database: str = "") -> Iterator[pymysql.cursors.Cursor]:
        """Yield a cursor of an administrator's session with autocommit."""
        connection = pymysql.connect(unix_socket=self.socket, user="root", autocommit=True, database=database or None)
        try:
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    def run(self, *statements: str) -> list[tuple[object, ...]]:
        """Run statements as an administrator and return the rows of the last one."""
        rows: list[tuple[object, ...]] = []
        with self.client() as cursor:
            for statement in statements:
                cursor.execute(statement)
                rows = list(cursor.fetchall())
        return rows

    def options(self, user: str = "root", password: str = "", *, tcp: bool = False) -> MySQLOptions:
        """Return the options of a source that polls this server."""
        secret = Secret(password) if password else None
        return MySQLOptions(port=self.port, socket="" if tcp else self.socket, user=user, password=secret)

    def _wait(self) -> None:
        """Wait until the socket takes connections; pymysql itself leaks its socket when one is refused."""
        assert self._process is not None
        deadline = time.monotonic() + START_DEADLINE
        while time.monotonic() < deadline and self._process.poll() is None:
            with socket.socket(socket.AF_UNIX) as probe:
                if probe.connect_ex(self.socket) == 0:
                    return
            time.sleep(0.02)
        pytest.fail(f"mariadbd did not start: {(self._folder / 'db.log').read_text()[-2000:]}")


@contextmanager
def mariadb_server(*options: str) -> Iterator[MariaDBServer]:
    """Yield a new server that runs, and end it."""
    require("mariadbd", "mariadb-server")
    install = require("mariadb-install-db", "mariadb-server")
    with tempfile.TemporaryDirectory(prefix="perftui-db-") as name:
        folder = Path(name)
        data = folder / "data"
        subprocess.run(
            [
                install,
                "--no-defaults",
                f"--datadir={data}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                *_as_root(),
                *_FAST,
            ],
            check=True,
            capture_output=True,
            timeout=START_DEADLINE,
        )
        server = MariaDBServer(folder, data)
        try:
            server.start(*options)
            yield server
        finally:
            server.stop()


def _as_root() -> tuple[str, ...]:
    """MariaDB refuses to run as root unless it is told to."""
    return ("--user=root",) if os.geteuid() == 0 else ()
