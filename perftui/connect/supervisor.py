"""supervisord's XML-RPC over its Unix socket or TCP: one short HTTP/1.0 exchange a call, bounded, with a deadline.

Facts, from supervisor 4's rpcinterface.py and xmlrpc.py: POST /RPC2, basic authentication, faults with the codes below.
The namespec of a program is `GROUP:NAME`, or `NAME` where both are the same. `startProcess(name, wait)` raises
SPAWN_ERROR at once when the exec fails; it counts as RUNNING after `startsecs`. `exitstatus` is -1 after a signal.
"""

import asyncio
import base64
from typing import Any
from urllib.parse import urlsplit

from perftui.config.address import address_of
from perftui.config.kinds import SupervisorOptions
from perftui.connect.plain import network_reason, no_secret
from perftui.connect.units import Unit
from perftui.core.errors import BadAnswer, ConfigError, DeadlineExceeded, Denied, SourceError, Unreachable
from perftui.core.text import clean

DEADLINE = 5.0
MOST_BODY = 4 << 20
_HEAD = 16 << 10
_FAULTS = {
    1: "it is too old: it does not know this call",
    6: "it is shutting down",
    10: "there is no such program",
    20: "its program file does not exist",
    21: "its program file cannot be executed",
    30: "it failed",
    40: "it ended at once",
    50: "it could not be started",
    60: "it runs already",
    70: "it does not run",
}
_STATES = {
    "STOPPED": ("inactive", "dead"),
    "STARTING": ("activating", "start"),
    "RUNNING": ("active", "running"),
    "BACKOFF": ("activating", "auto-restart"),
    "STOPPING": ("deactivating", "stop"),
    "EXITED": ("inactive", "exited"),
    "FATAL": ("failed", "fatal"),
    "UNKNOWN": ("failed", "unknown"),
}


