"""The [client] section of a my.cnf: how the MySQL and MariaDB command-line tools connect.

The format is theirs: `key=value` lines in `[groups]`, dashes and underscores alike, optional quotes, `#` begins a
comment outside quotes (MySQL manual, "Using Option Files"). `!include` lines are not followed.
"""

import os
import re
import stat
from pathlib import Path

import msgspec

from perftui.config.secret import Secret
from perftui.core.errors import ConfigError
from perftui.core.text import clean

LARGEST = 64 << 10
_QUOTED = re.compile(r"""(['"])(.*?)\1\s*(?:#.*)?""")


class ClientDefaults(msgspec.Struct, frozen=True, kw_only=True):
    """What the file says; empty or None where it says nothing."""

    user: str = ""
    password: Secret | None = None
    socket: str = ""
    host: str = ""
    port: int | None = None


def read_client_defaults(path: Path) -> ClientDefaults | None:
    """Return what the [client] section of `path` says, None without such a file. Raises ConfigError (one line)."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & stat.S_IWOTH:
                raise ConfigError(f"{path}: ignored, because anybody may write to it")
            text = file.read(LARGEST).decode()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {getattr(error, 'strerror', None) or 'is not UTF-8 text'}") from error
    try:
        return _defaults(_client_section(text))
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error


def _client_section(text: str) -> dict[str, str]:
    group, values = None, {}
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line[0] in "#;!":
            continue
        if line[0] == "[":
            name, closed, _ = line[1:].partition("]")
            if not closed:
                raise ValueError(f'line {number}: "[" is never closed')
            group = name.strip().lower()
        elif group is None:
            raise ValueError(f"line {number}: stands before any [group]")
        elif group == "client":
            key, _, value = line.partition("=")
            values[key.strip().replace("_", "-")] = _unquoted(value.strip())
    return values


def _unquoted(value: str) -> str:
    quoted = _QUOTED.fullmatch(value)
    return quoted[2] if quoted else value.partition("#")[0].rstrip()


def _defaults(values: dict[str, str]) -> ClientDefaults:
    port = values.get("port", "")
    if port and not (port.isdecimal() and len(port) <= 5 and 0 < int(port) < 65536):
        raise ValueError("port is not a number from 1 to 65535")
    password = values.get("password")
    return ClientDefaults(
        user=clean(values.get("user", "")),
        password=Secret.literal(password) if password else None,
        socket=clean(values.get("socket", "")),
        host=clean(values.get("host", "")),
        port=int(port) if port else None,
    )
