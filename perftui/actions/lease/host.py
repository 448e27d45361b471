"""The lease on what belongs to this host: an abstract Unix socket (unix(7)), which the kernel frees with its holder.

It is one of the network namespace: agents in containers of their own do not see it, nor each other's processes.
`PERFTUI_LEASE_SCOPE` sets agents apart that must not meet (tests).
"""

import os
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from perftui.actions.lease.held import held_by
from perftui.actions.lease.shared import Lease
from perftui.config.settings import SourceSettings
from perftui.core.text import clean

_CREDENTIALS = struct.Struct("3i")


@asynccontextmanager
async def host_lease(source: SourceSettings) -> AsyncIterator[Lease]:
    """Hold a source of this host. Raises Refused while another process does."""
    name = f"\0perftui/lease/{source.kind}/{source.name}{os.environ.get('PERFTUI_LEASE_SCOPE', '')}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as own:
        try:
            own.bind(name[:108])
        except OSError as error:
            raise held_by(_holder(name[:108]), source.name) from error
        own.listen(1)  # never accepted: it lets who comes second ask the kernel whose it is
        yield Lease()


def _holder(name: str) -> str:
    """Return whose socket it is, as the kernel and /proc tell."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.setblocking(False)
        try:
            asking.connect(name)
            raw = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
            pid = _CREDENTIALS.unpack(raw)[0]
            with open(f"/proc/{pid}/comm", "rb") as file:
                return f"{clean(file.read().strip(), 40)} (pid {pid})"
        except OSError:
            return "another perftui on this host"
