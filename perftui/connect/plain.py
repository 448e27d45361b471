"""Failures of the network in plain words, the same for every driver."""

import socket
import ssl
from collections.abc import Iterator

from perftui.core.errors import ConfigError, Denied
from perftui.core.text import clean


def network_reason(error: BaseException) -> str:
    """Return why a connection failed: the most telling error of the chain that led to `error`."""
    chain = list(_chain(error))
    for kind in (ssl.SSLError, socket.gaierror, OSError):
        for link in chain:
            if isinstance(link, kind) and _describe(link):
                return _describe(link)
    return clean(str(error), 200) or type(error).__name__


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
            return f"TLS failed: {clean(str(error.reason or error), 200)}"
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
    return clean(error.strerror or "", 200)
