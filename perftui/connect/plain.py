"""Failures of the network in plain words, the same for every driver."""

import os
import re
import socket
import ssl
from collections.abc import Iterator

from perftui.core.aside import ask_aside
from perftui.core.errors import ConfigError, Denied
from perftui.core.text import clean

TRUST_DEADLINE = 2.0
_CONNECT_FAILED = re.compile(r"\[Errno (\d+)\] Connect call failed")


def network_reason(error: BaseException) -> str:
    """Return why a connection failed: the most telling error of the chain that led to `error`."""
    chain = list(_chain(error))
    for kind in (ssl.SSLError, socket.gaierror, OSError):
        for link in chain:
            if isinstance(link, kind) and _describe(link):
                return _describe(link)
    return clean(str(error), 200) or type(error).__name__


async def trust(ca_file: str, who: str) -> ssl.SSLContext:
    """Return the TLS context that trusts `ca_file`, the system's authorities when empty; one for each `who`.

    Raises ConfigError, or DeadlineExceeded when the file hangs.
    """
    what = f"ca_file {ca_file}" if ca_file else "the system's list of certificate authorities"
    try:
        return await ask_aside(
            what, lambda: ssl.create_default_context(cafile=ca_file or None), TRUST_DEADLINE, key=(who, ca_file)
        )
    except OSError as error:
        raise ConfigError(f"{what}: {error.strerror or 'holds no certificate'}") from error


def no_secret(address: str, error: ConfigError) -> Denied:
    """Return the error of a source whose secret cannot be had."""
    return Denied(f"{address}: {error}")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    for _ in range(10):
        if error is None:
            return
        yield error
        if isinstance(error, BaseExceptionGroup):
            yield from error.exceptions
        error = error.__cause__ or error.__context__


def _describe(error: OSError) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"its TLS certificate is not trusted: {clean(error.verify_message, 200)}"
        case ssl.SSLError():
            return f"TLS failed: {clean(getattr(error, 'reason', '') or str(error), 200)}"
        case socket.gaierror():
            return f"its name cannot be resolved: {clean(error.strerror or '', 100)}"
        case ConnectionRefusedError():
            return "connection refused: nothing listens there"
        case FileNotFoundError():
            return "the socket does not exist"
        case TimeoutError():
            return "no answer in time"
        case ConnectionResetError() | BrokenPipeError():
            return "it closed the connection"
    if error.errno:
        return os.strerror(error.errno).lower()
    # A name with several addresses: asyncio makes one error of all.
    several = _CONNECT_FAILED.search(str(error))
    return _describe(OSError(int(several[1]), "")) if several else ""
