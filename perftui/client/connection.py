"""One JSON-RPC connection to an agent: requests with a deadline, notifications to a callback."""

import asyncio
import socket
from collections.abc import Callable
from typing import TypeVar

import msgspec

from perftui.core.errors import AgentUnavailable, ProtocolError, Refused, RequestFailed
from perftui.core.wire import MAX_LINE, REFUSED, Message, Problem, Request, line

TIMEOUT = 10.0
Answer = TypeVar("Answer")


class Connection:
    """Carries requests and their answers; `run` reads until the agent goes."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        on_notification: Callable[[str, msgspec.Raw], None],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._on_notification = on_notification
        self._waiting: dict[int, asyncio.Future[msgspec.Raw]] = {}
        self._next_id = 0

    @classmethod
    async def over(cls, link: socket.socket, on_notification: Callable[[str, msgspec.Raw], None]) -> "Connection":
        """Return a connection over a connected socket."""
        link.setblocking(False)
        reader, writer = await asyncio.open_unix_connection(sock=link, limit=MAX_LINE)
        return cls(reader, writer, on_notification)

    async def run(self) -> None:
        """Read until the agent closes. Raises ProtocolError for what is no message of the protocol."""
        try:
            while (raw := await self._reader.readline()).endswith(b"\n"):
                self._receive(raw)
        except (ConnectionError, ValueError) as error:
            raise AgentUnavailable("the connection to the agent broke") from error
        finally:
            self.close()

    def _receive(self, raw: bytes) -> None:
        try:
            message = msgspec.json.decode(raw, type=Message)
        except msgspec.MsgspecError as error:
            raise ProtocolError("the agent sent something that is no JSON-RPC message") from error
        if message.method is not None:
            self._on_notification(message.method, message.params)
            return
        waiting = self._waiting.pop(message.id, None) if message.id is not None else None
        if waiting is None or waiting.done():
            return
        if message.error is not None:
            waiting.set_exception(_error(message.error))
        else:
            waiting.set_result(message.result if message.result is not None else msgspec.Raw(b"null"))

    async def call(self, method: str, params: object, kind: type[Answer], patience: float = TIMEOUT) -> Answer:
        """Send a request and return its result. Raises RequestFailed, Refused, or AgentUnavailable."""
        if self._writer.is_closing():
            raise AgentUnavailable("the connection to the agent broke")
        self._next_id += 1
        number = self._next_id
        waiting = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            self._writer.write(line(Request(method, msgspec.Raw(msgspec.json.encode(params)), number)))
            async with asyncio.timeout(patience):
                raw = await waiting
        except TimeoutError as error:
            raise AgentUnavailable(f"the agent did not answer `{method}` within {patience:.0f} s") from error
        except ConnectionError as error:
            raise AgentUnavailable("the connection to the agent broke") from error
        finally:
            self._waiting.pop(number, None)
        try:
            return msgspec.json.decode(raw, type=kind)
        except msgspec.MsgspecError as error:
            raise ProtocolError(f"the agent's answer to `{method}` is not understood: {error}") from error

    def close(self) -> None:
        """Close it; whoever waits for an answer is told."""
        self._writer.close()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(AgentUnavailable("the connection to the agent broke"))


def _error(problem: Problem) -> RequestFailed | Refused:
    if problem.code == REFUSED and problem.data is not None:
        data = problem.data
        check, reason, remedy = data.get("check", "guard"), data.get("reason", problem.message), data.get("remedy", "")
        return Refused(check, reason, remedy, breakable=data.get("breakable") == "yes")
    return RequestFailed(problem.message, problem.code)
