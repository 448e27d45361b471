"""A private redis-server on a free port, for one test."""

import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from perftui.config.kinds import QueueOptions, RedisOptions
from perftui.config.secret import Secret
from tests.support.servers import free_port, require, wait_until

Value = bytes | int | list["Value"] | None


class Wire:
    """The smallest RESP2 client, so that a test's own traffic is exactly what it sends."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self._socket = socket.create_connection((host, port), timeout=10)
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> "Wire":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._file.close()
        self._socket.close()

    def __call__(self, *command: str | bytes | int) -> Value:
        """Send one command and return its reply; raises RuntimeError with the server's error."""
        parts = [part if isinstance(part, bytes) else str(part).encode() for part in command]
        frame = b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)
        self._socket.sendall(b"*%d\r\n%b" % (len(parts), frame))
        return self._reply()

    def _reply(self) -> Value:
        line = self._file.readline()
        if not line:
            raise ConnectionError("the server hung up")
        kind, rest = line[:1], line[1:-2]
        match kind:
            case b"-":
                raise RuntimeError(rest.decode())
            case b"+":
                return rest
            case b":":
                return int(rest)
            case b"$":
                return None if rest == b"-1" else self._file.read(int(rest) + 2)[:-2]
            case b"*":
                return None if rest == b"-1" else [self._reply() for _ in range(int(rest))]
        raise RuntimeError(f"not RESP: {line!r}")


class RedisServer:
    """The server; it can be stopped and started again on the same port."""

    def __init__(self, folder: Path, port: int, options: dict[str, str], password: str = "") -> None:
        self._folder, self._options, self._password = folder, options, password
        self.port = port
        self.socket = folder / "redis.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address as a source's `url`."""
        return f"redis://127.0.0.1:{self.port}/0"

    def options(self, *, username: str = "", password: str = "", queues: QueueOptions | None = None) -> RedisOptions:
        """Return the options of a source that polls it."""
        secret = Secret(password) if password else None
        return RedisOptions(url=self.url, username=username, password=secret, queues=queues or QueueOptions())

    def wire(self) -> Wire:
        """Return a connection, authenticated where the server wants that."""
        wire = Wire(self.port)
        if self._password:
            wire("AUTH", self._password)
        return wire

    def start(self) -> None:
        """Start it and wait until it answers."""
        binary = require("redis-server", "redis-server")
        settings = {"port": str(self.port), "bind": "127.0.0.1", "dir": str(self._folder), "save": ""}
        settings |= {"unixsocket": str(self.socket), "enable-debug-command": "yes"} | self._options
        if self._password:
            settings["requirepass"] = self._password
        arguments = [part for name, value in settings.items() for part in (f"--{name}", value)]
        self._process = subprocess.Popen([binary, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self._answers)

    def stop(self) -> None:
        """Kill it, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def freeze(self) -> None:
        """Let it hang: it holds its connections and answers nothing."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _answers(self) -> bool:
        try:
            with self.wire() as wire:
                return wire("PING") == b"PONG"
        except (OSError, RuntimeError):
            return False


@contextmanager
def redis_server(password: str = "", **options: str) -> Iterator[RedisServer]:
    """Run a redis-server; `options` are its settings with `_` for `-`: `maxmemory="2mb"`, `aclfile=PATH`."""
    with tempfile.TemporaryDirectory(prefix="perftui-redis-", dir="/tmp") as folder:
        settings = {name.replace("_", "-"): value for name, value in options.items()}
        server = RedisServer(Path(folder), free_port(), settings, password)
        server.start()
        try:
            yield server
        finally:
            server.stop()
