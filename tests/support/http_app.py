"""A small HTTP server that keeps what it was asked and answers as the test says."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple


class Asked(NamedTuple):
    """One request: names of headers in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Answer = bytes | None
"""What is sent as it is; None hangs, and empty bytes hang up."""


def reply(status: int = 200, body: bytes = b"", headers: bytes = b"") -> bytes:
    """Return an answer as bytes."""
    return b"HTTP/1.1 %d Words\r\n%sContent-Length: %d\r\n\r\n%b" % (status, headers, len(body), body)


OK = reply()


class HttpApp:
    """`answer` is asked for each request; `most` is how many were under way at once."""

    def __init__(self, answer: Callable[[Asked], Answer]) -> None:
        self.answer = answer
        self.asked: list[Asked] = []
        self.most = 0
        self.port = 0
        self._now = 0
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection until either side hangs up."""
        self._writers.add(writer)
        try:
            while await self._one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        asked = await _read(reader)
        self.asked.append(asked)
        self._now += 1
        self.most = max(self.most, self._now)
        await asyncio.sleep(0.005)  # so that requests overlap where they may
        self._now -= 1
        answer = self.answer(asked)
        if answer is None:
            await reader.read()
            return False
        writer.write(answer)
        await writer.drain()
        return bool(answer)

    def hang_up(self) -> None:
        """Abort every connection."""
        for writer in self._writers:
            writer.transport.abort()


async def _read(reader: asyncio.StreamReader) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    method, path, _ = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, path, headers, body)


@asynccontextmanager
async def http_app(answer: Callable[[Asked], Answer] | Answer = OK) -> AsyncIterator[HttpApp]:
    """Serve on a free port; `answer` may be the same for all."""
    app = HttpApp(answer if callable(answer) else lambda _: answer)
    server = await asyncio.start_server(app.serve, "127.0.0.1", 0)
    async with server:
        app.port = server.sockets[0].getsockname()[1]
        try:
            yield app
        finally:
            app.hang_up()
