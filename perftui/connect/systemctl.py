"""systemd through `systemctl`: properties of units, and the jobs that change them; no shell, no pager, no password.

Facts. From systemctl(1) and org.freedesktop.systemd1(5) of systemd 252: `show` prints a block `NAME=VALUE` a unit, with
an empty line between two blocks; patterns match the units that are in memory, `--all` also the inactive ones; empty
properties are left out without `--all`; `set-property --runtime` holds until the next boot; an empty `CPUQuota=` takes
the quota away. From the binary of 252: `[not set]`, `infinity`, "System has not been booted with systemd as init
system". Recalled: names that do not exist come as a block with LoadState=not-found; timestamps are printed in $TZ as
`Sat 2026-11-21 16:39:05 UTC`; "Interactive authentication required", "Access denied", "Unit X not found." are what a
refused verb prints; a job that was queued by `--no-block` stands in `Job` as soon as the verb has returned.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal

from perftui.connect.program import Ended, ask_program
from perftui.core.errors import BadAnswer, Denied, SourceError, Unreachable
from perftui.core.text import clean

SHOW_DEADLINE = 5.0
VERB_DEADLINE = 10.0
MOST_UNITS_A_CALL = 200
ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": "", "SYSTEMD_URLIFY": "0"}
Scope = Literal["system", "user"]
Properties = dict[str, str]
_NAME = re.compile(r"[A-Za-z0-9:_.\\@][A-Za-z0-9:_.\\@-]{0,254}")
_SUFFIXES = ("service", "socket", "timer", "target", "path", "mount", "automount", "swap", "slice", "scope", "device")
_LENGTHS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_LENGTH = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s|min|h|d|w)")


class Systemctl:
    """The manager of the system, or of the user who runs the agent. Every method raises SourceError.

    Unreachable: no systemctl, or no systemd; Denied: polkit or D-Bus refused; DeadlineExceeded; BadAnswer: what
    systemctl itself said against it, in its words.
    """

    def __init__(self, scope: Scope = "system") -> None:
        self.scope = scope

    async def show(self, units: Sequence[str], properties: Sequence[str]) -> list[Properties]:
        """Return the properties of each unit, or of all that match the patterns among `units`; values are cleaned."""
        found: list[Properties] = []
        for start in range(0, len(units), MOST_UNITS_A_CALL):
            some = units[start : start + MOST_UNITS_A_CALL]
            ended = await self._run(SHOW_DEADLINE, "show", "--all", f"--property={','.join(properties)}", "--", *some)
            found += parse_show(ended.output)
        return found

    async def verb(self, verb: str, units: Sequence[str]) -> None:
        """Queue the jobs of `start`, `stop`, `restart` or `reload`; whether they get there, `show` tells."""
        await self._run(VERB_DEADLINE, verb, "--no-block", "--", *units)

    async def reset_failed(self, unit: str) -> None:
        """Forget that it failed and how often it was started."""
        await self._run(VERB_DEADLINE, "reset-failed", "--", unit)

    async def set_runtime(self, unit: str, assignments: Mapping[str, str]) -> None:
        """Set properties until the next boot; an empty value takes one away."""
        pairs = [f"{name}={value}" for name, value in assignments.items()]
        await self._run(VERB_DEADLINE, "set-property", "--runtime", "--", unit, *pairs)

    def words(self, *rest: str) -> list[str]:
        """Return the command as one would type it."""
        return ["systemctl", *(["--user"] if self.scope == "user" else []), *rest]

    async def _run(self, deadline: float, *rest: str) -> Ended:
        ended = await ask_program(self.words("--no-ask-password", "--no-pager", *rest), deadline, ENVIRONMENT)
        if ended.status:
            raise _failure(ended, self.scope)
        return ended


def _failure(ended: Ended, scope: Scope) -> SourceError:
    said = ended.errors.lower()
    if "not been booted with systemd" in said:
        return Unreachable("systemd does not run on this host")
    if "failed to connect to" in said and "bus" in said:
        whose = "the user's systemd" if scope == "user" else "systemd"
        return Unreachable(f"{whose} does not answer: {ended.reason}")
    if any(words in said for words in ("authentication required", "access denied", "permission denied")):
        who = (
            "may not change units: run the agent as root, or let polkit grant it org.freedesktop.systemd1.manage-units"
        )
        return Denied(f"systemd refused: this account {who}")
    return BadAnswer(f"systemctl: {ended.reason}")


def parse_show(output: str) -> list[Properties]:
    """Return the blocks of `systemctl show`; `[not set]` counts as empty."""
    found: list[Properties] = []
    block: Properties = {}
    for line in (*output.splitlines(), ""):
        name, equals, value = line.partition("=")
        if equals:
            block[name] = "" if value == "[not set]" else clean(value, 4000)
        elif not line.strip() and block:
            found.append(block)
            block = {}
    return found


def unit_name(text: str) -> str:
    """Return the full name of one unit, `.service` added where nothing is said. Raises ValueError for what is none."""
    name = text if text.rpartition(".")[2] in _SUFFIXES else f"{text}.service"
    if not _NAME.fullmatch(name) or name.startswith("."):
        raise ValueError(f"{clean(text, 80)} is no name of a unit")
    return name


def moment(text: str) -> float | None:
    """Return a timestamp as systemd prints it with TZ=UTC, in wall seconds; None where it has none."""
    parts = text.split()
    if len(parts) != 4 or parts[3] != "UTC":
        return None
    try:
        return datetime.fromisoformat(f"{parts[1]}T{parts[2]}").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def amount(text: str) -> float | None:
    """Return a number, such as bytes; None for `infinity` and where it is not set."""
    return float(text) if text.isdecimal() else None


def length(text: str) -> float | None:
    """Return a time span as systemd prints it (`500ms`, `1.500000s`, `1min 30s`) in seconds; None for `infinity`."""
    parts = text.split()
    matches = [_LENGTH.fullmatch(part) for part in parts]
    if not parts or None in matches:
        return 0.0 if text == "0" else None
    return sum(float(match[1]) * _LENGTHS[match[2]] for match in matches if match is not None)