class Fault(BadAnswer):
    """supervisord refused a call; `code` is that of its Faults."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Supervisor:
    """One supervisord. Every method raises SourceError; no connection is held between two calls."""

    def __init__(self, options: SupervisorOptions) -> None:
        self.place = address_of(options)
        self._options = options

    async def units(self) -> list[Unit]:
        """Return every program."""
        infos = await self.call("supervisor.getAllProcessInfo")
        if not isinstance(infos, list):
            raise BadAnswer(f"{self.place}: getAllProcessInfo gave no list")
        return [unit_of(info) for info in infos if isinstance(info, dict)]

    async def autostarted(self) -> frozenset[str]:
        """Return the programs that are started with supervisord; a supervisor before 4.0 cannot tell."""
        configs = await self.call("supervisor.getAllConfigInfo")
        rows = [each for each in configs if isinstance(each, dict)] if isinstance(configs, list) else []
        return frozenset(namespec(each) for each in rows if each.get("autostart"))

    async def tail(self, name: str, stream: str, size: int = 4096) -> str:
        """Return the last `size` bytes that a program wrote to `Stderr` or `Stdout`, not cleaned."""
        found = await self.call(f"supervisor.tailProcess{stream}Log", name, 0, size)
        return str(found[0]) if isinstance(found, list) and found else ""

    async def call(self, method: str, *params: str | int | bool) -> Any:
        """Call a method. Raises Fault, Unreachable, Denied, DeadlineExceeded or BadAnswer."""
        import xmlrpc.client  # here: 20 ms that an agent without supervisord never spends
        from xml.parsers.expat import ExpatError

        body = await self._exchange(xmlrpc.client.dumps(params, method).encode())
        if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
            raise BadAnswer(f"{self.place}: its answer declares entities, which is not XML-RPC")
        try:
            (result,), _ = xmlrpc.client.loads(body)
        except xmlrpc.client.Fault as fault:
            code = int(fault.faultCode)
            subject = f"{clean(str(params[0]), 80)}: " if params else ""
            why = _FAULTS.get(code) or clean(str(fault.faultString), 200)
            raise Fault(f"{self.place}: {subject}{why}", code) from None
        except (xmlrpc.client.Error, ExpatError, ValueError, TypeError, KeyError, IndexError) as error:
            raise BadAnswer(f"{self.place}: its answer is not XML-RPC") from error
        return result

    async def _exchange(self, body: bytes) -> bytes:
        try:
            async with asyncio.timeout(DEADLINE):
                head, answer = await self._post(body)
        except TimeoutError as error:
            raise DeadlineExceeded(f"{self.place}: no answer within {DEADLINE:.0f} s") from error
        except PermissionError as error:
            raise Denied(f"{self.place}: this account may not use the socket: run the agent as its owner") from error
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            raise Unreachable(f"{self.place}: {network_reason(error)}") from error
        status = head.split(b" ", 2)[1:2]
        if status == [b"401"]:
            raise Denied(f"{self.place}: wrong username or password: check both in perftui.toml")
        if status != [b"200"]:
            raise BadAnswer(f"{self.place}: no supervisord answers there: {clean(head.splitlines()[0], 80)}")
        if len(answer) > MOST_BODY:
            raise BadAnswer(f"{self.place}: its answer is larger than {MOST_BODY >> 20} MiB")
        return answer

    async def _post(self, body: bytes) -> tuple[bytes, bytes]:
        lines = ["POST /RPC2 HTTP/1.0", "Host: localhost", "Content-Type: text/xml", f"Content-Length: {len(body)}"]
        lines += [f"Authorization: Basic {word}" for word in await self._credentials()]
        reader, writer = await self._connect()
        try:
            writer.write("\r\n".join([*lines, "", ""]).encode() + body)
            await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
            return head, await _rest(reader)
        finally:
            writer.transport.abort()

    async def _credentials(self) -> list[str]:
        options = self._options
        if not options.username and options.password is None:
            return []
        try:
            password = await options.password.ask() if options.password else ""
        except (ConfigError, SourceError) as error:
            raise no_secret(self.place, ConfigError(str(error))) from error
        return [base64.b64encode(f"{options.username}:{password}".encode()).decode()]

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.place.startswith("/"):
            return await asyncio.open_unix_connection(self.place, limit=_HEAD)
        url = urlsplit(self._options.url)
        return await asyncio.open_connection(url.hostname, url.port or 80, limit=_HEAD)


async def _rest(reader: asyncio.StreamReader) -> bytes:
    """Return what comes until the end, at most a little more than is allowed."""
    body = bytearray()
    while len(body) <= MOST_BODY and (chunk := await reader.read(1 << 16)):
        body += chunk
    return bytes(body)


def namespec(info: dict[str, Any]) -> str:
    """Return the name of a program as supervisorctl writes it."""
    group, name = clean(str(info.get("group", "")), 100), clean(str(info.get("name", "")), 100)
    return name if group in ("", name) else f"{group}:{name}"


def unit_of(info: dict[str, Any]) -> Unit:
    """Return the unit of a program's info; supervisor does not tell how often it restarted one."""
    state = str(info.get("statename", ""))
    active, sub = _STATES.get(state, ("failed", "unknown"))
    status, error = _number(info, "exitstatus"), clean(str(info.get("spawnerr", "")), 200)
    if error.startswith("Bad exit code"):  # the status says it
        error = ""
    if state == "EXITED" and status:
        active = "failed"
    started, stopped = _number(info, "start"), _number(info, "stop")
    pid = _number(info, "pid") or None
    return Unit(
        name=namespec(info),
        active=active,
        sub=sub,
        result=_result(active, status, error),
        exit=_exit(active, status, error),
        since=float(started if active in ("active", "activating") else stopped) or None,
        pid=pid,
        invocation=f"{started}/{pid or 0}",
        # Fit for the table: its own words ("pid 7, uptime 0:00:03") change at each poll.
        description=clean(str(info.get("group", "")), 100),
    )


def _number(info: dict[str, Any], name: str) -> int:
    value = info.get(name)
    return value if isinstance(value, int) else 0


def _result(active: str, status: int, error: str) -> str:
    if active not in ("failed", "activating"):
        return "success"
    return "spawn-error" if error else "signal" if status < 0 else "exit-code" if status else "success"


def _exit(active: str, status: int, error: str) -> str:
    if active not in ("failed", "activating"):
        return ""
    how = "killed by a signal" if status < 0 else f"exit {status}" if status else ""
    return f"{how}, {error}" if how and error else how or error
