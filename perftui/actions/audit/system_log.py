"""The log of the system, for what the audit log cannot take: the datagram that syslog(3) sends, by which journald and
every syslog daemon are reached.

Written here, because the standard library's `syslog` does not tell whether anybody took it.
"""

import os
import socket
from pathlib import Path

SYSTEM_LOG = Path("/dev/log")
TIMEOUT = 1.0
_PRIORITY = 1 << 3 | 4
"""Facility user, severity warning (RFC 5424, 6.2.1)."""


def send(text: bytes, path: Path = SYSTEM_LOG) -> bool:
    """Write one line as `perftui`; return whether the system took it. Blocks for 1 s at most."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
        link.settimeout(TIMEOUT)
        try:
            link.connect(str(path))
            link.send(b"<%d>perftui[%d]: %b" % (_PRIORITY, os.getpid(), text))
        except OSError:
            return False
    return True
