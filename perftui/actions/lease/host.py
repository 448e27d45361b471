"""The lease on what belongs to this host: an abstract Unix socket (unix(7)), which the kernel frees with its holder.

It is named by the thing and not by the source: the host, the systemd of a scope, the address of a supervisord. It is
one of the network namespace: agents in containers of their own do not see it, nor each other's processes, and of a
supervisord elsewhere it keeps only the agents of this host apart. `PERFTUI_LEASE_SCOPE` sets agents apart that must
not meet (tests).

Every user of the host may take such a name, so root minds no holder but root.
"""

import asyncio
import errno
import hashlib
import os
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from typing import NamedTuple

from perftui.actions.lease.held import ALREADY, held_by
from perftui.actions.lease.shared import Lease
from perftui.config.address import address_of, normalised
from perftui.config.kinds import SupervisorOptions, SystemdOptions
from perftui.config.settings import SourceSettings
from perftui.core.text import clean

TRIES, APART = 5, 0.02
BACKLOG = 4096
"""How many may ask whose it is: nobody is ever accepted."""
_CREDENTIALS = struct.Struct("3i")
_OURS: set[str] = set()
"""The names that this process holds: one thing may be configured as two sources, and a bundle may want both."""


class _Holder(NamedTuple):
    """Who holds a name, in words; `uid` is None where the kernel did not tell."""

    words: str = "another process of this host"
    uid: int | None = None


@asynccontextmanager
async def host_lease(source: SourceSettings) -> AsyncIterator[Lease]:
    """Hold what a source of this host stands for. Raises Refused while another process does."""
    name = _name(source)
    with ExitStack() as stack:
        note = ALREADY if name in _OURS else await _hold(name, source.name, stack)
        yield Lease(note=note)


def _name(source: SourceSettings) -> str:
    match source.options:
        case SystemdOptions(scope="user"):
            thing = f"systemd of user {os.getuid()}"
        case SupervisorOptions():
            thing = f"supervisor {normalised(address_of(source.options))}"
        case _:
            thing = source.kind
    digest = hashlib.sha256(f"{thing}{os.environ.get('PERFTUI_LEASE_SCOPE', '')}".encode()).hexdigest()
    return f"\0perftui/lease/{source.kind}/{digest[:16]}"


async def _hold(name: str, target: str, stack: ExitStack) -> str:
    """Hold a name until the stack ends, or return why that is gone without. Raises Refused."""
    try:
        own = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        holder = await _bind(own, name)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        return f"no lease: the name of {target} cannot be taken ({why}); another perftui would not be noticed"
    if holder is None:
        _OURS.add(name)
        stack.callback(_OURS.discard, name)
        return ""
    if os.geteuid() == 0 and holder.uid != 0:
        return f"no lease: {holder.words} has taken the name of {target}, and only root's would keep root off"
    raise held_by(holder.words, target)


async def _bind(own: socket.socket, name: str) -> _Holder | None:
    """Take a name, or return who has it. Raises OSError."""
    for _ in range(TRIES):
        try:
            own.bind(name)
            own.listen(BACKLOG)
            return None
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
        try:
            return _holder(name)
        except ConnectionRefusedError:  # gone meanwhile, or not listening yet
            await asyncio.sleep(APART)
    return _Holder()


def _holder(name: str) -> _Holder:
    """Return whose socket it is, as the kernel and /proc tell. Raises ConnectionRefusedError where nobody listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.setblocking(False)
        try:
            asking.connect(name)
        except BlockingIOError:  # its backlog is full
            return _Holder()
        raw = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid, uid, _ = _CREDENTIALS.unpack(raw)
    try:
        with open(f"/proc/{pid}/comm", "rb") as file:
            command = clean(file.read().strip(), 40)
    except OSError:
        command = "a process"
    return _Holder(f"{command} (pid {pid}) of uid {uid}", uid)
