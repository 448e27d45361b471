"""A stand-in for an Alertmanager: what we use of its API, on a real socket, and as broken as a test wants it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any

import msgspec

from perftui.core.clock import ManualClock

Json = dict[str, Any]


class StandInAlertmanager:
    """Keeps what it is told; `fails` answers everything with that status, `rejects` what it is sent, `hangs` never."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.ahead = 0.0
        self.pushes: list[list[Json]] = []
        self.silences: dict[str, Json] = {}
        self.requests: list[str] = []
        self.headers: list[str] = []
        self.was_asked = asyncio.Event()
        self.fails: tuple[int, str] | None = None
        self.rejects = ""
        self.hangs = False
        self.url = ""
        self._gone = asyncio.Event()
        self._open: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None] | None] = set()

    @property
    def pushed(self) -> list[Json]:
        """All alerts that it was told, in order."""
        return [alert for push in self.pushes for alert in push]

    def add(
        self, id: str, matchers: list[Json], *, seconds: float = 3600.0, comment: str = "", author: str = "ana"
    ) -> None:
        """Let somebody else make a silence."""
        now = self.clock.wall() + self.ahead
        silence = {"matchers": matchers, "startsAt": _time(now), "endsAt": _time(now + seconds)}
        self.silences[id] = silence | {"createdBy": author, "comment": comment, "id": id, "status": {"state": "active"}}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving.add(asyncio.current_task())
        self._open.add(writer)
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                length = next((line for line in head.splitlines() if line.lower().startswith("content-length:")), ":0")
                body = await reader.readexactly(int(length.partition(":")[2]))
                method, path, _ = head.split(" ", 2)
                self.requests.append(f"{method} {path}")
                self.headers.append(head)
                self.was_asked.set()
                if self.hangs:
                    await self._gone.wait()
                status, reply = self._answer(method, path.removeprefix("/prefix/api/v2"), body)
                date = formatdate(self.clock.wall() + self.ahead, usegmt=True)
                answer = msgspec.json.encode(reply)
                more = f"Date: {date}\r\nRetry-After: 40\r\nContent-Length: {len(answer)}\r\n\r\n"
                writer.write(f"HTTP/1.1 {status} Whatever\r\n{more}".encode() + answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def stop(self) -> None:
        self._gone.set()
        for writer in self._open:
            writer.transport.abort()
        await asyncio.gather(*(task for task in self._serving if task))

    def _answer(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        if self.fails:
            return self.fails
        if method == "GET":
            return 200, list(self.silences.values())
        if method == "DELETE":
            self.silences[path.removeprefix("/silence/")]["status"] = {"state": "expired"}
            return 200, ""
        sent = msgspec.json.decode(body)
        if self.rejects:
            return 400, self.rejects
        if path == "/alerts":
            self.pushes.append(sent)
            return 200, ""
        id = f"theirs-{len(self.silences)}"
        self.silences[id] = sent | {"id": id, "status": {"state": "active"}}
        return 200, {"silenceID": id}


@asynccontextmanager
async def stand_in(clock: ManualClock) -> AsyncIterator[StandInAlertmanager]:
    """Let one listen for as long as the block."""
    app = StandInAlertmanager(clock)
    server = await asyncio.start_server(app.serve, "127.0.0.1", 0)
    app.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/prefix/"
    try:
        yield app
    finally:
        server.close()
        await app.stop()


def _time(wall: float) -> str:
    return datetime.fromtimestamp(wall, UTC).isoformat()
