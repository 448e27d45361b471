"""Serves consoles on one Unix socket and knows when nobody needs the agent any more."""

import asyncio
import contextlib
import grp
import os
import socket
from collections.abc import Callable
from pathlib import Path

from perftui.agent.connection import Connection, Handler
from perftui.agent.peer import GROUP, identify
from perftui.core.clock import Clock
from perftui.core.wire import MAX_LINE
from perftui.engine.hub import Hub

LINGER = 1800.0
MOST_CONSOLES = 64
BACKLOG = 64


class Server:
    """Accepts consoles and counts them.

    A private agent is `finished` when the last console quit, or 30 minutes after the last one hung up; never while
    an action runs (`busy`).
    """

    def __init__(self, hub: Hub, handle: Handler, clock: Clock, busy: Callable[[], bool], *, private: bool) -> None:
        self._hub = hub
        self._handle = handle
        self._clock = clock
        self._busy = busy
        self._private = private
        self._connections: set[Connection] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._alone_since = clock.monotonic()
        self._quit = False
        self.on_gone: Callable[[], None] = lambda: None

    @property
    def consoles(self) -> int:
        """How many consoles are attached."""
        return sum(connection.is_console for connection in self._connections)

    def is_finished(self) -> bool:
        """Return whether this agent has nothing left to be there for."""
        if not self._private or self._connections or self._busy():
            return False
        return self._quit or self._clock.monotonic() - self._alone_since >= LINGER

    async def start(self, path: Path) -> None:
        """Listen at `path`, replacing a dead socket there. Raises OSError."""
        listener = _listen(path, private=self._private)
        self._server = await asyncio.start_unix_server(self._accept, sock=listener, limit=MAX_LINE)

    async def stop(self) -> None:
        """Stop listening and let every console go."""
        if self._server is not None:
            self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._served)

    def _served(self, task: asyncio.Task[None]) -> None:
        """Forget a console; a defect in serving it goes to the agent's log."""
        self._serving.discard(task)
        if not task.cancelled() and (defect := task.exception()) is not None:
            task.get_loop().call_exception_handler({"message": "serving a console broke", "exception": defect})

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link: socket.socket = writer.get_extra_info("socket")
        peer = identify(link)
        if peer is None or len(self._connections) >= MOST_CONSOLES:
            writer.close()
            return
        connection = Connection(reader, writer, peer, self._hub, self._handle)
        self._connections.add(connection)
        try:
            await connection.serve()
        finally:
            self._connections.discard(connection)
            self._gone(connection)

    def _gone(self, connection: Connection) -> None:
        self._quit = connection.said_bye
        self._alone_since = self._clock.monotonic()
        self.on_gone()


def _listen(path: Path, *, private: bool) -> socket.socket:
    """Return a socket listening at `path`: the owner's alone, or the group's too. Nobody can connect in between."""
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        before = os.umask(0o177)
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
        if not private:
            with contextlib.suppress(KeyError, PermissionError):
                os.chown(path, -1, grp.getgrnam(GROUP).gr_gid)
                path.chmod(0o660)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener
