"""One attached console: its requests in, replies and merged updates out."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator

import msgspec

from perftui.agent.log import say_defect
from perftui.agent.peer import Peer
from perftui.core.errors import PerftuiError, Refused, RequestFailed
from perftui.core.text import clean
from perftui.core.wire import (
    FAILED,
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    MAX_LINE,
    MAX_UPDATE,
    REFUSED,
    Message,
    Problem,
    Update,
    line,
)
from perftui.engine.hub import Hub

PACE = 1.0
MOST_REQUESTS = 32
LAST_WORDS = 1.0

Handler = Callable[["Connection", str, msgspec.Raw], Awaitable[object]]


class Connection:
    """Serves one console until it goes; `said_bye` tells a quit from a hang-up.

    Updates are merged and at least a second apart unless urgent; replies are never dropped: a console with more than
    1 MiB of them unread is cut off.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: Peer, hub: Hub, handle: Handler
    ) -> None:
        self.peer = peer
        self.read_only = False
        self.is_console = False
        self.said_bye = False
        self.subscriber = hub.attach()
        self._hub = hub
        self._reader = reader
        self._writer = writer
        self._handle = handle
        self._requests: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(MOST_REQUESTS)

    async def serve(self) -> None:
        """Read requests and send updates until either side ends it. Raises what ended the updates, if they broke."""
        halves = {asyncio.create_task(self._send_updates()), asyncio.create_task(self._read_requests())}
        try:
            done, _ = await asyncio.wait(halves, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._hub.detach(self.subscriber)
            work = [*halves, *self._requests]
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
            self._writer.close()
        for task in done:
            task.result()

    async def _read_requests(self) -> None:
        """Read until the console goes, is cut off, or sends a line above 1 MiB; its last words still count."""
        with contextlib.suppress(OSError, ValueError):
            while (raw := await self._reader.readline()).endswith(b"\n"):
                await self._slots.acquire()
                task = asyncio.create_task(self._answer(raw))
                self._requests.add(task)
                task.add_done_callback(self._done)
        if self._requests:
            await asyncio.wait(self._requests, timeout=LAST_WORDS)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._requests.discard(task)
        self._slots.release()

    async def _answer(self, raw: bytes) -> None:
        try:
            message = msgspec.json.decode(raw, type=Message)
        except msgspec.MsgspecError as error:
            self.send({"jsonrpc": "2.0", "id": None, "error": Problem(INVALID_REQUEST, clean(str(error)))})
            return
        if message.method is None:
            return
        reply = await self._reply(message.method, message.params)
        if message.id is not None:
            self.send({"jsonrpc": "2.0", "id": message.id, **reply})

    async def _reply(self, method: str, params: msgspec.Raw) -> dict[str, object]:
        try:
            return {"result": await self._handle(self, method, params)}
        except msgspec.MsgspecError as error:
            return {"error": Problem(INVALID_PARAMS, clean(f"{method}: {error}"))}
        except RequestFailed as error:
            return {"error": Problem(error.code, str(error))}
        except Refused as error:
            return {"error": problem_of(error)}
        except PerftuiError as error:
            return {"error": Problem(FAILED, str(error))}
        except Exception as error:  # noqa: BLE001 - a defect in one method is that request's error, not the agent's end
            say_defect(f"{method} broke", error)
            return {"error": Problem(INTERNAL_ERROR, clean(f"{method}: {type(error).__name__}: {error}"))}

    def notify(self, method: str, params: object) -> None:
        """Send a notification."""
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def send(self, message: object) -> None:
        """Send one message; never waits."""
        if self._writer.transport.get_write_buffer_size() > MAX_LINE:
            self._writer.transport.abort()
            return
        self._writer.write(line(message))

    async def drain(self) -> None:
        """Wait until the console has read most of what was sent."""
        await self._writer.drain()

    async def _send_updates(self) -> None:
        sequence = 0
        with contextlib.suppress(ConnectionError):
            while True:
                await self.subscriber.ready.wait()
                await self._writer.drain()
                known = self._hub.sources() if self.subscriber.is_full else None
                for part in parts(self.subscriber.take()):
                    sequence += 1
                    self.notify("update", Update(sequence, part, known))
                    known = None
                    await self._writer.drain()
                await self._pace()

    async def _pace(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PACE):
                await self.subscriber.urgent.wait()


def problem_of(error: Refused) -> Problem:
    """Return a refusal as it travels."""
    breakable = "yes" if error.breakable else ""
    data = {"check": error.check, "reason": error.reason, "remedy": error.remedy, "breakable": breakable}
    return Problem(REFUSED, str(error), data)


def parts(topics: dict[str, msgspec.Raw]) -> Iterator[dict[str, msgspec.Raw]]:
    """Yield `topics` in parts of about 256 KiB, so that no line comes near its limit."""
    part: dict[str, msgspec.Raw] = {}
    size = 0
    for topic, state in topics.items():
        part[topic] = state
        size += len(bytes(state))
        if size >= MAX_UPDATE:
            yield part
            part, size = {}, 0
    if part:
        yield part
