"""Secrets by reference: what the configuration holds is where a secret is, not what it is."""

import contextlib
import os
import signal
import subprocess

from perftui.config.paths import expanded
from perftui.core.aside import ask_aside
from perftui.core.errors import ConfigError
from perftui.core.known_secrets import remember

SCHEMES = ("env", "file", "keyring", "command")
COMMAND_TIMEOUT = 10.0
DEADLINES = {"file": 1.0, "keyring": COMMAND_TIMEOUT, "command": COMMAND_TIMEOUT + 1.0}
"""How many seconds what may block has to answer; the environment never does."""


class Secret:
    """A reference such as `env:NAME`, `file:PATH`, `keyring:NAME` or `command:…`; or, in a 0600 file, a literal.

    Never shows itself: its repr is `Secret(***)`. Two are equal when they say the same, so that a reload can tell.
    """

    __slots__ = ("_is_literal", "_reference")

    def __init__(self, reference: str) -> None:
        self._reference = reference
        self._is_literal = reference.partition(":")[0] not in SCHEMES

    @classmethod
    def literal(cls, text: str) -> "Secret":
        """Return a secret that is `text` itself, even where that looks like a reference."""
        secret = cls(text)
        secret._is_literal = True
        return secret

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def _key(self) -> tuple[str, bool]:
        return self._reference, self._is_literal

    @property
    def is_literal(self) -> bool:
        """Whether the secret itself stands in the configuration."""
        return self._is_literal

    @property
    def names_nothing(self) -> bool:
        """Whether it is empty, or a scheme with nothing after it (`env:`)."""
        return not (self._reference if self._is_literal else self._reference.partition(":")[2])

    async def ask(self) -> str:
        """Return the secret, asked on a thread of its own. Raises ConfigError, or DeadlineExceeded for what hangs."""
        scheme = self._reference.partition(":")[0]
        if self._is_literal or scheme not in DEADLINES:
            return self.reveal()
        # Which command it is stays untold: there may be a secret in it.
        what = "secret command" if scheme == "command" else f"secret {self._reference}"
        return await ask_aside(what, self.reveal, DEADLINES[scheme], key=self)

    def reveal(self) -> str:
        """Return the secret; may block on a file, a keyring or a command. Raises ConfigError, never naming it."""
        secret = self._read()
        remember(secret)  # by its hash, so that the log can leave it out
        return secret

    def _read(self) -> str:
        scheme, _, rest = self._reference.partition(":")
        if self._is_literal:
            return self._reference
        match scheme:
            case "env":
                return _from_environment(rest)
            case "file":
                return _from_file(rest)
            case "keyring":
                return _from_keyring(rest)
            case _:
                return _from_command(rest)


def _from_environment(name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise ConfigError(f"secret env:{name}: the environment has no {name}")
    return value


def _from_file(path: str) -> str:
    try:
        return expanded(path).read_text().strip()
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
        process = subprocess.Popen(
            command,
            shell=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise ConfigError(f"secret command: it cannot be started: {error.strerror}") from error
    with process:
        try:
            output, _ = process.communicate(timeout=COMMAND_TIMEOUT)
        except subprocess.TimeoutExpired as error:
            # Not the shell alone: what it started holds the pipe.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise ConfigError(f"secret command: no answer within {COMMAND_TIMEOUT:.0f} s") from error
    if process.returncode:
        raise ConfigError("secret command: it failed; run it by hand to see why")
    try:
        return output.decode().strip()
    except UnicodeDecodeError as error:
        raise ConfigError("secret command: what it says is not text") from error
