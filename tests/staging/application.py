"""An application's HTTP endpoint: `/stats` in JSON, as many services have one."""

import asyncio
import contextlib
import json
import math
import time


class Application:
    """Serves `/stats` on a loopback port: a request counter, latency, a connection pool and regions."""

    def __init__(self) -> None:
        self.latency_ms = 12.0
        self._started = time.monotonic()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def _stats(self) -> dict[str, object]:
        uptime = time.monotonic() - self._started
        wave = 1 + 0.3 * math.sin(uptime / 20)
        return {
            "uptime_s": round(uptime, 1),
            "requests_total": int(uptime * 120),
            "latency_ms": {"p50": round(self.latency_ms * wave, 2), "p95": round(self.latency_ms * wave * 3, 2)},
            "pool": {"size": 20, "used": int(8 * wave)},
            "regions": [{"region": "eu", "sessions": int(310 * wave)}, {"region": "us", "sessions": int(190 * wave)}],
        }

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            while head := await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60):
                path = head.split(b" ", 2)[1]
                body = json.dumps(self._stats() if path == b"/stats" else {"error": "not found"}).encode()
                status = b"200 OK" if path == b"/stats" else b"404 Not Found"
                fields = b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
                writer.write(b"HTTP/1.1 " + status + b"\r\n" + fields + body)
                await writer.drain()
        writer.close()
