"""Secrets by reference: what the configuration holds is where a secret is, not what it is."""

import os
import subprocess
from pathlib import Path

from perftui.core.errors import ConfigError

SCHEMES = ("env", "file", "keyring", "command")
COMMAND_TIMEOUT = 10.0


class Secret:
    """A reference such as `env:NAME`, `file:PATH`, `keyring:NAME` or `command:…`; or, in a 0600 file, a literal.

    Never shows itself: its repr is `Secret(***)`.
    """

    __slots__ = ("_reference",)

    def __init__(self, reference: str) -> None:
        self._reference = reference

    def __repr__(self) -> str:
        return "Secret(***)"

    @property
    def is_literal(self) -> bool:
        """Whether the secret itself stands in the configuration."""
        return self._reference.partition(":")[0] not in SCHEMES

    def reveal(self) -> str:
        """Return the secret; may block on a file, a keyring or a command. Raises ConfigError, never naming it."""
        scheme, _, rest = self._reference.partition(":")
        match scheme:
            case "env":
                return _from_environment(rest)
            case "file":
                return _from_file(rest)
            case "keyring":
                return _from_keyring(rest)
            case "command":
                return _from_command(rest)
        return self._reference


def _from_environment(name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise ConfigError(f"secret env:{name}: the environment has no {name}")
    return value


def _from_file(path: str) -> str:
    try:
        return Path(path).expanduser().read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"secret file:{path}: {getattr(error, 'strerror', None) or 'is not text'}") from error


def _from_keyring(name: str) -> str:
    try:
        import keyring
    except ImportError as error:
        raise ConfigError(f"secret keyring:{name}: the package keyring is not installed") from error
    value: str | None = keyring.get_password("perftui", name)
    if value is None:
        raise ConfigError(f'secret keyring:{name}: the keyring has no "{name}" for the service "perftui"')
    return value


def _from_command(command: str) -> str:
    try:
        done = subprocess.run(
            command, shell=True, capture_output=True, text=True, timeout=COMMAND_TIMEOUT, check=True
        )
    except subprocess.TimeoutExpired as error:
        raise ConfigError(f"secret command: no answer within {COMMAND_TIMEOUT:.0f} s") from error
    except (subprocess.CalledProcessError, OSError) as error:
        raise ConfigError("secret command: it failed; run it by hand to see why") from error
    return done.stdout.strip()
