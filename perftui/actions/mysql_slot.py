"""A connection to a database that may be full: the one beyond max_connections is taken as soon as it is free.

MySQL and MariaDB keep it for accounts that may close others' connections (both manuals, "Too many connections"); a
server frees it a moment after whoever had it has hung up.
"""

import asyncio
from typing import Protocol

from perftui.core.errors import Unreachable

NO_SLOT = "has no free connection"
"""What connect says of a full server (error 1040)."""
ATTEMPTS = 20
PAUSE = 0.05


class Opening(Protocol):
    """What can be opened; a MySQLConnection is one."""

    async def open(self) -> None:
        """Connect. Raises SourceError."""


async def open_when_free(link: Opening) -> None:
    """Open a connection; on a full server try for a second. Raises SourceError."""
    for _ in range(ATTEMPTS - 1):
        try:
            return await link.open()
        except Unreachable as error:
            if NO_SLOT not in str(error):
                raise
        await asyncio.sleep(PAUSE)
    await link.open()
    return None
