"""The http collector against a real socket that behaves well, badly and not at all."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from perftui.collectors.http import HttpCollector
from perftui.config.kinds import HttpMetric, HttpOptions
from perftui.config.secret import Secret
from perftui.connect.http import MAX_BODY
from perftui.core.clock import SystemClock
from perftui.core.errors import BadAnswer, Unreachable
from perftui.core.reading import Reading
from tests.support.certificate import self_signed
from tests.support.servers import free_port

pytestmark = pytest.mark.integration

PATHS = {"depth": HttpMetric(path="depth")}
JSON = b'{"depth": 12}'


class App:
    """A tiny HTTP server: `reply` is sent as it is; None hangs. It keeps what it was asked."""

    def __init__(self) -> None:
        self.reply: bytes | None = ok(JSON)
        self.hang_up = False
        self.requests: list[bytes] = []
        self.was_asked = asyncio.Event()
        self.connections = 0
        self.port = 0
        self._open: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None] | None] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open.add(writer)
        self._serving.add(asyncio.current_task())
        try:
            while request := await reader.readuntil(b"\r\n\r\n"):
                self.requests.append(request)
                self.was_asked.set()
                if self.reply is not None:
                    writer.write(self.reply)
                    await writer.drain()
                    if self.hang_up:
                        break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def drop_connections(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    async def stop(self) -> None:
        self.drop_connections()
        await asyncio.gather(*(task for task in self._serving if task))

    def options(self, metrics: dict[str, HttpMetric] | None = None, scheme: str = "http") -> HttpOptions:
        return HttpOptions(url=f"{scheme}://127.0.0.1:{self.port}/stats?key=s3cret", metrics=metrics or {})


def ok(body: bytes, headers: bytes = b"") -> bytes:
    return b"HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s" % (headers, len(body), body)


@asynccontextmanager
async def running(tls: ssl.SSLContext | None = None) -> AsyncIterator[App]:
    app = App()
    server = await asyncio.start_server(app.serve, "127.0.0.1", 0, ssl=tls)
    async with server:
        app.port = server.sockets[0].getsockname()[1]
        yield app
        await app.stop()


@asynccontextmanager
async def collecting(options: HttpOptions) -> AsyncIterator[HttpCollector]:
    collector = HttpCollector("app", options, SystemClock())
    await collector.open()
    try:
        yield collector
    finally:
        await collector.close()


def value(reading: Reading, metric: str) -> float | None:
    return next((sample.value for sample in reading.samples if sample.metric == metric), None)


async def test_json_is_read_over_one_kept_connection() -> None:
    async with running() as app, collecting(app.options(PATHS)) as collector:
        for _ in range(5):
            reading = await collector.poll()
    assert (value(reading, "http.up"), value(reading, "depth")) == (1, 12)
    latency = value(reading, "http.client.request.duration")
    assert latency is not None
    assert 0 < latency < 1
    assert (app.connections, len(app.requests)) == (1, 5)


async def test_the_token_is_sent_and_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    async with running() as app:
        options = HttpOptions(url=f"http://127.0.0.1:{app.port}/", token=Secret("t0ken"), headers={"X-Team": "ops"})
        async with collecting(options) as collector:
            await collector.poll()
    assert b"Authorization: Bearer t0ken\r\n" in app.requests[0]
    assert b"X-Team: ops\r\n" in app.requests[0]


async def test_a_500_is_down_and_a_redirect_is_not_followed() -> None:
    async with running() as app, collecting(app.options(PATHS)) as collector:
        app.reply = b"HTTP/1.1 500 Oops\r\nContent-Length: 6\r\n\r\n<html>"
        assert value(await collector.poll(), "http.up") == 0
        app.reply = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 2\r\n\r\n{}"
        assert value(await collector.poll(), "http.response.status_code") == 302
    assert len(app.requests) == 2


async def test_what_is_not_json_is_said_without_the_urls_secret() -> None:
    async with running() as app, collecting(app.options(PATHS)) as collector:
        app.reply = ok(b"<html>down for maintenance</html>")
        with pytest.raises(BadAnswer, match="the body is not JSON") as raised:
            await collector.poll()
    assert "s3cret" not in str(raised.value)


async def test_a_huge_body_is_refused_where_it_is_needed_and_left_where_not() -> None:
    huge = ok(b"x" * (MAX_BODY * 4))
    async with running() as app:
        app.reply = huge
        async with collecting(app.options(PATHS)) as collector:
            with pytest.raises(BadAnswer, match="larger than 2 MiB"):
                await collector.poll()
        async with collecting(app.options()) as collector:
            reading = await collector.poll()
    assert value(reading, "http.up") == 1
    size = value(reading, "http.client.response.body.size")
    assert size is not None
    assert size < MAX_BODY + (1 << 20)


async def test_a_compressed_body_is_not_unpacked() -> None:
    async with running() as app, collecting(app.options(PATHS)) as collector:
        app.reply = ok(JSON, b"Content-Encoding: gzip\r\n")
        with pytest.raises(BadAnswer, match="gzip-encoded"):
            await collector.poll()


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", "in the middle of the body"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "does not speak HTTP"),
        (b"", "closed the connection without an answer"),
    ],
)
async def test_a_connection_that_breaks_is_said(reply: bytes, words: str) -> None:
    async with running() as app, collecting(app.options(PATHS)) as collector:
        app.reply, app.hang_up = reply, True
        with pytest.raises(BadAnswer, match=words):
            await collector.poll()


async def test_a_kept_connection_that_was_closed_meanwhile_is_no_failure() -> None:
    async with running() as app, collecting(app.options(PATHS)) as collector:
        await collector.poll()
        app.drop_connections()
        assert value(await collector.poll(), "http.up") == 1


async def test_a_kept_connection_that_closes_on_our_request_is_no_failure() -> None:
    async with running() as app, collecting(app.options(PATHS)) as collector:
        await collector.poll()
        app.was_asked.clear()
        app.reply, app.hang_up = b"", True
        polling = asyncio.create_task(collector.poll())
        await app.was_asked.wait()
        app.reply, app.hang_up = ok(JSON), False
        assert value(await polling, "depth") == 12


async def test_a_poll_that_hangs_can_be_cancelled_and_the_next_one_works() -> None:
    async with running() as app, collecting(app.options(PATHS)) as collector:
        app.reply = None
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await collector.poll()
        await collector.close()
        app.reply = ok(JSON)
        await collector.open()
        assert value(await collector.poll(), "depth") == 12


async def test_nobody_there_is_said_in_plain_words() -> None:
    port = free_port()
    async with collecting(HttpOptions(url=f"http://127.0.0.1:{port}/health")) as collector:
        with pytest.raises(Unreachable, match=f"http://127.0.0.1:{port}/health: connection refused"):
            await collector.poll()
    async with collecting(HttpOptions(url="http://no-such-host.invalid/")) as collector:
        with pytest.raises(Unreachable, match="cannot be resolved"):
            await collector.poll()


async def test_tls_is_checked(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    async with running(context) as app:
        trusting = HttpOptions(url=f"https://127.0.0.1:{app.port}/", ca_file=str(certificate))
        async with collecting(trusting) as collector:
            assert value(await collector.poll(), "http.up") == 1
        async with collecting(app.options(scheme="https")) as collector:
            with pytest.raises(Unreachable, match="certificate is not trusted"):
                await collector.poll()
        async with collecting(app.options()) as collector:
            with pytest.raises((Unreachable, BadAnswer)):
                await collector.poll()
