"""Little servers that say one thing to whoever connects: what a probe may meet."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

MARIADB = b"\x0a5.5.5-10.11.6-MariaDB\0" + bytes(60)
MYSQL = b"\x0a8.0.36\0" + bytes(60)
TOO_MANY = b"\xff\x10\x04Too many connections"


def packet(body: bytes) -> bytes:
    return len(body).to_bytes(3, "little") + b"\0" + body


@asynccontextmanager
async def saying(words: bytes, place: Path | None = None) -> AsyncIterator[str]:
    """Give the address of a server that says `words` at once, then nothing; on the socket `place` when given."""
    answers: list[asyncio.Task[None] | None] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers.append(asyncio.current_task())
        with suppress(ConnectionError):
            writer.write(words)
            await reader.read()
        writer.transport.abort()
        with suppress(ConnectionError):
            await writer.wait_closed()

    if place is not None:
        server = await asyncio.start_unix_server(answer, place)
        address = str(place)
    else:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield address
        async with asyncio.timeout(5):
            await asyncio.gather(*filter(None, answers))
